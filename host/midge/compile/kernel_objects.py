"""Reads compiled kernels (relocatable ELF objects) into sections that midge's linker places one by one."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any, NamedTuple

from elftools.elf.elffile import ELFFile
from elftools.elf.relocation import RelocationSection
from elftools.elf.sections import SymbolTableSection

from ..errors import LinkError
from .kernel_sections import Relocation, Section
from .link_machine import Machine

_ALLOCATED, _WRITABLE, _EXECUTABLE = 0x2, 0x1, 0x4
# For unwinders, of which a board has none.
_UNWINDING = (".ARM.exidx", ".ARM.extab", ".eh_frame")


class Symbol(NamedTuple):
    """A row of the symbol table; `section` is a number, or 'SHN_UNDEF' and the like."""

    name: str
    section: int | str
    value: int
    size: int
    kind: str
    is_global: bool


class ObjectFile:
    """One object file; `unit` tells its local names from those of others, `suffix` its flavour."""

    def __init__(self, data: bytes, unit: str, suffix: str, code_bit: int = 0) -> None:
        self.file = ELFFile(io.BytesIO(data))
        self.unit, self.suffix = unit, suffix
        self.sections = list(self.file.iter_sections())
        self.contents = [self._content(section) for section in self.sections]
        table = self.file.get_section_by_name(".symtab")
        if not isinstance(table, SymbolTableSection):
            raise LinkError(f"{unit} has no symbols: compile it again")
        self.symbols = [self._symbol(symbol, code_bit) for symbol in table.iter_symbols()]
        # section → offset → (type, symbol, addend or None where it is in the data)
        self.relocations: dict[int, dict[int, tuple[int, Symbol, int | None]]] = {}
        for section in self.sections:
            if isinstance(section, RelocationSection):
                here = self.relocations.setdefault(section["sh_info"], {})
                is_rela = section.is_RELA()
                for found in section.iter_relocations():
                    symbol = self.symbols[found["r_info_sym"]]
                    addend = found["r_addend"] if is_rela else None
                    here[found["r_offset"]] = (found["r_info_type"], symbol, addend)

    @staticmethod
    def _symbol(symbol: Any, code_bit: int) -> Symbol:
        kind = symbol["st_info"]["type"]
        value = symbol["st_value"] & ~(code_bit if kind == "STT_FUNC" else 0)
        is_global = symbol["st_info"]["bind"] != "STB_LOCAL"
        return Symbol(symbol.name, symbol["st_shndx"], value, symbol["st_size"], kind, is_global)

    @staticmethod
    def _content(section: Any) -> bytes:
        if section["sh_type"] == "SHT_NOBITS":
            return bytes(section["sh_size"])
        return bytes(section.data())

    def kept(self) -> Iterator[tuple[int, bool]]:
        """(index, is it code) of the sections that a board needs; LinkError for one that is writable."""
        for index, section in enumerate(self.sections):
            flags = section["sh_flags"]
            if flags & _ALLOCATED and section["sh_size"] and not section.name.startswith(_UNWINDING):
                if flags & _WRITABLE:
                    raise LinkError(
                        f"{self.unit} holds writable data ({section.name}): kernels must be constant"
                    )
                yield index, bool(flags & _EXECUTABLE)

    def named(self, symbol: Symbol) -> str:
        """The name by which the linker knows a symbol."""
        if symbol.is_global:
            return symbol.name + (self.suffix if symbol.section != "SHN_UNDEF" else "")
        return f"{self.unit}{self.suffix}:{symbol.name}"

    def defined_in(self, index: int) -> list[Symbol]:
        """Functions and objects of a section, by offset."""
        found = [s for s in self.symbols if s.section == index and s.kind in ("STT_FUNC", "STT_OBJECT")]
        return sorted(found, key=lambda symbol: (symbol.value, symbol.name))

    def start_name(self, index: int) -> str:
        """The name of what begins a section."""
        there = self.defined_in(index)
        if there and there[0].value == 0:
            return self.named(there[0])
        return f"{self.unit}{self.suffix}:{self.sections[index].name}"

    def target_of(self, symbol: Symbol, addend: int) -> tuple[str, int]:
        """(name, addend) that the linker resolves."""
        if isinstance(symbol.section, int) and not symbol.is_global:
            return self.start_name(symbol.section), symbol.value + addend
        return self.named(symbol), addend

    def section(
        self, index: int, relocations: tuple[Relocation, ...], *, is_code: bool, data: bytes | None = None
    ) -> Section:
        """One section for the linker; LinkError for code that is more than one function."""
        name = self.start_name(index)
        there = self.defined_in(index)
        if is_code and (len(there) != 1 or there[0].value != 0 or not there[0].size):
            raise LinkError(
                f"{self.unit}: {self.sections[index].name} is not one function: use -ffunction-sections"
            )
        others = {self.named(s): s.value for s in there if self.named(s) != name}
        align = max(self.sections[index]["sh_addralign"], 1)
        content = self.contents[index] if data is None else data
        return Section(
            name, content, relocations, align, is_code, others, self._literals(index, len(content))
        )

    def _literals(self, index: int, size: int) -> tuple[tuple[int, int], ...]:
        """Mapping symbols of the ARM and RISC-V ELF ABIs: $t and $x start code, $d starts data."""
        marks = sorted(
            {(s.value, s.name[:2] == "$d") for s in self.symbols if s.section == index and s.name[:1] == "$"}
        )
        ends = [*(value for value, _ in marks[1:]), size]
        return tuple(
            (start, end)
            for (start, is_data), end in zip(marks, ends, strict=False)
            if is_data and start < end
        )


def read(data: bytes, unit: str, suffix: str, machine: Machine) -> Iterator[Section]:
    """Functions and constants of one object.

    Raises
    ------
    LinkError
        for anything that the machine's rules do not cover: the message names it
    """
    found = ObjectFile(data, unit, suffix, machine.code_bit)
    for index, is_code in found.kept():
        relocations = tuple(_relocations(found, index, machine))
        yield found.section(index, relocations, is_code=is_code)


def _relocations(found: ObjectFile, index: int, machine: Machine) -> Iterator[Relocation]:
    here = found.relocations.get(index, {})
    for offset, (number, symbol, explicit) in sorted(here.items()):
        kind = machine.elf_kinds.get(number)
        if kind is None:
            raise LinkError(
                f"{found.unit}: relocation of type {number} in {found.sections[index].name} is not known"
            )
        named, addend = symbol, explicit
        if addend is None:
            assert machine.addend is not None
            addend = machine.addend(kind, found.contents[index], offset)
        if kind in machine.lower_halves:
            # The upper half names the symbol.
            place = symbol.value + addend
            _, named, upper = here[place]
            addend = (upper or 0) + offset - place
        yield Relocation(offset, kind, *found.target_of(named, addend))
