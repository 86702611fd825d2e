"""What midge's own linker has to know of an instruction set: one row a machine, one file of rules each."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from ..errors import LinkError
from ..targets import Target
from .kernel_sections import Section

# Writes a distance (symbol + addend - place) into the instruction, or word, at an offset.
Patch = Callable[[bytearray, int, int], None]


def _as_they_are(functions: Sequence[Section]) -> list[Section]:
    return list(functions)


@dataclass(frozen=True)
class Machine:
    """Facts of one machine.

    Attributes
    ----------
    elf_kinds : mapping of int to str
        relocation types of compiled kernels, as kinds of `Relocation`
    patches : mapping of str to Patch
        of each kind but WORD, which is the same everywhere
    addend : callable or None
        (kind, data, offset) → what stands in an object's instruction, where relocations have no addend
    code_bit : int
        part of a function's address that is no part of its place
    most_align : int
        what the allocator of a board promises
    separate_constants : bool
        constants lie apart from the code
    lower_halves : set of str
        kinds whose symbol is the instruction that makes the upper half of a distance
    arrange : callable
        functions, the entry first → what the text holds, in its order
    """

    elf_kinds: Mapping[int, str]
    patches: Mapping[str, Patch]
    addend: Callable[[str, bytes, int], int] | None = None
    code_bit: int = 0
    most_align: int = 8
    separate_constants: bool = False
    lower_halves: frozenset[str] = frozenset()
    arrange: Callable[[Sequence[Section]], list[Section]] = field(default=_as_they_are)


_FILES = {"EM_ARM": "link_arm", "EM_RISCV": "link_riscv", "EM_X86_64": "link_x64", "EM_XTENSA": "link_xtensa"}


def of(target: Target) -> Machine:
    """The machine of a target."""
    found: Machine = importlib.import_module(f".{_FILES[target.elf_machine]}", __package__).MACHINE
    return found


def within(distance: int, bits: int, what: str) -> int:
    """`distance`; LinkError unless a signed field of `bits` holds it."""
    if not -(1 << bits - 1) <= distance < 1 << bits - 1:
        raise LinkError(f"the model is larger than {what} reaches: train a smaller one")
    return distance


def patch_word(data: bytearray, offset: int, distance: int) -> None:
    """A word that holds a distance."""
    data[offset : offset + 4] = within(distance, 32, "a word").to_bytes(4, "little", signed=True)
