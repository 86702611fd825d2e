"""Forests in integers: thresholds for int16 features, leaf probabilities as votes, their bound of error ε.

Every layout of midge's own C adds up these very votes, so all of them give the same scores, bit for bit.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from . import reference
from .ir import MAX_NARROW_TREES, Forest, IntArray, Tree

INT16_MIN, INT16_MAX = -32768, 32767
SCORE_SCALE = 32767
# A vote of probability 1 stays below this, so that a table can keep class and vote in one 32-bit word.
VOTE_LIMIT = 1 << 24
NARROW_BITS, WIDE_BITS = 16, 32
NARROW_LIMIT = 65535
PURE_EPSILON = 1e-9
# What float64 rounding can move a mean of probabilities by.
FLOAT_SLACK = 1e-12

VoteArray = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class VotingTree:
    """`ir.Tree` with whole thresholds and `votes` : int64 (n_leaves, n_classes); nodes in preorder."""

    feature: IntArray
    threshold: IntArray
    left: IntArray
    right: IntArray
    votes: VoteArray

    @property
    def root(self) -> int:
        """Where to begin: node 0, or leaf 0 in the form of a child."""
        return 0 if len(self.feature) else ~0


@dataclass(frozen=True, eq=False)
class VotingForest:
    """A forest as the C computes it.

    sum[c] = Σ votes over trees; the highest sum wins, the lowest index at a tie;
    score[c] = (sum[c] + half) >> shift, Q15.

    vote_bits : width that is enough for a sum
    one : votes of one tree for probability 1
    epsilon : rows whose top two mean probabilities are further apart have the same winner as the IR
    """

    n_features: int
    n_classes: int
    trees: tuple[VotingTree, ...]
    vote_bits: int
    shift: int
    half: int
    one: int
    epsilon: float

    @property
    def total(self) -> int:
        """Votes of all trees for probability 1."""
        return self.one * len(self.trees)


# Asked for again by golden rows, probes, C and linker.
@lru_cache(maxsize=2)
def lower(forest: Forest) -> VotingForest:
    """Thresholds as whole numbers, probabilities as votes; branches that no int16 can reach are gone."""
    n_trees = len(forest.trees)
    if forest.vote_bits == NARROW_BITS:
        # A full sum has no room to be rounded up: scores are cut off.
        shift, half, one = 1, 0, NARROW_LIMIT // n_trees
        scale = float(one)
    else:
        shift = 0
        while shift < 16 and (SCORE_SCALE << (shift + 1)) < VOTE_LIMIT * n_trees:
            shift += 1
        half, scale = 1 << shift >> 1, (SCORE_SCALE << shift) / n_trees
        one = round(scale)
    trees, error = [], 0.0
    for tree in forest.trees:
        votes = np.rint(tree.value * scale).astype(np.int64)
        if forest.n_classes == 2:
            # Complements: the second sum is then known from the first.
            votes[:, 1] = one - votes[:, 0]
        off = votes - tree.value * scale
        error += float((off.max(axis=1) - off.min(axis=1)).max())
        trees.append(prune(tree, votes))
    return VotingForest(
        n_features=forest.n_features,
        n_classes=forest.n_classes,
        trees=tuple(trees),
        vote_bits=forest.vote_bits,
        shift=shift,
        half=half,
        one=one,
        epsilon=error / (scale * n_trees) + FLOAT_SLACK,
    )


def choose_bits(forest: Forest, X: npt.NDArray[Any]) -> int:
    """16 if sums of 16 bits tell the classes of every row of X apart for certain, else 32.

    Narrow sums go two to a word, which is smaller and faster; near ties need wide ones.
    """
    if forest.n_classes <= 2 or len(forest.trees) > MAX_NARROW_TREES:
        return WIDE_BITS
    narrow = lower(replace(forest, vote_bits=NARROW_BITS)).epsilon
    margins = reference.margins(reference.predict(forest, X))
    # Pure leaves are not rounded at all: then even ties come out as scikit-learn has them.
    return WIDE_BITS if narrow > PURE_EPSILON and (margins <= narrow).any() else NARROW_BITS


def prune(tree: Tree, votes: VoteArray) -> VotingTree:
    """The tree without nodes that decide nothing: decided above, or with both leaves equal."""
    n_nodes = len(tree.feature)
    threshold = np.clip(np.floor(tree.threshold), INT16_MIN - 1, INT16_MAX).astype(np.int32)
    instead: dict[int, int] = {}
    # Children come after their parents: forwards for what is known from above, backwards for what lies below.
    known: list[dict[int, tuple[int, int]] | None] = [None] * n_nodes
    if n_nodes:
        known[0] = {}
    for node in range(n_nodes):
        bounds = known[node]
        if bounds is None:
            continue
        known[node] = None
        feature, limit = int(tree.feature[node]), int(threshold[node])
        left, right = int(tree.left[node]), int(tree.right[node])
        low, high = bounds.get(feature, (INT16_MIN, INT16_MAX))
        if limit >= high or limit < low:
            instead[node] = left if limit >= high else right
            if instead[node] >= 0:
                known[instead[node]] = bounds
            continue
        if left >= 0:
            known[left] = {**bounds, feature: (low, limit)}
        if right >= 0:
            known[right] = {**bounds, feature: (limit + 1, high)}

    def follow(child: int) -> int:
        while child in instead:
            child = instead[child]
        return child

    left_of = np.array(tree.left)
    right_of = np.array(tree.right)
    for node in range(n_nodes - 1, -1, -1):
        left_of[node] = left = follow(int(tree.left[node]))
        right_of[node] = right = follow(int(tree.right[node]))
        if node not in instead and left < 0 and right < 0 and np.array_equal(votes[~left], votes[~right]):
            instead[node] = left
    return _preorder(VotingTree(tree.feature, threshold, left_of, right_of, votes), follow(tree.root))


def _preorder(tree: VotingTree, root: int) -> VotingTree:
    """The part of a tree that is reached from `root`, renumbered in preorder, left before right."""
    nodes: list[int] = []
    leaves: list[int] = []
    place: dict[int, int] = {}
    waiting = [root]
    while waiting:
        child = waiting.pop()
        if child < 0:
            place[child] = ~len(leaves)
            leaves.append(~child)
        else:
            place[child] = len(nodes)
            nodes.append(child)
            waiting += [int(tree.right[child]), int(tree.left[child])]
    return VotingTree(
        feature=tree.feature[nodes].astype(np.int32),
        threshold=tree.threshold[nodes].astype(np.int32),
        left=np.array([place[int(tree.left[node])] for node in nodes], np.int32),
        right=np.array([place[int(tree.right[node])] for node in nodes], np.int32),
        votes=tree.votes[leaves],
    )


def leaves(tree: VotingTree, X: npt.NDArray[np.int16]) -> IntArray:
    """Leaf that each row of int16 features falls into: int32 (n_rows,)."""
    child = np.full(len(X), tree.root, np.int32)
    rows = np.flatnonzero(child >= 0)
    while len(rows):
        node = child[rows]
        goes_left = X[rows, tree.feature[node]] <= tree.threshold[node]
        child[rows] = np.where(goes_left, tree.left[node], tree.right[node])
        rows = rows[child[rows] >= 0]
    return ~child


def predict(forest: VotingForest, X: npt.NDArray[np.int16]) -> tuple[npt.NDArray[np.int16], IntArray]:
    """Scores int16 (n_rows, n_classes) and winners int32 (n_rows,), as the C must give them."""
    sums = np.zeros((len(X), forest.n_classes), np.int64)
    for tree in forest.trees:
        sums += tree.votes[leaves(tree, X)]
    scores = ((sums + forest.half) >> forest.shift).astype(np.int16)
    return scores, np.argmax(sums, axis=1).astype(np.int32)
