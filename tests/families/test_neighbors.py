"""Nearest neighbours, mixtures and envelopes of scikit-learn against the C that midge makes of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.covariance import EllipticEnvelope
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris, load_wine
from sklearn.decomposition import PCA
from sklearn.feature_selection import SelectKBest
from sklearn.mixture import GaussianMixture
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

import midge
from midge import families, model_file
from midge.compile import ir as intermediate
from midge.errors import ModelError, UnsupportedModel

IRIS = load_iris(return_X_y=True)
WINE = load_wine(return_X_y=True)
CANCER = load_breast_cancer(return_X_y=True)
DIGITS = load_digits(return_X_y=True)
WIDE = (
    np.random.default_rng(0).integers(-32768, 32768, (200, 7)).astype(np.int16),
    np.random.default_rng(1).integers(0, 3, 200),
)

CLASSIFIERS = {
    "neighbours": (KNeighborsClassifier(5), DIGITS),
    "neighbours, wide": (KNeighborsClassifier(3), WIDE),
    "neighbours, even": (KNeighborsClassifier(4), CANCER),
    "neighbours, scaled": (make_pipeline(StandardScaler(), KNeighborsClassifier(7)), WINE),
    "neighbours, selected": (make_pipeline(SelectKBest(k=4), KNeighborsClassifier(3)), WINE),
    "weighted": (KNeighborsClassifier(5, weights="distance"), DIGITS),
    "weighted, scaled": (make_pipeline(StandardScaler(), KNeighborsClassifier(7, weights="distance")), WINE),
    "weighted, manhattan": (KNeighborsClassifier(6, weights="distance", p=1), IRIS),
    "manhattan": (KNeighborsClassifier(5, p=1), IRIS),
    "manhattan, wide": (KNeighborsClassifier(5, metric="manhattan"), WIDE),
    "bayes of components": (make_pipeline(StandardScaler(), PCA(4), GaussianNB()), WINE),
    "bayes of the best": (make_pipeline(SelectKBest(k=5), GaussianNB()), WINE),
    "poly of components": (make_pipeline(StandardScaler(), PCA(4), SVC(kernel="poly")), WINE),
}


@pytest.mark.parametrize("case", CLASSIFIERS)
def test_no_row_gets_another_class(case: str) -> None:
    estimator, (X, y) = CLASSIFIERS[case]
    estimator.fit(X[::3], y[::3])
    compiled = midge.compile(estimator, X[::3])
    assert np.array_equal(compiled.predict(X[::3]), estimator.predict(X[::3]))
    # Points that are equally near are a matter of choice.
    assert (compiled.predict(X) != estimator.predict(X)).sum() <= len(X) // 100


def test_rows_anywhere_in_int16() -> None:
    X, y = WIDE
    rows = np.random.default_rng(2).integers(-32768, 32768, (300, 7)).astype(np.int16)
    rows[0], rows[1] = -32768, 32767
    for power in (1, 2):
        estimator = KNeighborsClassifier(3, p=power).fit(X, y)
        assert np.array_equal(midge.compile(estimator, X).predict(rows), estimator.predict(rows))


def test_values_of_a_regressor() -> None:
    X, y = load_diabetes(return_X_y=True)
    estimator = KNeighborsRegressor(5).fit(X, y)
    expected = estimator.predict(X)
    assert np.abs(midge.compile(estimator, X).predict(X) - expected).max() < 1e-3 * np.ptp(expected)


@pytest.mark.parametrize("target", ["armv6m", "armv7emsp"])
@pytest.mark.parametrize("power", [1, 2])
def test_the_module_gives_the_bits_of_the_integers(power: int, target: str) -> None:
    X, y = WIDE
    for estimator in (
        KNeighborsClassifier(3, p=power),
        make_pipeline(StandardScaler(), KNeighborsClassifier(3, p=power)),
    ):
        compiled = midge.compile(estimator.fit(X[:70, :5], y[:70]), X[:70, :5])
        assert compiled.build(target)[:1] == b"M"


@pytest.mark.parametrize("kind", ["full", "tied", "diag", "spherical"])
@pytest.mark.parametrize("is_scaled", [False, True])
def test_components_of_a_mixture(kind: str, is_scaled: bool) -> None:
    X = IRIS[0]
    estimator: Any = GaussianMixture(3, covariance_type=kind, random_state=0)
    estimator = make_pipeline(StandardScaler(), estimator) if is_scaled else estimator
    compiled = midge.compile(estimator.fit(X), X)
    assert np.array_equal(compiled.predict(X), estimator.predict(X))
    assert np.abs(compiled.predict_scores(X) - estimator.predict_proba(X)).max() < 0.01


def test_outliers_of_an_envelope() -> None:
    X = WINE[0]
    estimator = EllipticEnvelope(contamination=0.1, random_state=0).fit(X)
    compiled = midge.compile(estimator, X)
    assert np.array_equal(compiled.predict(X), estimator.predict(X))
    unit = compiled.model.ir.verdict.unit  # type: ignore[attr-defined]
    scores = compiled.predict_scores(X)[:, 1] * unit
    assert np.abs(scores - estimator.decision_function(X)).max() < 1e-3 * unit
    assert compiled.build("armv6m")[:1] == b"M"


@pytest.mark.parametrize(
    ("estimator", "part"),
    [
        (KNeighborsClassifier(3, weights=np.reciprocal), "weights=<ufunc"),
        (KNeighborsClassifier(3, p=3), "p=3"),
        (KNeighborsClassifier(3, metric="chebyshev"), "chebyshev"),
        (GaussianMixture(1), "1 components"),
    ],
)
def test_what_cannot_be_compiled_is_named(estimator: Any, part: str) -> None:
    with pytest.raises(UnsupportedModel, match=part):
        families.to_ir(estimator.fit(*IRIS))


def test_several_outputs_are_refused() -> None:
    X, y = IRIS
    with pytest.raises(UnsupportedModel, match="outputs"):
        families.to_ir(KNeighborsClassifier().fit(X, np.column_stack([y, y])))


@pytest.mark.parametrize("estimator", [KNeighborsClassifier(), GaussianMixture(2), EllipticEnvelope()])
def test_what_is_not_fitted_is_refused(estimator: Any) -> None:
    with pytest.raises(UnsupportedModel, match="not fitted"):
        families.to_ir(estimator)


def test_a_model_file_gives_the_same_model(tmp_path: Any) -> None:
    for estimator in (KNeighborsClassifier(3).fit(*IRIS), GaussianMixture(2).fit(IRIS[0])):
        model = midge.compile(estimator, IRIS[0]).model
        model_file.save(model, tmp_path)
        assert model_file.load(tmp_path).digest == model.digest


def test_what_is_not_whole_is_refused() -> None:
    good = families.to_ir(KNeighborsClassifier(3).fit(*IRIS)).to_json()
    intermediate.from_json(good)
    for broken in (
        {"n_neighbors": 0},
        {"power": 3},
        {"targets": [0.5] * 150},
        {"metric": [-1.0] * 4},
        {"low": []},
    ):
        with pytest.raises(ModelError):
            intermediate.from_json({**good, **broken})
