"""Forests as Thumb-2 instructions: what a compiler makes of nested if/else, without its detours.

Features that many nodes read stay in registers. Where most leaves vote for one class alone, they are counted,
four classes to a word: one addition each.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from .votes import NARROW_BITS, VotingForest, VotingTree

# Offsets of loads have 12 bits.
MAX_FEATURES = 2048
# A leaf that votes for all of so many classes stays shorter than the reach of a literal.
MAX_SUMS = 100
COUNT_BITS = 8
_COUNTS_A_WORD = 32 // COUNT_BITS
_MOST_COUNTS, _MOST_SUMS = 4, 6
# Instructions a tree that counting must save: how likely leaves are is only guessed.
_LEAST_SAVED = 0.3
_MOST_COUNTED_TREES = (1 << COUNT_BITS) - 1
# r0: features; r2: one feature; r3: a constant; sp: sums without a register.
_REGISTERS = ("r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "lr", "r1")
_SAVED = "r4, r5, r6, r7, r8, r9, r10, r11"
# A literal lies at most 4095 bytes behind its load; the rest is for all literals of that stretch.
_POOL_BYTES = 1500
# Registers that go to memory at once.
_BLOCK = 8


@dataclass(frozen=True)
class Plan:
    """Which sums and which features have registers.

    sums : one word a place: the classes in its lanes, lowest first
    counts : class → word and lane of its counted leaves; empty if none are counted
    """

    forest: VotingForest
    sums: tuple[tuple[int, ...], ...]
    counts: dict[int, tuple[int, int]]
    registers: tuple[str, ...]
    held: dict[int, str]

    @property
    def n_counts(self) -> int:
        """Words of counts."""
        return 1 + max((word for word, _ in self.counts.values()), default=-1)


def shares(tree: VotingTree) -> tuple[list[float], list[float]]:
    """How likely each node and each leaf of a tree is, if both branches always are alike."""
    nodes, leaves = [0.0] * len(tree.feature), [0.0] * len(tree.votes)
    if not nodes:
        return [], [1.0]
    nodes[0] = 1.0
    for node in range(len(nodes)):
        for child in (int(tree.left[node]), int(tree.right[node])):
            if child >= 0:
                nodes[child] = nodes[node] / 2
            else:
                leaves[~child] += nodes[node] / 2
    return nodes, leaves


def reads_by_feature(forest: VotingForest) -> dict[int, float]:
    """How often a row has each feature compared; the most read ones first."""
    reads: dict[int, float] = defaultdict(float)
    for tree in forest.trees:
        for node, share in enumerate(shares(tree)[0]):
            reads[int(tree.feature[node])] += share
    return {feature: reads[feature] for feature in sorted(reads, key=lambda f: (-reads[f], f))}


def plan(forest: VotingForest, sums: Sequence[tuple[int, ...]]) -> Plan:
    """The cheaper of counting and adding."""
    reads = reads_by_feature(forest)
    counts = {}
    for number, classes in enumerate(sums):
        # Two pairs a word, each in the lanes of its sums: multiplied at once.
        word, first = divmod(number, 2 if forest.vote_bits == NARROW_BITS else _COUNTS_A_WORD)
        counts.update({c: (word, first + 2 * lane) for lane, c in enumerate(classes)})
    adding, counting = (_plan(forest, tuple(sums), ways, reads) for ways in ({}, counts))
    if len(forest.trees) > _MOST_COUNTED_TREES or counting.n_counts > _MOST_COUNTS:
        return adding
    saved = _cost(adding, reads) - _cost(counting, reads)
    return counting if saved > _LEAST_SAVED * len(forest.trees) else adding


def _plan(
    forest: VotingForest,
    sums: tuple[tuple[int, ...], ...],
    counts: dict[int, tuple[int, int]],
    reads: dict[int, float],
) -> Plan:
    made = Plan(forest, sums, counts, (), {})
    # Where pure leaves are counted the sums are seldom used.
    registers = _REGISTERS[: made.n_counts if counts else min(len(sums), _MOST_SUMS)]
    held = dict(zip(reads, _REGISTERS[len(registers) :], strict=False))
    return replace(made, registers=registers, held=held)


def _cost(made: Plan, reads: dict[int, float]) -> float:
    """Instructions of leaves, less those that held features save."""
    total = 0.0
    for tree in made.forest.trees:
        for votes, share in zip(tree.votes.tolist(), shares(tree)[1], strict=True):
            total += share * len(list(_leaf(made, votes)))
    return total - sum(reads[feature] - 1 for feature in made.held)


def walk(made: Plan) -> Iterator[str]:
    """Instructions of `void (const int16_t *x, uint32_t *words)`: writes counts, then sums, a word each."""
    n_memory = made.n_counts + len(made.sums) - len(made.registers)
    yield f"push {{r1, {_SAVED}, lr}}"
    cleared = _REGISTERS[: max(len(made.registers), min(n_memory, _BLOCK))]
    yield from (f"mov {register}, #0" for register in cleared)
    for first in range(0, n_memory, _BLOCK):
        yield f"push {{{', '.join(cleared[: min(n_memory - first, _BLOCK)])}}}"
    yield from (f"ldrsh {register}, [r0, #{2 * feature}]" for feature, register in made.held.items())
    literals = _Literals()
    for number, tree in enumerate(made.forest.trees):
        yield from _tree(made, tree, f".Lmidge_{number}", literals)
    yield f"ldr r2, [sp, #{4 * n_memory}]"
    yield f"stm r2!, {{{', '.join(made.registers)}}}"
    for first in range(0, n_memory, _BLOCK):
        block = ", ".join(_REGISTERS[: min(n_memory - first, _BLOCK)])
        yield f"ldm sp!, {{{block}}}"
        yield f"stm r2!, {{{block}}}"
    yield f"pop {{r1, {_SAVED}, pc}}"
    yield ".ltorg"


class _Literals:
    """Bytes since the first constant that waits for its place behind a branch."""

    def __init__(self) -> None:
        self._waiting_bytes = -1

    def add(self, lines: list[str]) -> None:
        """Instructions that have been written."""
        if self._waiting_bytes >= 0 or any("=" in line for line in lines):
            self._waiting_bytes = max(self._waiting_bytes, 0) + 8 * len(lines)

    def due(self) -> Iterator[str]:
        """At a place that no instruction runs into."""
        if self._waiting_bytes > _POOL_BYTES:
            self._waiting_bytes = -1
            yield ".ltorg"


def _tree(made: Plan, tree: VotingTree, label: str, literals: _Literals) -> Iterator[str]:
    """Control leaves at the end. A node's left child follows it."""
    waiting: list[tuple[int, int]] = [(tree.root, -1)]
    while waiting:
        child, loaded = waiting.pop()
        lines = [f"{label}_{_name(child)}:"]
        if child < 0:
            if waiting:
                lines += _left_leaf(
                    made, tree.votes[~child].tolist(), f"{label}_{_name(child)}", f"{label}_end"
                )
            else:
                lines += _leaf(made, tree.votes[~child].tolist())
            yield from lines
            literals.add(lines)
            if waiting:
                yield from literals.due()
            continue
        feature = int(tree.feature[child])
        register = made.held.get(feature, "r2")
        if register == "r2" and feature != loaded:
            lines.append(f"ldrsh r2, [r0, #{2 * feature}]")
            loaded = feature
        left, right = int(tree.left[child]), int(tree.right[child])
        lines += _branch_above(register, int(tree.threshold[child]), f"{label}_{_name(right)}")
        yield from lines
        literals.add(lines)
        waiting += [(right, loaded), (left, loaded)]
    yield f"{label}_end:"


def _name(child: int) -> str:
    return f"{child}" if child >= 0 else f"leaf_{~child}"


def is_immediate(value: int) -> bool:
    """True for what a Thumb-2 data instruction holds as its constant (Armv7-M manual, A5.3.2)."""
    if not 0 <= value < 1 << 32:
        return False
    low = value & 0xFF
    if value in (low, low * 0x00010001, low * 0x01010101) or value == (value >> 8 & 0xFF) * 0x01000100:
        return True
    return value >> max(value.bit_length() - 8, 0) << max(value.bit_length() - 8, 0) == value


def _branch_above(register: str, threshold: int, label: str) -> Iterator[str]:
    for limit, condition in ((threshold, "gt"), (threshold + 1, "ge")):
        if is_immediate(limit):
            yield f"cmp {register}, #{limit}"
            yield f"b{condition} {label}"
            return
        if is_immediate(-limit):
            yield f"cmn {register}, #{-limit}"
            yield f"b{condition} {label}"
            return
    yield f"movw r3, #{abs(threshold)}"
    yield f"{'cmp' if threshold >= 0 else 'cmn'} {register}, r3"
    yield f"bgt {label}"


def _leaf(made: Plan, votes: list[int]) -> Iterator[str]:
    voted = [c for c, vote in enumerate(votes) if vote]
    if made.counts and len(voted) == 1 and votes[voted[0]] == made.forest.one:
        # The second of two classes has no sum.
        if voted[0] in made.counts:
            word, lane = made.counts[voted[0]]
            yield f"add {made.registers[word]}, {made.registers[word]}, #{1 << (COUNT_BITS * lane)}"
        return
    for place, classes in enumerate(made.sums):
        value = sum(votes[c] << (made.forest.vote_bits * lane) for lane, c in enumerate(classes))
        if value:
            yield from _add(made, place, value)


def _left_leaf(made: Plan, votes: list[int], label: str, end: str) -> Iterator[str]:
    """A leaf with a branch behind it: there is room for two sums' constants, loaded at once."""
    lines = list(_leaf(made, votes))
    long = [i for i, line in enumerate(lines) if line.startswith(("ldr r3, =", "movw r3,"))]
    in_memory = any(line.startswith("ldr r2") for line in lines)
    if len(long) < 2 or in_memory:
        yield from (*lines, f"b {end}")
        return
    values = []
    for scratch, place in zip(("r2", "r3"), long[:2], strict=True):
        value = int(lines[place].split("=")[-1].split("#")[-1])
        is_high = lines[place + 1].endswith("lsl #16")
        values.append(value << 16 if is_high else value)
        target = lines[place + 1].split()[1].rstrip(",")
        lines[place : place + 2] = ["", f"add {target}, {scratch}"]
    yield f"ldrd r2, r3, {label}_votes"
    yield from filter(None, lines)
    yield f"b {end}"
    yield ".balign 4"
    yield f"{label}_votes: .word {values[0]}, {values[1]}"


def _add(made: Plan, place: int, value: int) -> Iterator[str]:
    number = made.n_counts + place
    in_register = number < len(made.registers)
    target = made.registers[number] if in_register else "r2"
    offset = 4 * (number - len(made.registers))
    if not in_register:
        yield f"ldr r2, [sp, #{offset}]"
    if is_immediate(value):
        yield f"add {target}, {target}, #{value}"
    elif value < 1 << 12:
        yield f"addw {target}, {target}, #{value}"
    elif not value & 0xFFFF:
        yield f"movw r3, #{value >> 16}"
        yield f"add {target}, {target}, r3, lsl #16"
    elif value < 1 << 16:
        yield f"movw r3, #{value}"
        yield f"add {target}, r3"
    else:
        yield f"ldr r3, ={value}"
        yield f"add {target}, r3"
    if not in_register:
        yield f"str r2, [sp, #{offset}]"
