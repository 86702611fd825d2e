"""Fewer trees: those go first without which the rest answers best."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from ..compile import reference
from ..compile.additive import Additive
from ..compile.ir import FloatArray, Forest
from ..validation import Labels

# Rows, trees and classes that are looked at: so many numbers at most.
MOST_NUMBERS = 4_000_000
# A probability below this counts as this: one row alone must not decide.
LEAST = 0.02


def from_forest(ir: Forest, X: npt.NDArray[np.int16], y: Labels, share: float) -> Forest:
    """The forest with `share` of its trees, by backward elimination on the log-loss of rows X, classes y."""
    n_trees = len(ir.trees)
    step = max(1, -(-len(X) * n_trees * ir.n_classes // MOST_NUMBERS))
    values, truth = np.asarray(X[::step], np.float64), y[::step]
    says = np.stack([tree.value[reference.leaves(tree, values)] for tree in ir.trees])
    of_truth = says[:, np.arange(len(truth)), truth]
    weight = 1.0 / np.maximum(1, np.bincount(truth, minlength=ir.n_classes))[truth]
    kept = list(range(n_trees))
    total: FloatArray = of_truth.sum(axis=0)
    while len(kept) > max(1, round(share * n_trees)):
        left = (total - of_truth[kept]) / (len(kept) - 1)
        loss = -(np.log(np.maximum(left, LEAST)) * weight).sum(axis=1)
        worst = kept.pop(int(np.argmin(loss)))
        total = total - of_truth[worst]
    return replace(ir, trees=tuple(ir.trees[number] for number in kept))


def from_sum(ir: Additive, X: npt.NDArray[np.int16], share: float) -> Additive:
    """The sum with `share` of its trees: those that vary least over rows X become part of the bias."""
    values = np.asarray(X, np.float64)
    says = [tree.value[reference.leaves(tree, values), 0] for tree in ir.trees]
    order = np.argsort([-float(one.var()) for one in says], kind="stable")
    n_kept = max(1, round(share * len(says)))
    bias = ir.bias.copy()
    for number in order[n_kept:]:
        bias[ir.adds_to[number]] += says[number].mean()
    kept = np.sort(order[:n_kept])
    return replace(ir, trees=tuple(ir.trees[i] for i in kept), adds_to=ir.adds_to[kept], bias=bias)
