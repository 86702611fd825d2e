"""Nets along time in numpy: slopes against differences, folding, and the same values as PyTorch gives."""

from __future__ import annotations

import numpy as np
import pytest

from midge.nets import time_network
from midge.nets.blocks import Block, Operation, operations
from midge.nets.time_network import Network

LENGTH, CHANNELS, CLASSES = 13, 4, 3
BLOCKS = (
    Block("conv", 6, (5, 1), (2, 1)),
    Block("separable", 8, (4, 1), (2, 1)),
    Block("residual", 8, (3, 1)),
)


def plan() -> list[Operation]:
    return operations(BLOCKS, (LENGTH, 1, CHANNELS), CLASSES)


@pytest.fixture
def network() -> Network:
    rng = np.random.default_rng(5)
    made = Network(plan(), LENGTH, CHANNELS, rng)
    made.values += rng.normal(0, 0.1, made.values.shape).astype(np.float32)
    return made


@pytest.fixture
def rows() -> np.ndarray:
    return np.random.default_rng(6).normal(size=(7, LENGTH, CHANNELS)).astype(np.float32)


def test_slopes_are_those_of_small_differences(network: Network, rows: np.ndarray) -> None:
    weights = np.random.default_rng(7).normal(size=(len(rows), CLASSES)).astype(np.float32)

    def loss(number: int, change: float) -> float:
        before = network.values[number]
        network.values[number] = before + change
        found = float((network.forward(rows, learns=True).astype(np.float64) * weights).sum())
        network.values[number] = before
        return found

    network.forward(rows, learns=True)
    network.backward(weights)
    slopes = network.slopes.copy()
    step = 1e-3
    numeric = np.array(
        [(loss(number, step) - loss(number, -step)) / (2 * step) for number in range(len(slopes))]
    )
    # Where a value is next to 0, a ReLU has two slopes.
    off = np.abs(numeric - slopes) > 0.03 * (0.3 + np.abs(slopes))
    assert np.abs(slopes).max() > 1 and off.mean() < 0.05


def test_folding_changes_no_value(network: Network, rows: np.ndarray) -> None:
    for _ in range(50):
        network.forward(rows, learns=True)
    before = network.forward(rows)
    network.fold(rows)
    network.is_rounded = False
    np.testing.assert_allclose(network.forward(rows), before, rtol=1e-3, atol=1e-3)


def test_rounded_values_are_near_and_on_steps(network: Network, rows: np.ndarray) -> None:
    network.fold(rows)
    rounded = network.forward(rows)
    network.is_rounded = False
    real = network.forward(rows)
    assert 0 < np.abs(rounded - real).max() < 0.1 * np.abs(real).max()
    unit = network.units[0]
    scale, zero = time_network.step_of(unit.low, unit.high)
    written = unit.forward([rows.transpose(2, 0, 1)], learns=False, is_rounded=True) / scale
    np.testing.assert_allclose(written, np.rint(written), atol=1e-3)
    assert written.min() >= -128 - zero and written.max() <= 127 - zero


def test_pytorch_computes_the_same(network: Network, rows: np.ndarray) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'midge[nets]'")
    from midge.nets import torch_network

    twin = torch_network.Network(plan(), (LENGTH, 1, CHANNELS))
    for unit, other in zip(network.units, twin.units, strict=True):
        learnt = unit.learnt()
        if learnt.weights is None or learnt.bias is None:
            continue
        with torch.no_grad():
            other.weights.copy_(torch.from_numpy(learnt.weights.transpose(0, 3, 1, 2)))
            other.bias.copy_(torch.from_numpy(learnt.bias))
            if other.norm is not None:
                other.norm.weight.copy_(torch.from_numpy(unit.value["gain"]))
                other.norm.bias.copy_(torch.from_numpy(unit.value["shift"]))
    twin.train()
    x = torch.from_numpy(rows.transpose(0, 2, 1)[:, :, :, None].copy())
    np.testing.assert_allclose(
        network.forward(rows, learns=True), twin(x).detach().numpy(), rtol=1e-3, atol=1e-3
    )


def test_nets_over_width_or_with_pools_inside_are_others() -> None:
    assert time_network.is_along_time(plan(), 1)
    assert not time_network.is_along_time(plan(), 8)
    pooled = operations((*BLOCKS, Block("max", kernel=(2, 1))), (LENGTH, 1, CHANNELS), CLASSES)
    assert not time_network.is_along_time(pooled, 1)
