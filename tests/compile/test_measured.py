"""The declared agreement of kernels and nets: measured, never more than proven, and true of other rows."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from sklearn import decomposition, mixture, naive_bayes, neural_network, pipeline, preprocessing, svm
from sklearn.datasets import load_breast_cancer, load_digits, load_wine

import midge
from midge.compile import kinds, measured, reference
from midge.compile.kernel import Kernel
from midge.compile.precise import Precise

ESTIMATORS: dict[str, Any] = {
    "rbf": svm.SVC(C=3),
    "poly": svm.SVC(kernel="poly", degree=2, coef0=1),
    "regressor": svm.SVR(),
    "one class": svm.OneClassSVM(nu=0.2),
    "bayes": naive_bayes.GaussianNB(),
    "mixture": mixture.GaussianMixture(3, random_state=0),
    "net": neural_network.MLPClassifier((12, 6), max_iter=60, random_state=0),
    "tanh": neural_network.MLPClassifier((12,), activation="tanh", max_iter=60, random_state=0),
}


def _compiled(name: str, *steps: Any) -> tuple[Any, Any]:
    X, y = load_wine(return_X_y=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        estimator = pipeline.make_pipeline(preprocessing.StandardScaler(), *steps, ESTIMATORS[name])
        estimator.fit(X[::2], y[::2])
    return midge.compile(estimator, X[::2]), X[1::2]


@pytest.mark.parametrize("steps", [(), (decomposition.PCA(5, whiten=True),)])
@pytest.mark.parametrize("name", [name for name in ESTIMATORS if name not in ("bayes", "mixture")])
def test_it_is_less_than_proven_and_holds_for_other_rows(name: str, steps: tuple[Any, ...]) -> None:
    compiled, other = _compiled(name, *steps)
    model = compiled.model
    proven = kinds.part(model.ir.kind, "lowering").lower(model.ir).epsilon
    assert 0 < model.epsilon < proven
    read = model.quantisation.apply(other)
    found = reference.evaluate(model.ir, read)
    differs = compiled._host.classify(read)[1] != found.winners
    assert not (differs & (found.margins > model.epsilon)).any()
    # Of ordinary rows most are clear.
    assert (found.margins > model.epsilon).mean() > 0.8


def test_what_never_varies_moves_nothing() -> None:
    X, y = load_wine(return_X_y=True)
    X[:, 3] = 0.25
    compiled = midge.compile(naive_bayes.GaussianNB().fit(X, y), X)
    # Its variance is next to nothing, and half a step would be many sigmas.
    assert compiled.links[0].inside < 0.05 * len(X)


def test_rows_in_no_range_leave_what_is_proven() -> None:
    compiled, _ = _compiled("rbf")
    ir = compiled.model.ir
    none = np.zeros((0, ir.n_features), np.int16)
    assert measured.epsilon(ir, none) == kinds.part("kernel", "lowering").lower(ir).epsilon


@pytest.mark.parametrize("load", [load_digits, load_wine, load_breast_cancer])
def test_machines_whose_coefficients_are_all_alike_need_no_doubles(load: Any) -> None:
    X = load().data
    estimator = pipeline.make_pipeline(preprocessing.StandardScaler(), svm.OneClassSVM()).fit(X[::2])
    ir = midge.compile(estimator, X[::2]).model.ir
    assert isinstance(ir, Kernel) and not isinstance(ir, Precise)
