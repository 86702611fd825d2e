"""What midge's own linker places one by one: functions and constants, and where they name each other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ..errors import LinkError

# A pointer: the address of the symbol. All other kinds are instructions, or distances, of one machine.
WORD = "word"


class Relocation(NamedTuple):
    """Where a section names a symbol.

    `kind`: WORD, or one of the machine's (`link_arm.py` and its like); the value is that of `symbol` plus
    `addend`.
    """

    offset: int
    kind: str
    symbol: str
    addend: int

    def to_text(self) -> str:
        """'1c call window_row-4'."""
        addend = f"{self.addend:+d}" if self.addend else ""
        return f"{self.offset:x} {self.kind} {self.symbol}{addend}"

    @classmethod
    def from_text(cls, text: str) -> Relocation:
        """Reads `to_text`; ValueError if it is none."""
        offset, kind, name = text.split(" ")
        at = max(name.rfind("+"), name.rfind("-"))
        if at < 0 or not name[at + 1 :].isdigit():
            return cls(int(offset, 16), kind, name, 0)
        return cls(int(offset, 16), kind, name[:at], int(name[at:]))


@dataclass(frozen=True)
class Section:
    """What is placed, or left out, as one: a function or a constant.

    Attributes
    ----------
    symbols : dict of str to int
        those at other places than the start, which is called `name`
    literals : tuple of (int, int)
        byte ranges, [start, end), of a function that are no instructions
    """

    name: str
    data: bytes
    relocations: tuple[Relocation, ...] = ()
    align: int = 4
    is_code: bool = False
    symbols: dict[str, int] = field(default_factory=dict)
    literals: tuple[tuple[int, int], ...] = ()

    def instructions(self) -> Iterator[tuple[int, int]]:
        """Byte ranges, [start, end), of instructions."""
        at = 0
        if self.is_code:
            for start, end in (*self.literals, (len(self.data), 0)):
                if at < start:
                    yield at, start
                at = end

    def to_json(self) -> dict[str, Any]:
        """For the file of kernels."""
        found: dict[str, Any] = {"code" if self.is_code else "data": self.data.hex(), "align": self.align}
        if self.relocations:
            found["relocations"] = [one.to_text() for one in self.relocations]
        if self.symbols:
            found["symbols"] = self.symbols
        if self.literals:
            found["literals"] = [list(literal) for literal in self.literals]
        return found

    @classmethod
    def from_json(cls, name: str, found: dict[str, Any]) -> Section:
        """Out of the file of kernels."""
        data = bytes.fromhex(found["code"] if "code" in found else found["data"])
        relocations = tuple(Relocation.from_text(text) for text in found.get("relocations", ()))
        if any(not 0 <= one.offset < len(data) for one in relocations):
            raise LinkError(f"a relocation lies outside of {name}: install midge again")
        return cls(
            name,
            data,
            relocations,
            found["align"],
            "code" in found,
            found.get("symbols", {}),
            tuple((start, end) for start, end in found.get("literals", ())),
        )
