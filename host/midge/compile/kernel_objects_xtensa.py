"""Reads compiled kernels for Xtensa, whose literals lie behind the *previous* function.

Only R_XTENSA_32 and R_XTENSA_SLOT0_OP (at `l32r`) occur. Here every `l32r` names its literal, and functions
hold nothing but instructions.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..errors import LinkError
from .kernel_objects import ObjectFile
from .kernel_sections import WORD, Relocation, Section
from .link_xtensa import L32R
from .opcodes_xtensa import split

_R_XTENSA_32, _R_XTENSA_SLOT0_OP = 1, 20
_L32R_NIBBLE = 1


def read(data: bytes, unit: str, suffix: str = "") -> Iterator[Section]:
    """Functions and constants of one object; LinkError for anything that these rules do not cover."""
    found = ObjectFile(data, unit, suffix)
    for index, is_code in found.kept():
        if not is_code:
            yield found.section(index, tuple(_pointers(found, index)), is_code=False)
        elif (
            found.sections[index].name != ".text"
        ):  # which holds the literals of the first function, and no more
            yield _function(found, index)


def _pointers(found: ObjectFile, index: int) -> Iterator[Relocation]:
    for offset, (kind, symbol, addend) in sorted(found.relocations.get(index, {}).items()):
        if kind != _R_XTENSA_32:
            raise LinkError(f"{found.unit}: relocation of type {kind} among constants is not known")
        yield Relocation(offset, WORD, *found.target_of(symbol, addend or 0))


def _function(found: ObjectFile, index: int) -> Section:
    name = found.start_name(index)
    there = found.defined_in(index)
    code = found.contents[index][: there[0].size if there else 0]
    here = found.relocations.get(index, {})
    relocations = []
    for instruction in split(code):
        named = here.get(instruction.offset)
        is_l32r = instruction.length_bytes == 3 and instruction.word & 0xF == _L32R_NIBBLE
        if named is not None and (not is_l32r or named[0] != _R_XTENSA_SLOT0_OP):
            raise LinkError(f"{name}: relocation of type {named[0]} at {instruction.offset:#x} is not known")
        if is_l32r:
            place = _literal_place(found, index, instruction.offset, instruction.word)
            relocations.append(Relocation(instruction.offset, L32R, *_literal(found, *place)))
    return found.section(index, tuple(relocations), is_code=True, data=code)


def _literal_place(found: ObjectFile, index: int, offset: int, word: int) -> tuple[int, int]:
    named = found.relocations.get(index, {}).get(offset)
    if named is not None:
        _, symbol, addend = named
        return int(symbol.section), symbol.value + (addend or 0)
    # Words backwards from the next word boundary.
    return index, (offset + 3 & ~3) + ((word >> 8) - 0x10000) * 4


def _literal(found: ObjectFile, section: int, offset: int) -> tuple[str, int]:
    """(symbol, addend) of a literal; no symbol: a number."""
    named = found.relocations.get(section, {}).get(offset)
    if named is not None:
        kind, symbol, addend = named
        if kind != _R_XTENSA_32:
            raise LinkError(f"{found.unit}: relocation of type {kind} at a literal is not known")
        return found.target_of(symbol, addend or 0)
    if not 0 <= offset <= len(found.contents[section]) - 4:
        raise LinkError(f"{found.unit}: a literal lies outside its section")
    return "", int.from_bytes(found.contents[section][offset : offset + 4], "little")
