"""Reads compiled kernels (relocatable ELF objects) into sections that midge's linker places one by one.

Xtensa ELF: literals of a function lie behind the *previous* function; only R_XTENSA_32 and R_XTENSA_SLOT0_OP
(at `l32r`) occur. Here every `l32r` names its literal, and functions hold nothing but instructions.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from elftools.elf.elffile import ELFFile
from elftools.elf.relocation import RelocationSection
from elftools.elf.sections import SymbolTableSection

from ..errors import LinkError
from .opcodes_xtensa import split as split_xtensa

WORD, L32R = "word", "l32r"

_ALLOCATED, _WRITABLE, _EXECUTABLE = 0x2, 0x1, 0x4
_R_XTENSA_32, _R_XTENSA_SLOT0_OP = 1, 20
_L32R_NIBBLE = 1


class Relocation(NamedTuple):
    """Where a section names a symbol.

    `kind`: WORD (a pointer), or L32R (an instruction that loads a literal: the address of `symbol`, or the
    number `addend` if that is empty).
    """

    offset: int
    kind: str
    symbol: str
    addend: int


@dataclass(frozen=True)
class Section:
    """What is placed, or left out, as one: a function or a constant.

    `symbols` are those at other places than the start, which is called `name`.
    """

    name: str
    data: bytes
    relocations: tuple[Relocation, ...] = ()
    align: int = 4
    is_code: bool = False
    symbols: dict[str, int] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """For the file of kernels."""
        found: dict[str, Any] = {"code" if self.is_code else "data": self.data.hex(), "align": self.align}
        if self.relocations:
            found["relocations"] = [list(relocation) for relocation in self.relocations]
        if self.symbols:
            found["symbols"] = self.symbols
        return found

    @classmethod
    def from_json(cls, name: str, found: dict[str, Any]) -> Section:
        """Out of the file of kernels."""
        return cls(
            name,
            bytes.fromhex(found["code"] if "code" in found else found["data"]),
            tuple(Relocation(*relocation) for relocation in found.get("relocations", ())),
            found["align"],
            "code" in found,
            found.get("symbols", {}),
        )


class _Symbol(NamedTuple):
    name: str
    section: int | str
    value: int
    size: int
    kind: str
    is_global: bool


class _Object:
    """One object file; `unit` tells its local names from those of others, `suffix` its flavour."""

    def __init__(self, data: bytes, unit: str, suffix: str) -> None:
        self.file = ELFFile(io.BytesIO(data))
        self.unit, self.suffix = unit, suffix
        self.sections = list(self.file.iter_sections())
        self.contents = [self._content(section) for section in self.sections]
        table = self.file.get_section_by_name(".symtab")
        if not isinstance(table, SymbolTableSection):
            raise LinkError(f"{unit} has no symbols: compile it again")
        self.symbols = [
            _Symbol(
                symbol.name,
                symbol["st_shndx"],
                symbol["st_value"],
                symbol["st_size"],
                symbol["st_info"]["type"],
                symbol["st_info"]["bind"] != "STB_LOCAL",
            )
            for symbol in table.iter_symbols()
        ]
        # (section, offset) → (type, symbol, addend)
        self.relocations: dict[tuple[int, int], tuple[int, _Symbol, int]] = {}
        for section in self.sections:
            if isinstance(section, RelocationSection):
                for found in section.iter_relocations():
                    place = (section["sh_info"], found["r_offset"])
                    symbol = self.symbols[found["r_info_sym"]]
                    self.relocations[place] = (found["r_info_type"], symbol, found["r_addend"])

    @staticmethod
    def _content(section: Any) -> bytes:
        if section["sh_type"] == "SHT_NOBITS":
            return bytes(section["sh_size"])
        return bytes(section.data())

    def named(self, symbol: _Symbol) -> str:
        """The name by which the linker knows a symbol."""
        if symbol.is_global:
            return symbol.name + (self.suffix if symbol.section != "SHN_UNDEF" else "")
        return f"{self.unit}{self.suffix}:{symbol.name}"

    def defined_in(self, index: int) -> list[_Symbol]:
        """Functions and objects of a section, by offset."""
        found = [s for s in self.symbols if s.section == index and s.kind in ("STT_FUNC", "STT_OBJECT")]
        return sorted(found, key=lambda symbol: (symbol.value, symbol.name))

    def start_name(self, index: int) -> str:
        """The name of what begins a section."""
        there = self.defined_in(index)
        if there and there[0].value == 0:
            return self.named(there[0])
        return f"{self.unit}{self.suffix}:{self.sections[index].name}"

    def target_of(self, symbol: _Symbol, addend: int) -> tuple[str, int]:
        """(name, addend) that the linker resolves."""
        if symbol.kind == "STT_SECTION":
            return self.start_name(int(symbol.section)), symbol.value + addend
        return self.named(symbol), addend


def read_xtensa(data: bytes, unit: str, suffix: str = "") -> Iterator[Section]:
    """Functions and constants of one object.

    Raises
    ------
    LinkError
        for anything that these rules do not cover: the message names it
    """
    read = _Object(data, unit, suffix)
    for index, section in enumerate(read.sections):
        flags = section["sh_flags"]
        if not flags & _ALLOCATED or not section["sh_size"]:
            continue
        if flags & _WRITABLE:
            raise LinkError(f"{unit} holds writable data ({section.name}): kernels must be constant")
        if not flags & _EXECUTABLE:
            yield _constant(read, index)
        elif section.name != ".text":  # .text itself holds the literals of the first function, and no more
            yield _function(read, index)


def _constant(read: _Object, index: int) -> Section:
    relocations = []
    for (section, offset), (kind, symbol, addend) in sorted(
        read.relocations.items(), key=lambda item: item[0]
    ):
        if section == index:
            if kind != _R_XTENSA_32:
                raise LinkError(f"{read.unit}: relocation of type {kind} among constants is not known")
            relocations.append(Relocation(offset, WORD, *read.target_of(symbol, addend)))
    name = read.start_name(index)
    others = {read.named(s): s.value for s in read.defined_in(index) if read.named(s) != name}
    align = max(read.sections[index]["sh_addralign"], 1)
    return Section(name, read.contents[index], tuple(relocations), align, symbols=others)


def _function(read: _Object, index: int) -> Section:
    there = read.defined_in(index)
    if len(there) != 1 or there[0].value != 0 or not there[0].size:
        raise LinkError(
            f"{read.unit}: {read.sections[index].name} is not one function: use -ffunction-sections"
        )
    code = read.contents[index][: there[0].size]
    relocations = []
    for instruction in split_xtensa(code):
        found = read.relocations.get((index, instruction.offset))
        is_l32r = instruction.length_bytes == 3 and instruction.word & 0xF == _L32R_NIBBLE
        if found is not None and (not is_l32r or found[0] != _R_XTENSA_SLOT0_OP):
            raise LinkError(
                f"{there[0].name}: relocation of type {found[0]} at {instruction.offset:#x} is not known"
            )
        if is_l32r:
            place = _literal_place(read, index, instruction.offset, instruction.word)
            relocations.append(Relocation(instruction.offset, L32R, *_literal(read, *place)))
    return Section(read.named(there[0]), code, tuple(relocations), 4, is_code=True)


def _literal_place(read: _Object, index: int, offset: int, word: int) -> tuple[int, int]:
    found = read.relocations.get((index, offset))
    if found is not None:
        _, symbol, addend = found
        return int(symbol.section), symbol.value + addend
    # Words backwards from the next word boundary.
    return index, (offset + 3 & ~3) + ((word >> 8) - 0x10000) * 4


def _literal(read: _Object, section: int, offset: int) -> tuple[str, int]:
    """(symbol, addend) of a literal; no symbol: a number."""
    found = read.relocations.get((section, offset))
    if found is not None:
        kind, symbol, addend = found
        if kind != _R_XTENSA_32:
            raise LinkError(f"{read.unit}: relocation of type {kind} at a literal is not known")
        return read.target_of(symbol, addend)
    if not 0 <= offset <= len(read.contents[section]) - 4:
        raise LinkError(f"{read.unit}: a literal lies outside its section")
    (number,) = struct.unpack_from("<I", read.contents[section], offset)
    return "", number
