"""midge's own nets with time in them → IR: they are IR already."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ..compile.conv import Conv
from ..compile.ir import FloatArray
from ..errors import UnsupportedModel


def to_ir(estimator: Any) -> Conv:
    """The fitted net; UnsupportedModel if it is not fitted."""
    if not hasattr(estimator, "net_"):
        raise UnsupportedModel(f"{type(estimator).__name__} is not fitted; call fit(X, y) first")
    net: Conv = estimator.net_
    return net


def answers(estimator: Any, ir: Conv, X: npt.ArrayLike) -> tuple[FloatArray, npt.NDArray[np.intp]]:
    """Scores (n_rows, n_scores) and winners (n_rows,) of the estimator itself."""
    scores = np.asarray(estimator.predict_proba(X), np.float64)
    return scores, np.argmax(scores, axis=1)
