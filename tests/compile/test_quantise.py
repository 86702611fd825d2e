"""Float features as int16: exact where int16 can tell the training rows apart, counted where not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.covariance import EllipticEnvelope
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
)
from sklearn.linear_model import LinearRegression
from sklearn.mixture import GaussianMixture
from sklearn.neural_network import MLPRegressor
from sklearn.svm import SVR
from sklearn.tree import DecisionTreeClassifier

import midge
from midge import families, model_parsing
from midge.compile import quantise, reference
from midge.compile.quantise import Quantisation
from midge.errors import CompileError, ModelError, ParityError


def test_whole_numbers_stay_as_they_are() -> None:
    for X in ([[1, -32768], [3, 32767]], [[1.0, 2.0]], np.array([[True, False]])):
        assert quantise.learn(X) == Quantisation()
    assert quantise.learn([[32768.0]]).kind != "none"
    assert quantise.learn([[0.5]]).kind != "none"


def test_float_features_agree_on_every_training_row() -> None:
    X, y = load_breast_cancer(return_X_y=True)
    fitted = RandomForestClassifier(10, max_depth=8, random_state=0).fit(X, y)
    forest, made = quantise.quantise(families.to_ir(fitted), X, quantise.learn(X))
    assert made.collisions == 0
    assert np.array_equal(reference.predict(forest, made.apply(X)), fitted.predict_proba(X))


def test_collisions_are_counted() -> None:
    X = np.array([[0.0], [1e-6], [1.0]])
    fitted = DecisionTreeClassifier().fit(X, [0, 1, 1])
    _, made = quantise.quantise(families.to_ir(fitted), X, quantise.learn(X))
    assert made.collisions == 1


@pytest.mark.parametrize("low", [0.1453, 0.1, 12.25, 3e-5])
@pytest.mark.parametrize("is_single", [True, False])
def test_a_decimal_at_a_threshold_goes_where_the_estimator_sends_it(low: float, is_single: bool) -> None:
    """Half of them are a little above it, as floats have them, and half a little below."""
    sides = set()
    for number in range(1, 30):
        step = number * low / 100
        X = np.round(low + np.array([[0.0], [2 * step], [40 * step], [-30 * step]]), 8)
        y = np.array([0.0, 1.0, 1.0, 0.0])
        kind = GradientBoostingRegressor if is_single else HistGradientBoostingRegressor
        more = {"n_estimators": 1} if is_single else {"max_iter": 1, "min_samples_leaf": 1}
        fitted = kind(learning_rate=1.0, **more).fit(X, y)
        middle = np.array([[float(f"{(X[0, 0] + X[1, 0]) / 2:.6g}")]])
        expected = fitted.predict(middle)
        assert np.abs(midge.compile(fitted, X).predict(middle) - expected).max() < 0.01
        sides.add(round(float(expected[0])))
    assert sides <= {0, 1}


def test_values_beyond_the_training_rows_saturate() -> None:
    made = quantise.learn([[0.5], [1.5]])
    rows = made.apply([[-1e9], [0.5], [1.5], [1e9]])[:, 0].tolist()
    assert rows[0] <= rows[1] < rows[2] <= rows[3]


@pytest.mark.parametrize(
    "fitted",
    [LinearRegression(), MLPRegressor(hidden_layer_sizes=(6,), max_iter=30), SVR(kernel="poly", degree=2)],
)
def test_models_that_grow_without_end_have_room_beyond_the_training_rows(fitted: Any) -> None:
    source = np.random.default_rng(9)
    X = source.uniform(0.0, 1.0, (200, 3))
    fitted.fit(X, X @ [1.0, -2.0, 0.5])
    compiled = midge.compile(fitted, X)
    beyond = source.uniform(-1.45, 2.45, (300, 3))
    assert not compiled.saturates(beyond).any()
    assert compiled.saturates(X + 9).all()
    if isinstance(fitted, LinearRegression):
        # Within a span of the training rows' values on either side of theirs.
        near = source.uniform(-0.2, 1.2, (300, 3))
        assert np.abs(compiled.predict(near) - fitted.predict(near)).max() < 0.002


def test_features_with_heavy_tails_get_more_room() -> None:
    source = np.random.default_rng(10)
    X = np.column_stack([source.uniform(-1, 1, 500), source.standard_t(1.5, 500)])
    ir = families.to_ir(LinearRegression().fit(X, X[:, 0]))
    room = 2 * 32767 / np.array(quantise.learn(X, ir).scale) / np.ptp(X, axis=0)
    assert room == pytest.approx([4.0, 8.0])


def test_a_training_row_that_is_quite_wrong_is_refused() -> None:
    source = np.random.default_rng(11)
    X = np.exp(source.normal(size=(300, 6)) * 12)
    fitted = GaussianMixture(4, covariance_type="spherical", random_state=0).fit(X)
    try:
        compiled = midge.compile(fitted, X)
    except ParityError as error:
        assert "span too much" in str(error)
    else:
        assert np.array_equal(compiled.predict(X), fitted.predict(X))


@pytest.mark.parametrize("X", [np.zeros((0, 3)), [1.0, 2.0], [["red"]], [[np.nan]], [[np.inf]]])
def test_what_is_no_table_of_numbers_is_refused(X: object) -> None:
    with pytest.raises(CompileError):
        quantise.learn(X)  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [0.5, 40000, float("nan"), float("inf")])
def test_rows_that_do_not_fit_are_refused(value: float) -> None:
    with pytest.raises(ModelError, match="row 1, feature 0"):
        Quantisation().apply([[1.0], [value]])


def _skewed() -> tuple[np.ndarray, np.ndarray]:
    source = np.random.default_rng(5)
    X = np.exp(source.normal(size=(300, 4)) * 4)
    return X, (np.log(X).sum(axis=1) > 0).astype(int) + (np.log(X[:, 0]) > 3)


@pytest.mark.parametrize("single", [True, False])
def test_ranks_answer_as_the_estimator_for_every_row(single: bool) -> None:
    X, y = _skewed()
    fitted = (RandomForestClassifier(5) if single else HistGradientBoostingClassifier(max_iter=3)).fit(X, y)
    compiled = midge.compile(fitted, X, layout="table")
    by = compiled.model.quantisation
    assert by.kind == ("ranks" if single else "ranks64")
    edges = np.array([edge for own in by.edges for edge in own])
    source = np.random.default_rng(6)
    rows = np.vstack([X, source.choice(edges, (500, 4)), np.exp(source.normal(size=(500, 4)) * 6)])
    rows = np.vstack([rows, np.nextafter(rows, np.inf), -rows, np.full((1, 4), 1e30)])
    assert np.array_equal(compiled.predict(rows), fitted.predict(rows))
    with pytest.raises(ModelError, match="row 0, feature 1"):
        compiled.predict([[1.0, np.nan, 1.0, 1.0]])


def _decimals(n_digits: int) -> tuple[np.ndarray, np.ndarray]:
    source = np.random.default_rng(7)
    X = np.round(source.uniform(-3, 3, (300, 3)), n_digits)
    return X, (np.sin(X[:, 0] * 3) + X[:, 1] > 0.3).astype(int)


@pytest.mark.parametrize("kind", [ExtraTreesClassifier, HistGradientBoostingClassifier])
@pytest.mark.parametrize(("n_digits", "expected"), [(1, "affine"), (2, "affine"), (6, "ranks")])
def test_every_decimal_goes_where_the_estimator_sends_it(kind: type, n_digits: int, expected: str) -> None:
    X, y = _decimals(n_digits)
    fitted = kind(random_state=0).fit(X, y)
    compiled = midge.compile(fitted, X, layout="table")
    assert compiled.model.quantisation.kind.startswith(expected)
    # One decimal more than the training rows have: thresholds between two of them are such numbers.
    rows = np.round(np.random.default_rng(8).uniform(-3.2, 3.2, (3000, 3)), n_digits + 1)
    assert np.array_equal(compiled.predict(rows), fitted.predict(rows))


def test_a_scale_that_decimals_do_not_fit_is_not_exact() -> None:
    X, y = _decimals(2)
    forest = families.to_ir(DecisionTreeClassifier().fit(X, y))
    assert quantise.is_exact(forest, X, quantise.learn(X, forest))
    wide = np.vstack([X, np.full((1, 3), 99.25)])
    assert not quantise.is_exact(forest, wide, quantise.learn(wide))


def test_ranks_are_part_of_the_model_file() -> None:
    X, y = _skewed()
    model = midge.compile(DecisionTreeClassifier().fit(X, y), X, layout="table").model
    assert model_parsing.from_json(model.to_json()).quantisation == model.quantisation
    part = model.to_json()["quantisation"]
    for bad in ([[2.0, 1.0], [], [], []], [[1.0]], 7, [["a"], [], [], []]):
        with pytest.raises(ModelError, match="quantisation"):
            model_parsing.from_json(model.to_json() | {"quantisation": part | {"edges": bad}})


def test_an_outlier_further_out_than_all_training_rows_stays_one() -> None:
    source = np.random.default_rng(12)
    X = source.normal(size=(300, 4)) @ (np.eye(4) + 0.3 * source.normal(size=(4, 4)))
    fitted = EllipticEnvelope(random_state=0).fit(X)
    compiled = midge.compile(fitted, X)
    far = np.repeat((X.mean(axis=0) + 1.4 * np.ptp(X, axis=0) * np.eye(4))[:, None], 5, axis=1).reshape(-1, 4)
    assert not compiled.saturates(far).any()
    assert (fitted.predict(far) == -1).all() and np.array_equal(compiled.predict(far), fitted.predict(far))
