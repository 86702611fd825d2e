"""PCA and other projections in front of what can't take them in: trees, kernels, nearest neighbours."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris, load_wine
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.ensemble import (
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    IsolationForest,
    RandomForestClassifier,
)
from sklearn.feature_selection import SelectKBest
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.svm import SVC, SVR
from sklearn.tree import DecisionTreeClassifier

import midge
from midge.compile import reference
from midge.compile.projected import Projected
from midge.errors import ParityError

FRONTS: dict[str, list[Any]] = {
    "scaled": [StandardScaler(), PCA(4)],
    "whitened": [MinMaxScaler(), PCA(2, whiten=True)],
    "in between": [SelectKBest(k=4), PCA(3), StandardScaler()],
    "twice": [TruncatedSVD(4, random_state=0), StandardScaler(), PCA(3)],
}
CLASSIFIERS: dict[str, Any] = {
    "tree": DecisionTreeClassifier(random_state=0),
    "forest": RandomForestClassifier(8, max_depth=6, random_state=0),
    "boosting": GradientBoostingClassifier(n_estimators=4, random_state=0),
    "histograms": HistGradientBoostingClassifier(max_iter=4, random_state=0),
    "rbf": SVC(),
    "neighbours": KNeighborsClassifier(3),
    "manhattan": KNeighborsClassifier(3, p=1),
    "isolation": IsolationForest(n_estimators=10, random_state=0),
}
REGRESSORS: dict[str, Any] = {
    "boosting": GradientBoostingRegressor(n_estimators=8, random_state=0),
    "svr": SVR(),
    "neighbours": KNeighborsRegressor(3),
}
ROWS, LABELS = load_wine(return_X_y=True)


@pytest.mark.parametrize("front", FRONTS)
@pytest.mark.parametrize("name", CLASSIFIERS)
def test_no_row_outside_epsilon_gets_another_class(name: str, front: str) -> None:
    estimator = make_pipeline(*map(clone, FRONTS[front]), clone(CLASSIFIERS[name]))
    estimator.fit(ROWS[::2], LABELS[::2])
    compiled = midge.compile(estimator, ROWS[::2])
    ir = compiled.model.ir
    assert isinstance(ir, Projected)
    differs = compiled.predict(ROWS) != estimator.predict(ROWS)
    margins = reference.evaluate(ir, compiled.model.quantisation.apply(ROWS)).margins
    assert not (differs & (margins > compiled.model.epsilon + 1e-12)).any()
    assert differs.sum() <= 2
    assert all(link.holds for link in compiled.links)


@pytest.mark.parametrize("front", FRONTS)
@pytest.mark.parametrize("name", REGRESSORS)
def test_values_agree(name: str, front: str) -> None:
    y = ROWS[:, 0] + LABELS
    X = ROWS[:, 1:]
    estimator = make_pipeline(*map(clone, FRONTS[front]), clone(REGRESSORS[name])).fit(X[::2], y[::2])
    compiled = midge.compile(estimator, X[::2])
    off = np.abs(compiled.predict(X) - estimator.predict(X)) > 0.005 * np.ptp(y)
    # A fourth neighbour may be as near as the third but for what rounding moves.
    assert off.sum() <= (name == "neighbours")


@pytest.mark.parametrize("layout", ["code", "table"])
@pytest.mark.parametrize("name", ["forest", "boosting", "rbf", "neighbours"])
def test_a_board_answers_the_same(name: str, layout: str) -> None:
    estimator = make_pipeline(*map(clone, FRONTS["scaled"]), clone(CLASSIFIERS[name])).fit(ROWS, LABELS)
    compiled = midge.compile(estimator, ROWS, layout=layout)
    assert compiled.measure("armv6m", ROWS[:5]).instructions_mean > 0


def test_whole_features_need_no_rounding() -> None:
    X = np.rint(ROWS * 10)
    estimator = make_pipeline(PCA(3), RandomForestClassifier(8, random_state=0)).fit(X, LABELS)
    compiled = midge.compile(estimator, X)
    assert compiled.model.quantisation.kind == "none"
    assert np.array_equal(compiled.predict(X), estimator.predict(X))


@pytest.mark.parametrize("name", ["rbf", "neighbours"])
def test_a_rotation_is_turned_back(name: str) -> None:
    X, y = load_iris(return_X_y=True)
    estimator = make_pipeline(PCA(), clone(CLASSIFIERS[name])).fit(X, y)
    compiled = midge.compile(estimator, X)
    assert compiled.model.ir.kind == ("kernel" if name == "rbf" else "neighbors")
    assert (compiled.predict(X) != estimator.predict(X)).sum() <= 1


def test_components_without_variance() -> None:
    source = np.random.default_rng(0)
    X = np.rint(source.normal(size=(200, 6)) * 20)
    X[:, 3:] = X[:, :3]
    y = (X[:, 0] > X[:, 1]).astype(int)
    estimator = make_pipeline(PCA(), RandomForestClassifier(10, random_state=0)).fit(X, y)
    compiled = midge.compile(estimator, X)
    assert (compiled.predict(X) != estimator.predict(X)).sum() <= 1


def test_files_hold_projections(tmp_path: Any) -> None:
    estimator = make_pipeline(StandardScaler(), PCA(3), SVC()).fit(ROWS, LABELS)
    compiled = midge.compile(estimator, ROWS)
    path = midge.model_file.save(compiled.model, tmp_path)
    again = midge.model_file.load(path)
    assert again.digest == compiled.model.digest
    assert again.epsilon == compiled.model.epsilon


@pytest.mark.parametrize("name", ["boosting", "neighbours"])
def test_what_is_lost_before_the_projection_is_refused(name: str) -> None:
    source = np.random.default_rng(1)
    big, small = source.normal(size=(2, 200)) * np.array([[1.0], [1e-6]])
    # The second component is all that counts, and less than a step of int16 features.
    X = np.column_stack([big + small, big - small])
    estimator = make_pipeline(PCA(whiten=True), clone(REGRESSORS[name]))
    estimator.fit(X, small * 1e6)
    with pytest.raises(ParityError, match="span too much"):
        midge.compile(estimator, X)
