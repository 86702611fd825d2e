"""Sums of trees in integers: whole thresholds, int32 leaves, sums that are exact for every row."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from . import verdict, votes
from .additive import Additive
from .ir import Tree
from .verdict import Verdict

# Differences of two sums must fit int32 as well.
SUM_LIMITS = {32: 2**30 - 1, 64: 2**61}
MOST_LOG2_SCALE = 40
FLOAT_SLACK = 1e-12

IntegerArray = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class AdditiveIntegers:
    """A sum of trees as the C computes it; then `verdict.judge_integers`.

    groups : the trees that add to each value; `VotingTree.votes` is int64 (n_leaves, 1), within int32
    bias : int64 (n_values,), within int32
    log2_scale : sums are values · grid(verdict) · 2^log2_scale
    epsilon : rows with a larger margin have the same winner as the IR
    """

    n_features: int
    groups: tuple[tuple[votes.VotingTree, ...], ...]
    bias: IntegerArray
    verdict: Verdict
    log2_scale: int
    sum_bits: int
    epsilon: float


# Asked for again by golden rows, probes, C and linker.
@lru_cache(maxsize=2)
def lower(ir: Additive) -> AdditiveIntegers:
    """Leaves as large as keeps every sum within int32; branches that no int16 can reach are gone."""
    rule = ir.verdict
    bias = ir.bias - rule.center
    grid = verdict.grid(rule)
    # Leaves are counted from one of their tree, which then costs nothing to add.
    bases = [float(tree.value[_base(tree), 0]) for tree in ir.trees]
    start = bias.copy()
    reach = np.zeros(len(bias))
    for tree, base, value in zip(ir.trees, bases, ir.adds_to.tolist(), strict=True):
        start[value] += base
        reach[value] += float(np.abs(tree.value[:, 0] - base).max())
    largest = float((np.abs(start) + reach).max(initial=0.0)) * grid
    room = SUM_LIMITS[ir.sum_bits] - 2 * len(ir.trees) - 2
    log2_scale = int(np.floor(np.log2(room / largest))) if largest > 0 else MOST_LOG2_SCALE
    log2_scale = min(log2_scale, MOST_LOG2_SCALE)
    scale = grid * 2.0**log2_scale
    whole = np.rint(start * scale).astype(np.int64)
    error = np.abs(start - whole / scale)
    groups: list[list[votes.VotingTree]] = [[] for _ in bias]
    for tree, base, value in zip(ir.trees, bases, ir.adds_to.tolist(), strict=True):
        steps = np.rint((tree.value - base) * scale).astype(np.int64)
        error[value] += float(np.abs(tree.value - base - steps / scale).max())
        pruned = votes.prune(tree, steps)
        if len(pruned.feature):
            groups[value].append(pruned)
        else:
            whole[value] += pruned.votes[0, 0]
    rounded = float(np.sort(error)[-2:].sum())
    epsilon = rounded + FLOAT_SLACK * (1 + largest / grid)
    if rule.decide == "at-least":
        # What stands exactly at 0 stays there or above.
        nudge = int(np.ceil(rounded * scale))
        whole += nudge
        epsilon += nudge / scale
    return AdditiveIntegers(
        ir.n_features, tuple(tuple(group) for group in groups), whole, rule, log2_scale, ir.sum_bits, epsilon
    )


def _base(tree: Tree) -> int:
    """The leaf that the fewest decisions lead to."""
    level = [tree.root]
    while True:
        for child in level:
            if child < 0:
                return ~child
        level = [int(side[child]) for child in level for side in (tree.left, tree.right)]


def predict(
    lowered: AdditiveIntegers, X: npt.NDArray[np.int16]
) -> tuple[npt.NDArray[np.int16], npt.NDArray[np.int32]]:
    """Scores int16 (n_rows, n_scores) and winners int32 (n_rows,), as the C must give them."""
    sums = np.tile(lowered.bias, (len(X), 1))
    for value, group in enumerate(lowered.groups):
        for tree in group:
            sums[:, value] += tree.votes[votes.leaves(tree, X), 0]
    return verdict.judge_integers(lowered.verdict, sums, lowered.log2_scale)
