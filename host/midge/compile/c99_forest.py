"""Forests as C code: one if/else a node, votes added up in local variables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from . import c99_forest_thumb1, c99_forest_thumb2
from .votes import NARROW_BITS, VotingForest, VotingTree

# Compilers bound the nesting of blocks (clang: 256); what lies deeper is moved behind its tree.
MAX_NESTING = 100
# The biased copy of the features lies on the stack.
MAX_BIASED_FEATURES = 128
# Features that are kept in registers where a core has plenty.
_HELD, _LEAST_READS = 14, 2
# A Thumb-1 load reaches this many features.
_NEAR = 32
_MAX_BYTE = 255
# Sums of more classes lie in memory: as many variables would keep a compiler busy for minutes.
MANY_CLASSES = 16
_INDENT = "    "


@dataclass(frozen=True)
class _Word:
    """One accumulator: what it adds up of a leaf's votes."""

    name: str
    classes: tuple[int, ...]

    def votes(self, of_leaf: list[int]) -> int:
        return sum(of_leaf[c] << (NARROW_BITS * lane) for lane, c in enumerate(self.classes))


def _words(forest: VotingForest) -> list[_Word]:
    if forest.n_classes > MANY_CLASSES:
        n_lanes = 2 if forest.vote_bits == NARROW_BITS else 1
        lanes = [range(first, first + n_lanes) for first in range(0, forest.n_classes, n_lanes)]
        return [
            _Word(f"words[{place}]", tuple(c for c in classes if c < forest.n_classes))
            for place, classes in enumerate(lanes)
        ]
    if forest.vote_bits == NARROW_BITS:
        return [_Word(f"sums_{pair[0]}", pair) for pair in _pairs(forest)]
    # With two classes the second sum follows from the first.
    n_sums = 1 if forest.n_classes == 2 else forest.n_classes
    return [_Word(f"sum_{c}", (c,)) for c in range(n_sums)]


def _pairs(forest: VotingForest) -> list[tuple[int, ...]]:
    """Classes that share a word: those that leaves often vote for together, greedily."""
    together = np.zeros((forest.n_classes, forest.n_classes))
    for tree in forest.trees:
        is_voted = (tree.votes > 0).astype(float)
        together += is_voted.T @ (is_voted * np.array(c99_forest_thumb2.shares(tree)[1])[:, None])
    left = list(range(forest.n_classes))
    pairs: list[tuple[int, ...]] = []
    while len(left) > 1:
        _, a, b = max((together[a, b], -a, -b) for a in left for b in left if a < b)
        pairs.append((-int(a), -int(b)))
        left = [c for c in left if c not in pairs[-1]]
    return sorted([*pairs, *((c,) for c in left)])


def code(forest: VotingForest) -> str:
    """C of midge_classify() for a forest, as nested if/else."""
    words = _words(forest)
    is_many = forest.n_classes > MANY_CLASSES
    is_copied = forest.n_features <= MAX_BIASED_FEATURES and 2 * forest.n_features + 20 < _visits(forest)
    is_small = is_copied and _is_small(forest)
    lines = ['#include "forest_code.h"', ""]
    if is_many:
        lines += _verdict_of_many(forest)
    if is_small:
        lines += ["#undef FOREST_LIMIT", "#define FOREST_LIMIT(limit) (limit)", ""]
    elif not is_copied:
        lines += ["#undef FOREST_IS_BIASED", "#define FOREST_IS_BIASED 0"]
        lines += ["#undef FOREST_LIMIT", "#define FOREST_LIMIT(limit) (limit)"]
        lines += ["#define forest_feature int16_t", ""]
    is_assembled = forest.n_features <= c99_forest_thumb2.MAX_FEATURES
    is_assembled = is_assembled and len(words) <= c99_forest_thumb2.MAX_SUMS
    if is_assembled:
        lines += ["#if FOREST_IS_THUMB2", "", *_assembled(forest, words), "#else", ""]
    is_thumb1 = is_copied and not is_many and c99_forest_thumb1.suits(forest, len(words))
    if is_thumb1:
        lines += ["#if FOREST_IS_BIASED", "", *_thumb1(forest, words, is_small), "#else", ""]
    reads = c99_forest_thumb2.reads_by_feature(forest)
    held = {feature: f"held_{feature}" for feature in list(reads)[:_HELD] if reads[feature] >= _LEAST_READS}
    names = (
        {f: f"x{f // _NEAR * _NEAR}[{f % _NEAR}]" for f in range(_NEAR, forest.n_features)}
        if is_small
        else {}
    )
    result, out = ("void", "uint32_t *words") if is_many else ("int32_t", "int16_t *scores")
    lines += [
        f"static FOREST_NOINLINE FOREST_MINSIZE {result} forest_walk(const forest_feature *x, {out})",
        "{",
        *_far_features(forest, names),
        "#if FOREST_HOLDS",
        *(f"{_INDENT}int32_t {name} = x[{feature}];" for feature, name in held.items()),
        *(f"{_INDENT}FOREST_HOLD({name});" for name in held.values()),
        "#else",
        *(f"#define {name} {names.get(feature, f'x[{feature}]')}" for feature, name in held.items()),
        "#endif",
        *(f"{_INDENT}uint32_t {word.name} = {forest.half}u;" for word in words if not is_many),
        "",
    ]
    for number, tree in enumerate(forest.trees):
        lines += _Writer(tree, number, words, names | held).lines()
    change = "forest_clamp" if is_small else "forest_bias"
    lines += [
        *(() if is_many else _verdict(forest, words)),
        "}",
        "",
        "int32_t midge_classify(const int16_t *features, int16_t *scores)",
        "{",
        *([f"{_INDENT}uint32_t words[{len(words)}] = {{0}};"] if is_many else []),
        "#if FOREST_IS_BIASED",
        f"{_INDENT}uint32_t copy[FOREST_COPY_WORDS({forest.n_features})];",
        "",
        *_call(f"{change}(features, copy, {forest.n_features})", is_many),
        "#else",
        *_call("features", is_many),
        "#endif",
        "}",
    ]
    lines += ["", "#endif"] * (is_assembled + is_thumb1)
    return "\n".join([*lines, ""])


def _call(features: str, is_many: bool) -> list[str]:
    if not is_many:
        return [f"{_INDENT}return forest_walk({features}, scores);"]
    return [f"{_INDENT}forest_walk({features}, words);", f"{_INDENT}return forest_verdict(words, scores);"]


def _is_small(forest: VotingForest) -> bool:
    """True if all limits are bytes: then a Thumb-1 core compares with a constant in the instruction."""
    return all(((tree.threshold >= 0) & (tree.threshold <= _MAX_BYTE)).all() for tree in forest.trees)


def _far_features(forest: VotingForest, names: dict[int, str]) -> Iterator[str]:
    """Pointers to what a load from x does not reach."""
    for first in range(_NEAR, forest.n_features if names else 0, _NEAR):
        yield f"{_INDENT}const forest_feature *x{first} = x + {first};"
        yield f"{_INDENT}FOREST_APART(x{first});"


def _assembled(forest: VotingForest, words: list[_Word]) -> Iterator[str]:
    """The same in Thumb-2."""
    made = c99_forest_thumb2.plan(forest, [word.classes for word in words])
    yield "static __attribute__((naked, noinline)) void forest_sums(const int16_t *x, uint32_t *words)"
    yield "{"
    yield f"{_INDENT}__asm__ volatile("
    yield from (f'{_INDENT}    "{line}\\n"' for line in c99_forest_thumb2.walk(made))
    yield f"{_INDENT});"
    yield "}"
    yield ""
    n_counts = made.n_counts
    yield "int32_t midge_classify(const int16_t *features, int16_t *scores)"
    yield "{"
    yield f"{_INDENT}uint32_t words[{n_counts + len(words)}];"
    yield ""
    yield f"{_INDENT}forest_sums(features, words);"
    if forest.n_classes > MANY_CLASSES:
        yield f"{_INDENT}return forest_verdict(words, scores);"
        yield "}"
        yield ""
        return
    for place, word in enumerate(words):
        parts = [f"words[{n_counts + place}]", *([f"{forest.half}u"] if forest.half else [])]
        if made.counts:
            number, lane = made.counts[word.classes[0]]
            mask = "0xFF00FF" if len(word.classes) > 1 else "0xFF"
            parts.append(f"(words[{number}] >> {8 * lane} & {mask}) * {forest.one}u")
        yield f"{_INDENT}const uint32_t {word.name} = {' + '.join(parts)};"
    yield from _verdict(forest, words)
    yield "}"
    yield ""


def _verdict_of_many(forest: VotingForest) -> Iterator[str]:
    """Sums out of words in the order of the classes."""
    of = "words[c >> 1] >> (c & 1) * 16 & 0xFFFFu" if forest.vote_bits == NARROW_BITS else "words[c]"
    yield "static int32_t forest_verdict(const uint32_t *words, int16_t *scores)"
    yield "{"
    yield f"{_INDENT}int32_t winner = 0;"
    yield f"{_INDENT}uint32_t most = 0;"
    yield ""
    yield f"{_INDENT}for (int32_t c = 0; c < {forest.n_classes}; c++) {{"
    yield f"{_INDENT * 2}const uint32_t sum = {of};"
    yield ""
    yield f"{_INDENT * 2}if (sum > most) {{"
    yield f"{_INDENT * 3}winner = c;"
    yield f"{_INDENT * 3}most = sum;"
    yield f"{_INDENT * 2}}}"
    yield f"{_INDENT * 2}scores[c] = (int16_t)((sum + {forest.half}u) >> {forest.shift});"
    yield f"{_INDENT}}}"
    yield f"{_INDENT}return winner;"
    yield "}"
    yield ""


def _thumb1(forest: VotingForest, words: list[_Word], is_small: bool) -> Iterator[str]:
    """The same in the instructions of ARMv6-M."""
    yield "static __attribute__((naked, noinline)) void forest_sums(const void *x, uint32_t *words)"
    yield "{"
    yield f"{_INDENT}__asm__ volatile("
    made = c99_forest_thumb1.walk(forest, [word.classes for word in words], 0 if is_small else 32768)
    yield from (f'{_INDENT}    "{line}\\n"' for line in made)
    yield f"{_INDENT});"
    yield "}"
    yield ""
    n_features = forest.n_features
    change = "forest_clamp" if is_small else "forest_align"
    yield "int32_t midge_classify(const int16_t *features, int16_t *scores)"
    yield "{"
    yield f"{_INDENT}uint32_t copy[FOREST_COPY_WORDS({n_features})];"
    yield f"{_INDENT}uint32_t words[{len(words)}];"
    yield ""
    yield f"{_INDENT}forest_sums({change}(features, copy, {n_features}), words);"
    for place, word in enumerate(words):
        half = f" + {forest.half}u" if forest.half else ""
        yield f"{_INDENT}const uint32_t {word.name} = words[{place}]{half};"
    yield from _verdict(forest, words)
    yield "}"
    yield ""


def _visits(forest: VotingForest) -> float:
    """Nodes that a row visits if every branch is as likely as the other."""
    total = 0.0
    for tree in forest.trees:
        chance = [1.0] * len(tree.feature)
        for node in range(len(tree.feature)):
            total += chance[node]
            for child in (int(tree.left[node]), int(tree.right[node])):
                if child >= 0:
                    chance[child] = chance[node] / 2
    return total


def _verdict(forest: VotingForest, words: list[_Word]) -> Iterator[str]:
    """Class by class, so that few numbers are needed at a time."""
    yield ""
    yield f"{_INDENT}int32_t winner = 0;"
    if forest.n_classes > 1:
        yield f"{_INDENT}uint32_t most = 0;"
    sums = {}
    for word in words:
        low, *high = word.classes
        is_narrow = forest.vote_bits == NARROW_BITS
        sums[low] = f"{word.name} & 0xFFFFu" if is_narrow else word.name
        sums |= dict.fromkeys(high, f"{word.name} >> 16")
    if forest.vote_bits != NARROW_BITS and forest.n_classes == 2:
        sums[1] = f"{forest.total + 2 * forest.half}u - {words[0].name}"
    for c in range(forest.n_classes):
        yield ""
        yield f"{_INDENT}const uint32_t of_{c} = {sums[c]};"
        yield f"{_INDENT}scores[{c}] = (int16_t)(of_{c} >> {forest.shift});"
        if c:
            yield f"{_INDENT}if (of_{c} > most) {{"
            yield f"{_INDENT * 2}winner = {c};"
            if c + 1 < forest.n_classes:
                yield f"{_INDENT * 2}most = of_{c};"
            yield f"{_INDENT}}}"
        elif forest.n_classes > 1:
            yield f"{_INDENT}most = of_0;"
    yield f"{_INDENT}return winner;"


class _Writer:
    """Writes one tree. Subtrees that lie too deep become labelled blocks, reached and left by goto."""

    def __init__(
        self,
        tree: VotingTree,
        number: int,
        words: list[_Word],
        names: Mapping[int, str] = MappingProxyType({}),
    ) -> None:
        self._tree, self._number, self._words, self._names = tree, number, words, names
        self._deep: list[int] = []

    def lines(self) -> Iterator[str]:
        """Lines of C; control leaves them at their end."""
        yield from self._subtree(self._tree.root)
        if not self._deep:
            return
        end = f"tree_{self._number}_end"
        yield f"{_INDENT}goto {end};"
        done = 0
        while done < len(self._deep):
            yield f"{self._label(self._deep[done])}:;"
            yield from self._subtree(self._deep[done])
            yield f"{_INDENT}goto {end};"
            done += 1
        yield f"{end}:;"

    def _label(self, node: int) -> str:
        return f"tree_{self._number}_node_{node}"

    def _leaf(self, leaf: int) -> str:
        votes = self._tree.votes[leaf].tolist()
        added = [(word.name, word.votes(votes)) for word in self._words]
        return " ".join(f"{name} += {value}u;" for name, value in added if value)

    def _subtree(self, root: int) -> Iterator[str]:
        tree = self._tree
        waiting: list[tuple[int, int] | str] = [(root, 1)]
        while waiting:
            item = waiting.pop()
            if isinstance(item, str):
                yield item
                continue
            child, depth = item
            pad = _INDENT * depth
            if child < 0:
                yield pad + self._leaf(~child)
            elif depth > MAX_NESTING:
                self._deep.append(child)
                yield f"{pad}goto {self._label(child)};"
            else:
                feature = int(tree.feature[child])
                name = self._names.get(feature, f"x[{feature}]")
                yield f"{pad}if ({name} <= FOREST_LIMIT({tree.threshold[child]})) {{"
                waiting += [
                    f"{pad}}}",
                    (int(tree.right[child]), depth + 1),
                    f"{pad}}} else {{",
                    (int(tree.left[child]), depth + 1),
                ]
