"""One row a core for unicorn: registers, calling convention, and how to call a function and come back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import unicorn
from unicorn import arm_const, riscv_const, x86_const
from unicorn.unicorn_py3 import unicorn as _binding

from ..errors import TargetMismatch
from ..targets import Target

_unicorn: Any = unicorn  # its type hints are partial
uclib: Any = _binding.uclib
EmulatorError: type[Exception] = _unicorn.UcError
HOOK_CODE: int = unicorn.UC_HOOK_CODE
HOOK_BLOCK: int = unicorn.UC_HOOK_BLOCK
PROT_ALL: int = unicorn.UC_PROT_ALL
PROT_READ_WRITE: int = unicorn.UC_PROT_READ | unicorn.UC_PROT_WRITE
HOOK_ACCESS: int = unicorn.UC_HOOK_MEM_READ | unicorn.UC_HOOK_MEM_WRITE


@dataclass(frozen=True)
class Core:
    """What differs between cores, as unicorn's numbers.

    Attributes
    ----------
    arguments : tuple of int
        registers of the first arguments of a C function
    result : int
        register of its result
    link : int or None
        register of the return address; None if it is on the stack
    return_code : bytes
        the instruction that returns
    address_bit : int
        what a function's address has added to it (Thumb)
    prepare : callable
        switches on what is off at reset
    status_register : int
        register with the state of Thumb's IT blocks; -1 if there are none
    """

    arch: int
    mode: int
    cpu: int | None
    arguments: tuple[int, ...]
    result: int
    stack: int
    link: int | None
    return_code: bytes
    address_bit: int = 0
    prepare: Callable[[Any], None] = lambda uc: None
    status_register: int = -1


def _enable_arm_fpu(uc: Any) -> None:
    access = uc.reg_read(arm_const.UC_ARM_REG_C1_C0_2)
    uc.reg_write(arm_const.UC_ARM_REG_C1_C0_2, access | 0xF << 20)
    uc.reg_write(arm_const.UC_ARM_REG_FPEXC, 1 << 30)


_CORES = {
    "EM_X86_64": Core(
        arch=unicorn.UC_ARCH_X86,
        mode=unicorn.UC_MODE_64,
        cpu=None,
        arguments=(
            x86_const.UC_X86_REG_RDI,
            x86_const.UC_X86_REG_RSI,
            x86_const.UC_X86_REG_RDX,
            x86_const.UC_X86_REG_RCX,
        ),
        result=x86_const.UC_X86_REG_RAX,
        stack=x86_const.UC_X86_REG_RSP,
        link=None,
        return_code=b"\xc3",
    ),
    "EM_ARM": Core(
        arch=unicorn.UC_ARCH_ARM,
        mode=unicorn.UC_MODE_THUMB,
        cpu=arm_const.UC_CPU_ARM_MAX,
        arguments=tuple(arm_const.UC_ARM_REG_R0 + i for i in range(4)),
        result=arm_const.UC_ARM_REG_R0,
        stack=arm_const.UC_ARM_REG_SP,
        link=arm_const.UC_ARM_REG_LR,
        return_code=b"\x70\x47",
        address_bit=1,
        prepare=_enable_arm_fpu,
        status_register=arm_const.UC_ARM_REG_CPSR,
    ),
    "EM_RISCV": Core(
        arch=unicorn.UC_ARCH_RISCV,
        mode=unicorn.UC_MODE_RISCV32,
        cpu=None,
        arguments=tuple(riscv_const.UC_RISCV_REG_A0 + i for i in range(4)),
        result=riscv_const.UC_RISCV_REG_A0,
        stack=riscv_const.UC_RISCV_REG_SP,
        link=riscv_const.UC_RISCV_REG_RA,
        return_code=b"\x82\x80",
    ),
}


class Cpu:
    """A core in unicorn, with calls in its C calling convention."""

    def __init__(self, target: Target) -> None:
        if target.elf_machine not in _CORES:
            raise TargetMismatch(
                f"{target.name} can't be emulated: choose another target, or run it on a board"
            )
        self.core = _CORES[target.elf_machine]
        self.word_bytes = target.word_bytes
        self.uc: Any = _unicorn.Uc(self.core.arch, self.core.mode)
        if self.core.cpu is not None:
            self.uc.ctl_set_cpu_model(self.core.cpu)
        self.core.prepare(self.uc)

    @property
    def engine(self) -> Any:
        """Unicorn's own handle of this core."""
        return self.uc._uch

    def argument(self, index: int) -> int:
        """Value of an argument at the entry of a function."""
        return int(self.uc.reg_read(self.core.arguments[index]))

    def set_result(self, value: int) -> None:
        """Set what the function that is about to return returns."""
        self.uc.reg_write(self.core.result, value)

    def stack_pointer(self) -> int:
        """The stack pointer."""
        return int(self.uc.reg_read(self.core.stack))

    def return_address(self) -> int:
        """At the entry of a function: where it returns to."""
        if self.core.link is not None:
            return int(self.uc.reg_read(self.core.link)) & ~self.core.address_bit
        return self.read_word(self.stack_pointer())

    def read_word(self, address: int) -> int:
        """A pointer-sized word of memory."""
        return int.from_bytes(self.uc.mem_read(address, self.word_bytes), "little")

    def write_words(self, address: int, words: Sequence[int]) -> None:
        """Consecutive pointer-sized words of memory."""
        self.uc.mem_write(address, b"".join(word.to_bytes(self.word_bytes, "little") for word in words))

    def call(self, address: int, arguments: Sequence[int], *, stack_top: int, exit_address: int) -> int:
        """Run the function at `address` until it returns to `exit_address`; its result."""
        uc, core = self.uc, self.core
        for register, value in zip(core.arguments, arguments, strict=False):
            uc.reg_write(register, value)
        if core.link is None:
            stack_top -= self.word_bytes
            self.write_words(stack_top, [exit_address])
        else:
            uc.reg_write(core.link, exit_address | core.address_bit)
        uc.reg_write(core.stack, stack_top)
        uc.emu_start(address | core.address_bit, exit_address)
        return int(uc.reg_read(core.result))
