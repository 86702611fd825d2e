"""Weights of 8, 6 and 4 bits: the very numbers in fewer bytes, the same bits on every target."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier

import midge
from midge import build, model_file
from midge.compile import c99_net_table, ir, linear_integer, net, net_integer
from midge.compile.linear import Linear
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
    made = midge.compile(fitted, X[::2]).model.ir
    assert isinstance(made, Net)
    return X, y, made


def module(of: Net, X: Any, target: str = "armv6m") -> build.BuiltModule:
    model = model_file.create(
        of.calibrated(X), X[:300], name="m", labels=[str(i) for i in range(of.n_scores)]
    )
    return build.build(model, target, layout="table")


@pytest.mark.parametrize("n_bits", [8, 6, 4])
def test_bytes_shrink_and_answers_stay(digits: tuple[Any, Any, Net], n_bits: int) -> None:
    X, y, made = digits
    packed = bits.net(made, X[::2], n_bits)
    assert packed is not None
    whole = sum(layer.weights.size for layer in made.layers)
    before, after = module(made, X), module(packed, X)
    assert after.module_bytes < before.module_bytes - whole * (16 - n_bits) / 8 + 900
    found = net_integer.predict(net_integer.lower(packed.calibrated(X)), X)[1]
    was = net_integer.predict(net_integer.lower(made), X)[1]
    rest = np.arange(len(X)) % 2 == 1
    loss = (was == y)[rest].mean() - (found == y)[rest].mean()
    assert loss < {8: 0.005, 6: 0.01, 4: 0.05}[n_bits]


@pytest.mark.parametrize("target", ["armv7emsp", "rv32imc", "xtensawin"])
def test_targets_give_the_same_bits(digits: tuple[Any, Any, Net], target: str) -> None:
    X, _, made = digits
    for n_bits in (8, 6, 4):
        packed = bits.net(made, X[::2], n_bits)
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
    packed = bits.linear(linear, X[::2], 8)
    assert packed is not None
    found = net_integer.predict(net_integer.lower(packed.calibrated(X)), X)[1]
    assert (found == y).mean() > (fitted.predict(X) == y).mean() - 0.01
    assert bits.net(packed, X, 8) is None


@pytest.fixture(scope="module")
def mixed() -> tuple[Any, Any, Any]:
    """Features of sizes that differ by a thousand, the small ones telling as much as the large ones."""
    rng = np.random.default_rng(4)
    sizes = 2.0 ** (np.arange(37) % 11 + 1)
    y = rng.integers(0, 4, 1200)
    middles = rng.normal(size=(4, 37))
    X = (middles[y] + rng.normal(size=(1200, 37)) * 2.5) * sizes
    fitted = LogisticRegression(C=1e-4, max_iter=300).fit(X / sizes, y)
    fitted.coef_ /= sizes
    X = np.rint(X).astype(np.int16)
    return X, y, midge.compile(fitted, X[::2]).model.ir


@pytest.mark.parametrize("n_bits", [8, 6, 4])
def test_features_of_all_sizes_keep_what_they_tell(mixed: tuple[Any, Any, Any], n_bits: int) -> None:
    X, y, linear = mixed
    packed = bits.linear(linear, X[::2], n_bits)
    assert packed is not None and packed.shifts is not None and np.ptp(packed.shifts) >= 8
    lowered = net_integer.lower(packed.calibrated(X))
    found = net_integer.predict(lowered, X)[1]
    was = linear_integer.predict(linear_integer.lower(linear), X)[1]
    assert (found == y).mean() > (was == y).mean() - 0.01
    # The IR says what the C does, whatever the rows.
    wild = np.random.default_rng(1).integers(-32768, 32768, X.shape).astype(np.int16)
    for rows in (X, wild):
        answers = net.interpret(packed, rows.astype(np.float64))
        differ = net_integer.predict(lowered, rows)[1] != answers.winners
        assert not (differ & (answers.margins > lowered.epsilon)).any()


@pytest.mark.parametrize("target", ["armv6m", "armv7emsp", "rv32imc", "xtensawin"])
@pytest.mark.parametrize("n_bits", [8, 6, 4])
def test_scaled_columns_are_the_same_bits_on_targets(
    mixed: tuple[Any, Any, Any], target: str, n_bits: int
) -> None:
    X, _, linear = mixed
    packed = bits.linear(linear, X, n_bits)
    assert packed is not None
    built = module(packed, X, target)
    # Golden rows have extremes among them, which are held within int16.
    assert built.rows > 100
    model = model_file.create(packed.calibrated(X), X[:300], name="m", labels=list("abcd"))
    if n_bits == 4 and target == "armv6m":
        assert build.build(model, target, layout="code").rows == built.rows


def test_scales_stay_with_their_features(mixed: tuple[Any, Any, Any]) -> None:
    X, _, linear = mixed
    packed = bits.linear(linear, X, 6)
    assert packed is not None and packed.shifts is not None
    rows = X.astype(np.float64)
    kept = [3, 30, 8]
    fewer = packed.select_features(kept)
    alone = np.zeros_like(rows)
    alone[:, kept] = rows[:, kept]
    assert np.allclose(net.activations(fewer, rows[:, kept])[-1], net.activations(packed, alone)[-1])
    plain = packed.rescaled(np.ones(37), np.zeros(37))
    assert plain.shifts is None
    assert np.allclose(net.activations(plain, rows)[-1], net.activations(packed, rows)[-1])
    data = packed.to_json()
    assert ir.from_json(data).to_json() == data
    for bad in ([1], [16] * 37, [-1] * 37, [0.5] * 37):
        with pytest.raises(ModelError):
            ir.from_json(data | {"shifts": bad})


def test_sums_of_very_many_features_fit_all_the_same() -> None:
    rng = np.random.default_rng(8)
    n_in = bits.MOST_COLUMNS + 1000
    y = np.arange(60) % 2
    X = (rng.integers(-20000, 20000, (60, n_in)) >> (np.arange(n_in) % 3 * 4)).astype(np.int16)
    weights = rng.choice([-1.0, 1.0], (2, n_in))
    rule = midge.compile(LogisticRegression().fit(X[:, :2], y), X[:, :2]).model.ir
    assert isinstance(rule, Linear)
    wide = replace(rule.widened(n_in, [0, 1]), weights=weights[: len(rule.weights)]).calibrated(X)
    packed = bits.linear(wide, X, 8)
    assert packed is not None
    (layer,) = net_integer.lower(packed.calibrated(X)).layers
    assert (np.abs(layer.weights).sum(axis=1) * 32768 + np.abs(layer.bias) < 2**31).all()


def test_what_is_0_stays_0(mixed: tuple[Any, Any, Any]) -> None:
    X, _, linear = mixed
    thin = replace(linear, weights=linear.weights * (np.arange(37) % 3 > 0))
    packed = bits.linear(thin, X, 4)
    assert packed is not None
    assert not packed.layers[0].weights[:, ::3].any()


def test_model_files_keep_bits_and_steps(digits: tuple[Any, Any, Net]) -> None:
    packed = bits.net(digits[2], digits[0], 6)
    assert packed is not None
    data = packed.to_json()
    assert ir.from_json(data).to_json() == data
    for bad in ({"bits": 5}, {"steps": [1.0]}, {"steps": [0.0] * 17}):
        with pytest.raises(ModelError, match="layer 0"):
            ir.from_json(data | {"layers": [data["layers"][0] | bad, data["layers"][1]]})
