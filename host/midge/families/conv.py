"""midge's own nets with time in them → IR: they are IR already."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ..compile.conv import Conv
from ..compile.ir import FloatArray
from ..errors import ParityError, UnsupportedModel

# Part of the training rows on which rounding may not change the answer.
LEAST_AGREEMENT = 0.98


def to_ir(estimator: Any) -> Conv:
    """The fitted net.

    Raises
    ------
    UnsupportedModel
        it is not fitted
    ParityError
        in int8 it answers otherwise than in real numbers too often
    """
    if not hasattr(estimator, "net_"):
        raise UnsupportedModel(f"{type(estimator).__name__} is not fitted; call fit(X, y) first")
    if estimator.agreement_ < LEAST_AGREEMENT:
        raise ParityError(
            f"in int8 the net agrees with itself on {estimator.agreement_:.1%} of its training rows only: "
            "train it for more epochs, or at a lower learning rate"
        )
    net: Conv = estimator.net_
    return net


def answers(estimator: Any, ir: Conv, X: npt.ArrayLike) -> tuple[FloatArray, npt.NDArray[np.intp]]:
    """Scores (n_rows, n_scores) and winners (n_rows,) of the estimator itself."""
    scores = np.asarray(estimator.predict_proba(X), np.float64)
    return scores, np.argmax(scores, axis=1)
