"""Multi-layer perceptrons of scikit-learn → IR."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ..compile.ir import FloatArray
from ..compile.net import ACTIVATIONS, Layer, Net
from ..compile.verdict import MAX_CLASSES, Verdict
from ..errors import UnsupportedModel


def to_ir(estimator: Any) -> Net:
    """The fitted net as a `Net` over the features it was fitted on.

    Raises
    ------
    UnsupportedModel
        not fitted, several outputs, an unknown activation or weights that are not finite; names the part
    """
    name = type(estimator).__name__
    if not hasattr(estimator, "coefs_"):
        raise UnsupportedModel(f"{name} is not fitted; call fit(X, y) first")
    if estimator.activation not in ACTIVATIONS:
        raise UnsupportedModel(f"{name}(activation={estimator.activation!r}) can't be compiled")
    layers = tuple(
        Layer(np.asarray(weights, np.float64).T.copy(), np.asarray(bias, np.float64))
        for weights, bias in zip(estimator.coefs_, estimator.intercepts_, strict=True)
    )
    if not all(np.isfinite(layer.weights).all() and np.isfinite(layer.bias).all() for layer in layers):
        raise UnsupportedModel(f"{name} has weights that are not finite; scale the features and fit it again")
    unknown = np.zeros(layers[0].weights.shape[1])
    peaks = np.zeros(len(layers) - 1)
    return Net(layers, estimator.activation, _verdict(estimator, name), unknown, unknown, peaks)


def _verdict(estimator: Any, name: str) -> Verdict:
    if not hasattr(estimator, "classes_"):
        if estimator.n_outputs_ != 1:
            raise UnsupportedModel(f"{name} has {estimator.n_outputs_} outputs; fit one model an output")
        if estimator.out_activation_ != "identity":
            raise UnsupportedModel(f"{name}(loss={estimator.loss!r}) can't be compiled; use squared_error")
        return Verdict("value", "value", 0)
    n_classes = len(estimator.classes_)
    if n_classes > MAX_CLASSES:
        raise UnsupportedModel(f"{name} has {n_classes} classes; midge takes {MAX_CLASSES}")
    if n_classes < 2:
        raise UnsupportedModel(f"{name} has one class only; there is nothing to decide")
    if estimator.out_activation_ == "softmax":
        return Verdict("highest", "softmax", n_classes)
    if estimator.n_outputs_ != 1:
        raise UnsupportedModel(
            f"{name} has several labels a row (y with several columns); fit one net a label"
        )
    return Verdict("sign", "sigmoid", 2)


def answers(estimator: Any, ir: Net, X: npt.ArrayLike) -> tuple[FloatArray, npt.NDArray[np.intp]]:
    """Scores (n_rows, n_scores) and winners (n_rows,) of the estimator itself."""
    if ir.verdict.decide == "value":
        values = np.asarray(estimator.predict(X), np.float64).reshape(-1, 1)
        return ir.verdict.judge(values).scores, np.zeros(len(values), np.intp)
    winners = np.searchsorted(estimator.classes_, estimator.predict(X))
    return np.asarray(estimator.predict_proba(X), np.float64), winners
