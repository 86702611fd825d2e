"""Relocations of Thumb code: ELF for the Arm Architecture (IHI 0044), 'Relocation'; DDI 0403, 'BL', 'B'."""

from __future__ import annotations

import struct

from .kernel_sections import WORD
from .link_machine import Machine, patch_word, within

_BRANCH = struct.Struct("<HH")
_REACH_BITS = 25


def _read_branch(data: bytes, offset: int) -> int:
    """The distance in a BL or B.W (encodings T1 and T4)."""
    first, second = (int(half) for half in _BRANCH.unpack_from(data, offset))
    sign = first >> 10 & 1
    bits = [1 - ((second >> place & 1) ^ sign) for place in (13, 11)]
    value = sign << 24 | bits[0] << 23 | bits[1] << 22 | (first & 0x3FF) << 12 | (second & 0x7FF) << 1
    return value - (sign << _REACH_BITS)


def _patch_branch(data: bytearray, offset: int, distance: int) -> None:
    """Give a BL or B.W its distance; the lowest bit of a function's address is no part of it."""
    first, second = _BRANCH.unpack_from(data, offset)
    value = within(distance & ~1, _REACH_BITS, "a call")
    sign = value >> 24 & 1
    j1, j2 = ((value >> place & 1) ^ sign ^ 1 for place in (23, 22))
    first = first & 0xF800 | sign << 10 | value >> 12 & 0x3FF
    second = second & 0xD000 | j1 << 13 | j2 << 11 | value >> 1 & 0x7FF
    _BRANCH.pack_into(data, offset, first, second)


def _addend(kind: str, data: bytes, offset: int) -> int:
    if kind == "branch":
        return _read_branch(data, offset)
    return int.from_bytes(data[offset : offset + 4], "little", signed=True)


MACHINE = Machine(
    elf_kinds={
        2: WORD,  # R_ARM_ABS32
        3: "distance",  # R_ARM_REL32
        10: "branch",  # R_ARM_THM_CALL
        30: "branch",  # R_ARM_THM_JUMP24
    },
    patches={"branch": _patch_branch, "distance": patch_word},
    addend=_addend,
    code_bit=1,
)
