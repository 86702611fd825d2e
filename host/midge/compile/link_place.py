"""Midge's own linker: lays sections out, and points them at each other.

Where code reaches constants by distance all of it is one text; else constants are apart, and every address is
a word that the firmware's loader relocates.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ..errors import LinkError
from .kernel_sections import WORD, Relocation, Section
from .link_image import FUN_TABLE_SLOT
from .link_machine import Machine
from .mpy import FUN_TABLE, RODATA, TEXT
from .mpy import Relocation as MpyRelocation

# (section, offset) of a symbol
Resolve = Callable[[str], tuple[Section, int]]


@dataclass(frozen=True)
class Placed:
    """Text, constants, what the loader adds addresses to, offsets of functions, ranges of instructions."""

    text: bytes
    rodata: bytes
    relocations: tuple[MpyRelocation, ...]
    symbols: dict[str, int]
    code: tuple[tuple[int, int], ...]


def place(sections: Sequence[Section], resolve: Resolve, machine: Machine, word_bytes: int) -> Placed:
    """Link sections; the first one is the entry.

    Raises
    ------
    LinkError
        where something is too far away, is not there, or asks for more alignment than a board promises
    """
    return _Linker(sections, resolve, machine, word_bytes).linked()


class _Place(NamedTuple):
    """`region`: TEXT or RODATA."""

    region: int
    offset: int


class _Linker:
    def __init__(
        self, sections: Sequence[Section], resolve: Resolve, machine: Machine, word_bytes: int
    ) -> None:
        self.resolve, self.machine, self.word_bytes = resolve, machine, word_bytes
        self.given = sections
        code = machine.arrange([section for section in sections if section.is_code])
        constants = [section for section in sections if not section.is_code]
        # The more it must be aligned the earlier: no holes.
        constants.sort(key=lambda section: -section.align)
        apart = machine.separate_constants
        self.regions = {TEXT: code if apart else [*code, *constants], RODATA: constants if apart else []}
        self.own = {section.name: section for section in code}
        self.data = {region: bytearray() for region in self.regions}
        self.places: dict[str, _Place] = {}
        for region, members in self.regions.items():
            self._lay(region, members)
        self.relocations: list[MpyRelocation] = []

    def _lay(self, region: int, members: Sequence[Section]) -> None:
        data = self.data[region]
        for section in members:
            if section.align > self.machine.most_align:
                raise LinkError(
                    f"{section.name} must lie on {section.align} bytes, which a board does not promise"
                )
            data += bytes(-len(data) % section.align)
            self.places[section.name] = _Place(region, len(data))
            data += section.data
        data += bytes(-len(data) % self.word_bytes)

    def linked(self) -> Placed:
        for region, members in self.regions.items():
            for section in members:
                for one in section.relocations:
                    self._point(region, self.places[section.name].offset + one.offset, one)
        slot = self.places.get(FUN_TABLE_SLOT)
        if slot is not None:
            self._relocate(slot.region, slot.offset, FUN_TABLE)
        symbols, code = {}, []
        given = {section.name for section in self.given}
        for section in self.regions[TEXT]:
            start = self.places[section.name].offset
            if section.is_code:
                if section.name in given:
                    symbols[section.name] = start
                code += [(start + first, start + end) for first, end in section.instructions()]
        return Placed(
            bytes(self.data[TEXT]),
            bytes(self.data[RODATA]),
            tuple(_joined(self.relocations)),
            symbols,
            tuple(code),
        )

    def _point(self, region: int, at: int, one: Relocation) -> None:
        """Make what is at `at` name its symbol."""
        section, offset = (self.own[one.symbol], 0) if one.symbol in self.own else self.resolve(one.symbol)
        there = self.places[section.name]
        value = there.offset + offset + one.addend + (self.machine.code_bit if section.is_code else 0)
        if one.kind == WORD:
            self.data[region][at : at + self.word_bytes] = (value % (1 << 8 * self.word_bytes)).to_bytes(
                self.word_bytes, "little"
            )
            self._relocate(region, at, there.region)
            return
        patch = self.machine.patches.get(one.kind)
        if patch is None or there.region != region:
            raise LinkError(f"{one.symbol} can't be named by {one.kind} at {at:#x}: install midge again")
        patch(self.data[region], at, value - at)

    def _relocate(self, region: int, at: int, destination: int) -> None:
        index, rest = divmod(at, self.word_bytes)
        if rest:
            raise LinkError(f"the pointer at {at:#x} is not on a word: check its structure")
        self.relocations.append(MpyRelocation(index, destination, in_rodata=region == RODATA))


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
