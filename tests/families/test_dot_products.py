"""Linear models, SVMs, nets and Gaussians of scikit-learn against the C that midge makes of them."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris, load_wine
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_selection import SelectKBest, VarianceThreshold
from sklearn.linear_model import (
    LinearRegression,
    LogisticRegression,
    Perceptron,
    Ridge,
    RidgeClassifier,
    SGDClassifier,
    SGDRegressor,
)
from sklearn.model_selection import train_test_split
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MinMaxScaler, PolynomialFeatures, RobustScaler, StandardScaler
from sklearn.svm import SVC, SVR, LinearSVC, NuSVC, OneClassSVM

import midge
from midge import families, model_file
from midge.errors import UnsupportedModel

LOADERS = {
    "digits": load_digits,
    "iris": load_iris,
    "wine": load_wine,
    "cancer": load_breast_cancer,
    "diabetes": load_diabetes,
}


@cache
def split(name: str) -> tuple[np.ndarray, ...]:
    """X_train, X_test, y_train, y_test."""
    X, y = LOADERS[name](return_X_y=True)
    stratify = None if name == "diabetes" else y
    return tuple(train_test_split(X, y, test_size=0.3, random_state=1, stratify=stratify))


def scaled(estimator: Any) -> Pipeline:
    return make_pipeline(StandardScaler(), estimator)


CLASSIFIERS = {
    "logistic": (scaled(LogisticRegression()), "cancer"),
    "logistic, classes": (scaled(LogisticRegression()), "wine"),
    "logistic, raw digits": (LogisticRegression(max_iter=60), "digits"),
    "ridge": (RidgeClassifier(), "wine"),
    "linear svc": (LinearSVC(random_state=0), "digits"),
    "linear svc, two": (scaled(LinearSVC(random_state=0)), "cancer"),
    "sgd hinge": (scaled(SGDClassifier(random_state=0)), "iris"),
    "sgd log": (scaled(SGDClassifier(loss="log_loss", random_state=0)), "wine"),
    "perceptron": (scaled(Perceptron(random_state=0)), "iris"),
    "svc linear": (scaled(SVC(kernel="linear")), "cancer"),
    "svc linear, duels": (SVC(kernel="linear"), "iris"),
    "svc linear, ties": (SVC(kernel="linear", break_ties=True), "wine"),
    "svc rbf": (SVC(), "iris"),
    "svc rbf, two": (scaled(SVC(C=5)), "cancer"),
    "svc rbf, rare pixels": (scaled(SVC(C=10)), "digits"),
    "svc poly": (scaled(SVC(kernel="poly", degree=2, break_ties=True)), "wine"),
    "nu svc": (scaled(NuSVC(nu=0.2)), "iris"),
    "mlp relu": (scaled(MLPClassifier((12,), max_iter=80, random_state=0)), "wine"),
    "mlp tanh": (scaled(MLPClassifier((9, 5), activation="tanh", max_iter=80, random_state=0)), "cancer"),
    "mlp logistic": (scaled(MLPClassifier((8,), activation="logistic", max_iter=80, random_state=0)), "iris"),
    "mlp identity": (scaled(MLPClassifier((8,), activation="identity", max_iter=80, random_state=0)), "iris"),
    "bayes": (GaussianNB(), "wine"),
    "bayes, scaled": (scaled(GaussianNB()), "cancer"),
    "minmax": (make_pipeline(MinMaxScaler(), SVC()), "wine"),
    "robust": (make_pipeline(RobustScaler(), LogisticRegression()), "wine"),
    "k best": (make_pipeline(SelectKBest(k=5), StandardScaler(), SVC()), "wine"),
    "pca": (make_pipeline(StandardScaler(), PCA(5, whiten=True), LogisticRegression()), "cancer"),
    "pca, net": (make_pipeline(PCA(20), MLPClassifier((10,), max_iter=40, random_state=0)), "digits"),
    "scaled forest": (scaled(RandomForestClassifier(5, random_state=0)), "wine"),
    "selected forest": (
        make_pipeline(VarianceThreshold(0.2), RandomForestClassifier(5, random_state=0)),
        "wine",
    ),
}


@pytest.mark.parametrize("case", CLASSIFIERS)
@pytest.mark.filterwarnings("ignore")
def test_no_row_gets_another_class(case: str) -> None:
    estimator, name = CLASSIFIERS[case]
    X, X_test, y, _ = split(name)
    estimator.fit(X, y)
    compiled = midge.compile(estimator, X)
    # Of nets it is stated, not promised.
    most = len(X) // 400 if compiled.model.ir.kind == "net" else 0
    for rows in (X, X_test):
        assert (compiled.predict(rows) != estimator.predict(rows)).sum() <= most
    assert all(link.holds for link in compiled.links)
    if compiled.model.ir.kind != "forest" and compiled.model.ir.verdict.scores in ("softmax", "sigmoid"):
        assert np.abs(compiled.predict_scores(X) - estimator.predict_proba(X)).max() < 0.008


REGRESSORS = {
    "least squares": LinearRegression(),
    "ridge": scaled(Ridge()),
    "sgd": scaled(SGDRegressor(random_state=0)),
    "svr linear": scaled(SVR(kernel="linear")),
    "svr rbf": scaled(SVR(C=10)),
    "mlp": scaled(MLPRegressor(hidden_layer_sizes=(8,), max_iter=300, random_state=0)),
}


@pytest.mark.parametrize("case", REGRESSORS)
@pytest.mark.filterwarnings("ignore")
def test_values_of_regressors(case: str) -> None:
    X, X_test, y, _ = split("diabetes")
    estimator = REGRESSORS[case].fit(X, y)
    compiled = midge.compile(estimator, X)
    assert len(compiled.classes) == 0 and compiled.model.n_scores == 1
    for rows in (X, X_test):
        expected = estimator.predict(rows)
        assert np.abs(compiled.predict(rows) - expected).max() < 2e-3 * np.ptp(expected)


def test_outliers() -> None:
    X, X_test, *_ = split("wine")
    estimator = make_pipeline(StandardScaler(), OneClassSVM(nu=0.1)).fit(X)
    compiled = midge.compile(estimator, X)
    assert compiled.classes.tolist() == [-1, 1]
    # Training rows that are support vectors lie on the border itself.
    clear = np.abs(estimator.decision_function(X_test)) > 1e-3
    assert np.array_equal(compiled.predict(X_test)[clear], estimator.predict(X_test)[clear])


@pytest.mark.parametrize("labels", [["no", "yes", "ä"], [-3.0, 0.0, 2.0], [7, 3, 9]])
def test_labels_of_any_type(labels: list[Any]) -> None:
    X, _, y, _ = split("iris")
    estimator = SVC(kernel="linear").fit(X, np.array(labels)[y])
    found = midge.compile(estimator, X).predict(X)
    assert found.dtype == estimator.classes_.dtype and np.array_equal(found, estimator.predict(X))


def test_rows_far_beyond_the_training_rows() -> None:
    X, _, y, _ = split("digits")
    estimator = LinearSVC(random_state=0, C=0.01).fit(X, y)
    rows = np.random.default_rng(0).integers(-32768, 32768, (200, 64))
    rows[0], rows[1] = 32767, -32768
    assert np.array_equal(midge.compile(estimator, X).predict(rows), estimator.predict(rows))


@pytest.mark.parametrize(
    "estimator", [LogisticRegression(max_iter=50), SVC(), MLPClassifier((6,), max_iter=30, random_state=0)]
)
@pytest.mark.filterwarnings("ignore")
def test_a_model_file_gives_the_same_model(estimator: Any, tmp_path: Any) -> None:
    X, _, y, _ = split("iris")
    model = midge.compile(estimator.fit(X, y), X).model
    model_file.save(model, tmp_path)
    again = model_file.load(tmp_path)
    assert again.digest == model.digest
    assert midge.compile(estimator, X).model.digest == model.digest


REFUSED = [
    (make_pipeline(PolynomialFeatures(2), LogisticRegression()), "PolynomialFeatures"),
    (make_pipeline(MinMaxScaler(clip=True), LogisticRegression()), "clip=True"),
    (SVC(kernel="sigmoid"), "sigmoid"),
    (SVC(kernel="poly", degree=9), "degree"),
]


@pytest.mark.parametrize(("estimator", "part"), REFUSED, ids=[part for _, part in REFUSED])
@pytest.mark.filterwarnings("ignore")
def test_what_cannot_be_compiled_is_named(estimator: Any, part: str) -> None:
    X, _, y, _ = split("iris")
    with pytest.raises(UnsupportedModel, match=part):
        families.to_ir(estimator.fit(X, y))


@pytest.mark.parametrize("estimator", [LogisticRegression(), SVC(), MLPClassifier()])
def test_what_is_not_fitted_is_refused(estimator: Any) -> None:
    with pytest.raises(UnsupportedModel, match="not fitted"):
        families.to_ir(estimator)


def test_several_outputs_are_refused() -> None:
    X, _, y, _ = split("diabetes")
    with pytest.raises(UnsupportedModel, match="outputs"):
        families.to_ir(Ridge().fit(X, np.column_stack([y, y])))
    with pytest.raises(UnsupportedModel, match="outputs"):
        families.to_ir(MLPRegressor(max_iter=2).fit(X, np.column_stack([y, y])))


def test_a_kernel_whose_numbers_span_too_much_is_computed_precisely() -> None:
    X = np.random.default_rng(0).normal(size=(150, 3))
    X[:3] *= 1e3
    estimator = OneClassSVM(nu=0.3).fit(X)
    compiled = midge.compile(estimator, X)
    assert compiled.model.ir.kind == "precise"
    # Features are rounded to int16 by the outliers' range.
    clear = np.abs(estimator.decision_function(X)) > 1e-4
    assert np.array_equal(compiled.predict(X)[clear], estimator.predict(X)[clear])


@pytest.mark.check
@pytest.mark.parametrize("seed", range(40))
@pytest.mark.filterwarnings("ignore")
def test_random_estimators(seed: int) -> None:
    source = np.random.default_rng(seed)
    n_features, n_classes = int(source.integers(1, 40)), int(source.integers(2, 8))
    X = source.normal(size=(300, n_features)) * 10 ** source.uniform(-3, 3, n_features)
    y = (np.argsort(np.argsort(X @ source.normal(size=n_features) / X.std(axis=0).max())) * n_classes) // 300
    for estimator in (
        LogisticRegression(C=10 ** source.uniform(-2, 2)),
        SVC(C=10 ** source.uniform(-1, 2)),
        SVC(kernel="linear", break_ties=bool(seed % 2)),
        RidgeClassifier(),
        MLPClassifier((int(source.integers(2, 30)),), max_iter=60, random_state=seed),
    ):
        fitted = scaled(estimator).fit(X, y)
        compiled = midge.compile(fitted, X)
        assert all(link.holds for link in compiled.links), estimator
        assert (compiled.predict(X) != fitted.predict(X)).sum() <= 2, estimator
