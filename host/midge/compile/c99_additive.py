"""Sums of trees as C code: one if/else a node, and one for all trees of a value that ask the same."""

from __future__ import annotations

from collections.abc import Iterator

from . import c99_verdict
from .additive_integer import AdditiveIntegers
from .votes import VotingTree

# Compilers bound the nesting of blocks (clang: 256); what lies deeper is moved behind its value.
MAX_NESTING = 100
# The copy of the features that Thumb-1 cores walk lies on the stack.
MAX_COPIED_FEATURES = 128
_INDENT = "    "
# additive_code.h
_AS_THEY_ARE, _NATURAL, _BIASED = 0, 1, 2
_FEATURES_A_POINTER, _POINTERS = 32, 3

# A node, or a leaf as ~leaf, of a tree.
_Place = tuple[VotingTree, int]


def code(lowered: AdditiveIntegers) -> str:
    """C of midge_classify() for a sum of trees, as nested if/else."""
    order = _order(lowered)
    n_values = len(lowered.bias)
    lines = [
        f"#define ADDITIVE_THUMB1_ORDER {order}",
        *(
            f'#include "{name}"'
            for name in ["additive_code.h", "q15.h", *c99_verdict.headers(lowered.verdict)]
        ),
        "",
    ]
    for value, group in enumerate(lowered.groups):
        if group:
            lines += _Writer(value, int(lowered.bias[value])).lines([(tree, tree.root) for tree in group])
    lines += [
        "int32_t midge_classify(const int16_t *features, int16_t *scores)",
        "{",
        f"{_INDENT}int32_t sums[{n_values}];",
        *_row(lowered, order),
        "",
        *(
            f"{_INDENT}sums[{value}] = "
            + (f"value_{value}(ADDITIVE_ROW_OF(x));" if group else f"{lowered.bias[value]};")
            for value, group in enumerate(lowered.groups)
        ),
        *c99_verdict.code(lowered.verdict, lowered.log2_scale, "int32_t"),
        "}",
        "",
    ]
    return "\n".join(lines)


def _row(lowered: AdditiveIntegers, order: int) -> list[str]:
    plain = f"{_INDENT}const additive_feature *x = features;"
    if not any(lowered.groups):
        return [f"{_INDENT}(void)features;"]
    if order == _AS_THEY_ARE:
        return [plain]
    function = "features_natural" if order == _NATURAL else "features_biased"
    n = lowered.n_features
    return [
        "#if ADDITIVE_ORDER",
        f"{_INDENT}uint32_t room[FEATURE_ORDER_WORDS({n})];",
        f"{_INDENT}const additive_feature *x = {function}(features, {n}, room);",
        "#else",
        plain,
        "#endif",
    ]


def _order(lowered: AdditiveIntegers) -> int:
    """How Thumb-1 cores had best read the features."""
    trees = [tree for group in lowered.groups for tree in group]
    if lowered.n_features > MAX_COPIED_FEATURES:
        return _AS_THEY_ARE
    visits = sum(_visits(tree) for tree in trees)
    if all(int(tree.threshold.min()) >= 0 for tree in trees):
        return _NATURAL if lowered.n_features + 20 < visits else _AS_THEY_ARE
    return _BIASED if 2 * lowered.n_features + 20 < visits else _AS_THEY_ARE


def _visits(tree: VotingTree) -> float:
    """Nodes that a row visits if every branch is as likely as the other."""
    chance = [1.0] * len(tree.feature)
    for node in range(len(tree.feature)):
        for child in (int(tree.left[node]), int(tree.right[node])):
            if child >= 0:
                chance[child] = chance[node] / 2
    return sum(chance)


class _Writer:
    """Writes the trees of one value. What lies too deep becomes labelled blocks, reached and left by goto."""

    def __init__(self, value: int, bias: int) -> None:
        self._value, self._bias = value, bias
        self._deep: list[list[_Place]] = []
        self._back: list[int] = []

    def lines(self, places: list[_Place]) -> Iterator[str]:
        """The function of the value."""
        yield f"static ADDITIVE_NOINLINE ADDITIVE_MINSIZE int32_t value_{self._value}(ADDITIVE_ROW)"
        yield "{"
        yield f"{_INDENT}int32_t sum = {self._bias};"
        yield "#if ADDITIVE_ORDER || (defined(__thumb__) && !defined(__thumb2__))"
        yield f"{_INDENT}(void)x1;"
        yield f"{_INDENT}(void)x2;"
        yield "#endif"
        yield from self._block(places)
        yield f"{_INDENT}return sum;"
        done = 0
        while done < len(self._deep):
            yield f"deep_{done}:;"
            yield from self._block(self._deep[done])
            yield f"{_INDENT}goto back_{done};"
            done += 1
        yield "}"
        yield ""

    def _block(self, places: list[_Place]) -> Iterator[str]:
        waiting: list[str | tuple[list[_Place], int]] = [(places, 1)]
        while waiting:
            item = waiting.pop()
            if isinstance(item, str):
                yield item
                continue
            block, depth = item
            pad = _INDENT * depth
            added = sum(int(tree.votes[~child, 0]) for tree, child in block if child < 0)
            if added:
                yield f"{pad}sum += {added};"
            inner = [(tree, child) for tree, child in block if child >= 0]
            if inner and depth > MAX_NESTING:
                number = len(self._deep)
                self._deep.append(inner)
                yield f"{pad}goto deep_{number};"
                yield f"back_{number}:;"
                continue
            following: list[str | tuple[list[_Place], int]] = []
            for (feature, limit), asking in _by_question(inner).items():
                lefts = [(tree, int(tree.left[node])) for tree, node in asking]
                rights = [(tree, int(tree.right[node])) for tree, node in asking]
                test = f"{_feature(feature)} <= ADDITIVE_LIMIT({limit})"
                if _is_nothing(lefts):
                    test, lefts, rights = f"!({test})", rights, lefts
                following.append(f"{pad}if ({test}) {{")
                following.append((lefts, depth + 1))
                if not _is_nothing(rights):
                    following += [f"{pad}}} else {{", (rights, depth + 1)]
                following.append(f"{pad}}}")
            waiting += reversed(following)


def _by_question(places: list[_Place]) -> dict[tuple[int, int], list[_Place]]:
    """Nodes by what they ask: (feature, limit)."""
    made: dict[tuple[int, int], list[_Place]] = {}
    for tree, node in places:
        made.setdefault((int(tree.feature[node]), int(tree.threshold[node])), []).append((tree, node))
    return made


def _is_nothing(places: list[_Place]) -> bool:
    return all(child < 0 for _, child in places) and not sum(
        int(tree.votes[~child, 0]) for tree, child in places
    )


def _feature(index: int) -> str:
    pointer = min(index // _FEATURES_A_POINTER, _POINTERS - 1)
    return f"x{pointer}[{index - pointer * _FEATURES_A_POINTER}]"
