"""Isolation forests of scikit-learn → IR."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ..compile.additive import Additive
from ..compile.ir import FloatArray
from ..compile.verdict import Verdict
from ..errors import UnsupportedModel
from .forest import grown_tree

# A row exactly at the threshold is an inlier: this much of a path covers the rounding of logarithms.
_TIE = 1e-9


def reads_single(estimator: Any) -> bool:
    """True: the trees see float32 of what they are given."""
    return True


def to_ir(estimator: Any) -> Additive:
    """The fitted forest as an `Additive` of path lengths, 0 at the threshold between outlier and inlier.

    value = mean path length / that of an unsuccessful search + log2(-offset): the exponent of the anomaly
    score (Liu, Ting, Zhou: Isolation Forest, 2008) from the one that stands at the threshold.
    """
    name = type(estimator).__name__
    if not hasattr(estimator, "estimators_"):
        raise UnsupportedModel(f"{name} is not fitted; call fit(X) first")
    if not estimator.offset_ < 0:
        raise UnsupportedModel(f"{name} has no threshold (offset_ {estimator.offset_}); fit it on more rows")
    if estimator._max_samples < 2:
        raise UnsupportedModel(f"{name} saw one row a tree (max_samples); fit it on more")
    trees = []
    unit = len(estimator.estimators_) * _mean_path(estimator)
    for part, columns, depths, lengths in zip(
        estimator.estimators_,
        estimator.estimators_features_,
        estimator._decision_path_lengths,
        estimator._average_path_length_per_tree,
        strict=True,
    ):
        value = (np.asarray(depths, np.float64) + np.asarray(lengths, np.float64) - 1.0) / unit
        tree = grown_tree(part.tree_, name, value.reshape(-1, 1))
        trees.append((tree, np.asarray(columns, np.int32)))
    return Additive(
        int(estimator.n_features_in_),
        tuple(replace(tree, feature=columns[tree.feature]) for tree, columns in trees),
        np.zeros(len(trees), np.int32),
        np.array([np.log2(-estimator.offset_) + _TIE]),
        Verdict("at-least", "decision", 2),
    )


def _mean_path(estimator: Any) -> float:
    from sklearn.ensemble._iforest import _average_path_length

    return float(_average_path_length([estimator._max_samples])[0])


def answers(estimator: Any, ir: Additive, X: npt.ArrayLike) -> tuple[FloatArray, npt.NDArray[np.intp]]:
    """Scores (n_rows, 2) and winners (n_rows,), 0 an outlier, of the estimator itself."""
    values = ir.bias[0] - np.log2(-estimator.score_samples(X))
    winners = (np.asarray(estimator.predict(X)) > 0).astype(np.intp)
    return ir.verdict.judge(values.reshape(-1, 1)).scores, winners
