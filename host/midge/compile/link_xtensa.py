"""Xtensa: instruction memory is read by words only, and `l32r` looks backwards for its literal.

So text is a jump to the entry, one pool of literals, then the functions; constants lie elsewhere. Xtensa ISA
reference manual, 'L32R' and 'J'.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..errors import LinkError
from .kernel_sections import WORD, Relocation, Section
from .link_machine import Machine, within

# Loads the address of the symbol, or the number that is the addend if there is no symbol.
L32R = "l32r"
_JUMP = "jump"
_JUMP_CODE = b"\x06\0\0\0"
_JUMP_BYTES, _JUMP_REACH_BITS = 3, 18
_POOL = ":literals"
_WORD_BYTES = 4
_L32R_REACH = 1 << 18


def _arrange(functions: Sequence[Section]) -> list[Section]:
    """Jump and literals before the functions, which now name places in the pool."""
    literals: dict[tuple[str, int], int] = {}
    pointed = []
    for section in functions:
        relocations = []
        for one in section.relocations:
            place = literals.setdefault((one.symbol, one.addend), _WORD_BYTES * len(literals))
            relocations.append(Relocation(one.offset, one.kind, _POOL, place))
        pointed.append(replace(section, relocations=tuple(relocations)))
    numbers = bytearray(_WORD_BYTES * len(literals))
    pointers = []
    for (symbol, addend), place in literals.items():
        if symbol:
            pointers.append(Relocation(place, WORD, symbol, addend))
        else:
            numbers[place : place + _WORD_BYTES] = (addend & 0xFFFFFFFF).to_bytes(_WORD_BYTES, "little")
    to_entry = (Relocation(0, _JUMP, functions[0].name, 0),)
    jump = Section(":jump", _JUMP_CODE, to_entry, is_code=True, literals=((_JUMP_BYTES, len(_JUMP_CODE)),))
    return [jump, Section(_POOL, bytes(numbers), tuple(pointers)), *pointed]


def _patch_jump(data: bytearray, offset: int, distance: int) -> None:
    bits = within(distance - 4, _JUMP_REACH_BITS, "a jump") & 0x3FFFF
    data[offset : offset + _JUMP_BYTES] = (bits << 6 | 6).to_bytes(_JUMP_BYTES, "little")


def _patch_l32r(data: bytearray, offset: int, distance: int) -> None:
    backwards = offset + distance - (offset + 3 & ~3)
    if not -_L32R_REACH <= backwards < 0:
        raise LinkError("the code of this model is longer than a literal can be away: train a smaller model")
    data[offset + 1 : offset + 3] = (backwards >> 2 & 0xFFFF).to_bytes(2, "little")


MACHINE = Machine(
    # Its objects are read by kernel_objects_xtensa.py: literals need more than a table of types.
    elf_kinds={},
    patches={_JUMP: _patch_jump, L32R: _patch_l32r},
    separate_constants=True,
    arrange=_arrange,
)
