"""Float features as int16: exact where int16 can tell the training rows apart, counted where not."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import RandomForestClassifier
from sklearn.tree import DecisionTreeClassifier

from midge import families
from midge.compile import quantise, reference
from midge.compile.quantise import Quantisation
from midge.errors import CompileError, ModelError


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


def test_values_beyond_the_training_rows_saturate() -> None:
    made = quantise.learn([[0.5], [1.5]])
    rows = made.apply([[-1e9], [0.5], [1.5], [1e9]])[:, 0].tolist()
    assert rows[0] <= rows[1] < rows[2] <= rows[3]


@pytest.mark.parametrize("X", [np.zeros((0, 3)), [1.0, 2.0], [["red"]], [[np.nan]], [[np.inf]]])
def test_what_is_no_table_of_numbers_is_refused(X: object) -> None:
    with pytest.raises(CompileError):
        quantise.learn(X)  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [0.5, 40000, float("nan"), float("inf")])
def test_rows_that_do_not_fit_are_refused(value: float) -> None:
    with pytest.raises(ModelError, match="row 1, feature 0"):
        Quantisation().apply([[1.0], [value]])
