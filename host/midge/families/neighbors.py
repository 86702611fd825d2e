"""Nearest neighbours of scikit-learn → IR."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ..compile.ir import FloatArray
from ..compile.neighbors import MAX_NEIGHBORS, MAX_POINTS, Neighbors
from ..compile.verdict import MAX_CLASSES, Verdict
from ..errors import UnsupportedModel

_POWERS = {"euclidean": 2, "l2": 2, "manhattan": 1, "l1": 1, "cityblock": 1}


def to_ir(estimator: Any) -> Neighbors:
    """The fitted classifier or regressor as `Neighbors` over the features it was fitted on.

    Raises
    ------
    UnsupportedModel
        not fitted, several outputs, too many points, a metric or weights that can't be compiled; names it
    """
    name = type(estimator).__name__
    if not hasattr(estimator, "effective_metric_"):
        raise UnsupportedModel(f"{name} is not fitted; call fit(X, y) first")
    if estimator.weights not in (None, "uniform", "distance"):
        raise UnsupportedModel(
            f"{name}(weights={estimator.weights!r}) can't be compiled; use 'uniform' or 'distance'"
        )
    power = _power(estimator, name)
    if estimator.n_neighbors > MAX_NEIGHBORS:
        raise UnsupportedModel(
            f"{name}(n_neighbors={estimator.n_neighbors}) can't be compiled; {MAX_NEIGHBORS} is the most"
        )
    points = estimator._fit_X.toarray() if hasattr(estimator._fit_X, "toarray") else estimator._fit_X
    points = np.asarray(points, np.float64)
    if len(points) > MAX_POINTS:
        raise UnsupportedModel(f"{name} was fitted on {len(points)} rows; midge takes {MAX_POINTS} at most")
    targets = np.asarray(estimator._y, np.float64)
    if targets.ndim > 1 and targets.shape[1] == 1:
        targets = targets.ravel()
    classes = getattr(estimator, "classes_", None)
    if targets.ndim > 1 or isinstance(classes, list):
        raise UnsupportedModel(
            f"{name} has several outputs (y with several columns); fit one model an output"
        )
    if classes is None:
        rule = Verdict("value", "value", 0)
    elif not 2 <= len(classes) <= MAX_CLASSES:
        raise UnsupportedModel(f"{name} has {len(classes)} classes; midge takes 2 to {MAX_CLASSES}")
    else:
        rule = Verdict("highest", "share", len(classes))
    unknown = np.zeros(points.shape[1])
    return Neighbors(
        points,
        targets,
        int(estimator.n_neighbors),
        power,
        np.ones(points.shape[1]),
        rule,
        unknown,
        unknown,
        estimator.weights == "distance",
    )


def _power(estimator: Any, name: str) -> int:
    metric = estimator.effective_metric_
    if metric == "minkowski" and estimator.effective_metric_params_.get("w") is None:
        power = estimator.effective_metric_params_.get("p", estimator.p)
        if power in (1, 2):
            return int(power)
    if metric not in _POWERS:
        raise UnsupportedModel(
            f"{name}(metric={estimator.metric!r}, p={estimator.p}) can't be compiled; "
            "use euclidean or manhattan"
        )
    return _POWERS[metric]


def answers(estimator: Any, ir: Neighbors, X: npt.ArrayLike) -> tuple[FloatArray, npt.NDArray[np.intp]]:
    """Scores (n_rows, n_scores) and winners (n_rows,) of the estimator itself."""
    if ir.verdict.decide == "value":
        values = np.asarray(estimator.predict(X), np.float64).reshape(-1, 1)
        return ir.verdict.judge(values).scores, np.zeros(len(values), np.intp)
    winners = np.searchsorted(estimator.classes_, estimator.predict(X))
    return np.asarray(estimator.predict_proba(X), np.float64), winners
