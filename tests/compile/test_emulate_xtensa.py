"""What Xtensa code may not do, in code assembled by hand; and instructions that not every ESP32 has."""

from __future__ import annotations

import pytest

from midge import targets
from midge.compile import emulate_xtensa, link_place, mpy
from midge.compile.emulate import Emulator
from midge.compile.kernel_sections import WORD, Relocation, Section
from midge.compile.link_xtensa import L32R, MACHINE
from midge.compile.opcodes import check_bytes
from midge.errors import LinkError, ModelError

TARGET = targets.get("xtensawin")

ENTRY = bytes.fromhex("364100")  # entry a1, 32
RETURN = bytes.fromhex("1df0")  # retw.n
LOAD = bytes.fromhex("810000")  # l32r a8, …
SAME = bytes.fromhex("06ffff")  # j to itself


def _module(code: bytes, literals: list[tuple[str, int]], data: bytes = b"") -> bytes:
    """A module whose entry is `code`; each l32r in it, at the start, takes one of the literals."""
    relocations = tuple(
        Relocation(len(ENTRY) + 3 * number, L32R, *literal) for number, literal in enumerate(literals)
    )
    entry = Section("entry", ENTRY + LOAD * len(literals) + code, relocations, is_code=True)
    constant = Section("constant", data or bytes(4))
    known = {"entry": entry, "constant": constant}
    placed = link_place.place([*known.values()], lambda name: (known[name], 0), MACHINE, 4)
    return mpy.write(mpy.MpyFile(TARGET, ("probe.mpy",), placed.text, placed.relocations, placed.rodata))


def _number(number: int) -> list[tuple[str, int]]:
    return [("", number)]


BAD = {
    "a load that is not aligned": (_number(0x12_0002), "2808", "not aligned"),  # l32i.n a2, a8, 0
    "a load from nowhere": (_number(0x1000), "2808", "outside"),
    "a store into the firmware's table": (_number(0x11_0000), "2908", "outside"),
    "a store into a constant": ([("constant", 0)], "2908", "outside"),
    "a store into code": ([("entry", 0)], "2908", "outside"),
    # Instruction memory answers to words only.
    "a byte of code": ([("entry", 0)], "220800", "outside"),
    "a heap that was not passed": (_number(0x3000_0000), "2808", "outside"),
    "code at nowhere": (_number(0x1000), "a00800", "outside"),  # jx a8
    "a division by zero": (_number(0), "8088c2", "divides by 0"),  # quou a8, a8, a8
    "a float": (_number(0), "10000a", "not one that every ESP32 has"),
    "a loop without end": ([], SAME.hex(), "instructions in one call"),
}


@pytest.mark.parametrize("what", BAD)
def test_a_module_that_does_what_no_board_allows_is_refused(
    what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(emulate_xtensa, "_LIMIT_INSTRUCTIONS", 100_000)
    literals, code, said = BAD[what]
    with pytest.raises(ModelError, match=said):
        Emulator(_module(bytes.fromhex(code) + RETURN, literals), TARGET)


def test_the_same_code_without_harm_is_run() -> None:
    assert Emulator(_module(bytes.fromhex("2808") + RETURN, [("entry", 0)]), TARGET).globals == {}
    assert Emulator(_module(bytes.fromhex("220800") + RETURN, [("constant", 0)]), TARGET).globals == {}


@pytest.mark.parametrize(
    ("what", "word"),
    {
        "add.s f0, f1, f2": 0x0A0120,
        "mul.s f0, f1, f2": 0x2A0120,
        "olt.s b0, f1, f2": 0x4B0120,
        "lsi f0, a1, 0": 0x000103,
        "lsx f0, a1, a2": 0x080120,
        "mul.aa.ll (MAC16)": 0x740104,
        "movt a2, a3, b0": 0xD32300,
        "bt b0, …": 0x001076,
        "loop a2, …": 0x008276,
        "andb b0, b1, b2": 0x020120,
        "rur.fcr a2": 0xE32E80,
    }.items(),
)
def test_what_an_esp32_s2_lacks_is_found(what: str, word: int) -> None:
    with pytest.raises(LinkError, match="xtensawin"):
        check_bytes(word.to_bytes(3, "little"), TARGET)


@pytest.mark.parametrize("word", [0x004136, 0xC28880, 0xA28880, 0x530120, 0x432070, 0x401200, 0xFFFF06])
def test_integer_instructions_pass(word: int) -> None:
    assert check_bytes(word.to_bytes(3, "little"), TARGET) == 1


def test_literals_are_shared_and_named_once() -> None:
    def function(name: str, *literals: tuple[str, int]) -> Section:
        relocations = tuple(Relocation(3 + 3 * i, L32R, *literal) for i, literal in enumerate(literals))
        return Section(name, ENTRY + LOAD * len(literals) + RETURN, relocations, is_code=True)

    sections = [
        function("first", ("", 70000), ("second", 0), ("table", 4)),
        function("second", ("", 70000), ("table", 4)),
        Section("table", bytes(8), (Relocation(4, WORD, "first", 0),)),
    ]
    known = {section.name: section for section in sections}
    placed = link_place.place(sections, lambda name: (known[name], 0), MACHINE, 4)
    pool = placed.text[4:16]
    assert pool[:4] == (70000).to_bytes(4, "little")
    assert placed.symbols == {"first": 16, "second": 32}
    assert placed.rodata == bytes(4) + (16).to_bytes(4, "little")
    assert placed.relocations == (
        mpy.Relocation(2, mpy.TEXT),
        mpy.Relocation(3, mpy.RODATA),
        mpy.Relocation(1, mpy.TEXT, in_rodata=True),
    )
    # j to the entry; each l32r reaches back to its literal.
    assert 4 + (int.from_bytes(placed.text[:3], "little") >> 6) == 16
    for at in (16 + 3, 16 + 6, 16 + 9, 32 + 3, 32 + 6):
        words = int.from_bytes(placed.text[at + 1 : at + 3], "little") - 0x10000
        assert 4 <= (at + 3 & ~3) + 4 * words < 16


def test_code_that_is_too_long_is_refused() -> None:
    long = Section("long", bytes(3 * 100_000), (Relocation(3 * 99_999, L32R, "", 1),), is_code=True)
    with pytest.raises(LinkError, match="smaller model"):
        link_place.place([long], lambda name: (long, 0), MACHINE, 4)


def test_constants_that_no_board_aligns_are_refused() -> None:
    entry = Section("entry", ENTRY + RETURN, is_code=True)
    with pytest.raises(LinkError, match="32 bytes"):
        link_place.place([entry, Section("wide", bytes(32), align=32)], lambda name: (entry, 0), MACHINE, 4)
