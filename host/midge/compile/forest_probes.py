"""Rows that stand on both sides of the thresholds of a forest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from . import votes
from .ir import Forest

Int16Array = npt.NDArray[np.int16]


def probes(ir: Forest, X: Int16Array, limit: int) -> Int16Array:
    """Rows that stand on both sides of thresholds: for each inner node, one at it and one just above.

    A changed threshold or leaf anywhere on their path changes the answer. At most `limit` rows, spread
    over the trees; otherwise the rows resemble those of X.
    """
    return around(votes.lower(ir).trees, ir.n_features, X, limit)


def around(trees: Sequence[votes.VotingTree], n_features: int, X: Int16Array, limit: int) -> Int16Array:
    """At most `limit` rows on both sides of the thresholds of trees."""
    base = X if len(X) else np.zeros((1, n_features), np.int16)
    made: list[Int16Array] = []
    paths = [list(_paths(tree)) for tree in trees]
    total = sum(len(of_tree) for of_tree in paths)
    # Evenly over all trees if there are more nodes than room.
    every = max(1, -(-2 * total // max(limit, 1)))
    for number, (tree, of_tree) in enumerate(zip(trees, paths, strict=True)):
        for node, bounds in of_tree[number % every :: every]:
            row = base[(node * 7919 + number) % len(base)].copy()
            for feature, (low, high) in bounds.items():
                row[feature] = min(max(int(row[feature]), low), high)
            for value in (int(tree.threshold[node]), int(tree.threshold[node]) + 1):
                row[tree.feature[node]] = value
                made.append(row.copy())
    return np.array(made[:limit], np.int16).reshape(-1, n_features)


def _paths(tree: votes.VotingTree) -> Iterator[tuple[int, dict[int, tuple[int, int]]]]:
    """Each inner node with the bounds of the features on the way to it."""
    waiting: list[tuple[int, dict[int, tuple[int, int]]]] = [(tree.root, {})] if tree.root >= 0 else []
    while waiting:
        node, bounds = waiting.pop()
        yield node, bounds
        feature, limit = int(tree.feature[node]), int(tree.threshold[node])
        low, high = bounds.get(feature, (votes.INT16_MIN, votes.INT16_MAX))
        if tree.left[node] >= 0:
            waiting.append((int(tree.left[node]), {**bounds, feature: (low, limit)}))
        if tree.right[node] >= 0:
            waiting.append((int(tree.right[node]), {**bounds, feature: (limit + 1, high)}))
