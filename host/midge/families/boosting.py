"""Gradient boosting of scikit-learn, with exact and with binned splits → IR."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ..compile.additive import Additive
from ..compile.ir import FloatArray, Tree
from ..compile.verdict import MAX_CLASSES, Verdict
from ..errors import UnsupportedModel
from .forest import grown_tree

_HISTOGRAMS = "HistGradientBoosting"
# Losses of regressors whose prediction is the sum itself.
_PLAIN_LOSSES = ("squared_error", "absolute_error", "huber", "quantile")
# Leaves of classifiers beyond this have diverged: probabilities are 0 and 1 from sums of 745.
DIVERGED = 1e6


def reads_single(estimator: Any) -> bool:
    """True if the trees see float32 of what they are given."""
    return not type(estimator).__name__.startswith(_HISTOGRAMS)


def to_ir(estimator: Any) -> Additive:
    """The fitted model as an `Additive` over the features it was fitted on.

    Raises
    ------
    UnsupportedModel
        not fitted, categorical features, an `init` or a loss that can't be compiled; names the part
    """
    name = type(estimator).__name__
    is_binned = hasattr(estimator, "_baseline_prediction")
    if not is_binned and not hasattr(estimator, "estimators_"):
        raise UnsupportedModel(f"{name} is not fitted; call fit(X, y) first")
    rule, factor = _verdict(estimator, name)
    if is_binned:
        if estimator.is_categorical_ is not None:
            raise UnsupportedModel(f"{name}(categorical_features=…) can't be compiled; give numbers only")
        grown = [
            (_binned_tree(part.nodes, factor), value)
            for stage in estimator._predictors
            for value, part in enumerate(stage)
        ]
        bias = np.asarray(estimator._baseline_prediction, np.float64).ravel()
    else:
        rate = factor * estimator.learning_rate
        grown = [
            (grown_tree(part.tree_, name, _leaves(part.tree_.value[:, 0, :], rate, rule)), value)
            for stage in estimator.estimators_
            for value, part in enumerate(stage)
        ]
        bias = _start(estimator, name)
    return Additive(
        int(estimator.n_features_in_),
        tuple(tree for tree, _ in grown),
        np.array([value for _, value in grown], np.int32),
        bias * factor,
        rule,
    )


def _verdict(estimator: Any, name: str) -> tuple[Verdict, float]:
    """What the sums mean, and what to multiply them by."""
    if not hasattr(estimator, "classes_"):
        if estimator.loss not in _PLAIN_LOSSES:
            raise UnsupportedModel(
                f"{name}(loss={estimator.loss!r}) can't be compiled; use {', '.join(_PLAIN_LOSSES)}"
            )
        return Verdict("value", "value", 0), 1.0
    n_classes = len(estimator.classes_)
    if not 2 <= n_classes <= MAX_CLASSES:
        raise UnsupportedModel(f"{name} has {n_classes} classes; midge takes 2 to {MAX_CLASSES}")
    if n_classes > 2:
        return Verdict("highest", "softmax", n_classes), 1.0
    # At exactly 0 the two families answer differently.
    decide = "sign" if name.startswith(_HISTOGRAMS) else "at-least"
    return Verdict(decide, "sigmoid", 2), 2.0 if estimator.loss == "exponential" else 1.0


def _leaves(values: npt.NDArray[Any], rate: float, rule: Verdict) -> FloatArray:
    """What a tree adds. Steps of several classes divide by what may be nearly 0, so leaves of 1e60 happen.

    Integers that hold these have no digits left for the others. Their order and signs are all that matters.
    """
    found = np.asarray(values, np.float64) * rate
    if rule.decide == "value":
        return found
    size = np.maximum(np.abs(found), DIVERGED)
    shorter = np.sign(found) * DIVERGED * (1 + np.log(size / DIVERGED))
    return np.asarray(np.where(size > DIVERGED, shorter, found))


def _start(estimator: Any, name: str) -> FloatArray:
    """What the sums of gradient boosting begin with."""
    init = estimator.init_
    n_values = estimator.estimators_.shape[1]
    if isinstance(init, str):
        return np.zeros(n_values)
    if type(init).__name__ not in ("DummyClassifier", "DummyRegressor") or init.n_outputs_ != 1:
        raise UnsupportedModel(
            f"{name}(init={type(init).__name__}(…)) can't be compiled; use init=None or 'zero'"
        )
    if getattr(init, "strategy", "") in ("stratified", "uniform"):
        raise UnsupportedModel(f"{name}(init=DummyClassifier({init.strategy!r})) answers at random")
    # One constant for all rows.
    start = estimator._raw_predict_init(np.zeros((1, estimator.n_features_in_), np.float32))
    return np.asarray(start, np.float64).ravel()


def _binned_tree(nodes: npt.NDArray[Any], factor: float) -> Tree:
    is_leaf = nodes["is_leaf"].astype(bool)
    inner, leaves = _preorder(nodes, is_leaf)
    place = {node: number for number, node in enumerate(inner)}
    place |= {node: ~number for number, node in enumerate(leaves)}
    # Infinity parts missing values from the rest: every number goes left.
    threshold = np.minimum(nodes["num_threshold"][inner].astype(np.float64), 1e300)
    return Tree(
        feature=nodes["feature_idx"][inner].astype(np.int32),
        threshold=threshold,
        left=np.array([place[int(node)] for node in nodes["left"][inner]], np.int32),
        right=np.array([place[int(node)] for node in nodes["right"][inner]], np.int32),
        value=nodes["value"][leaves].astype(np.float64)[:, None] * factor,
    )


def _preorder(nodes: npt.NDArray[Any], is_leaf: npt.NDArray[np.bool_]) -> tuple[list[int], list[int]]:
    """Inner nodes and leaves: children come after their parents."""
    inner: list[int] = []
    leaves: list[int] = []
    waiting = [0]
    while waiting:
        node = waiting.pop()
        if is_leaf[node]:
            leaves.append(node)
        else:
            inner.append(node)
            waiting += [int(nodes["right"][node]), int(nodes["left"][node])]
    return inner, leaves


def answers(estimator: Any, ir: Additive, X: npt.ArrayLike) -> tuple[FloatArray, npt.NDArray[np.intp]]:
    """Scores (n_rows, n_scores) and winners (n_rows,) of the estimator itself."""
    if ir.verdict.decide == "value":
        values = np.asarray(estimator.predict(X), np.float64).reshape(-1, 1)
        return ir.verdict.judge(values).scores, np.zeros(len(values), np.intp)
    winners = np.searchsorted(estimator.classes_, estimator.predict(X))
    return np.asarray(estimator.predict_proba(X), np.float64), winners
