"""Weights of 8, 6 and 4 bits: the very numbers in fewer bytes, the same bits on every target."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier

import midge
from midge import build, model_file
from midge.compile import c99_net_table, ir, net_integer
from midge.compile.net import Net
from midge.compress import bits
from midge.errors import ModelError


@pytest.fixture(scope="module")
def digits() -> tuple[Any, Any, Net]:
    X, y = load_digits(return_X_y=True)
    X = X.astype(np.int16)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fitted = MLPClassifier((17,), max_iter=60, random_state=1).fit(X[::2], y[::2])
    net = midge.compile(fitted, X[::2]).model.ir
    assert isinstance(net, Net)
    return X, y, net


def module(net: Net, X: Any, target: str = "armv6m") -> build.BuiltModule:
    model = model_file.create(
        net.calibrated(X), X[:300], name="m", labels=[str(i) for i in range(net.n_scores)]
    )
    return build.build(model, target, layout="table")


@pytest.mark.parametrize("n_bits", [8, 6, 4])
def test_bytes_shrink_and_answers_stay(digits: tuple[Any, Any, Net], n_bits: int) -> None:
    X, y, net = digits
    packed = bits.net(net, n_bits)
    assert packed is not None
    whole = sum(layer.weights.size for layer in net.layers)
    before, after = module(net, X), module(packed, X)
    assert after.module_bytes < before.module_bytes - whole * (16 - n_bits) / 8 + 900
    found = net_integer.predict(net_integer.lower(packed.calibrated(X)), X)[1]
    was = net_integer.predict(net_integer.lower(net), X)[1]
    rest = np.arange(len(X)) % 2 == 1
    loss = (was == y)[rest].mean() - (found == y)[rest].mean()
    assert loss < {8: 0.005, 6: 0.01, 4: 0.05}[n_bits]


@pytest.mark.parametrize("target", ["armv7emsp", "rv32imc", "xtensawin"])
def test_targets_give_the_same_bits(digits: tuple[Any, Any, Net], target: str) -> None:
    X, _, net = digits
    for n_bits in (8, 6, 4):
        packed = bits.net(net, n_bits)
        assert packed is not None
        # build() compares golden rows, extremes among them.
        assert module(packed, X, target).rows > 100


@pytest.mark.parametrize("n_bits", [8, 6, 4])
@pytest.mark.parametrize("n_in", [1, 2, 3, 4, 9])
def test_what_is_packed_comes_out_again(n_bits: int, n_in: int) -> None:
    most = (1 << (n_bits - 1)) - 1
    whole = np.random.default_rng(n_in).integers(-most, most + 1, (3, n_in))
    layer = net_integer.LayerIntegers(
        whole * np.array([[1], [5], [9]]), np.zeros(3, np.int64), 0, n_bits, np.array([1, 5, 9])
    )
    found = int.from_bytes(c99_net_table.packed(layer).tobytes(), "little")
    stride = n_in + -n_in % 4
    for row in range(3):
        for at in range(n_in):
            raw = found >> (n_bits * (row * stride + at)) & ((1 << n_bits) - 1)
            assert raw - (raw >> (n_bits - 1) << n_bits) == whole[row, at]


def test_linear_models_become_nets_of_one_layer() -> None:
    X, y = load_digits(return_X_y=True)
    X = X.astype(np.int16)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fitted = LogisticRegression(max_iter=60).fit(X[::2], y[::2])
    linear: Any = midge.compile(fitted, X[::2]).model.ir
    packed = bits.linear(linear, 8)
    assert packed is not None
    found = net_integer.predict(net_integer.lower(packed.calibrated(X)), X)[1]
    assert (found == y).mean() > (fitted.predict(X) == y).mean() - 0.01
    assert bits.net(packed, 8) is None


def test_model_files_keep_bits_and_steps(digits: tuple[Any, Any, Net]) -> None:
    packed = bits.net(digits[2], 6)
    assert packed is not None
    data = packed.to_json()
    assert ir.from_json(data).to_json() == data
    for bad in ({"bits": 5}, {"steps": [1.0]}, {"steps": [0.0] * 17}):
        with pytest.raises(ModelError, match="layer 0"):
            ir.from_json(data | {"layers": [data["layers"][0] | bad, data["layers"][1]]})
