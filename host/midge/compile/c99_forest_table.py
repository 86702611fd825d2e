"""Forests as constant tables for firmware/native/forest_table.c."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..errors import UnsupportedModel
from .c99_table import table
from .votes import NARROW_BITS, VotingForest, VotingTree

# forest_table.h
_LEFT_IS_LEAF, _RIGHT_IS_LEAF, _LAST = 0x4000, 0x8000, 0x8000
_MAX_FEATURES = 0x3FFF
_MAX_WORD = 0xFFFF
_NODE_WORDS = 3


class _Votes:
    """The votes of all leaves, equal ones once."""

    def __init__(self, is_wide: bool) -> None:
        self.words: list[int] = []
        self._is_wide = is_wide
        self._places: dict[bytes, int] = {}

    def place(self, votes: npt.NDArray[np.int64]) -> int:
        """Where the votes of a leaf begin."""
        key = votes.tobytes()
        if key not in self._places:
            self._places[key] = len(self.words)
            classes = np.flatnonzero(votes).tolist() or [0]
            for c in classes:
                vote = int(votes[c])
                self.words.append(c | (_LAST if c == classes[-1] else 0))
                self.words += [vote & _MAX_WORD, vote >> 16] if self._is_wide else [vote]
        return self._places[key]


def code(forest: VotingForest) -> str:
    """C of midge_classify() for a forest, as tables; UnsupportedModel if 16-bit places do not reach."""
    if forest.n_features > _MAX_FEATURES:
        raise UnsupportedModel(
            f"a table forest reads {_MAX_FEATURES} features at most; use the layout 'code'"
        )
    is_wide = forest.vote_bits != NARROW_BITS
    votes = _Votes(is_wide)
    nodes: list[int] = []
    roots = []
    for tree in forest.trees:
        roots.append(len(nodes))
        nodes += _tree(tree, votes)
    if len(votes.words) > _MAX_WORD or max(nodes, default=0) > _MAX_WORD:
        raise UnsupportedModel(
            "the forest is too large for tables; use the layout 'code', or train fewer trees"
        )
    lines = [
        '#include "forest_table.h"',
        "",
        table("forest_nodes", "uint16_t", np.array(nodes, np.int64)),
        "",
        table("forest_roots", "uint32_t", np.array(roots, np.int64)),
        "",
        table("forest_votes", "uint16_t", np.array(votes.words, np.int64)),
        "",
        "static const forest_table forest = {",
        "    .nodes = forest_nodes,",
        "    .roots = forest_roots,",
        "    .votes = forest_votes,",
        f"    .n_trees = {len(forest.trees)},",
        f"    .n_classes = {forest.n_classes},",
        f"    .half = {forest.half}u,",
        f"    .shift = {forest.shift},",
        f"    .is_wide = {int(is_wide)},",
        "};",
        "",
        "int32_t midge_classify(const int16_t *features, int16_t *scores)",
        "{",
        f"    uint32_t sums[{forest.n_classes}];",
        "",
        "    return forest_table_classify(&forest, features, sums, scores);",
        "}",
        "",
    ]
    return "\n".join(lines)


def _tree(tree: VotingTree, votes: _Votes) -> list[int]:
    """Words of one tree; a tree that is a single leaf becomes a node with that leaf on both sides."""
    if not len(tree.feature):
        leaf = votes.place(tree.votes[0])
        return [_LEFT_IS_LEAF | _RIGHT_IS_LEAF, 0, leaf, leaf]
    # Nodes are numbered in preorder: each one's left child follows it.
    is_leaf = np.stack([tree.left < 0, tree.right < 0])
    sizes = _NODE_WORDS + is_leaf[0]
    places = np.concatenate([[0], np.cumsum(sizes)])
    words: list[int] = []
    for node in range(len(tree.feature)):
        head = int(tree.feature[node])
        head |= _LEFT_IS_LEAF * int(is_leaf[0, node]) | _RIGHT_IS_LEAF * int(is_leaf[1, node])
        left, right = int(tree.left[node]), int(tree.right[node])
        beyond = votes.place(tree.votes[~right]) if right < 0 else int(places[right] - places[node])
        words += [head, int(tree.threshold[node]) & _MAX_WORD, beyond]
        if left < 0:
            words.append(votes.place(tree.votes[~left]))
    return words
