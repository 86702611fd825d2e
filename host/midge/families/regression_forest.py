"""Regression trees and forests of scikit-learn → IR."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ..compile.additive import Additive
from ..compile.ir import FloatArray
from ..compile.verdict import Verdict
from ..errors import UnsupportedModel
from .forest import grown_tree


def reads_single(estimator: Any) -> bool:
    """True: the trees see float32 of what they are given."""
    return True


def to_ir(estimator: Any) -> Additive:
    """The fitted regressor as an `Additive`; UnsupportedModel naming the part that can't be compiled."""
    name = type(estimator).__name__
    if not hasattr(estimator, "n_outputs_"):
        raise UnsupportedModel(f"{name} is not fitted; call fit(X, y) first")
    if estimator.n_outputs_ != 1:
        raise UnsupportedModel(
            f"{name} has {estimator.n_outputs_} outputs (y with several columns); fit one model an output"
        )
    grown = getattr(estimator, "estimators_", [estimator])
    return Additive(
        int(estimator.n_features_in_),
        tuple(
            grown_tree(part.tree_, name, np.asarray(part.tree_.value[:, 0, :], np.float64) / len(grown))
            for part in grown
        ),
        np.zeros(len(grown), np.int32),
        np.zeros(1),
        Verdict("value", "value", 0),
    )


def answers(estimator: Any, ir: Additive, X: npt.ArrayLike) -> tuple[FloatArray, npt.NDArray[np.intp]]:
    """Scores (n_rows, 1) of the regressor itself, and zeros."""
    values = np.asarray(estimator.predict(X), np.float64).reshape(-1, 1)
    return ir.verdict.judge(values).scores, np.zeros(len(values), np.intp)
