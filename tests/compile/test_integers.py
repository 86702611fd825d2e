"""Activations, powers and sigmoids in integers, against numpy; the cache and the probes beside them."""

from __future__ import annotations

import numpy as np
import pytest

from midge.compile import activation, exponential, range_probes

SUMS = np.concatenate(
    [np.arange(-70_000, 70_000, 37), [0, 1, -1, 2**31 - 1, -(2**31), 2**40, -(2**40)]]
).astype(np.int64)


@pytest.mark.parametrize("shift", [0, 1, 3, 9])
def test_relu_and_identity_shift_and_saturate(shift: int) -> None:
    expected = np.floor(SUMS / 2.0**shift)
    assert np.array_equal(activation.apply("relu", SUMS, shift), np.clip(expected, 0, 32767))
    assert np.array_equal(activation.apply("identity", SUMS, shift), np.clip(expected, -32768, 32767))


@pytest.mark.parametrize("shift", [-3, 0, 2])
def test_curves_are_within_their_error(shift: int) -> None:
    x = np.clip(SUMS / 2.0**shift, -1e5, 1e5) / 2**activation.FRACTION_BITS
    tanh, logistic = (activation.apply(name, SUMS, shift) / 32767 for name in ("tanh", "logistic"))
    # 1 from 8 on.
    assert np.abs(tanh - np.tanh(x)).max() < 2 * activation.ERROR
    assert np.abs(logistic - 1 / (1 + np.exp(-x))).max() < 2 * activation.ERROR
    assert np.array_equal(
        activation.apply("tanh", -SUMS[:2000], 0), -activation.apply("tanh", SUMS[:2000], 0)
    )


@pytest.mark.parametrize("log2_scale", [0, 4, 12, 30])
def test_sigmoid_is_that_of_powers_of_two(log2_scale: int) -> None:
    x = np.linspace(-12, 12, 4001)
    sums = np.rint(x * 2.0**log2_scale).astype(np.int64)
    expected = 1 / (1 + 2.0 ** -(sums / 2.0**log2_scale))
    found = exponential.sigmoid(sums, log2_scale)
    assert np.abs(found / 32767 - expected).max() < 3e-4
    assert np.array_equal(exponential.sigmoid(-sums, log2_scale)[sums != 0], (32767 - found)[sums != 0])
    assert exponential.sigmoid(np.array([0]), log2_scale)[0] in (16383, 16384)


def test_shares_are_normalised() -> None:
    shares = np.array([[100, 300, 0], [32767, 32767, 32767], [0, 0, 0], [5, 0, 0]])
    found = exponential.normalised(shares)
    expected = np.array([[0.25, 0.75, 0], [1 / 3] * 3, [1 / 3] * 3, [1, 0, 0]])
    assert np.abs(found / 32767 - expected).max() < 2e-4
    assert found.dtype == np.int16 and found.max() <= 32767


def test_softmax_of_exponents() -> None:
    exponents = np.array([[0, 4096, 8192], [0, 0, 0], [0, 1 << 20, 1 << 20]])
    powers = 2.0 ** (-exponents / 4096)
    expected = powers / powers.sum(axis=1, keepdims=True)
    assert np.abs(exponential.softmax(exponents) / 32767 - expected).max() < 2e-4


class Columns:
    """As much of an IR as probes need."""

    n_features = 5


def test_probes_are_extremes_noise_and_what_lies_between() -> None:
    X = np.random.default_rng(0).integers(-100, 100, (7, 5)).astype(np.int16)
    found = range_probes.probes(Columns(), X, 1000)  # type: ignore[arg-type]
    assert found.shape == (range_probes.MOST_ROWS, 5) and found.dtype == np.int16
    for number, row in enumerate(found):
        base = X[number % 7]
        if number % 4 == 0:
            column = number // 4 % 5
            assert row[column] == (-32768, 32767)[number // 4 % 2]
            assert np.array_equal(np.delete(row, column), np.delete(base, column))
        elif number % 4 == 2:
            assert (np.abs(row) <= 100).all() and not np.array_equal(row, base)
        elif number % 4 == 3:
            assert np.array_equal(row, base)
    noise = found[1::4]
    assert np.abs(noise.astype(int)).max() > 25_000 and len(np.unique(noise)) > 70
    assert len(range_probes.probes(Columns(), X, 10)) == 10  # type: ignore[arg-type]
    assert range_probes.probes(Columns(), X[:0], 9).shape == (9, 5)  # type: ignore[arg-type]
    assert np.array_equal(found, range_probes.probes(Columns(), X, 1000))  # type: ignore[arg-type]
