"""Support-vector machines of scikit-learn → IR; linear kernels fold into primal weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ..compile.ir import FloatArray, Node
from ..compile.kernel import Kernel
from ..compile.linear import Linear
from ..compile.verdict import MAX_CLASSES, Verdict
from ..errors import UnsupportedModel

_CLASSIFIERS = ("c_svc", "nu_svc")


def to_ir(estimator: Any) -> Node:
    """The fitted machine as a `Linear` or a `Kernel` over the features it was fitted on.

    Raises
    ------
    UnsupportedModel
        not fitted, a kernel or an option that can't be compiled, or too many classes; names the part
    """
    name = type(estimator).__name__
    if not hasattr(estimator, "support_vectors_"):
        raise UnsupportedModel(f"{name} is not fitted; call fit(X, y) first")
    if getattr(estimator, "probability", False) is True:
        raise UnsupportedModel(f"{name}(probability=True): Platt scaling can't be compiled; fit it without")
    if estimator.kernel not in ("linear", "rbf", "poly"):
        raise UnsupportedModel(
            f"{name}(kernel={estimator.kernel!r}) can't be compiled; use linear, rbf or poly"
        )
    rule = _verdict(estimator, name)
    # libsvm's own signs: scikit-learn turns them round for two classes.
    coefficients = np.asarray(_dense(estimator._dual_coef_), np.float64)
    bias = np.asarray(estimator._intercept_, np.float64)
    vectors = np.asarray(_dense(estimator.support_vectors_), np.float64)
    is_classifier = estimator._impl in _CLASSIFIERS
    counts = np.asarray(estimator.n_support_ if is_classifier else [len(vectors)])
    if not (np.isfinite(coefficients).all() and np.isfinite(bias).all()):
        raise UnsupportedModel(
            f"{name} has coefficients that are not finite; scale the features, fit it again"
        )
    unknown = np.zeros(vectors.shape[1])
    if not len(vectors):
        # Every row is within the margin: the answer is a constant.
        return Linear(np.zeros((rule.n_values, vectors.shape[1])), bias, rule, unknown, unknown)
    if estimator.kernel == "linear":
        ends = np.cumsum(counts)
        weights = [
            sum(coefficients[row, start:end] @ vectors[start:end] for row, start, end in parts)
            for parts in _duel_parts(counts, ends)
        ]
        return Linear(np.array(weights), bias, rule, unknown, unknown)
    if estimator.kernel == "poly" and (
        estimator.degree != int(estimator.degree) or not 1 <= estimator.degree <= 8
    ):
        raise UnsupportedModel(
            f"{name}(degree={estimator.degree}) can't be compiled; use a whole degree from 1 to 8"
        )
    return Kernel(
        function=estimator.kernel,
        gamma=float(estimator._gamma),
        coef0=float(estimator.coef0) if estimator.kernel == "poly" else 0.0,
        degree=int(estimator.degree) if estimator.kernel == "poly" else 0,
        vectors=vectors,
        coefficients=coefficients,
        counts=counts.astype(np.int32),
        bias=bias,
        metric=np.ones(vectors.shape[1]),
        offsets=np.zeros(len(vectors)),
        verdict=rule,
        low=unknown,
        high=unknown,
    )


def _dense(matrix: Any) -> Any:
    return matrix.toarray() if hasattr(matrix, "toarray") else matrix


def _duel_parts(counts: npt.NDArray[Any], ends: npt.NDArray[Any]) -> list[list[tuple[int, int, int]]]:
    """Rows of coefficients and ranges of vectors that make up each value (libsvm, `svm_predict_values`)."""
    starts = ends - counts
    if len(counts) == 1:
        return [[(0, 0, int(ends[0]))]]
    return [
        [(j - 1, int(starts[i]), int(ends[i])), (i, int(starts[j]), int(ends[j]))]
        for i in range(len(counts))
        for j in range(i + 1, len(counts))
    ]


def _verdict(estimator: Any, name: str) -> Verdict:
    if estimator._impl == "one_class":
        # One value as with two classes, 'outlier' (-1) below and 'inlier' (1) above 0.
        return Verdict("sign", "decision", 2)
    if estimator._impl not in _CLASSIFIERS:
        return Verdict("value", "value", 0)
    n_classes = len(estimator.classes_)
    if n_classes > MAX_CLASSES:
        raise UnsupportedModel(f"{name} has {n_classes} classes; midge takes {MAX_CLASSES}")
    if n_classes == 2:
        return Verdict("duels", "decision", 2)
    return Verdict("duels-sum" if estimator.break_ties else "duels", "votes", n_classes)


def answers(estimator: Any, ir: Linear | Kernel, X: npt.ArrayLike) -> tuple[FloatArray, npt.NDArray[np.intp]]:
    """Scores (n_rows, n_scores) and winners (n_rows,) of the estimator itself."""
    rule = ir.verdict
    if rule.decide == "value":
        values = np.asarray(estimator.predict(X), np.float64).reshape(-1, 1)
        return rule.judge(values).scores, np.zeros(len(values), np.intp)
    if rule.decide == "sign":
        values = np.asarray(estimator.decision_function(X), np.float64).reshape(-1, 1)
        return rule.judge(values).scores, (np.asarray(estimator.predict(X)) > 0).astype(np.intp)
    duels = np.asarray(estimator._decision_function(np.asarray(X)), np.float64)
    duels = -duels.reshape(-1, 1) if rule.n_classes == 2 else duels
    winners = np.searchsorted(estimator.classes_, estimator.predict(X))
    return rule.judge(duels).scores, winners
