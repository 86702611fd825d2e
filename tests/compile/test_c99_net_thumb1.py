"""Nets whose weights are instructions: text of a small layer, bits of the integers in emulation."""

from __future__ import annotations

import itertools
import re

import numpy as np
import pytest

from midge import build, model_file
from midge.compile import c99, c99_net_thumb1
from midge.compile.net import Layer, Net
from midge.compile.net_integer import LayerIntegers
from midge.compile.verdict import Verdict


def test_what_weights_cost() -> None:
    weights = LayerIntegers(np.array([[0, 1, -4, 300, -7]]), np.array([5]), 0)
    lines = list(c99_net_thumb1.layer(weights, is_relu=False, is_positive=True, is_sparse=False))
    assert lines[1:-5] == [
        "movs r4, #5",
        *("ldrh r2, [r0, #2]", "adds r4, r4, r2"),
        *("ldrh r2, [r0, #4]", "lsls r3, r2, #2", "subs r4, r4, r3"),
        *("ldrh r2, [r0, #6]", "ldr r3, =300", "muls r3, r2, r3", "adds r4, r4, r3"),
        *("ldrh r2, [r0, #8]", "movs r3, #7", "muls r3, r2, r3", "subs r4, r4, r3"),
    ]


def net(seed: int, activation: str, sizes: list[int]) -> model_file.Model:
    source = np.random.default_rng(seed)
    layers = []
    for n_in, n_out in itertools.pairwise(sizes):
        weights = source.normal(size=(n_out, n_in)) / n_in**0.5
        weights[source.random((n_out, n_in)) < 0.2] = 0
        # The others of a power of two of the largest: shifts.
        weights[source.random((n_out, n_in)) < 0.1] = np.abs(weights).max() / 4
        layers.append(Layer(weights, source.normal(size=n_out) * 0.1))
    n_out = sizes[-1]
    X = np.where(source.random((80, sizes[0])) < 0.5, 0, source.integers(0, 200, (80, sizes[0])))
    zeros = np.zeros(sizes[0])
    ir = Net(
        tuple(layers),
        activation,
        Verdict("highest", "softmax", n_out),
        zeros,
        zeros,
        np.zeros(len(layers) - 1),
    )
    rows = X.astype(np.int16)
    return model_file.create(ir, rows, name="n", labels=[str(c) for c in range(n_out)])


@pytest.mark.parametrize(
    ("activation", "sizes"),
    [
        ("relu", [70, 25, 12]),
        ("relu", [3, 5, 11, 6]),
        ("tanh", [40, 23, 4]),
        ("relu", [140, 8, 3]),
        ("relu", [6, 3]),
    ],
)
def test_the_bits_of_the_integers(activation: str, sizes: list[int]) -> None:
    model = net(len(sizes) + sizes[0], activation, sizes)
    assert build.build(model, "armv6m", layout="code").rows > 100


def test_large_nets_stay_tables() -> None:
    large, small = (c99.sources(net(1, "relu", [n, 30, 3]), layout="code")["model.c"] for n in (200, 20))
    assert not re.search("ldrh r2", large)
    assert re.search("ldrh r2", small)
