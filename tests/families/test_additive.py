"""Boosting, regression trees and isolation forests of scikit-learn against the C that midge makes of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_wine
from sklearn.ensemble import (
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    IsolationForest,
    RandomForestRegressor,
)
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeRegressor

import midge
from midge import families, model_file
from midge.compile import ir as intermediate
from midge.compile import reference
from midge.errors import ModelError, UnsupportedModel

DIGITS = load_digits(return_X_y=True)
CANCER = load_breast_cancer(return_X_y=True)
WINE = load_wine(return_X_y=True)
DIABETES = load_diabetes(return_X_y=True)

CLASSIFIERS = {
    "boosting": (GradientBoostingClassifier(n_estimators=5, random_state=0), DIGITS),
    "boosting, two": (GradientBoostingClassifier(n_estimators=15, random_state=0), CANCER),
    "exponential": (GradientBoostingClassifier(n_estimators=9, loss="exponential", random_state=0), CANCER),
    "from zero": (GradientBoostingClassifier(n_estimators=5, init="zero", random_state=0), WINE),
    "histograms": (HistGradientBoostingClassifier(max_iter=4, random_state=0), DIGITS),
    "histograms, two": (HistGradientBoostingClassifier(max_iter=12, random_state=0), CANCER),
    "scaled": (make_pipeline(StandardScaler(), GradientBoostingClassifier(n_estimators=5)), WINE),
    "scaled histograms": (
        make_pipeline(StandardScaler(), HistGradientBoostingClassifier(max_iter=5)),
        CANCER,
    ),
}


@pytest.mark.parametrize("case", CLASSIFIERS)
def test_no_row_gets_another_class(case: str) -> None:
    estimator, (X, y) = CLASSIFIERS[case]
    estimator.fit(X[::2], y[::2])
    compiled = midge.compile(estimator, X[::2], layout="table" if case == "histograms" else "auto")
    assert compiled.model.ir.kind == "additive"
    assert np.array_equal(compiled.predict(X[::2]), estimator.predict(X[::2]))
    assert (compiled.predict(X[1::2]) != estimator.predict(X[1::2])).mean() < 0.01
    assert np.abs(compiled.predict_scores(X[::2]) - estimator.predict_proba(X[::2])).max() < 2e-3
    assert compiled.model.epsilon < 1e-5


REGRESSORS = [
    DecisionTreeRegressor(max_depth=5, random_state=0),
    RandomForestRegressor(7, max_depth=6, random_state=0),
    ExtraTreesRegressor(5, max_depth=6, random_state=0),
    GradientBoostingRegressor(n_estimators=12, random_state=0),
    GradientBoostingRegressor(n_estimators=5, loss="absolute_error", random_state=0),
    HistGradientBoostingRegressor(max_iter=8, random_state=0),
]


@pytest.mark.parametrize("estimator", REGRESSORS, ids=lambda e: type(e).__name__)
def test_values_of_regressors(estimator: Any) -> None:
    X, y = DIABETES
    expected = estimator.fit(X, y).predict(X)
    assert np.abs(midge.compile(estimator, X).predict(X) - expected).max() < 1e-4 * np.ptp(expected)


@pytest.mark.parametrize("contamination", ["auto", 0.1])
def test_outliers_of_an_isolation_forest(contamination: Any) -> None:
    # 101 rows: the threshold is the score of one of them.
    X = DIGITS[0][:101]
    estimator = IsolationForest(n_estimators=20, contamination=contamination, random_state=0).fit(X)
    compiled = midge.compile(estimator, X)
    assert compiled.classes.tolist() == [-1, 1]
    assert np.array_equal(compiled.predict(DIGITS[0]), estimator.predict(DIGITS[0]))


def test_both_layouts_give_the_same_bits() -> None:
    X, y = WINE
    estimator = GradientBoostingClassifier(n_estimators=8, random_state=0).fit(X, y)
    code, tables = (midge.compile(estimator, X, layout=layout) for layout in ("code", "table"))
    rows = np.random.default_rng(0).normal(X.mean(axis=0), 3 * X.std(axis=0), (500, X.shape[1]))
    assert np.array_equal(code.predict_scores(rows), tables.predict_scores(rows))
    # Emulation checks both sides of the thresholds as well.
    assert code.build("armv6m")[:1] == tables.build("armv7emsp")[:1] == b"M"


def test_trees_of_constant_features_answer_at_a_tie_as_scikit_learn_does() -> None:
    X, y = np.ones((20, 3)), np.arange(20) % 2
    for kind in (GradientBoostingClassifier, HistGradientBoostingClassifier):
        estimator = kind().fit(X, y)
        assert np.array_equal(midge.compile(estimator, X).predict(X), estimator.predict(X))


def test_leaves_that_span_too_much_get_wide_sums() -> None:
    X = np.arange(40.0)[:, None]
    y = np.arange(40) % 2
    estimator = GradientBoostingClassifier(
        n_estimators=30, learning_rate=1.0, subsample=0.5, max_depth=6, random_state=0
    ).fit(X, y)
    tree = estimator.estimators_[0, 0].tree_
    tree.value[tree.children_left < 0] *= 1e9
    made = families.to_ir(estimator)
    assert made.calibrated(X).sum_bits == 64
    for layout in ("code", "table"):
        compiled = midge.compile(estimator, X, layout=layout)
        assert np.array_equal(compiled.predict(X), estimator.predict(X))
        assert compiled.build("armv6m")[:1] == b"M"


def test_leaves_that_diverged_keep_their_order() -> None:
    X, y = load_wine(return_X_y=True)
    estimator = GradientBoostingClassifier(n_estimators=6, max_depth=2, random_state=0).fit(X, y)
    for stage, factor in ((1, 1e60), (2, 1e35), (4, -1e9)):
        tree = estimator.estimators_[stage, stage % 3].tree_
        tree.value[np.flatnonzero(tree.children_left < 0)[0]] *= factor
    for layout in ("code", "table"):
        compiled = midge.compile(estimator, X[::2], layout=layout)
        assert np.array_equal(compiled.predict(X), estimator.predict(X))
        assert compiled.model.epsilon < 1e-3
        assert compiled.build("armv6m")[:1] == b"M"


def test_a_model_file_gives_the_same_model(tmp_path: Any) -> None:
    X, y = WINE
    model = midge.compile(GradientBoostingClassifier(n_estimators=3).fit(X, y), X).model
    model_file.save(model, tmp_path)
    assert model_file.load(tmp_path).digest == model.digest


@pytest.mark.parametrize(
    ("estimator", "part"),
    [
        (GradientBoostingClassifier(init=LogisticRegression(max_iter=5), n_estimators=2), "init=Logistic"),
        (HistGradientBoostingClassifier(categorical_features=[0], max_iter=2), "categorical_features"),
        (HistGradientBoostingRegressor(loss="poisson", max_iter=2), "poisson"),
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_what_cannot_be_compiled_is_named(estimator: Any, part: str) -> None:
    X = np.random.default_rng(0).integers(0, 9, (60, 3))
    with pytest.raises(UnsupportedModel, match=part):
        families.to_ir(estimator.fit(X, X[:, 0] % 3))


@pytest.mark.parametrize("kind", [GradientBoostingClassifier, HistGradientBoostingRegressor, IsolationForest])
def test_what_is_not_fitted_is_refused(kind: Any) -> None:
    with pytest.raises(UnsupportedModel, match="not fitted"):
        families.to_ir(kind())


def test_what_is_not_whole_is_refused() -> None:
    X, y = WINE
    good = families.to_ir(GradientBoostingClassifier(n_estimators=2).fit(X, y)).calibrated(X).to_json()
    again = intermediate.from_json(good)
    assert np.array_equal(reference.predict(again, X), reference.predict(intermediate.from_json(good), X))
    for broken in (
        {"bias": [0.0]},
        {"adds_to": [0, 1, 2, 0, 1, 3]},
        {"adds_to": [0]},
        {"sum_bits": 16},
        {"n_features": 0},
        {"trees": None},
        {"decide": "duels", "scores": "votes"},
    ):
        with pytest.raises(ModelError):
            intermediate.from_json({**good, **broken})
