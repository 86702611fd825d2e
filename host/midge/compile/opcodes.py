"""Is an instruction in the target's set? One rule a set: emulators run more than the cores do.

Encodings: ARMv6-M Architecture Reference Manual (DDI 0419) A5; ARMv7-M (DDI 0403) A5; RISC-V unprivileged
ISA, chapters 'RV32I', 'M', 'C' and the instruction set listings.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ..errors import LinkError
from ..targets import Target
from . import opcodes_xtensa
from .instruction import Instruction
from .link_image import Image


def check_code(image: Image, target: Target) -> None:
    """LinkError if the code of `image` holds an instruction that cores of `target` don't have."""
    for start, end in image.code:
        check_bytes(image.blob[start:end], target, start=start)


def check_bytes(code: bytes, target: Target, *, start: int = 0) -> int:
    """Number of instructions in `code`, which holds nothing else; `start` is its offset, for the message.

    Raises
    ------
    LinkError
        if cores of `target` don't have one of them
    """
    if not target.instruction_set:
        return 0
    split, is_known = _SETS[target.instruction_set]
    count = 0
    for instruction in split(code):
        count += 1
        if not is_known(instruction):
            digits = 2 * instruction.length_bytes
            raise LinkError(
                f"instruction {instruction.word:0{digits}x} at {start + instruction.offset:#x} is not one of "
                f"{target.name}: check the compiler flags and the assembly in the C"
            )
    return count


def has_conditional(code: bytes, target: Target) -> bool:
    """True if `code` holds a Thumb-2 IT instruction, which makes up to four others conditional."""
    if target.instruction_set not in _SETS:
        return False
    split, _ = _SETS[target.instruction_set]
    is_thumb = split is _split_thumb
    return is_thumb and any(found.word & 0xFFFFFF00 == 0xBF00 and found.word & 0xF for found in split(code))


def _split_thumb(code: bytes) -> Iterator[Instruction]:
    offset = 0
    while offset + 2 <= len(code):
        first = int.from_bytes(code[offset : offset + 2], "little")
        if first >> 11 in (0b11101, 0b11110, 0b11111):
            second = int.from_bytes(code[offset + 2 : offset + 4], "little")
            yield Instruction(offset, 4, first << 16 | second)
            offset += 4
        else:
            yield Instruction(offset, 2, first)
            offset += 2


def _split_riscv(code: bytes) -> Iterator[Instruction]:
    offset = 0
    while offset + 2 <= len(code):
        length = 4 if code[offset] & 3 == 3 else 2
        yield Instruction(offset, length, int.from_bytes(code[offset : offset + length], "little"))
        offset += length


def _is_armv6m(instruction: Instruction) -> bool:
    word = instruction.word
    if instruction.length_bytes == 4:
        is_bl = word & 0xF800D000 == 0xF000D000
        is_barrier = word & 0xFFFFFF00 == 0xF3BF8F00 and word >> 4 & 0xF in (4, 5, 6)
        is_special = word & 0xFFE0D000 == 0xF3808000 or word & 0xFFFFF000 == 0xF3EF8000
        return is_bl or is_barrier or is_special
    if word >> 12 == 0b1011:  # miscellaneous, DDI 0419 A5.2.5
        return (
            word >> 8 & 0xF in (0x0, 0x4, 0x5, 0xC, 0xD, 0xE)  # add/sub sp, push, pop, bkpt
            or word >> 8 & 0xF == 0x2  # extend
            or word & 0xFFE8 == 0xB660  # cps
            or (word >> 8 == 0xBA and word >> 6 & 3 != 2)  # rev, rev16, revsh
            or (word >> 8 == 0xBF and word & 0xF == 0)  # hints; not IT
        )
    return word >> 11 != 0b11101 and word & 0xFF00 != 0xDE00  # udf traps: never meant to run


def _is_armv7m(instruction: Instruction) -> bool:
    """ARMv7-M without DSP and floating-point extensions."""
    word = instruction.word
    if instruction.length_bytes == 2:
        return word & 0xFF00 != 0xDE00
    return not _is_coprocessor(word) and not _is_dsp(word)


def _is_coprocessor(word: int) -> bool:
    return word >> 24 & 0xEC == 0xEC


def _is_dsp(word: int) -> bool:  # noqa: PLR0911
    """DSP extension (DDI 0403 A5.3): the 32-bit instructions that M4 and M7 have and M3 has not."""
    first, second = word >> 16, word & 0xFFFF
    if first & 0xFFE0 == 0xEAC0:  # pkhbt, pkhtb
        return True
    if first & 0xFF70 == 0xF320 and second & 0x70C0 == 0:  # ssat16, usat16: saturation after a shift by 0
        return True
    if first & 0xFF80 == 0xFA00 and second & 0xF0F0 != 0xF000:  # extend; shifts by register end in 0000
        is_plain_extend = first & 0xF == 0xF and second & 0x80 and (first >> 4 & 7) in (0, 1, 4, 5)
        return not is_plain_extend
    if first & 0xFF80 == 0xFA80:  # parallel arithmetic; saturating; sel; but not rev, rbit, clz
        is_reverse = first & 0xFFF0 == 0xFA90 and second & 0xF0C0 == 0xF080
        is_clz = first & 0xFFF0 == 0xFAB0 and second & 0xF0F0 == 0xF080
        return not (is_reverse or is_clz)
    if first & 0xFF80 == 0xFB00:  # smul.., smla.., usad8; but not mul, mla, mls
        return not (first & 0xFFF0 == 0xFB00 and second >> 4 & 0xF in (0, 1))
    if first & 0xFF80 == 0xFB80:  # long multiplies: smull, umull, smlal, umlal and the divisions are basic
        operation = (first >> 4 & 7, second >> 4 & 0xF)
        return operation not in ((0, 0), (1, 15), (2, 0), (3, 15), (4, 0), (6, 0))
    return False


def _is_armv7emsp(instruction: Instruction) -> bool:
    """ARMv7E-M with FPv4-SP: single precision; doubles are only moved, loaded and stored."""
    word = instruction.word
    if instruction.length_bytes == 2:
        return word & 0xFF00 != 0xDE00
    if not _is_coprocessor(word):
        return True
    coprocessor, is_fpv5 = word >> 8 & 0xF, word >> 28 == 0xF
    is_arithmetic = word >> 24 == 0xEE and not word >> 4 & 1
    return not is_fpv5 and (coprocessor == 10 or (coprocessor == 11 and not is_arithmetic))


def _is_armv7emdp(instruction: Instruction) -> bool:
    """ARMv7E-M with FPv5: single and double precision."""
    word = instruction.word
    if instruction.length_bytes == 2:
        return word & 0xFF00 != 0xDE00
    return not _is_coprocessor(word) or word >> 8 & 0xF in (10, 11)


def _is_rv32imc(instruction: Instruction) -> bool:  # noqa: PLR0911
    word = instruction.word
    if instruction.length_bytes == 2:
        return _is_rv32c(word)
    opcode, funct3, funct7 = word & 0x7F, word >> 12 & 7, word >> 25
    match opcode:
        case 0x37 | 0x17 | 0x6F:  # lui, auipc, jal
            return True
        case 0x67:  # jalr
            return funct3 == 0
        case 0x63:  # branches
            return funct3 not in (2, 3)
        case 0x03:  # loads
            return funct3 in (0, 1, 2, 4, 5)
        case 0x23:  # stores
            return funct3 in (0, 1, 2)
        case 0x13:  # immediate; shifts of B are not in
            return funct3 not in (1, 5) or funct7 == 0 or (funct3 == 5 and funct7 == 0x20)
        case 0x33:  # register, and M
            return funct7 in (0, 1) or (funct7 == 0x20 and funct3 in (0, 5))
        case 0x0F:  # fence
            return funct3 in (0, 1)
        case _:
            return False


def _is_rv32c(word: int) -> bool:
    """Compressed instructions of RV32 without F and D."""
    quadrant, funct3 = word & 3, word >> 13
    if quadrant == 0:  # addi4spn (0 is illegal), lw, sw
        return (funct3 == 0 and word >> 5 & 0xFF != 0) or funct3 in (2, 6)
    if quadrant == 1:
        if funct3 != 4:
            return True
        is_register = word >> 10 & 3 == 3
        return not word >> 12 & 1 if is_register else word >> 10 & 3 == 2 or not word >> 12 & 1
    if funct3 == 4:  # jr, mv, jalr, add; ebreak traps
        return word != 0x9002
    return (funct3 == 0 and not word >> 12 & 1) or funct3 in (2, 6)  # slli, lwsp, swsp


_SETS: dict[str, tuple[Callable[[bytes], Iterator[Instruction]], Callable[[Instruction], bool]]] = {
    "armv6m": (_split_thumb, _is_armv6m),
    "armv7m": (_split_thumb, _is_armv7m),
    "armv7emsp": (_split_thumb, _is_armv7emsp),
    "armv7emdp": (_split_thumb, _is_armv7emdp),
    "rv32imc": (_split_riscv, _is_rv32imc),
    "xtensawin": (opcodes_xtensa.split, opcodes_xtensa.is_known),
}
