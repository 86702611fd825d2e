"""Relocations of RISC-V code, without relaxation: RISC-V ELF psABI, 'Relocations'.

A pair of instructions makes a distance: `auipc` the upper 20 bits, the other one the lower 12, which are
signed. Each half is given the whole distance from the place of the `auipc`.
"""

from __future__ import annotations

from .kernel_sections import WORD
from .link_machine import Machine, within

_WORD_BYTES = 4


def _change(data: bytearray, offset: int, keep: int, bits: int) -> None:
    word = int.from_bytes(data[offset : offset + _WORD_BYTES], "little") & keep | bits & ~keep
    data[offset : offset + _WORD_BYTES] = (word & 0xFFFFFFFF).to_bytes(_WORD_BYTES, "little")


def _patch_high(data: bytearray, offset: int, distance: int) -> None:
    _change(data, offset, 0xFFF, within(distance, 32, "a pair of instructions") + 0x800)


def _patch_low(data: bytearray, offset: int, distance: int) -> None:
    """addi, loads, jalr: bits 20 to 31."""
    _change(data, offset, 0xFFFFF, (distance & 0xFFF) << 20)


def _patch_low_store(data: bytearray, offset: int, distance: int) -> None:
    """Stores: bits 25 to 31, and 7 to 11."""
    low = distance & 0xFFF
    _change(data, offset, 0x1FFF07F, low >> 5 << 25 | (low & 0x1F) << 7)


def _patch_jump(data: bytearray, offset: int, distance: int) -> None:
    """jal: bits 20, 10 to 1, 11 and 19 to 12 of the distance, in this order, from bit 31 on."""
    value = within(distance, 21, "a call")
    bits = (value >> 20 & 1) << 31 | (value >> 1 & 0x3FF) << 21 | (value >> 11 & 1) << 20
    _change(data, offset, 0xFFF, bits | (value >> 12 & 0xFF) << 12)


def _patch_call(data: bytearray, offset: int, distance: int) -> None:
    """auipc and jalr, one behind the other."""
    _patch_high(data, offset, distance)
    _patch_low(data, offset + _WORD_BYTES, distance)


MACHINE = Machine(
    elf_kinds={
        1: WORD,  # R_RISCV_32
        17: "jump",  # R_RISCV_JAL
        19: "call",  # R_RISCV_CALL_PLT
        23: "high",  # R_RISCV_PCREL_HI20
        24: "low",  # R_RISCV_PCREL_LO12_I
        25: "low-store",  # R_RISCV_PCREL_LO12_S
    },
    patches={
        "jump": _patch_jump,
        "call": _patch_call,
        "high": _patch_high,
        "low": _patch_low,
        "low-store": _patch_low_store,
    },
    lower_halves=frozenset(("low", "low-store")),
)
