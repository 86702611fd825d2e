"""One machine instruction, as the rules about instruction sets see it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Instruction:
    """One instruction in a piece of code; `word` has the first halfword on top for 32-bit Thumb."""

    offset: int
    length_bytes: int
    word: int
