"""Layers of nets as ARMv6-M instructions: every weight is a constant of the code, a zero costs nothing.

Up to eleven sums stay in registers while a value is multiplied with their weights. Where values are often 0,
as behind a rectifier, those are passed over.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .net_integer import LayerIntegers

# Ten bytes a weight.
MAX_WEIGHTS = 4096
_LOW, _HIGH = ("r4", "r5", "r6", "r7", "r1"), ("r12", "lr", "r8", "r9", "r10", "r11")
_MAX_BYTE = 255
_LEAST_SKIPPED = 2
# A literal lies at most 1020 bytes behind its load.
_POOL_BYTES = 800
# What a load or a store of a half-word reaches without an offset in a register.
_NEAR_VALUES = 32


class _Writer:
    """Lines of code, and the literals that wait for their place."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._first = -1
        self._literals: set[int] = set()

    def add(self, *lines: str) -> None:
        """Instructions of two bytes each."""
        self.lines += lines

    def constant(self, register: str, value: int) -> None:
        """A constant in a low register."""
        if 0 <= value <= _MAX_BYTE:
            self.add(f"movs {register}, #{value}")
            return
        if self._first < 0:
            self._first = len(self.lines)
        self._literals.add(value)
        self.add(f"ldr {register}, ={value}")

    def flush(self, *, at_end: bool = False) -> None:
        """Place the literals, if it is time."""
        waiting_bytes = 2 * (len(self.lines) - self._first) + 4 * len(self._literals)
        if self._first >= 0 and (at_end or waiting_bytes > _POOL_BYTES):
            self.lines += [".ltorg"] if at_end else ["b 9f", ".ltorg", "9:"]
            self._first, self._literals = -1, set()


def layer(weights: LayerIntegers, *, is_relu: bool, is_positive: bool, is_sparse: bool) -> Iterator[str]:
    """Instructions of `void (const int16_t *x, void *out)`.

    `is_relu`: writes int16 activations, else int32 sums. `is_positive`: no x is below 0. `is_sparse`: many
    are 0.
    """
    n_out = len(weights.bias)
    n_passes = -(-n_out // len(_LOW + _HIGH))
    writer = _Writer()
    n_saved = max(0, -(-n_out // n_passes) - len(_LOW) - 2)
    writer.add("push {r0, r1, r4, r5, r6, r7, lr}")
    if n_saved:
        writer.add("mov r4, r8", "mov r5, r9", "mov r6, r10", "mov r7, r11", "push {r4, r5, r6, r7}")
    at = 16 if n_saved else 0
    for number, rows in enumerate(np.array_split(np.arange(n_out), n_passes)):
        if number:
            writer.add(f"ldr r0, [sp, #{at}]")
        _sums(writer, weights, rows.tolist(), is_positive, is_sparse)
        _store(writer, weights, rows.tolist(), at + 4, is_relu)
    if n_saved:
        writer.add("pop {r4, r5, r6, r7}", "mov r8, r4", "mov r9, r5", "mov r10, r6", "mov r11, r7")
    writer.add("add sp, #8", "pop {r4, r5, r6, r7, pc}")
    writer.flush(at_end=True)
    yield from writer.lines


def _sums(
    writer: _Writer, weights: LayerIntegers, rows: list[int], is_positive: bool, is_sparse: bool
) -> None:
    """Leaves the sums of `rows` in the registers of _LOW and _HIGH, in this order."""
    registers = (_LOW + _HIGH)[: len(rows)]
    for row, register in zip(rows, registers, strict=True):
        if register in _LOW:
            writer.constant(register, int(weights.bias[row]))
        else:
            writer.constant("r3", int(weights.bias[row]))
            writer.add(f"mov {register}, r3")
        writer.flush()
    for i, column in enumerate(weights.weights[rows].T.tolist()):
        if not any(column):
            continue
        if i < _NEAR_VALUES:
            writer.add(f"ldrh r2, [r0, #{2 * i}]", *(() if is_positive else ("sxth r2, r2",)))
        else:
            writer.constant("r3", 2 * i)
            writer.add("ldrsh r2, [r0, r3]")
        # At three instructions a weight a jump pays off from three weights on.
        is_skipped = is_sparse and len(column) - column.count(0) > _LEAST_SKIPPED
        if is_skipped:
            writer.add("cmp r2, #0", "beq 1f")
        for weight, register in zip(column, registers, strict=True):
            _add_product(writer, register, weight)
        if is_skipped:
            writer.add("1:")
        writer.flush()


def _add_product(writer: _Writer, register: str, weight: int) -> None:
    """register += r2 * weight."""
    if not weight:
        return
    size = abs(weight)
    is_low = register in _LOW
    is_power = size & (size - 1) == 0
    verb = "adds" if weight > 0 else "subs"
    if is_power and (is_low or weight > 0):
        shift = size.bit_length() - 1
        if shift:
            writer.add(f"lsls r3, r2, #{shift}")
        product = "r3" if shift else "r2"
        writer.add(f"{verb} {register}, {register}, {product}" if is_low else f"add {register}, {product}")
        return
    writer.constant("r3", size if is_low else weight)
    writer.add("muls r3, r2, r3")
    writer.add(f"{verb} {register}, {register}, r3" if is_low else f"add {register}, r3")


def _store(writer: _Writer, weights: LayerIntegers, rows: list[int], out_at: int, is_relu: bool) -> None:
    """The sums in the registers, or their activations, to where `out` points."""
    writer.add(f"ldr r0, [sp, #{out_at}]")
    first_bytes = rows[0] * (2 if is_relu else 4)
    if first_bytes:
        writer.constant("r3", first_bytes)
        writer.add("adds r0, r0, r3")
    for place, register in enumerate((_LOW + _HIGH)[: len(rows)]):
        value = register
        if register in _HIGH:
            value = "r3"
            writer.add(f"mov r3, {register}")
        if is_relu:
            if weights.shift:
                writer.add(f"asrs {value}, {value}, #{weights.shift}")
            writer.add(f"asrs r2, {value}, #31", f"bics {value}, r2", f"lsrs r2, {value}, #15", "beq 1f")
            writer.constant(value, 32767)
            writer.add("1:", f"strh {value}, [r0, #{2 * place}]")
        else:
            writer.add(f"str {value}, [r0, #{4 * place}]")
        writer.flush()
