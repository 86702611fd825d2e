"""Cost-complexity pruning of trees: subtrees whose leaves hardly differ become one.

Source: L. Breiman, J. Friedman, R. Olshen, C. Stone, "Classification and Regression Trees", 1984, chapter 3.
The cost is the squared change of the leaves' values; for probabilities that is the rise of the Gini impurity.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ..compile import reference
from ..compile.ir import FloatArray, Tree

# Weight of a leaf that no row reaches.
UNSEEN = 1e-3
BISECTIONS = 40


@dataclass(frozen=True)
class _Sums:
    """Of what lies under each node, and of each leaf: weight, mean value, squared distance from the mean."""

    mean: FloatArray
    error: FloatArray


def prune(ir: Any, X: npt.NDArray[np.int16], share: float) -> Any:
    """The forest or sum of trees with at most `share` of its leaves, as rows X (n, n_features) tell."""
    values = np.asarray(X, np.float64)
    sums = [_sums(tree, values) for tree in ir.trees]
    wanted = share * sum(len(tree.value) for tree in ir.trees)
    low, high = 0.0, max((float(one.error.max(initial=0.0)) for one in sums), default=0.0) + 1.0
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        left = sum(
            len(tree.value) - _lost(tree, one, middle)[1] for tree, one in zip(ir.trees, sums, strict=True)
        )
        low, high = (low, middle) if left <= wanted else (middle, high)
    return replace(
        ir,
        trees=tuple(
            _without(tree, one, _lost(tree, one, high)[0]) for tree, one in zip(ir.trees, sums, strict=True)
        ),
    )


def _sums(tree: Tree, X: FloatArray) -> _Sums:
    n_nodes = len(tree.feature)
    weight = np.bincount(reference.leaves(tree, X), minlength=len(tree.value)) + UNSEEN
    first = tree.value * weight[:, None]
    second = (tree.value**2).sum(axis=1) * weight
    under = np.zeros((n_nodes, 2 + tree.value.shape[1]))
    of_leaf = np.column_stack([weight, second, first])
    for node in range(n_nodes - 1, -1, -1):
        for child in (int(tree.left[node]), int(tree.right[node])):
            under[node] += under[child] if child >= 0 else of_leaf[~child]
    mean = under[:, 2:] / under[:, :1]
    error = np.maximum(under[:, 1] - (mean**2).sum(axis=1) * under[:, 0], 0.0)
    return _Sums(mean, error)


def _lost(tree: Tree, sums: _Sums, price: float) -> tuple[set[int], int]:
    """Nodes that become leaves where a leaf costs `price`, and how many leaves go."""
    n_nodes = len(tree.feature)
    cost, n_leaves = np.zeros(n_nodes), np.zeros(n_nodes, int)
    gone = set()
    for node in range(n_nodes - 1, -1, -1):
        children = (int(tree.left[node]), int(tree.right[node]))
        cost[node] = sum(cost[child] if child >= 0 else price for child in children)
        n_leaves[node] = sum(int(n_leaves[child]) if child >= 0 else 1 for child in children)
        if sums.error[node] + price <= cost[node]:
            gone.add(node)
            cost[node], n_leaves[node] = sums.error[node] + price, 1
    return gone, len(tree.value) - (int(n_leaves[0]) if n_nodes else len(tree.value))


def _without(tree: Tree, sums: _Sums, gone: set[int]) -> Tree:
    """The tree with the nodes `gone` as leaves of their mean value, renumbered in preorder."""
    columns: tuple[list[int], list[float], list[int], list[int]] = ([], [], [], [])
    feature, threshold, left, right = columns
    value: list[FloatArray] = []
    waiting: list[tuple[int, int, list[int]]] = [(tree.root, 0, [])]
    while waiting:
        child, parent, side = waiting.pop()
        if child < 0 or child in gone:
            made = ~len(value)
            value.append(tree.value[~child] if child < 0 else sums.mean[child])
        else:
            made = len(feature)
            feature.append(int(tree.feature[child]))
            threshold.append(float(tree.threshold[child]))
            left.append(0)
            right.append(0)
            waiting.append((int(tree.right[child]), made, right))
            waiting.append((int(tree.left[child]), made, left))
        if side:
            side[parent] = made
    return Tree(
        np.array(feature, np.int32),
        np.array(threshold, np.float64),
        np.array(left, np.int32),
        np.array(right, np.int32),
        np.array(value, np.float64),
    )


def merge_equal(tree: Tree) -> Tree:
    """The tree without nodes under which all leaves have the same value."""
    n_nodes = len(tree.feature)
    mean = np.full((n_nodes, tree.value.shape[1]), np.nan)
    gone = set()
    for node in range(n_nodes - 1, -1, -1):
        left, right = (
            mean[child] if child >= 0 else tree.value[~child]
            for child in (int(tree.left[node]), int(tree.right[node]))
        )
        if np.array_equal(left, right):
            mean[node] = left
            gone.add(node)
    return _without(tree, _Sums(mean, np.zeros(n_nodes)), gone)
