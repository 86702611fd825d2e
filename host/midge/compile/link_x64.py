"""Relocations of x86-64 code: System V ABI, AMD64 supplement, 'Relocation types'. There is no GOT."""

from __future__ import annotations

from .kernel_sections import WORD
from .link_machine import Machine, patch_word

MACHINE = Machine(
    elf_kinds={
        1: WORD,  # R_X86_64_64
        2: "distance",  # R_X86_64_PC32
        4: "distance",  # R_X86_64_PLT32
    },
    patches={"distance": patch_word},
    # The unix port gives native code pages of its own.
    most_align=16,
)
