"""Forests as constant bytes for firmware/native/forest_table.c."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..errors import UnsupportedModel
from .c99_table import table
from .votes import NARROW_BITS, VotingForest, VotingTree

# forest_table.h
_LEFT_IS_LEAF, _RIGHT_IS_LEAF = 1, 2
_TWO_BYTES, _FOUR_BYTES = 0xC0, 0xFF
_LAST, _LAST_OF_MANY, _MANY_CLASSES = 0x80, 0x8000, 128
_MAX_BYTE_FEATURES, _MAX_FEATURES = 64, 0x4000
_MAX_CLASSES = 0x7FFF


def number(value: int) -> bytes:
    """A number of one, two or four bytes."""
    if value < _TWO_BYTES:
        return bytes([value])
    if value < (_FOUR_BYTES - _TWO_BYTES) << 8:
        return bytes([_TWO_BYTES + (value >> 8), value & 0xFF])
    if value < 1 << 24:
        return bytes([_FOUR_BYTES]) + value.to_bytes(3, "little")
    raise UnsupportedModel("the forest is too large for tables; use the layout 'code', or train fewer trees")


@dataclass(frozen=True)
class _Limits:
    """How nodes hold their limits: the form's name in forest_table.h, what a node holds, tables."""

    form: str
    write: Callable[[int, int], bytes]
    n_bytes: int = 1
    lowest: int = 0
    values: tuple[int, ...] = ()
    starts: tuple[int, ...] = ()


def _limits(forest: VotingForest) -> _Limits:
    """The smallest form."""
    feature = np.concatenate([tree.feature for tree in forest.trees]).astype(np.int64)
    limit = np.concatenate([tree.threshold for tree in forest.trees]).astype(np.int64)
    if len(limit) and limit.max() - limit.min() <= 0xFF:
        lowest = int(limit.min())
        return _Limits("byte", lambda _, value: bytes([value - lowest]), lowest=lowest)
    own = [np.unique(limit[feature == f]).tolist() for f in range(forest.n_features)]
    n_values = sum(map(len, own))
    if (
        max(map(len, own), default=0) <= 0x100
        and n_values <= 0xFFFF
        and 2 * (n_values + len(own)) < len(limit)
    ):
        starts = np.concatenate([[0], np.cumsum([len(values) for values in own])])[:-1]
        return _Limits(
            "place",
            lambda f, value: bytes([own[f].index(value)]),
            values=tuple(value for values in own for value in values),
            starts=tuple(starts.tolist()),
        )
    return _Limits("word", lambda _, value: (value & 0xFFFF).to_bytes(2, "little"), n_bytes=2)


class _Leaves:
    """The numbers of all leaves: classes of pure ones, places of the votes of others, frequent ones first."""

    def __init__(self, forest: VotingForest) -> None:
        self._forest = forest
        self.votes = b""
        self._places: dict[bytes, int] = {}
        counts = Counter(votes.tobytes() for tree in forest.trees for votes in tree.votes)
        for key, _ in counts.most_common():
            votes = np.frombuffer(key, np.int64)
            if self._pure(votes) < 0:
                self._places[key] = len(self.votes)
                self.votes += self._record(votes)

    def _pure(self, votes: npt.NDArray[np.int64]) -> int:
        """The class that gets all votes; -1 if there is none."""
        found = np.flatnonzero(votes)
        return int(found[0]) if len(found) == 1 and votes[found[0]] == self._forest.one else -1

    def _record(self, votes: npt.NDArray[np.int64]) -> bytes:
        is_many = self._forest.n_classes > _MANY_CLASSES
        vote_bytes = 2 if self._forest.vote_bits == NARROW_BITS else 3
        classes = np.flatnonzero(votes).tolist() or [0]
        record = b""
        for c in classes:
            mark = (_LAST_OF_MANY if is_many else _LAST) if c == classes[-1] else 0
            record += (c | mark).to_bytes(2 if is_many else 1, "little")
            record += int(votes[c]).to_bytes(vote_bytes, "little")
        return record

    def number(self, votes: npt.NDArray[np.int64]) -> bytes:
        """What stands for a leaf in its node."""
        pure = self._pure(votes)
        return number(pure if pure >= 0 else self._forest.n_classes + self._places[votes.tobytes()])


def code(forest: VotingForest) -> str:
    """C of midge_classify() for a forest, as tables; UnsupportedModel if their numbers do not reach."""
    if forest.n_features > _MAX_FEATURES or forest.n_classes > _MAX_CLASSES:
        raise UnsupportedModel(
            f"a table forest reads {_MAX_FEATURES} features and knows {_MAX_CLASSES} classes at most; "
            "use the layout 'code'"
        )
    feature_bytes = 1 if forest.n_features <= _MAX_BYTE_FEATURES else 2
    limits, leaves = _limits(forest), _Leaves(forest)
    nodes = b""
    for tree in forest.trees:
        of_tree = _tree(tree, feature_bytes, limits, leaves)
        nodes += number(len(of_tree)) + of_tree
    lines = [
        '#include "forest_table.h"',
        "",
        table("forest_nodes", "uint8_t", np.frombuffer(nodes, np.uint8)),
        "",
        table("forest_votes", "uint8_t", np.frombuffer(leaves.votes or b"\0", np.uint8)),
        "",
    ]
    if limits.values:
        lines += [table("forest_limits", "int16_t", np.array(limits.values, np.int64)), ""]
        lines += [table("forest_starts", "uint16_t", np.array(limits.starts, np.int64)), ""]
    lines += [
        "static const forest_table forest = {",
        "    .nodes = forest_nodes,",
        "    .votes = forest_votes,",
        *(["    .limits = forest_limits,", "    .starts = forest_starts,"] if limits.values else []),
        f"    .lowest = {limits.lowest},",
        f"    .n_trees = {len(forest.trees)},",
        f"    .n_classes = {forest.n_classes},",
        f"    .one = {forest.one}u,",
        f"    .half = {forest.half}u,",
        f"    .shift = {forest.shift},",
        f"    .is_wide = {int(forest.vote_bits != NARROW_BITS)},",
        "};",
        "",
        "int32_t midge_classify(const int16_t *features, int16_t *scores)",
        "{",
        f"    uint32_t sums[{forest.n_classes}];",
        "",
        f"    return forest_classify_{feature_bytes}_{limits.form}(&forest, features, sums, scores);",
        "}",
        "",
    ]
    return "\n".join(lines)


def _tree(tree: VotingTree, feature_bytes: int, limits: _Limits, leaves: _Leaves) -> bytes:
    """Bytes of one tree; a tree that is a single leaf becomes a node with that leaf on both sides."""
    if not len(tree.feature):
        leaf = leaves.number(tree.votes[0])
        flags = (_LEFT_IS_LEAF | _RIGHT_IS_LEAF) << (8 * feature_bytes - 2)
        return flags.to_bytes(feature_bytes, "little") + bytes(limits.n_bytes) + leaf + leaf
    # Children come after their parents: from the last node up, both children are known.
    written: dict[int, bytes] = {}
    for node in range(len(tree.feature) - 1, -1, -1):
        left, right = int(tree.left[node]), int(tree.right[node])
        feature = int(tree.feature[node])
        flags = _LEFT_IS_LEAF * (left < 0) | _RIGHT_IS_LEAF * (right < 0)
        head = (feature | flags << (8 * feature_bytes - 2)).to_bytes(feature_bytes, "little")
        first, second = (
            leaves.number(tree.votes[~child]) if child < 0 else written.pop(child) for child in (left, right)
        )
        if flags == _RIGHT_IS_LEAF:
            first, second = second, first
        elif flags == 0:
            first = number(len(first)) + first
        written[node] = head + limits.write(feature, int(tree.threshold[node])) + first + second
    return written[0]
