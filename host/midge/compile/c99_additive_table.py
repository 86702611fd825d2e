"""Sums of trees as constant tables for firmware/native/additive_table.c."""

from __future__ import annotations

import numpy as np

from ..errors import UnsupportedModel
from . import c99_verdict
from .additive_integer import AdditiveIntegers
from .c99_table import table
from .votes import VotingTree

# additive_table.h
_LEFT_IS_LEAF, _RIGHT_IS_LEAF = 0x4000, 0x8000
_MAX_FEATURES = 0x3FFF
_MAX_WORD = 0xFFFF
_NODE_WORDS = 3


def code(lowered: AdditiveIntegers) -> str:
    """C of midge_classify() for a sum of trees, as tables; UnsupportedModel if 16-bit places do not reach."""
    trees = [tree for group in lowered.groups for tree in group]
    leaves: dict[int, int] = {}
    nodes: list[int] = []
    roots: list[int] = []
    for tree in trees:
        roots.append(len(nodes))
        nodes += _tree(tree, leaves)
    if len(leaves) > _MAX_WORD or max(nodes, default=0) > _MAX_WORD or lowered.n_features > _MAX_FEATURES:
        raise UnsupportedModel(
            "the trees are too large for tables; use the layout 'code', or train fewer or smaller ones"
        )
    n_values = len(lowered.bias)
    c_type, wide = f"int{lowered.sum_bits}_t", "_wide" if lowered.sum_bits == 64 else ""
    lines = [
        *(
            f'#include "{name}"'
            for name in ["additive_table.h", "q15.h", *c99_verdict.headers(lowered.verdict)]
        ),
        "",
        table("nodes", "uint16_t", np.array(nodes or [0], np.int64)),
        table("leaves", c_type, np.array(list(leaves) or [0], np.int64)),
        table("roots", "uint32_t", np.array(roots or [0], np.int64)),
        table("n_trees", "uint16_t", np.array([len(group) for group in lowered.groups], np.int64)),
        table("bias", c_type, lowered.bias),
        "",
        f"static const additive_table{wide} model = {{",
        *(f"    .{name} = {name}," for name in ("nodes", "leaves", "roots", "n_trees", "bias")),
        f"    .n_values = {n_values},",
        "};",
        "",
        "int32_t midge_classify(const int16_t *x, int16_t *scores)",
        "{",
        f"    int{lowered.sum_bits}_t sums[{n_values}];",
        "",
        f"    additive_table{wide}_sums(&model, x, sums);",
        *c99_verdict.code(lowered.verdict, lowered.log2_scale, c_type),
        "}",
        "",
    ]
    return "\n".join(lines)


def _tree(tree: VotingTree, leaves: dict[int, int]) -> list[int]:
    """Words of one tree; nodes are numbered in preorder: each one's left child follows it."""

    def place(child: int) -> int:
        return leaves.setdefault(int(tree.votes[~child, 0]), len(leaves))

    is_leaf = np.stack([tree.left < 0, tree.right < 0])
    places = np.concatenate([[0], np.cumsum(_NODE_WORDS + is_leaf[0])])
    words: list[int] = []
    for node in range(len(tree.feature)):
        head = int(tree.feature[node])
        head |= _LEFT_IS_LEAF * int(is_leaf[0, node]) | _RIGHT_IS_LEAF * int(is_leaf[1, node])
        left, right = int(tree.left[node]), int(tree.right[node])
        beyond = place(right) if right < 0 else int(places[right] - places[node])
        words += [head, int(tree.threshold[node]) & _MAX_WORD, beyond]
        if left < 0:
            words.append(place(left))
    return words
