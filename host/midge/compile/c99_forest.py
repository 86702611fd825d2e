"""Forests as C code: one if/else a node, votes added up in local variables."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from .votes import NARROW_BITS, VotingForest, VotingTree

# Compilers bound the nesting of blocks (clang: 256); what lies deeper is moved behind its tree.
MAX_NESTING = 100
# The biased copy of the features lies on the stack.
MAX_BIASED_FEATURES = 128
_INDENT = "    "


@dataclass(frozen=True)
class _Word:
    """One accumulator: what it adds up of a leaf's votes."""

    name: str
    classes: tuple[int, ...]

    def votes(self, of_leaf: list[int]) -> int:
        return sum(of_leaf[c] << (NARROW_BITS * lane) for lane, c in enumerate(self.classes))


def _words(forest: VotingForest) -> list[_Word]:
    if forest.vote_bits == NARROW_BITS:
        pairs = range(0, forest.n_classes, 2)
        return [_Word(f"sums_{c}", tuple(range(c, min(c + 2, forest.n_classes)))) for c in pairs]
    # With two classes the second sum follows from the first.
    n_sums = 1 if forest.n_classes == 2 else forest.n_classes
    return [_Word(f"sum_{c}", (c,)) for c in range(n_sums)]


def code(forest: VotingForest) -> str:
    """C of midge_classify() for a forest, as nested if/else."""
    words = _words(forest)
    is_biased = forest.n_features <= MAX_BIASED_FEATURES and 2 * forest.n_features + 20 < _visits(forest)
    lines = [
        '#include "forest_code.h"',
        "",
        *(() if is_biased else ("#undef FOREST_IS_BIASED", "#define FOREST_IS_BIASED 0")),
        *(() if is_biased else ("#undef FOREST_LIMIT", "#define FOREST_LIMIT(limit) (limit)")),
        *(() if is_biased else ("#define forest_feature int16_t", "")),
        "static FOREST_NOINLINE FOREST_MINSIZE int32_t forest_walk(const forest_feature *x, int16_t *scores)",
        "{",
        *(f"{_INDENT}uint32_t {word.name} = {forest.half}u;" for word in words),
        "",
    ]
    for number, tree in enumerate(forest.trees):
        lines += _Writer(tree, number, words).lines()
    lines += _verdict(forest)
    lines += [
        "}",
        "",
        "int32_t midge_classify(const int16_t *features, int16_t *scores)",
        "{",
        "#if FOREST_IS_BIASED",
        f"{_INDENT}uint32_t biased[FOREST_BIASED_WORDS({forest.n_features})];",
        "",
        f"{_INDENT}forest_bias(features, biased, {forest.n_features});",
        f"{_INDENT}return forest_walk((const forest_feature *)biased, scores);",
        "#else",
        f"{_INDENT}return forest_walk(features, scores);",
        "#endif",
        "}",
        "",
    ]
    return "\n".join(lines)


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


def _verdict(forest: VotingForest) -> Iterator[str]:
    yield ""
    if forest.vote_bits == NARROW_BITS:
        for c in range(forest.n_classes):
            of = f"sums_{c // 2 * 2}"
            yield (
                f"{_INDENT}uint32_t sum_{c} = {of} >> 16;"
                if c % 2
                else f"{_INDENT}uint32_t sum_{c} = {of} & 0xFFFFu;"
            )
    elif forest.n_classes == 2:
        yield f"{_INDENT}uint32_t sum_1 = {forest.total + 2 * forest.half}u - sum_0;"
    yield f"{_INDENT}int32_t winner = 0;"
    if forest.n_classes > 1:
        yield f"{_INDENT}uint32_t most = sum_0;"
    yield ""
    for c in range(1, forest.n_classes):
        yield f"{_INDENT}if (sum_{c} > most) {{"
        yield f"{_INDENT * 2}winner = {c};"
        if c + 1 < forest.n_classes:
            yield f"{_INDENT * 2}most = sum_{c};"
        yield f"{_INDENT}}}"
    for c in range(forest.n_classes):
        yield f"{_INDENT}scores[{c}] = (int16_t)(sum_{c} >> {forest.shift});"
    yield f"{_INDENT}return winner;"


class _Writer:
    """Writes one tree. Subtrees that lie too deep become labelled blocks, reached and left by goto."""

    def __init__(self, tree: VotingTree, number: int, words: list[_Word]) -> None:
        self._tree, self._number, self._words = tree, number, words
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
                yield f"{pad}if (x[{tree.feature[child]}] <= FOREST_LIMIT({tree.threshold[child]})) {{"
                waiting += [
                    f"{pad}}}",
                    (int(tree.right[child]), depth + 1),
                    f"{pad}}} else {{",
                    (int(tree.left[child]), depth + 1),
                ]
