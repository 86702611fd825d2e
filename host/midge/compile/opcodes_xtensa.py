"""The Xtensa instructions that ESP32, ESP32-S2 and ESP32-S3 all have: integers, windowed calls, no FPU.

Encodings: Xtensa Instruction Set Architecture reference manual, 'Opcode encodings'.
"""

from __future__ import annotations

from collections.abc import Iterator

from .instruction import Instruction

# First level, bits 0 to 3.
_QRST, _L32R, _LSAI, _CALLN, _SI, _B = 0, 1, 2, 5, 6, 7
_FIRST_NARROW, _LAST_NARROW = 8, 13
# Second level of QRST, bits 16 to 19: arithmetic, shifts, division, rare ones; then fields (extui).
_RST0, _RST1, _RST2, _RST3, _EXTUI = 0, 1, 2, 3, (4, 5)
# Loads, stores, movi, addi by bits 12 to 15; without caches, exclusive access and boolean registers.
_LSAI_KNOWN = frozenset((0, 1, 2, 4, 5, 6, 9, 10, 12, 13))
# mull, muluh, mulsh, quou, quos, remu, rems: bits 20 to 23; below are those of boolean registers.
_RST2_KNOWN = frozenset((8, 10, 11, 12, 13, 14, 15))
# sext, clamps, min, max, minu, maxu, moveqz, movnez, movltz, movgez; and rsr, wsr for shift amounts.
_RST3_KNOWN = frozenset((0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11))


def split(code: bytes) -> Iterator[Instruction]:
    """Instructions of two or three bytes."""
    offset = 0
    while offset + 2 <= len(code):
        length = 2 if code[offset] & 0xF >= _FIRST_NARROW else 3
        yield Instruction(offset, length, int.from_bytes(code[offset : offset + length], "little"))
        offset += length


def is_known(instruction: Instruction) -> bool:  # noqa: PLR0911
    """True unless a core might lack the instruction: floating point, MAC16, boolean registers."""
    word = instruction.word
    first = word & 0xF
    if instruction.length_bytes == 2:
        return first <= _LAST_NARROW
    if first == _LSAI:
        return word >> 12 & 0xF in _LSAI_KNOWN
    if first == _SI:
        # BI1 with m = 1: boolean branches (r = 0, 1) and zero-overhead loops (r = 8, 9, 10).
        return word >> 4 & 0xF != 0b0111
    if first != _QRST:
        return first in (_L32R, _CALLN, _B)
    second, third = word >> 16 & 0xF, word >> 20 & 0xF
    if second == _RST2:
        return third in _RST2_KNOWN
    if second == _RST3:
        return third in _RST3_KNOWN
    return second in (_RST0, _RST1, *_EXTUI)
