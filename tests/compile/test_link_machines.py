"""Relocations of each machine: known encodings, any distance there and back, and what is too far."""

from __future__ import annotations

import random

import pytest
from elftools.elf.enums import ENUM_RELOC_TYPE_ARM, ENUM_RELOC_TYPE_x64

from midge.compile import link_arm, link_place, link_riscv, link_x64
from midge.compile.kernel_sections import WORD, Relocation, Section
from midge.compile.link_machine import Machine
from midge.compile.mpy import TEXT
from midge.compile.mpy import Relocation as MpyRelocation
from midge.errors import LinkError

# (code, distance from the instruction): DDI 0403, BL T1 and B T4, whose distance counts from 4 bytes on.
BRANCHES = (
    ("fff7feff", -4),  # bl .
    ("00f000f8", 0),
    ("00f001f8", 2),
    ("fff700f8", -4096),
    ("00f400d0", -(1 << 24)),
    ("fff3ffd7", (1 << 24) - 2),
    ("00f00ab8", 20),  # b.w
)


@pytest.mark.parametrize(("code", "distance"), BRANCHES)
def test_thumb_branches_have_their_encoding(code: str, distance: int) -> None:
    data = bytes.fromhex(code)
    assert link_arm.MACHINE.addend is not None
    assert link_arm.MACHINE.addend("branch", data, 0) == distance
    blank = bytearray(bytes.fromhex(code[:2] + code[2:4] + code[4:]))
    link_arm.MACHINE.patches["branch"](blank, 0, 0)
    link_arm.MACHINE.patches["branch"](blank, 0, distance)
    assert bytes(blank) == data


def test_thumb_branches_there_and_back() -> None:
    source = random.Random(1)
    for _ in range(2000):
        distance = source.randrange(-(1 << 24), 1 << 24) & ~1
        data = bytearray.fromhex("fff7feff")
        link_arm.MACHINE.patches["branch"](data, 0, distance | 1)
        assert link_arm._read_branch(data, 0) == distance


def _signed(value: int, bits: int) -> int:
    return value - (1 << bits) if value >> bits - 1 & 1 else value


def test_riscv_pairs_make_the_distance() -> None:
    source = random.Random(2)
    patches = link_riscv.MACHINE.patches
    for _ in range(2000):
        distance = source.choice((source.randrange(-(1 << 30), 1 << 30), source.randrange(-5000, 5000)))
        data = bytearray.fromhex("97000000" + "e7800000" + "23200000")  # auipc ra; jalr ra, ra; sw
        patches["call"](data, 0, distance)
        patches["low-store"](data, 8, distance)
        high, low, store = (int.from_bytes(data[at : at + 4], "little") for at in (0, 4, 8))
        upper = _signed(high >> 12, 20) << 12
        assert upper + _signed(low >> 20, 12) == distance
        assert upper + _signed((store >> 25) << 5 | store >> 7 & 0x1F, 12) == distance
        assert (high & 0xFFF, low & 0xFFFFF, store & 0x1FFF07F) == (0x097, 0x080E7, 0x2023)


@pytest.mark.parametrize(
    ("distance", "code"), [(0, "ef000000"), (8, "ef008000"), (-4, "eff0dfff"), (2048, "ef001000")]
)
def test_riscv_jumps_have_their_encoding(distance: int, code: str) -> None:
    data = bytearray.fromhex("ef000000")
    link_riscv.MACHINE.patches["jump"](data, 0, distance)
    assert data.hex() == code


@pytest.mark.parametrize(
    ("machine", "kind", "distance"),
    [
        (link_arm.MACHINE, "branch", 1 << 24),
        (link_riscv.MACHINE, "jump", 1 << 20),
        (link_x64.MACHINE, "distance", 1 << 31),
    ],
)
def test_what_is_too_far_is_refused(machine, kind: str, distance: int) -> None:
    with pytest.raises(LinkError, match="smaller"):
        machine.patches[kind](bytearray(8), 0, distance)
    machine.patches[kind](bytearray(8), 0, distance - 2)


@pytest.mark.parametrize(
    ("machine", "names", "kinds"),
    [
        (link_arm.MACHINE, ENUM_RELOC_TYPE_ARM, {"ABS32": WORD, "REL32": "distance"}),
        (link_arm.MACHINE, ENUM_RELOC_TYPE_ARM, {"THM_CALL": "branch", "THM_JUMP24": "branch"}),
        (link_x64.MACHINE, ENUM_RELOC_TYPE_x64, {"64": WORD, "PC32": "distance", "PLT32": "distance"}),
    ],
)
def test_relocation_types_have_their_numbers(
    machine: Machine, names: dict[str, int], kinds: dict[str, str]
) -> None:
    prefix = "R_ARM_" if "R_ARM_ABS32" in names else "R_X86_64_"
    for name, kind in kinds.items():
        assert machine.elf_kinds[names[prefix + name]] == kind


# RISC-V ELF psABI, 'Relocations'.
def test_relocation_types_of_riscv_have_their_numbers() -> None:
    kinds = {1: WORD, 17: "jump", 19: "call", 23: "high", 24: "low", 25: "low-store"}
    assert link_riscv.MACHINE.elf_kinds == kinds
    assert set(link_riscv.MACHINE.patches) == set(kinds.values()) - {WORD}


def test_addends_of_words_are_signed() -> None:
    assert link_arm.MACHINE.addend is not None
    assert link_arm.MACHINE.addend(WORD, b"??" + (-70000).to_bytes(4, "little", signed=True), 2) == -70000


def _placed(*sections: Section, word_bytes: int = 4, machine=link_arm.MACHINE) -> link_place.Placed:
    known = {section.name: section for section in sections}
    return link_place.place(sections, lambda name: (known[name], 0), machine, word_bytes)


def test_pointers_are_relocated_and_distances_are_not() -> None:
    entry = Section("entry", bytes(6), (Relocation(0, "distance", "table", -4),), align=2, is_code=True)
    other = Section("other", bytes(2), align=2, is_code=True)
    table = Section("table", bytes(12), (Relocation(4, WORD, "other", 0), Relocation(8, WORD, "table", 4)))
    placed = _placed(entry, other, table)
    assert placed.symbols == {"entry": 0, "other": 6}
    assert placed.relocations == (MpyRelocation(3, TEXT, 2),)
    words = [int.from_bytes(placed.text[at : at + 4], "little") for at in range(0, 20, 4)]
    # A function's address has its lowest bit set on Thumb.
    assert words[0] == 8 - 4
    assert words[3:] == [6 | 1, 8 + 4]
    assert placed.rodata == b""


def test_constants_that_must_be_aligned_come_first() -> None:
    entry = Section("entry", bytes(2), align=2, is_code=True)
    placed = _placed(entry, Section("a", b"a", align=1), Section("b", b"bbbb", align=4))
    assert placed.text == bytes(4) + b"bbbb" + b"a\0\0\0"


@pytest.mark.parametrize(
    "section",
    [
        Section("wide", bytes(32), align=32),
        Section("odd", bytes(8), (Relocation(2, WORD, "entry", 0),)),
        Section("other", bytes(8), (Relocation(0, "l32r", "entry", 0),)),
    ],
)
def test_what_a_board_can_not_hold_is_refused(section: Section) -> None:
    with pytest.raises(LinkError):
        _placed(Section("entry", bytes(4), is_code=True), section)


@pytest.mark.parametrize(
    "one",
    [
        Relocation(28, "call", "a:.rodata.str1.1", -4),
        Relocation(0, "l32r", "", 70000),
        Relocation(3, WORD, "x", 0),
    ],
)
def test_relocations_are_text(one: Relocation) -> None:
    assert Relocation.from_text(one.to_text()) == one
