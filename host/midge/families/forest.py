"""Decision trees and forests of scikit-learn → IR."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ..compile.ir import FloatArray, Forest, Tree
from ..errors import UnsupportedModel

# Class numbers are bytes in the node tables.
MAX_CLASSES = 255


def reads_single(estimator: Any) -> bool:
    """True: the trees see float32 of what they are given."""
    return True


def to_ir(estimator: Any) -> Forest:
    """The fitted classifier as a `Forest` over the features it was fitted on.

    Raises
    ------
    UnsupportedModel
        not fitted, several outputs, missing values, or too many classes; names the part
    """
    name = type(estimator).__name__
    if not hasattr(estimator, "classes_"):
        raise UnsupportedModel(f"{name} is not fitted; call fit(X, y) first")
    if getattr(estimator, "n_outputs_", 1) != 1:
        raise UnsupportedModel(
            f"{name} has {estimator.n_outputs_} outputs (y with several columns); fit one model an output"
        )
    if len(estimator.classes_) > MAX_CLASSES:
        raise UnsupportedModel(f"{name} has {len(estimator.classes_)} classes; midge takes {MAX_CLASSES}")
    grown = getattr(estimator, "estimators_", [estimator])
    return Forest(
        int(estimator.n_features_in_),
        len(estimator.classes_),
        tuple(
            grown_tree(part.tree_, name, np.asarray(part.tree_.value[:, 0, :], np.float64)) for part in grown
        ),
    )


def answers(estimator: Any, ir: Forest, X: npt.ArrayLike) -> tuple[FloatArray, npt.NDArray[np.intp]]:
    """Class probabilities (n_rows, n_classes) and winners (n_rows,) of the estimator itself."""
    scores = np.asarray(estimator.predict_proba(X), np.float64)
    return scores, np.argmax(scores, axis=1)


def grown_tree(grown: Any, name: str, value: FloatArray) -> Tree:
    """A tree of scikit-learn with the `value` (n_nodes, n_values) of its leaves; raises UnsupportedModel."""
    is_leaf = grown.children_left < 0
    # Old node number → place among the inner nodes, or ~place among the leaves; both keep their order.
    place = np.where(is_leaf, ~(np.cumsum(is_leaf) - 1), np.cumsum(~is_leaf) - 1).astype(np.int32)
    inner = np.flatnonzero(~is_leaf)
    if not np.isfinite(grown.threshold[inner]).all():
        # A split at infinity parts the missing values from the rest.
        raise UnsupportedModel(
            f"{name} was fitted on missing values (NaN), which int16 features can't hold; fill them first"
        )
    if not np.isfinite(value[is_leaf]).all():
        raise UnsupportedModel(
            f"{name} has a leaf without samples (class weights of 0?); its value is not a number"
        )
    return Tree(
        feature=np.asarray(grown.feature[inner], np.int32),
        threshold=np.asarray(grown.threshold[inner], np.float64),
        left=place[grown.children_left[inner]],
        right=place[grown.children_right[inner]],
        value=np.ascontiguousarray(value[is_leaf]),
    )
