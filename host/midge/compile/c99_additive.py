"""Sums of trees as C code: one if/else a node, and one for all trees of a value that ask the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from . import c99_verdict
from .additive_integer import AdditiveIntegers
from .votes import VotingTree

# Compilers bound the nesting of blocks (clang: 256); what lies deeper is moved behind its value.
MAX_NESTING = 100
# The copy of the features that Thumb-1 cores walk lies on the stack.
MAX_COPIED_FEATURES = 128
# Trees with more nodes share a question only if it is the very same.
MAX_SHARED_NODES = 15
# So deep, trees are drawn into a question that only a child of theirs asks.
MAX_PULLING_DEPTH = 2
_INDENT = "    "
# additive_code.h
_AS_THEY_ARE, _NATURAL, _BIASED = 0, 1, 2
_FEATURES_A_POINTER, _POINTERS = 32, 3

# A node, or a leaf as ~leaf, of a tree.
_Place = tuple[VotingTree, int]
# Least and most of the features of which something is known.
_Bounds = dict[int, tuple[int, int]]
_ANY = (-32768, 32767)


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
            lines += _Writer(value, int(lowered.bias[value]), lowered.sum_bits).lines(
                [(tree, tree.root) for tree in group]
            )
    lines += [
        "int32_t midge_classify(const int16_t *features, int16_t *scores)",
        "{",
        f"{_INDENT}int{lowered.sum_bits}_t sums[{n_values}];",
        *_row(lowered, order),
        "",
        *(
            f"{_INDENT}sums[{value}] = "
            + (f"value_{value}(ADDITIVE_ROW_OF(x));" if group else f"{lowered.bias[value]};")
            for value, group in enumerate(lowered.groups)
        ),
        *c99_verdict.code(lowered.verdict, lowered.log2_scale, f"int{lowered.sum_bits}_t"),
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

    def __init__(self, value: int, bias: int, sum_bits: int) -> None:
        self._value, self._bias, self._type = value, bias, f"int{sum_bits}_t"
        self._deep: list[tuple[list[_Place], _Bounds]] = []

    def lines(self, places: list[_Place]) -> Iterator[str]:
        """The function of the value."""
        yield f"static ADDITIVE_NOINLINE ADDITIVE_MINSIZE {self._type} value_{self._value}(ADDITIVE_ROW)"
        yield "{"
        yield f"{_INDENT}{self._type} sum = {self._bias + _usual_sum(places)};"
        yield f"{_INDENT}ADDITIVE_UNUSED;"
        yield from self._block(places, {}, _usual_sum(places), 1)
        yield f"{_INDENT}return sum;"
        done = 0
        while done < len(self._deep):
            block, bounds = self._deep[done]
            yield f"deep_{done}:;"
            yield from self._block(block, bounds, _usual_sum(block), 1)
            yield f"{_INDENT}goto back_{done};"
            done += 1
        yield "}"
        yield ""

    def _block(self, places: list[_Place], bounds: _Bounds, added: int, depth: int) -> list[str]:
        """Statements for trees of which `added` is in the sum already, where features are within `bounds`."""
        pad = _INDENT * depth
        places = [_decided(place, bounds) for place in places]
        missing = _usual_sum(places) - added
        lines = [f"{pad}ADDITIVE_ADD({missing});"] if missing else []
        inner = [(tree, child) for tree, child in places if child >= 0]
        if inner and depth > MAX_NESTING:
            number = len(self._deep)
            self._deep.append((inner, bounds))
            return [*lines, f"{pad}goto deep_{number};", f"back_{number}:;"]
        while inner:
            asking, inner, feature, limit = _next_question(inner, depth)
            usual = _usual_sum(asking)
            low, high = bounds.get(feature, _ANY)
            lefts = self._block(asking, {**bounds, feature: (low, limit)}, usual, depth + 1)
            rights = self._block(asking, {**bounds, feature: (limit + 1, high)}, usual, depth + 1)
            test = f"{_feature(feature)} <= ADDITIVE_LIMIT({limit})"
            if not lefts:
                test, lefts, rights = f"!({test})", rights, lefts
            lines += [f"{pad}if ({test}) {{", *lefts]
            lines += [f"{pad}}} else {{", *rights, f"{pad}}}"] if rights else [f"{pad}}}"]
        return lines


def _decided(place: _Place, bounds: _Bounds) -> _Place:
    """Where a walk from `place` comes to by what is known of the features."""
    tree, child = place
    while child >= 0:
        low, high = bounds.get(int(tree.feature[child]), _ANY)
        limit = int(tree.threshold[child])
        if low <= limit < high:
            break
        child = int(tree.left[child]) if limit >= high else int(tree.right[child])
    return tree, child


def _next_question(inner: list[_Place], depth: int) -> tuple[list[_Place], list[_Place], int, int]:
    """(nodes that share a question, the others, its feature, its limit).

    Small trees are asked together wherever they ask about the same feature: what one answer says of the
    others' questions spares those, at the price of some of their leaves twice.
    """
    feature, n_asking = Counter(int(tree.feature[node]) for tree, node in inner).most_common(1)[0]
    if n_asking > 1 and all(len(tree.feature) <= MAX_SHARED_NODES for tree, _ in inner):
        asking = [place for place in inner if _asks(place, feature, soon=depth <= MAX_PULLING_DEPTH)]
        limits = [int(tree.threshold[node]) for tree, node in inner if tree.feature[node] == feature]
        limit = sorted(limits)[len(limits) // 2]
    else:
        tree, node = inner[0]
        feature, limit = int(tree.feature[node]), int(tree.threshold[node])
        asking = [
            place
            for place in inner
            if place[0].feature[place[1]] == feature and place[0].threshold[place[1]] == limit
        ]
    chosen = {id(place) for place in asking}
    return asking, [place for place in inner if id(place) not in chosen], feature, limit


def _asks(place: _Place, feature: int, *, soon: bool) -> bool:
    """True if the node, or one of its children if `soon`, asks about the feature."""
    tree, node = place
    nodes = (node, int(tree.left[node]), int(tree.right[node])) if soon else (node,)
    return any(int(tree.feature[child]) == feature for child in nodes if child >= 0)


def _usual_sum(places: list[_Place]) -> int:
    return sum(_usual(tree, child) for tree, child in places)


def _usual(tree: VotingTree, child: int) -> int:
    """The leaf that is taken for granted: others are added as the difference from it."""
    while child >= 0:
        left, right = int(tree.left[child]), int(tree.right[child])
        # The side with a subtree, if there is but one.
        child = right if left < 0 <= right else left
    return int(tree.votes[~child, 0])


def _feature(index: int) -> str:
    pointer = min(index // _FEATURES_A_POINTER, _POINTERS - 1)
    return f"x{pointer}[{index - pointer * _FEATURES_A_POINTER}]"
