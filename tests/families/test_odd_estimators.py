"""Estimators unlike most: odd labels, odd data, odd options; the C answers as they do, or none is made."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from sklearn import (
    decomposition,
    ensemble,
    feature_selection,
    linear_model,
    mixture,
    naive_bayes,
    neighbors,
    neural_network,
    pipeline,
    preprocessing,
    svm,
    tree,
)
from sklearn.datasets import load_breast_cancer, load_iris, make_classification, make_regression
from threadpoolctl import threadpool_limits

import midge
from midge.errors import CompileError, UnsupportedModel

Data = tuple[Any, Any]
# Rows of the test half that may differ: near ties.
MOST_WRONG = 0.012
MOST_OFF = 0.002


def made(n_classes: int = 4, n_features: int = 12) -> Data:
    found: Data = make_classification(
        400, n_features, n_informative=8, n_redundant=2, n_classes=n_classes, random_state=1
    )
    return found


def hundred() -> Data:
    source = np.random.default_rng(2)
    y = np.repeat(np.arange(100), 8)
    return source.normal(0, 5, (100, 6))[y] + source.normal(0, 1, (800, 6)), y


def outliers() -> Data:
    X, y = made()
    X[:6, 2:8] *= 1e5
    return X, y


def skewed() -> Data:
    X, y = made()
    return np.exp(2 * X), y


def bytes_() -> Data:
    X, y = made()
    return ((X - X.min(axis=0)) / np.ptp(X, axis=0) * 255).astype(np.uint8), y


def constant() -> Data:
    X, y = load_iris(return_X_y=True)
    return np.hstack([X, np.full((len(X), 1), 7.25), np.zeros((len(X), 1))]), y


def labelled(name: Callable[[Any], Any], data: Data, dtype: Any = None) -> Data:
    return data[0], np.array([name(label) for label in data[1]], dtype)


def numbers() -> Data:
    found: Data = make_regression(300, 8, noise=5, random_state=0)
    return found


def one_feature() -> Data:
    X, y = made()
    return X[:, :1], y


def few() -> Data:
    X, y = load_iris(return_X_y=True)
    return X[::12], y[::12]


CANCER: Data = load_breast_cancer(return_X_y=True)
FOREST = ensemble.RandomForestClassifier(8, random_state=1)
BOOSTING = ensemble.GradientBoostingClassifier(n_estimators=6, random_state=1)
BINNED = ensemble.HistGradientBoostingClassifier(max_iter=6, random_state=1)
NET = neural_network.MLPClassifier((9,), max_iter=60, random_state=1)
LINEAR = linear_model.LogisticRegression(max_iter=400)
KNN, SVC, BAYES = neighbors.KNeighborsClassifier(4), svm.SVC(), naive_bayes.GaussianNB()
TREE = tree.DecisionTreeClassifier(random_state=1)
scaled, pipe = preprocessing.StandardScaler(), pipeline.make_pipeline

CASES: dict[str, tuple[Any, Data]] = {
    "forest, words": (FOREST, labelled(lambda c: f"class {c}", made())),
    "tree, truth": (TREE, labelled(bool, made(2))),
    "machine, negative": (SVC, labelled(lambda c: -10 * c - 3, made())),
    "boosting, floats": (BOOSTING, labelled(float, made())),
    "net, objects": (NET, labelled(lambda c: f"k{c}", made(), object)),
    "linear, two words": (linear_model.RidgeClassifier(), labelled(str, made(2))),
    "forest, hundred": (FOREST, hundred()),
    "linear, hundred": (LINEAR, hundred()),
    "bayes, hundred": (BAYES, hundred()),
    "neighbours, hundred": (KNN, hundred()),
    "forest, outliers": (FOREST, outliers()),
    "boosting, outliers": (BOOSTING, outliers()),
    "binned, skewed": (BINNED, skewed()),
    "tree, skewed": (TREE, skewed()),
    "isolation, skewed": (ensemble.IsolationForest(n_estimators=10, random_state=1), skewed()),
    "regression trees, skewed": (
        ensemble.RandomForestRegressor(6, random_state=1),
        (np.exp(2 * numbers()[0]), numbers()[1]),
    ),
    "forest, huge": (FOREST, (made()[0] * 1e6, made()[1])),
    "boosting, far from 0": (BOOSTING, (made()[0] + 1e5, made()[1])),
    "bayes, huge": (BAYES, (made()[0] * 1e6, made()[1])),
    "bayes, bytes": (BAYES, bytes_()),
    "neighbours, bytes": (KNN, bytes_()),
    "bayes, constant": (BAYES, constant()),
    "machine, constant": (SVC, constant()),
    "net, constant": (NET, constant()),
    "neighbours, constant": (KNN, constant()),
    "machine, few": (SVC, few()),
    "neighbours, few": (neighbors.KNeighborsClassifier(2), few()),
    "machine, single": (SVC, (made()[0].astype(np.float32), made()[1])),
    "net, single": (NET, (made()[0].astype(np.float32), made()[1])),
    "machine, one feature": (SVC, one_feature()),
    "net, one feature": (NET, one_feature()),
    "stump": (tree.DecisionTreeClassifier(max_depth=1), made()),
    "no split": (tree.DecisionTreeClassifier(min_samples_split=10_000), made()),
    "balanced": (ensemble.RandomForestClassifier(8, class_weight="balanced", random_state=1), made()),
    "monotonic": (
        ensemble.HistGradientBoostingClassifier(max_iter=6, monotonic_cst=[1] + [0] * 11),
        made(2),
    ),
    "pruned": (tree.DecisionTreeClassifier(ccp_alpha=0.01, random_state=1), made()),
    "few leaves": (ensemble.RandomForestClassifier(8, max_leaf_nodes=7, random_state=1), made()),
    "stopped early": (
        ensemble.HistGradientBoostingClassifier(max_iter=40, early_stopping=True, n_iter_no_change=2),
        made(),
    ),
    "boosting from zero": (ensemble.GradientBoostingRegressor(n_estimators=6, init="zero"), numbers()),
    "exponential loss": (ensemble.GradientBoostingClassifier(n_estimators=6, loss="exponential"), made(2)),
    "quantile": (ensemble.GradientBoostingRegressor(n_estimators=6, loss="quantile"), numbers()),
    "ties broken": (svm.SVC(break_ties=True), made()),
    "fourth power": (svm.SVC(kernel="poly", degree=4, coef0=1.5), made()),
    "hard machine": (svm.SVC(C=1e4), made()),
    "nu machine": (svm.NuSVC(nu=0.3), made()),
    "nu regression": (svm.NuSVR(C=10), numbers()),
    "crammer-singer": (svm.LinearSVC(multi_class="crammer_singer"), made()),
    "one against the rest": (linear_model.LogisticRegression(solver="liblinear"), made(2)),
    "modified huber": (linear_model.SGDClassifier(loss="modified_huber", random_state=1), made()),
    "averaged": (linear_model.SGDClassifier(average=True, random_state=1), made()),
    "novelties": (svm.OneClassSVM(nu=0.1), made()),
    "components": (mixture.GaussianMixture(3, covariance_type="spherical", random_state=1), made()),
    "logistic neurons": (
        neural_network.MLPClassifier((8, 5), activation="logistic", max_iter=80, random_state=1),
        made(),
    ),
    "scaled, machine": (pipe(scaled, SVC), CANCER),
    "scaled, neighbours": (pipe(scaled, KNN), CANCER),
    "scaled, net": (pipe(scaled, NET), CANCER),
    "range, forest": (pipe(preprocessing.MinMaxScaler((-3, 5)), FOREST), made()),
    "best, projected, linear": (
        pipe(scaled, feature_selection.SelectKBest(k=8), decomposition.PCA(4), LINEAR),
        made(),
    ),
    "projected, polynomial": (pipe(decomposition.PCA(5), svm.SVC(kernel="poly")), made()),
    "whitened, bayes": (pipe(decomposition.PCA(5, whiten=True), BAYES), made()),
    "robust, regression": (pipe(preprocessing.RobustScaler(), svm.SVR(C=50)), numbers()),
    "chosen, neighbours": (pipe(feature_selection.SelectFromModel(FOREST), KNN), made()),
    "nested": (pipe(pipe(scaled, feature_selection.VarianceThreshold()), svm.LinearSVC()), constant()),
}
QUICK = ("tree, skewed", "bayes, bytes", "forest, outliers", "projected, polynomial", "machine, constant")


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    with threadpool_limits(1):
        yield


def halves(data: Data) -> tuple[Any, Any, Any, Any]:
    X, y = data
    half = np.arange(len(X)) % 2 == 0
    return X[half], y[half], X[~half], y[~half]


def fitted(estimator: Any, X: Any, y: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return estimator.fit(X, y)


@pytest.mark.parametrize(
    "name", [name if name in QUICK else pytest.param(name, marks=pytest.mark.check) for name in CASES]
)
def test_the_c_answers_as_the_estimator(name: str) -> None:
    estimator, data = CASES[name]
    X, y, X_test, _ = halves(data)
    fitted(estimator, X, y)
    last = estimator.steps[-1][1] if hasattr(estimator, "steps") else estimator
    has_trees = any(word in type(last).__name__ for word in ("Forest", "Boosting", "Tree"))
    compiled = midge.compile(estimator, X, layout="table" if has_trees else "auto")
    for rows in (X, X_test):
        found, expected = compiled.predict(rows), estimator.predict(rows)
        if not len(compiled.classes):
            assert np.abs(found - expected).max() <= MOST_OFF * np.ptp(expected)
            continue
        assert found.dtype == expected.dtype or expected.dtype == object
        if name == "novelties" and rows is X:
            # Support vectors lie on the border itself.
            clear = np.abs(estimator.decision_function(rows)) > 1e-3
            found, expected = found[clear], expected[clear]
        is_tree = has_trees or isinstance(last, neighbors.KNeighborsClassifier)
        assert (found != expected).sum() <= (0 if is_tree else MOST_WRONG * len(rows))


def with_gaps() -> Data:
    X, y = made()
    X[::7, 3] = np.nan
    return X, y


REFUSED: dict[str, tuple[Any, Data, str]] = {
    "missing, forest": (FOREST, with_gaps(), "missing|finite"),
    "missing, binned": (BINNED, with_gaps(), "missing|finite"),
    "probability": (svm.SVC(probability=True), made(), "probability"),
    "sigmoid kernel": (svm.SVC(kernel="sigmoid"), made(), "sigmoid"),
    "own kernel": (svm.SVC(kernel=lambda a, b: a @ b.T), made(), "kernel"),
    "own weights": (neighbors.KNeighborsClassifier(weights=np.exp), made(), "weights"),
    "chebyshev": (neighbors.KNeighborsClassifier(metric="chebyshev"), made(), "chebyshev"),
    "categories": (
        ensemble.HistGradientBoostingClassifier(max_iter=3, categorical_features=[0]),
        (np.abs(np.rint(made()[0])), made()[1]),
        "categorical",
    ),
    "own start": (ensemble.GradientBoostingClassifier(n_estimators=2, init=LINEAR), made(), "init"),
    "two outputs": (
        tree.DecisionTreeRegressor(),
        (numbers()[0], np.c_[numbers()[1], numbers()[1]]),
        "outputs",
    ),
    "function": (pipe(preprocessing.FunctionTransformer(np.abs), LINEAR), made(), "FunctionTransformer"),
    "clipped": (pipe(preprocessing.MinMaxScaler(clip=True), LINEAR), made(), "clip"),
    "one component": (mixture.GaussianMixture(1), made(), "components"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_can_not_be_is_refused_by_name(name: str) -> None:
    estimator, data, words = REFUSED[name]
    X, y, _, _ = halves(data)
    with pytest.raises((UnsupportedModel, CompileError), match=words):
        midge.compile(fitted(estimator, X, y), X)


def test_features_that_no_neighbor_has_weigh_nothing() -> None:
    X, y = made()
    X[:, 6:] += 50
    estimator = pipeline.make_pipeline(
        feature_selection.SelectKBest(k=6), neighbors.KNeighborsRegressor(3, weights="distance")
    ).fit(X[:200], y[:200])
    compiled = midge.compile(estimator, X[:200])
    off = np.abs(compiled.predict(X) - estimator.predict(X))
    assert np.quantile(off, 0.98) < 0.01
    # Whole numbers are read as they are.
    X = np.rint(X * 300).astype(int)
    estimator.fit(X[:200], y[:200])
    off = np.abs(midge.compile(estimator, X[:200]).predict(X) - estimator.predict(X))
    assert np.quantile(off, 0.98) < 0.001


def test_thresholds_at_what_a_scaler_makes_of_float32() -> None:
    X, y = numbers()
    X = np.repeat(X, 3, axis=0) + np.random.default_rng(0).normal(0, 0.1, (900, 8))
    X, y = X.astype(np.float32), np.repeat(y, 3)
    estimator = pipeline.make_pipeline(
        preprocessing.MinMaxScaler(), ensemble.HistGradientBoostingRegressor(max_iter=10)
    ).fit(X, y)
    # In float64 the same rows come to stand on the other side of many thresholds.
    assert not np.allclose(estimator.predict(X), estimator.predict(X.astype(np.float64)), rtol=1e-3)
    off = np.abs(midge.compile(estimator, X).predict(X) - estimator.predict(X))
    assert off.max() < 1e-3 * y.std()


def test_a_machine_that_knows_its_own_rows_only() -> None:
    X, y = made()
    estimator = svm.SVC(gamma=1e4).fit(X[:120], y[:120])
    compiled = midge.compile(estimator, X[:120])
    # Every row is a vector, and far from all others in steps of int16 as well.
    assert (estimator.predict(X[:120]) == y[:120]).all()
    assert (compiled.predict(X) == estimator.predict(X)).all()


def test_steps_of_boosting_may_add_up_beyond_the_training_rows() -> None:
    X, y = numbers()
    estimator = ensemble.GradientBoostingRegressor(n_estimators=30, random_state=0).fit(X, y)
    usual = np.abs(estimator.predict(X) - y.mean()) < 0.5 * y.std()
    span = np.ptp(estimator.predict(X[usual]))
    compiled = midge.compile(estimator, X[usual])
    off = np.abs(compiled.predict(X) - estimator.predict(X))
    assert np.abs(estimator.predict(X) - y.mean()).max() > 1.5 * span
    assert off.max() < 0.005 * span
    assert not compiled.saturates(X).any()
