"""Reads a linked ELF file into what a `.mpy` needs: one blob, the words to relocate, symbols, code ranges."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile
from elftools.elf.relocation import RelocationSection

from ..errors import LinkError
from ..targets import Target
from .link_script import BLOB_SECTION, DYNAMIC_SECTIONS, ENTRY

FUN_TABLE_SLOT = "mp_fun_table"
_ALLOCATED = 0x2  # SHF_ALLOC


@dataclass(frozen=True)
class Image:
    """One position-independent blob, linked at 0, entry at its first byte.

    Attributes
    ----------
    blob : bytes
        text, constants and data; a whole number of words; addends are in the words
    relocated : tuple of int
        word indices to which the loader adds the blob's own address
    slot : int
        word index that becomes the address of mp_fun_table
    symbols : dict of str to int
        offsets of functions and objects (no Thumb bit)
    code : tuple of (int, int)
        byte ranges of instructions, [start, end): everything else in the blob is data
    """

    blob: bytes
    relocated: tuple[int, ...]
    slot: int
    symbols: dict[str, int]
    code: tuple[tuple[int, int], ...]


def read_image(elf: bytes, target: Target) -> Image:
    """The image in a linked ELF file.

    Raises
    ------
    LinkError
        if the file holds anything that a `.mpy` of one blob can't: the message names it
    """
    try:
        file = ELFFile(io.BytesIO(elf))
        return _read(file, target)
    except ELFError as error:
        raise LinkError(
            f"the linked file is no ELF image ({error}): clear the cache and build again"
        ) from error


def _read(file: ELFFile, target: Target) -> Image:
    if file["e_machine"] != target.elf_machine:
        raise LinkError(
            f"linked for {file['e_machine']}, not for {target.elf_machine}: check target {target.name}"
        )
    section = file.get_section_by_name(BLOB_SECTION)
    if section is None or section["sh_addr"] != 0:
        raise LinkError("the linked image does not start at 0: check the linker script")
    for other in file.iter_sections():
        is_loaded = other["sh_flags"] & _ALLOCATED and other["sh_size"]
        if is_loaded and other.name not in (BLOB_SECTION, *DYNAMIC_SECTIONS):
            raise LinkError(f"section {other.name} has no place in a module: remove what needs it from the C")

    size = section["sh_size"]
    data = section.data() if section["sh_type"] != "SHT_NOBITS" else bytes(size)
    blob = bytearray(data.ljust(size, b"\0"))
    blob += bytes(-len(blob) % target.word_bytes)

    symbols = list(_symbols(file))
    offsets = _offsets(symbols, target)
    for name in target.forbidden_calls:
        if name in offsets:
            raise LinkError(
                f"{name} is linked in: the compiler did not use the FPU of {target.name}; check its row"
            )
    if offsets.get(ENTRY) != 0:
        raise LinkError(f"{ENTRY} is not at the start of the image: it must be a function of its own section")
    if FUN_TABLE_SLOT not in offsets:
        raise LinkError(f"{FUN_TABLE_SLOT} is not in the image: link mp_slot.S")
    relocated = _relocate(file, blob, target)
    slot = _word_index(offsets[FUN_TABLE_SLOT], blob, target)
    return Image(bytes(blob), relocated, slot, offsets, _code_ranges(symbols, target))


class _Symbol(NamedTuple):
    name: str
    value: int
    size: int
    kind: str
    is_undefined: bool


# Elf32_Sym, Elf64_Sym; read here, as a RISC-V image has thousands and pyelftools takes its time over each.
_SYMBOL_LAYOUTS = {32: struct.Struct("<IIIBBH"), 64: struct.Struct("<IBBHQQ")}
_KINDS = {1: "STT_OBJECT", 2: "STT_FUNC"}


def _symbols(file: ELFFile) -> Iterator[_Symbol]:
    """Every symbol of the full table."""
    table = file.get_section_by_name(".symtab")
    if table is None:
        raise LinkError("the linked image has no symbol table: link with -g")
    names: bytes = file.get_section(table["sh_link"]).data()
    for fields in _SYMBOL_LAYOUTS[file.elfclass].iter_unpack(table.data()):
        if file.elfclass == 32:
            name, value, size, info, _, section = fields
        else:
            name, info, _, section, value, size = fields
        text = names[name : names.index(b"\0", name)].decode(errors="replace")
        yield _Symbol(text, value, size, _KINDS.get(info & 0xF, ""), section == 0)


def _thumb_bit(target: Target) -> int:
    """The bit of a function's address that is no part of the address."""
    return 1 if target.elf_machine == "EM_ARM" else 0


def _offsets(symbols: list[_Symbol], target: Target) -> dict[str, int]:
    found: dict[str, int] = {}
    for symbol in symbols:
        if symbol.is_undefined and symbol.name:
            raise LinkError(
                f"{symbol.name} is used and nowhere defined: it is not part of what a module may call"
            )
        if symbol.kind == "STT_FUNC":
            found[symbol.name] = symbol.value & ~_thumb_bit(target)
        elif symbol.kind == "STT_OBJECT":
            found[symbol.name] = symbol.value
    return found


def _word_index(offset: int, blob: bytearray, target: Target) -> int:
    index, rest = divmod(offset, target.word_bytes)
    if rest or not 0 <= offset < len(blob):
        raise LinkError(f"the word to relocate at {offset:#x} is not an aligned word of the image")
    return index


def _relocate(file: ELFFile, blob: bytearray, target: Target) -> tuple[int, ...]:
    """Word indices to relocate, ascending; puts the addends of RELA images into the words."""
    word = struct.Struct("<Q" if target.word_bytes == 8 else "<I")
    found = []
    for section in file.iter_sections():
        if not isinstance(section, RelocationSection) or not section["sh_flags"] & _ALLOCATED:
            continue
        for relocation in section.iter_relocations():
            if relocation["r_info_type"] != target.relative_relocation:
                raise LinkError(
                    f"relocation type {relocation['r_info_type']} at {relocation['r_offset']:#x} "
                    "can't be packaged: something refers to a symbol outside the module"
                )
            found.append(_word_index(relocation["r_offset"], blob, target))
            if target.has_addends:
                word.pack_into(blob, relocation["r_offset"], relocation["r_addend"])
    return tuple(sorted(found))


def _code_ranges(symbols: list[_Symbol], target: Target) -> tuple[tuple[int, int], ...]:
    """Ranges of instructions: the functions' extents, less the data in them (literal pools, jump tables).

    Mapping symbols of the ARM and RISC-V ELF ABIs tell them apart: $t and $x start code, $d starts data.
    """
    thumb_bit = _thumb_bit(target)
    functions = {(s.value & ~thumb_bit, s.size) for s in symbols if s.kind == "STT_FUNC" and s.size}
    marks = sorted({(s.value, s.name[:2] != "$d") for s in symbols if s.name[:2] in ("$t", "$x", "$d")})
    ranges = []
    for start, size in sorted(functions):
        is_code, at = True, start
        for value, next_is_code in marks:
            if start <= value < start + size:
                if is_code and value > at:
                    ranges.append((at, value))
                is_code, at = next_is_code, value
        if is_code:
            ranges.append((at, start + size))
    return tuple(ranges)
