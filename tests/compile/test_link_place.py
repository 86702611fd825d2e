"""Where sections come to lie, what the loader is told of them, and what lies too far away."""

from __future__ import annotations

import pytest

from midge.compile import link_arm, link_place, link_riscv, link_x64, link_xtensa
from midge.compile.kernel_sections import WORD, Relocation, Section
from midge.compile.link_image import FUN_TABLE_SLOT
from midge.compile.link_machine import Machine
from midge.compile.mpy import FUN_TABLE, RODATA, TEXT
from midge.compile.mpy import Relocation as MpyRelocation
from midge.errors import LinkError

ARM, X64, XTENSA = link_arm.MACHINE, link_x64.MACHINE, link_xtensa.MACHINE


def _placed(*sections: Section, machine: Machine = ARM, word_bytes: int = 4) -> link_place.Placed:
    known = {section.name: section for section in sections}
    known |= {name: section for section in sections for name in section.symbols}

    def resolve(name: str) -> tuple[Section, int]:
        return known[name], known[name].symbols.get(name, 0)

    return link_place.place(sections, resolve, machine, word_bytes)


def _entry(*relocations: Relocation, size: int = 4) -> Section:
    return Section("entry", bytes(size), relocations, align=2, is_code=True)


def _word(data: bytes, at: int, size: int = 4) -> int:
    return int.from_bytes(data[at : at + size], "little")


@pytest.mark.parametrize(("machine", "most"), [(ARM, 8), (link_riscv.MACHINE, 8), (XTENSA, 8), (X64, 16)])
def test_alignment_is_what_the_board_promises_and_no_more(machine: Machine, most: int) -> None:
    assert _placed(_entry(), Section("table", bytes(4), align=most), machine=machine)
    with pytest.raises(LinkError, match=f"table must lie on {2 * most} bytes"):
        _placed(_entry(), Section("table", bytes(4), align=2 * most), machine=machine)


@pytest.mark.parametrize("word_bytes", [4, 8])
def test_text_is_whole_words(word_bytes: int) -> None:
    assert len(_placed(_entry(size=10), word_bytes=word_bytes).text) == (12 if word_bytes == 4 else 16)
    assert len(_placed(_entry(size=16), word_bytes=word_bytes).text) == 16


def test_a_name_inside_a_section_is_its_start_and_offset() -> None:
    words = Section("table", bytes(16), (Relocation(12, WORD, "inner", 2),), symbols={"inner": 8})
    placed = _placed(_entry(), words)
    assert _word(placed.text, 4 + 12) == 4 + 8 + 2
    assert placed.relocations == (MpyRelocation(4, TEXT),)


def test_a_pointer_before_the_start_wraps_to_a_word() -> None:
    placed = _placed(_entry(), Section("table", bytes(4), (Relocation(0, WORD, "table", -8),)))
    assert _word(placed.text, 4) == (1 << 32) - 4


def test_pointers_of_eight_bytes() -> None:
    table = Section("table", bytes(24), (Relocation(8, WORD, "entry", 0), Relocation(16, WORD, "table", 3)))
    placed = _placed(_entry(size=8), table, machine=X64, word_bytes=8)
    assert [_word(placed.text, at, 8) for at in (8, 16, 24)] == [0, 0, 8 + 3]
    assert placed.relocations == (MpyRelocation(2, TEXT, 2),)


def test_neighbours_are_one_relocation_unless_a_word_is_between() -> None:
    pointers = tuple(Relocation(at, WORD, "entry", 0) for at in (0, 4, 8, 16, 20))
    placed = _placed(_entry(), Section("table", bytes(24), pointers))
    assert placed.relocations == (MpyRelocation(1, TEXT, 3), MpyRelocation(5, TEXT, 2))


def test_the_table_of_the_firmware_is_never_joined() -> None:
    slot = Section(FUN_TABLE_SLOT, bytes(4))
    placed = _placed(_entry(), slot, Section("table", bytes(4), (Relocation(0, WORD, "entry", 0),)))
    assert placed.relocations == (MpyRelocation(1, FUN_TABLE), MpyRelocation(2, TEXT))


def test_functions_are_known_by_name_and_constants_are_not() -> None:
    literals = Section("other", bytes(12), align=4, is_code=True, literals=((4, 8),))
    placed = _placed(_entry(size=6), literals, Section("table", bytes(4)))
    assert placed.symbols == {"entry": 0, "other": 8}
    assert placed.code == ((0, 6), (8, 12), (16, 20))


def test_what_no_machine_knows_is_refused() -> None:
    with pytest.raises(LinkError, match="entry can't be named by l32r at 0x4"):
        _placed(_entry(), Section("table", bytes(4), (Relocation(0, "l32r", "entry", 0),)))


# ---- Xtensa: constants apart, literals before the functions


def _l32r(*offsets: int) -> bytes:
    code = bytearray(12)
    for offset in offsets:
        code[offset] = 0x21
    return bytes(code)


def _literal(text: bytes, at: int) -> int:
    """Where the l32r at `at` looks; ISA reference manual, 'L32R'."""
    return ((at + 3) & ~3) + ((0xFFFF0000 | _word(text, at + 1, 2)) << 2) - (1 << 34)


def test_xtensa_functions_look_back_into_one_pool() -> None:
    entry = Section(
        "entry",
        _l32r(0, 3, 6),
        tuple(
            Relocation(at, link_xtensa.L32R, symbol, addend)
            for at, symbol, addend in ((0, "table", 4), (3, "", -70000), (6, "other", 0))
        ),
        is_code=True,
    )
    other = Section("other", _l32r(3), (Relocation(3, link_xtensa.L32R, "table", 4),), is_code=True)
    table = Section("table", bytes(8), (Relocation(4, WORD, "other", 0),))
    placed = _placed(other, entry, table, machine=XTENSA)
    assert placed.symbols == {"other": 16, "entry": 28}
    # j other; ISA reference manual, 'J': 18 bits from bit 6 on, counted from 4 bytes on.
    assert _word(placed.text, 0) == (16 - 4) << 6 | 6
    pool = {at: _literal(placed.text, at) for at in (19, 28, 31, 34)}
    assert pool[19] == pool[28] != pool[34]
    assert set(pool.values()) == {4, 8, 12}
    assert [_word(placed.text, pool[at]) for at in (28, 31, 34)] == [4, (1 << 32) - 70000, 16]
    assert [placed.text[at] for at in (19, 28, 31, 34)] == [0x21] * 4
    assert placed.rodata == bytes(4) + (16).to_bytes(4, "little")
    assert placed.relocations == (
        MpyRelocation(pool[28] // 4, RODATA),
        MpyRelocation(pool[34] // 4, TEXT),
        MpyRelocation(1, TEXT, in_rodata=True),
    )
    assert placed.code == ((0, 3), (16, 28), (28, 40))


def test_xtensa_code_can_not_name_constants_by_distance() -> None:
    table = Section("table", bytes(8), (Relocation(0, link_xtensa.L32R, "entry", 0),))
    with pytest.raises(LinkError, match="can't be named by"):
        _placed(_entry(), table, machine=XTENSA)


@pytest.mark.parametrize(
    ("at", "literal", "is_refused"),
    [
        (0, 0, True),
        (4, 0, False),
        (1, 0, False),
        (1 << 18, 0, False),
        ((1 << 18) + 1, 0, True),
        (4, 4, True),
    ],
)
def test_an_xtensa_literal_lies_before_and_within_reach(at: int, literal: int, is_refused: bool) -> None:
    data = bytearray(at + 3)
    patch = XTENSA.patches[link_xtensa.L32R]
    if is_refused:
        with pytest.raises(LinkError, match="smaller model"):
            patch(data, at, literal - at)
    else:
        patch(data, at, literal - at)
        assert _literal(bytes(data), at) == literal


@pytest.mark.parametrize(
    ("machine", "kind", "least", "most"),
    [
        (ARM, "branch", -(1 << 24), (1 << 24) - 2),
        (ARM, "distance", -(1 << 31), (1 << 31) - 1),
        (link_riscv.MACHINE, "jump", -(1 << 20), (1 << 20) - 2),
        (link_riscv.MACHINE, "high", -(1 << 31), (1 << 31) - 1),
        (XTENSA, "jump", -(1 << 17) + 4, (1 << 17) - 1 + 4),
    ],
)
def test_the_last_distance_that_is_reached(machine: Machine, kind: str, least: int, most: int) -> None:
    for distance in (least, most):
        machine.patches[kind](bytearray(8), 0, distance)
    for distance in (least - 2, most + 2):
        with pytest.raises(LinkError):
            machine.patches[kind](bytearray(8), 0, distance)
