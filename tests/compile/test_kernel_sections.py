"""Sections and relocations as text: what is written is read, and what is no text of ours is refused."""

from __future__ import annotations

import pytest

from midge.compile.kernel_sections import WORD, Relocation, Section
from midge.errors import LinkError


@pytest.mark.parametrize(
    ("one", "text"),
    [
        (Relocation(28, "call", "a:.rodata.str1.1", -4), "1c call a:.rodata.str1.1-4"),
        (Relocation(0, "l32r", "", 70000), "0 l32r +70000"),
        (Relocation(3, WORD, "x", 0), "3 word x"),
        (Relocation(16, WORD, "table_sums/64/16-b", 12), "10 word table_sums/64/16-b+12"),
        (Relocation(16, WORD, "a+b", 0), "10 word a+b"),
    ],
)
def test_relocations_are_written_and_read(one: Relocation, text: str) -> None:
    assert one.to_text() == text
    assert Relocation.from_text(text) == one


@pytest.mark.parametrize("text", ["", "1c call", "xyz word name", "1 word a b"])
def test_what_is_no_relocation_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        Relocation.from_text(text)


@pytest.mark.parametrize(
    "section",
    [
        Section("bare", b"\1\2"),
        Section("f", bytes(12), (Relocation(11, "call", "g", -4),), 2, True, {"inner": 4}, ((0, 2), (8, 12))),
    ],
)
def test_sections_are_read_back(section: Section) -> None:
    assert Section.from_json(section.name, section.to_json()) == section


def test_a_small_section_is_a_small_line() -> None:
    assert Section("bare", b"\1\2").to_json() == {"data": "0102", "align": 4}
    assert Section("f", b"\1\2", align=2, is_code=True).to_json() == {"code": "0102", "align": 2}


@pytest.mark.parametrize("offset", [4, 400])
def test_a_relocation_outside_is_refused(offset: int) -> None:
    found = {"data": "00000000", "align": 4, "relocations": [f"{offset:x} word x"]}
    with pytest.raises(LinkError, match="outside of table"):
        Section.from_json("table", found)
    assert Section.from_json("table", found | {"relocations": ["3 word x"]}).relocations[0].offset == 3


def test_instructions_are_what_no_literal_takes() -> None:
    assert list(Section("t", bytes(8), literals=((0, 4),)).instructions()) == []
    function = Section("f", bytes(20), is_code=True, literals=((0, 4), (8, 12), (12, 14)))
    assert list(function.instructions()) == [(4, 8), (14, 20)]
    assert list(Section("f", bytes(8), is_code=True, literals=((4, 8),)).instructions()) == [(0, 4)]
