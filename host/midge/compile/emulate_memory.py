"""The emulated board's memory: where everything is, and a module in it as the firmware's loader places it."""

from __future__ import annotations

from ..targets import Target
from . import mpy
from .emulate_cpu import Cpu

TABLE_ENTRIES = 87
PAGE = 0x1000
TRAPS, TRAP_STEP = 0x0010_0000, 16  # one return instruction for each entry of mp_fun_table
EXIT = TRAPS + TRAP_STEP * TABLE_ENTRIES
TABLE = 0x0011_0000
CONTEXT = 0x0012_0000
FUNCTION = CONTEXT + 0x100
ARGUMENTS = CONTEXT + 0x800
STRINGS = CONTEXT + 0x1000
CONTEXT_BYTES = 0x1_0000
MODULE = 0x2000_0000
HEAP, HEAP_BYTES = 0x3000_0000, 0x40_0000
STACK_TOP, STACK_BYTES = 0x3800_0000, 0x1_0000


def map_memory(cpu: Cpu) -> None:
    """Everything but the module; what is not mapped faults."""
    for start, size in ((TRAPS, PAGE), (TABLE, PAGE), (CONTEXT, CONTEXT_BYTES), (HEAP, HEAP_BYTES)):
        cpu.uc.mem_map(start, size)
    cpu.uc.mem_map(STACK_TOP - STACK_BYTES, STACK_BYTES)
    for entry in range(TABLE_ENTRIES + 1):
        cpu.uc.mem_write(TRAPS + TRAP_STEP * entry, cpu.core.return_code)


def table_word(cpu: Cpu, entry: int) -> int:
    """Value of a function's entry in mp_fun_table."""
    return (TRAPS + TRAP_STEP * entry) | cpu.core.address_bit


def write_firmware(cpu: Cpu, constants: list[int], n_qstrs: int) -> None:
    """mp_fun_table (`constants` are its first entries), a module context and a function object."""
    functions = [table_word(cpu, entry) for entry in range(len(constants), TABLE_ENTRIES)]
    cpu.write_words(TABLE, constants + functions)
    cpu.write_words(CONTEXT, [0, 0, STRINGS, 0])
    cpu.write_words(FUNCTION, [0, CONTEXT, 0, 0])
    cpu.uc.mem_write(STRINGS, b"".join(number.to_bytes(2, "little") for number in range(n_qstrs)))


def load_module(cpu: Cpu, file: mpy.MpyFile, target: Target) -> int:
    """Place and relocate a module; the address of its text."""
    word_bytes = target.word_bytes
    # No board promises more than four bytes of alignment; the unix port gives whole pages.
    text = MODULE + (0 if word_bytes == 8 else word_bytes)
    rodata = text + len(file.text)
    bss = rodata + len(file.rodata)
    size = bss + file.bss_bytes - MODULE
    cpu.uc.mem_map(MODULE, -(-size // PAGE) * PAGE)
    cpu.uc.mem_write(text, file.text)
    cpu.uc.mem_write(rodata, file.rodata)
    addresses = {
        mpy.TEXT: text,
        mpy.RODATA: rodata,
        mpy.BSS: bss,
        mpy.QSTR_TABLE: STRINGS,
        mpy.OBJECT_TABLE: 0,
        mpy.FUN_TABLE: TABLE,
    }
    for relocation in file.relocations:
        added = addresses.get(relocation.destination)
        if added is None:
            added = table_word(cpu, relocation.destination - mpy.FUN_TABLE_ENTRY)
        start = (rodata if relocation.in_rodata else text) + relocation.index * word_bytes
        for address in range(start, start + relocation.count * word_bytes, word_bytes):
            cpu.write_words(address, [(cpu.read_word(address) + added) % (1 << 8 * word_bytes)])
    return text
