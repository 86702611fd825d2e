"""Fitted estimators → IR: the only place that knows scikit-learn's insides.

A new family is one file with `to_ir(estimator)` and `answers(estimator, ir, X)`, and one row an estimator in
`FAMILIES`.
"""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from ..compile.ir import FloatArray, Node
from ..errors import UnsupportedModel

# class name of the estimator → file here that knows it
FAMILIES = {
    "DecisionTreeClassifier": "forest",
    "ExtraTreeClassifier": "forest",
    "RandomForestClassifier": "forest",
    "ExtraTreesClassifier": "forest",
    "DecisionTreeRegressor": "regression_forest",
    "ExtraTreeRegressor": "regression_forest",
    "RandomForestRegressor": "regression_forest",
    "ExtraTreesRegressor": "regression_forest",
    "GradientBoostingClassifier": "boosting",
    "GradientBoostingRegressor": "boosting",
    "HistGradientBoostingClassifier": "boosting",
    "HistGradientBoostingRegressor": "boosting",
    "IsolationForest": "isolation",
    "LogisticRegression": "linear",
    "LogisticRegressionCV": "linear",
    "RidgeClassifier": "linear",
    "RidgeClassifierCV": "linear",
    "LinearSVC": "linear",
    "SGDClassifier": "linear",
    "Perceptron": "linear",
    "PassiveAggressiveClassifier": "linear",
    "LinearRegression": "linear",
    "Ridge": "linear",
    "RidgeCV": "linear",
    "Lasso": "linear",
    "LassoCV": "linear",
    "ElasticNet": "linear",
    "ElasticNetCV": "linear",
    "SGDRegressor": "linear",
    "LinearSVR": "linear",
    "SVC": "svm",
    "NuSVC": "svm",
    "SVR": "svm",
    "NuSVR": "svm",
    "OneClassSVM": "svm",
    "KNeighborsClassifier": "neighbors",
    "KNeighborsRegressor": "neighbors",
    "MLPClassifier": "mlp",
    "MLPRegressor": "mlp",
    "GaussianNB": "bayes",
    "GaussianMixture": "mixture",
    "EllipticEnvelope": "mixture",
    "Pipeline": "pipeline",
    "ConvClassifier": "conv",
}
# Packages whose estimators these are.
_PACKAGES = ("sklearn", "midge")


def find(estimator: Any) -> str:
    """Row of `FAMILIES` for an estimator; UnsupportedModel if there is none."""
    for ancestor in type(estimator).__mro__:
        if ancestor.__name__ in FAMILIES and ancestor.__module__.split(".")[0] in _PACKAGES:
            return ancestor.__name__
    raise UnsupportedModel(
        f"{type(estimator).__name__} can't be compiled yet; midge compiles {', '.join(FAMILIES)}"
    )


def _family(estimator: Any) -> ModuleType:
    return importlib.import_module(f".{FAMILIES[find(estimator)]}", __name__)


def to_ir(estimator: Any, given: npt.DTypeLike = np.float64) -> Node:
    """The IR of a fitted estimator; raises UnsupportedModel naming what can't be compiled.

    given : what its rows come in; scalers compute in float32 where they are given that, and trees may split
        exactly at what comes out
    """
    family = _family(estimator)
    node: Node = family.to_ir(estimator, given) if find(estimator) == "Pipeline" else family.to_ir(estimator)
    return node


def answers(estimator: Any, ir: Node, X: npt.ArrayLike) -> tuple[FloatArray, npt.NDArray[np.intp]]:
    """The estimator's own scores (n_rows, n_scores), in the terms of its IR, and winners (n_rows,)."""
    scores, winners = _family(estimator).answers(estimator, ir, X)
    return scores, winners


def reads_single(estimator: Any) -> bool:
    """True if the estimator sees float32 of what it is given, as scikit-learn's trees do."""
    family = _family(estimator)
    return bool(family.reads_single(estimator)) if hasattr(family, "reads_single") else False


def classes(estimator: Any, ir: Node) -> npt.NDArray[Any]:
    """Class labels in the order of the scores: -1 and 1 of an outlier detector, none of a regressor."""
    if hasattr(estimator, "classes_"):
        return np.asarray(estimator.classes_)
    if hasattr(estimator, "steps"):
        return classes(estimator.steps[-1][1], ir)
    if hasattr(estimator, "n_components"):
        return np.arange(ir.n_scores)
    return np.array([-1, 1]) if ir.n_scores == 2 else np.array([])
