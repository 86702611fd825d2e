"""Gaussian naive Bayes of scikit-learn → IR."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ..compile.gaussian import Gaussian
from ..compile.ir import FloatArray
from ..compile.verdict import MAX_CLASSES, Verdict
from ..errors import UnsupportedModel


def to_ir(estimator: Any) -> Gaussian:
    """The fitted classifier as a `Gaussian`; UnsupportedModel naming the part that can't be compiled."""
    name = type(estimator).__name__
    if not hasattr(estimator, "theta_"):
        raise UnsupportedModel(f"{name} is not fitted; call fit(X, y) first")
    n_classes = len(estimator.classes_)
    if not 2 <= n_classes <= MAX_CLASSES:
        raise UnsupportedModel(f"{name} has {n_classes} classes; midge takes 2 to {MAX_CLASSES}")
    variance = np.asarray(estimator.var_, np.float64)
    if not (variance > 0).all():
        raise UnsupportedModel(f"{name} has a variance of 0; fit it with var_smoothing above 0")
    if not (estimator.class_prior_ > 0).all():
        raise UnsupportedModel(f"{name} has a class with a prior of 0; leave the class out")
    constant = np.log(estimator.class_prior_) - 0.5 * np.log(2 * np.pi * variance).sum(axis=1)
    mean = np.asarray(estimator.theta_, np.float64)
    return Gaussian(mean, variance, constant, Verdict("highest", "softmax", n_classes))


def answers(estimator: Any, ir: Gaussian, X: npt.ArrayLike) -> tuple[FloatArray, npt.NDArray[np.intp]]:
    """Class probabilities (n_rows, n_classes) and winners (n_rows,) of the estimator itself."""
    winners = np.searchsorted(estimator.classes_, estimator.predict(X))
    return np.asarray(estimator.predict_proba(X), np.float64), winners
