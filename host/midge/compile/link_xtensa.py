"""Places sections for Xtensa: text in instruction memory, which is read by words only; constants elsewhere.

Text is `j init`, a pad byte, one pool of literals (`l32r` looks backwards), then the functions on words. Each
`l32r` gets its distance: Xtensa ISA reference manual, 'L32R' and 'J'.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..errors import LinkError
from .kernel_objects import L32R, Relocation, Section
from .link_image import FUN_TABLE_SLOT
from .mpy import FUN_TABLE, RODATA, TEXT
from .mpy import Relocation as MpyRelocation

_WORD_BYTES = 4
_JUMP_BYTES = 4
# What the allocator of a board promises, and more.
_MOST_ALIGN = 8
_L32R_REACH = 1 << 18

# (section, offset) of a symbol
Resolve = Callable[[str], tuple[Section, int]]


@dataclass(frozen=True)
class Placed:
    """Text, constants, what the loader adds addresses to, offsets of functions, ranges of code."""

    text: bytes
    rodata: bytes
    relocations: tuple[MpyRelocation, ...]
    symbols: dict[str, int]
    code: tuple[tuple[int, int], ...]


def place(sections: Sequence[Section], resolve: Resolve) -> Placed:
    """Link sections; the first one is the entry.

    Raises
    ------
    LinkError
        where code is too long for a literal to be reached, or constants ask for too much alignment
    """
    return _Linker(sections, resolve).linked()


class _Linker:
    def __init__(self, sections: Sequence[Section], resolve: Resolve) -> None:
        self.resolve = resolve
        self.functions = [section for section in sections if section.is_code]
        self.constants = [section for section in sections if not section.is_code]
        literals = {
            (found.symbol, found.addend): None for section in self.functions for found in section.relocations
        }
        self.pool = {literal: _JUMP_BYTES + 4 * place for place, literal in enumerate(literals)}
        self.places: dict[str, int] = {}
        self._lay(self.functions, _JUMP_BYTES + _WORD_BYTES * len(self.pool))
        self._lay(self.constants, 0)
        self.relocations: list[MpyRelocation] = []

    def _lay(self, sections: Sequence[Section], at: int) -> None:
        for section in sections:
            align = max(section.align, _WORD_BYTES if section.is_code else 1)
            if align > _MOST_ALIGN:
                raise LinkError(f"{section.name} must lie on {align} bytes, which a board does not promise")
            at += -at % align
            self.places[section.name] = at
            at += len(section.data)

    def address(self, symbol: str, addend: int) -> tuple[int, int]:
        """(offset, TEXT or RODATA) of what a symbol stands for."""
        section, offset = self.resolve(symbol)
        return self.places[section.name] + offset + addend, TEXT if section.is_code else RODATA

    def linked(self) -> Placed:
        text = self._text()
        rodata = self._rodata()
        symbols = {section.name: self.places[section.name] for section in self.functions}
        code = tuple(
            (self.places[section.name], self.places[section.name] + len(section.data))
            for section in self.functions
        )
        return Placed(text, rodata, tuple(_joined(self.relocations)), symbols, code)

    def _text(self) -> bytes:
        end = max(self.places[section.name] + len(section.data) for section in self.functions)
        text = bytearray(end + -end % _WORD_BYTES)
        jump = ((self.places[self.functions[0].name] - 4) & 0x3FFFF) << 6 | 6
        text[:3] = jump.to_bytes(3, "little")
        for (symbol, addend), at in self.pool.items():
            value = addend
            if symbol:
                value, destination = self.address(symbol, addend)
                self.relocations.append(MpyRelocation(at // _WORD_BYTES, destination))
            struct.pack_into("<I", text, at, value & 0xFFFFFFFF)
        for section in self.functions:
            start = self.places[section.name]
            text[start : start + len(section.data)] = section.data
            for found in section.relocations:
                self._point(text, start + found.offset, found)
        return bytes(text)

    def _point(self, text: bytearray, at: int, found: Relocation) -> None:
        """Make the `l32r` at `at` load its literal."""
        distance = self.pool[found.symbol, found.addend] - (at + 3 & ~3)
        if found.kind != L32R or not -_L32R_REACH <= distance < 0:
            raise LinkError(
                "the code of this model is longer than a literal can be away: train a smaller model"
            )
        text[at + 1 : at + 3] = (distance >> 2 & 0xFFFF).to_bytes(2, "little")

    def _rodata(self) -> bytes:
        rodata = bytearray()
        for section in self.constants:
            at = self.places[section.name]
            rodata += bytes(at - len(rodata)) + section.data
            if section.name == FUN_TABLE_SLOT:
                self.relocations.append(MpyRelocation(at // _WORD_BYTES, FUN_TABLE, in_rodata=True))
            for found in section.relocations:
                value, destination = self.address(found.symbol, found.addend)
                word, rest = divmod(at + found.offset, _WORD_BYTES)
                if rest:
                    raise LinkError(f"a pointer in {section.name} is not on a word: check its structure")
                struct.pack_into("<I", rodata, at + found.offset, value & 0xFFFFFFFF)
                self.relocations.append(MpyRelocation(word, destination, in_rodata=True))
        return bytes(rodata) + bytes(-len(rodata) % _WORD_BYTES)


def _joined(relocations: Sequence[MpyRelocation]) -> list[MpyRelocation]:
    """In the order of their places, neighbours of one destination as one."""
    found: list[MpyRelocation] = []
    for one in sorted(relocations, key=lambda relocation: (relocation.in_rodata, relocation.index)):
        last = found[-1] if found else None
        if (
            last is not None
            and one.destination in (TEXT, RODATA)
            and (last.destination, last.in_rodata) == (one.destination, one.in_rodata)
            and last.index + last.count == one.index
        ):
            found[-1] = MpyRelocation(last.index, last.destination, last.count + 1, last.in_rodata)
        else:
            found.append(one)
    return found
