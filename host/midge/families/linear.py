"""Linear classifiers and regressors of scikit-learn → IR."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ..compile.ir import FloatArray
from ..compile.linear import Linear
from ..compile.verdict import MAX_CLASSES, Verdict
from ..errors import UnsupportedModel


def to_ir(estimator: Any) -> Linear:
    """The fitted estimator as a `Linear` over the features it was fitted on.

    Raises
    ------
    UnsupportedModel
        not fitted, several outputs, weights that are not finite, or too many classes; names the part
    """
    name = type(estimator).__name__
    if not hasattr(estimator, "coef_"):
        raise UnsupportedModel(f"{name} is not fitted; call fit(X, y) first")
    coefficients = estimator.coef_.toarray() if hasattr(estimator.coef_, "toarray") else estimator.coef_
    weights = np.atleast_2d(np.asarray(coefficients, np.float64))
    bias = np.broadcast_to(np.asarray(estimator.intercept_, np.float64).ravel(), (len(weights),)).copy()
    if not (np.isfinite(weights).all() and np.isfinite(bias).all()):
        raise UnsupportedModel(f"{name} has weights that are not finite; scale the features and fit it again")
    factor, rule = _verdict(estimator, name, len(weights))
    unknown = np.zeros(weights.shape[1])
    return Linear(weights * factor, bias * factor, rule, unknown, unknown)


def _verdict(estimator: Any, name: str, n_values: int) -> tuple[float, Verdict]:
    """What to multiply the values by, and what they mean."""
    classes = getattr(estimator, "classes_", None)
    if classes is None:
        if n_values != 1 or np.size(estimator.intercept_) != 1:
            raise UnsupportedModel(
                f"{name} has {n_values} outputs (y with several columns); fit one an output"
            )
        return 1.0, Verdict("value", "value", 0)
    if (
        isinstance(classes, list)
        or np.ndim(classes) != 1
        or n_values != (len(classes) if len(classes) > 2 else 1)
    ):
        raise UnsupportedModel(
            f"{name} has several outputs (y with several columns); fit one model an output"
        )
    if len(classes) > MAX_CLASSES:
        raise UnsupportedModel(f"{name} has {len(classes)} classes; midge takes {MAX_CLASSES}")
    if len(classes) < 2:
        raise UnsupportedModel(f"{name} has one class only; there is nothing to decide")
    decide = "highest" if len(classes) > 2 else "sign"
    factor, scores = 1.0, "decision"
    if name.startswith("LogisticRegression"):
        # Before scikit-learn 1.8: one model a class against the rest on demand.
        is_ovr = getattr(estimator, "multi_class", "auto") == "ovr" or estimator.solver == "liblinear"
        scores = "softmax" if decide == "highest" and not is_ovr else "sigmoid"
        if decide == "sign" and getattr(estimator, "multi_class", "auto") == "multinomial":
            factor = 2.0
    elif getattr(estimator, "loss", "") == "log_loss" and name == "SGDClassifier":
        scores = "sigmoid"
    return factor, Verdict(decide, scores, len(classes))


def answers(estimator: Any, ir: Linear, X: npt.ArrayLike) -> tuple[FloatArray, npt.NDArray[np.intp]]:
    """Scores (n_rows, n_scores) and winners (n_rows,) of the estimator itself."""
    rule = ir.verdict
    if rule.decide == "value":
        values = np.asarray(estimator.predict(X), np.float64).reshape(-1, 1)
        return rule.judge(values).scores, np.zeros(len(values), np.intp)
    winners = np.searchsorted(estimator.classes_, estimator.predict(X))
    if rule.scores in ("softmax", "sigmoid"):
        return np.asarray(estimator.predict_proba(X), np.float64), winners
    values = np.asarray(estimator.decision_function(X), np.float64)
    return rule.judge(values.reshape(-1, rule.n_values)).scores, winners
