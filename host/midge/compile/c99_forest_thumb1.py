"""Forests as ARMv6-M instructions: sums and often read features in registers, the smaller branch first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from . import c99_forest_thumb2
from .votes import VotingForest, VotingTree

# r0: features; r1: a constant; r2: one feature. What is no sum holds a feature.
_LOW, _HIGH = ("r3", "r4", "r5", "r6", "r7"), ("r8", "r9", "r10", "r11", "r12")
MAX_SUMS = len(_LOW)
# What a load of a half-word reaches with its offset in the instruction.
MAX_FEATURES = 32
# Between two leaves lie no more nodes than this: literals stay in reach of their loads.
MAX_DEPTH = 24
_MAX_BYTE = 255
_LEAST_READS = 2
# Bytes behind which waiting literals are placed: 1020 are in reach.
_POOL_BYTES = 480
# Reach of a conditional and of a plain branch, less what alignment may add.
_NEAR_BYTES, _FAR_BYTES = 240, 1980
# So many nodes, with leaves and literals, usually are near.
_SHORT_NODES = 9
_INVERSE = {"bhi": "bls", "bls": "bhi"}


@dataclass
class _Item:
    """A line of assembler and its bytes at most; `to`: where it branches, if `condition`."""

    text: str
    n_bytes: int
    to: str = ""
    condition: str = ""


@dataclass
class _Writer:
    items: list[_Item] = field(default_factory=list)
    _waiting_bytes: int = 0
    _literals: set[int] = field(default_factory=set)

    def add(self, *lines: str) -> None:
        """Instructions of two bytes each."""
        for line in lines:
            self._append(_Item(line, 2))

    def label(self, name: str) -> None:
        """A place to branch to."""
        self.items.append(_Item(f"{name}:", 0))

    def branch(self, to: str, condition: str = "") -> None:
        """To a label, however far it is."""
        self._append(_Item("", 6 if condition else 4, to, condition))

    def constant(self, value: int) -> None:
        """A constant in r1."""
        if value <= _MAX_BYTE:
            self.add(f"movs r1, #{value}")
            return
        self._literals.add(value)
        self.add(f"ldr r1, ={value}")

    def pool(self, *, at_end: bool = False) -> None:
        """Places literals, if it is time; nothing may run into this place."""
        if self._literals and (at_end or self._waiting_bytes + 4 * len(self._literals) > _POOL_BYTES):
            self.items.append(_Item(".ltorg", 4 * len(self._literals) + 2))
            self._literals, self._waiting_bytes = set(), 0

    def _append(self, item: _Item) -> None:
        self.items.append(item)
        if self._literals:
            self._waiting_bytes += item.n_bytes

    def lines(self) -> Iterator[str]:
        """All lines; branches as short as their way allows. `bl` is the longest: lr is free."""
        places, at = {}, 0
        for item in self.items:
            if item.text.endswith(":"):
                places[item.text[:-1]] = at
            at += item.n_bytes
        at = 0
        for number, item in enumerate(self.items):
            if not item.to:
                yield item.text
            else:
                way = abs(places[item.to] - at)
                verb = "b" if way < _FAR_BYTES else "bl"
                if item.condition and way < _NEAR_BYTES:
                    yield f"{item.condition} {item.to}"
                elif item.condition:
                    yield f"{_INVERSE[item.condition]} .Lpast_{number}"
                    yield f"{verb} {item.to}"
                    yield f".Lpast_{number}:"
                else:
                    yield f"{verb} {item.to}"
            at += item.n_bytes


def suits(forest: VotingForest, n_sums: int) -> bool:
    """True if registers and reaches are enough."""
    is_flat = all(_depth(tree) <= MAX_DEPTH for tree in forest.trees)
    return n_sums <= MAX_SUMS and forest.n_features <= MAX_FEATURES and is_flat


def _depth(tree: VotingTree) -> int:
    depths = [1] * len(tree.feature)
    for node in range(len(depths)):
        for child in (int(tree.left[node]), int(tree.right[node])):
            if child >= 0:
                depths[child] = depths[node] + 1
    return max(depths, default=0)


def walk(forest: VotingForest, sums: list[tuple[int, ...]], bias: int) -> Iterator[str]:
    """Instructions of `void (const int16_t *x, uint32_t *words)`.

    bias : what is added to the limits, and to features in a copy of theirs; x is a multiple of four then
    """
    writer = _Writer()
    registers = _LOW[: len(sums)]
    reads = c99_forest_thumb2.reads_by_feature(forest)
    is_small = bias == 0
    # A high register can't be compared with a constant in the instruction.
    places = [*_LOW[len(sums) :], *(() if is_small else _HIGH)]
    wanted = [feature for feature in reads if reads[feature] >= _LEAST_READS]
    held = dict(zip(wanted, places, strict=False))
    writer.add("push {r1, r4, r5, r6, r7, lr}", "mov r4, r8", "mov r5, r9", "mov r6, r10", "mov r7, r11")
    writer.add("push {r4, r5, r6, r7}")
    copy_bytes = 0 if is_small else -(-forest.n_features // 4) * 8
    if copy_bytes:
        _copy(writer, forest.n_features, copy_bytes)
    for feature, register in held.items():
        if register in _HIGH:
            writer.add(f"ldrh r2, [r0, #{2 * feature}]", f"mov {register}, r2")
        else:
            writer.add(f"ldrh {register}, [r0, #{2 * feature}]")
    writer.add(*(f"movs {register}, #0" for register in registers))
    for number, tree in enumerate(forest.trees):
        biased = replace(tree, threshold=tree.threshold + bias)
        _tree(writer, biased, f".Lmidge_{number}", sums, held, forest.vote_bits)
    if copy_bytes:
        writer.add(f"add sp, #{copy_bytes}")
    writer.add("ldr r1, [sp, #16]", f"stmia r1!, {{{', '.join(registers)}}}", "pop {r4, r5, r6, r7}")
    writer.add("mov r8, r4", "mov r9, r5", "mov r10, r6", "mov r11, r7", "pop {r1, r4, r5, r6, r7, pc}")
    writer.pool(at_end=True)
    yield from writer.lines()


def _copy(writer: _Writer, n_features: int, n_bytes: int) -> None:
    """The features with the sign bit turned over, on the stack; r0 is a multiple of four."""
    writer.add(f"sub sp, #{n_bytes}", "mov r2, sp", "movs r7, #1", "lsls r7, r7, #15")
    writer.add("lsls r1, r7, #16", "orrs r7, r1")
    words = n_features // 2
    while words:
        block = ("r3", "r4", "r5", "r6")[: min(words, 4)]
        writer.add(f"ldmia r0!, {{{', '.join(block)}}}")
        writer.add(*(f"eors {register}, r7" for register in block))
        writer.add(f"stmia r2!, {{{', '.join(block)}}}")
        words -= len(block)
    if n_features % 2:
        writer.add("ldrh r3, [r0]", "eors r3, r7", "strh r3, [r2]")
    writer.add("mov r0, sp")


def _tree(
    writer: _Writer,
    tree: VotingTree,
    label: str,
    sums: list[tuple[int, ...]],
    held: dict[int, str],
    vote_bits: int,
) -> None:
    """Control leaves at the end."""
    sizes = [1] * len(tree.feature)
    for node in range(len(sizes) - 1, -1, -1):
        sizes[node] += sum(sizes[child] for child in (tree.left[node], tree.right[node]) if child >= 0)
    waiting: list[tuple[int, int]] = [(tree.root, -1)]
    while waiting:
        child, loaded = waiting.pop()
        writer.label(f"{label}_{_name(child)}")
        if child < 0:
            votes = tree.votes[~child].tolist()
            for register, classes in zip(_LOW, sums, strict=False):
                _add(writer, register, sum(votes[c] << (vote_bits * i) for i, c in enumerate(classes)))
            if waiting:
                writer.branch(f"{label}_end")
                writer.pool()
            continue
        feature = int(tree.feature[child])
        register = held.get(feature, "r2")
        if register == "r2" and feature != loaded:
            writer.add(f"ldrh r2, [r0, #{2 * feature}]")
            loaded = feature
        limit = int(tree.threshold[child])
        if limit <= _MAX_BYTE and register not in _HIGH:
            writer.add(f"cmp {register}, #{limit}")
        else:
            writer.constant(limit)
            writer.add(f"cmp {register}, r1")
        left, right = int(tree.left[child]), int(tree.right[child])
        size = {side: sizes[side] if side >= 0 else 0 for side in (left, right)}
        # The smaller one first, for the branch over it to be short; if it can't be, the likelier one.
        is_left_first = (size[left] <= size[right]) == (min(size.values()) <= _SHORT_NODES)
        first, second, condition = (left, right, "bhi") if is_left_first else (right, left, "bls")
        writer.branch(f"{label}_{_name(second)}", condition)
        waiting += [(second, loaded), (first, loaded)]
    writer.label(f"{label}_end")


def _name(child: int) -> str:
    return f"{child}" if child >= 0 else f"leaf_{~child}"


def _add(writer: _Writer, register: str, value: int) -> None:
    if not value:
        return
    if value <= _MAX_BYTE:
        writer.add(f"adds {register}, #{value}")
        return
    writer.constant(value)
    writer.add(f"adds {register}, {register}, r1")
