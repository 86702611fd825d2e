"""Float64 interpreter of the IR: what the C is held to, and what the estimator is held against."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from . import kinds
from .ir import Answers, FloatArray, Forest, IntArray, Node, Tree


def leaves(tree: Tree, X: npt.NDArray[np.float64]) -> IntArray:
    """Leaf that each row of X (n_rows, n_features) falls into: int32 (n_rows,)."""
    child = np.full(len(X), tree.root, np.int32)
    rows = np.flatnonzero(child >= 0)
    while len(rows):
        node = child[rows]
        goes_left = X[rows, tree.feature[node]] <= tree.threshold[node]
        child[rows] = np.where(goes_left, tree.left[node], tree.right[node])
        rows = rows[child[rows] >= 0]
    return ~child


def interpret(forest: Forest, X: FloatArray) -> Answers:
    """Mean class probabilities of a forest, the winners and the margins in probability."""
    # Added tree by tree and divided at the end, as scikit-learn does: float addition is not associative.
    total = np.zeros((len(X), forest.n_classes))
    for tree in forest.trees:
        total += tree.value[leaves(tree, X)]
    scores = total / len(forest.trees)
    return Answers(scores, winners(scores), margins(scores))


def evaluate(ir: Node, X: npt.ArrayLike) -> Answers:
    """Scores, winners and margins of the rows of X, float64 (n_rows, n_features), as the model reads them."""
    answers: Answers = kinds.part(ir.kind, "reference").interpret(ir, np.asarray(X, np.float64))
    return answers


def predict(ir: Node, X: npt.ArrayLike) -> FloatArray:
    """Scores of the rows of X.

    Parameters
    ----------
    X
        (n_rows, n_features), features as the model reads them

    Returns
    -------
    float64 (n_rows, n_scores); 1.0 is full scale
    """
    return evaluate(ir, X).scores


def winners(scores: npt.NDArray[np.float64]) -> npt.NDArray[np.intp]:
    """Index of the highest score of each row, the lowest index at a tie."""
    return np.asarray(np.argmax(scores, axis=1), np.intp)


def margins(scores: npt.NDArray[np.float64]) -> FloatArray:
    """Highest minus second highest score of each row (1 if there is one score only)."""
    if scores.shape[1] < 2:
        return np.ones(len(scores))
    top = np.partition(scores, -2, axis=1)
    return np.asarray(top[:, -1] - top[:, -2], np.float64)
