"""Every instruction set that a module can be built for: one row of facts each, named as in `.mpy`.

Arch codes and loader rules: MicroPython 1.23 to 1.29, `py/persistentcode.h` (`MP_NATIVE_ARCH_*`).
"""

from __future__ import annotations

from dataclasses import dataclass

from .errors import CompileError, TargetMismatch

_SOFT_FLOAT_CALLS = ("__aeabi_fadd", "__aeabi_fmul", "__aeabi_fsub", "__aeabi_fdiv")
_SOFT_DOUBLE_CALLS = ("__aeabi_dadd", "__aeabi_dmul", "__aeabi_dsub", "__aeabi_ddiv")


@dataclass(frozen=True)
class Target:
    """Facts of one target.

    Attributes
    ----------
    mpy_arch : int
        arch code in byte 2 of a `.mpy`
    reported_as : int
        arch code that firmware of such a board gives instead of `mpy_arch`; 0 if it gives that
    accepted_by : tuple of str
        targets whose firmware loads this target's modules as well
    word_bytes : int
        size of a pointer and of a relocated word
    zig_target, zig_cpu : str
        `-target` and `-mcpu` of the compiler; empty if it has no back end
    cflags : tuple of str
        what else the compiler needs
    module_cflags : tuple of str
        what makes modules smaller or faster besides
    elf_machine : str
        `e_machine` of the linked image
    relative_relocation : int
        the one dynamic relocation that a `-pie` link leaves
    has_addends : bool
        True for RELA images: the word itself is not filled in by the linker
    instruction_set : str
        rule in `compile/opcodes.py` that every instruction must pass; empty if there is none
    alignment_bytes : int
        an access must be aligned to its size, up to this; 1 where the core never faults and the compiler
        makes use of it
    forbidden_calls : tuple of str
        run-time functions whose presence shows that the compiler did not use the FPU
    has_fpu : bool
        floats (single precision at least) run in hardware
    boards : str
        where one meets it
    missing : str
        what to tell somebody who wants this target; empty if it can be built
    kernels_only : bool
        the compiler has no back end: modules are linked from shipped kernels, their models as tables
    """

    name: str
    mpy_arch: int
    word_bytes: int
    boards: str
    zig_target: str = ""
    zig_cpu: str = ""
    cflags: tuple[str, ...] = ()
    module_cflags: tuple[str, ...] = ()
    elf_machine: str = ""
    relative_relocation: int = 0
    has_addends: bool = False
    instruction_set: str = ""
    alignment_bytes: int = 1
    forbidden_calls: tuple[str, ...] = ()
    has_fpu: bool = False
    reported_as: int = 0
    accepted_by: tuple[str, ...] = ()
    missing: str = ""
    kernels_only: bool = False

    @property
    def sources_flags(self) -> tuple[str, ...]:
        """The compiler flags that choose this target."""
        return ("-target", self.zig_target, f"-mcpu={self.zig_cpu}", *self.cflags)


# The register of the frame pointer is one more for everything else.
_NO_FRAMES = ("-fomit-frame-pointer",)


def _thumb(name: str, mpy_arch: int, **facts: object) -> Target:
    common: dict[str, object] = {
        "word_bytes": 4,
        "zig_target": "thumb-freestanding-eabi",
        "elf_machine": "EM_ARM",
        "relative_relocation": 23,  # R_ARM_RELATIVE
        "instruction_set": name,
        # LDRD, LDM and VLDR fault on less than 4 whatever the core; nothing needs more.
        "alignment_bytes": 4,
        # Left alone, clang splits every threshold of a forest into a base and an offset (a fifth more code),
        # and calls functions of two instructions to save four bytes of a module.
        "cflags": ("-mllvm", "-consthoist-min-num-to-rebase=1000000"),
        "module_cflags": (*_NO_FRAMES, "-mno-outline"),
    }
    return Target(name=name, mpy_arch=mpy_arch, **{**common, **facts})  # type: ignore[arg-type]


# strict_align: even cores that allow unaligned loads get none; they cost cycles, and can be made to trap.
_ROWS = (
    Target(
        name="x64",
        mpy_arch=2,
        word_bytes=8,
        boards="the virtual board; MicroPython's unix port",
        zig_target="x86_64-freestanding-none",
        zig_cpu="x86_64",
        cflags=("-mno-red-zone",),
        elf_machine="EM_X86_64",
        relative_relocation=8,  # R_X86_64_RELATIVE
        has_addends=True,
        has_fpu=True,
    ),
    _thumb(
        "armv6m",
        4,
        zig_cpu="cortex_m0+strict_align",
        boards="RP2040 (Raspberry Pi Pico); any Cortex-M",
        accepted_by=("armv7m", "armv7emsp", "armv7emdp"),
    ),
    _thumb(
        "armv7m",
        5,
        zig_cpu="cortex_m3+strict_align",
        # Firmware for any Thumb-2 core without FPU says armv7em, even on a Cortex-M3, which could not run it.
        reported_as=6,
        boards="Cortex-M3; Cortex-M4 without FPU",
        accepted_by=("armv7emsp", "armv7emdp"),
    ),
    _thumb(
        "armv7emsp",
        7,
        zig_target="thumb-freestanding-eabihf",
        # Without the FPU named, zig calls soft-float functions from an object that is labelled hard-float.
        zig_cpu="cortex_m4+vfp4d16sp+strict_align",
        forbidden_calls=_SOFT_FLOAT_CALLS,
        has_fpu=True,
        boards="RP2350 (Pico 2), nRF52840, STM32F4/L4",
        accepted_by=("armv7emdp",),
    ),
    _thumb(
        "armv7emdp",
        8,
        zig_target="thumb-freestanding-eabihf",
        zig_cpu="cortex_m7+fp_armv8d16+strict_align",
        forbidden_calls=(*_SOFT_FLOAT_CALLS, *_SOFT_DOUBLE_CALLS),
        has_fpu=True,
        boards="STM32F7/H7",
    ),
    Target(
        name="rv32imc",
        mpy_arch=11,
        word_bytes=4,
        boards="ESP32-C3, ESP32-C6",
        zig_target="riscv32-freestanding-none",
        zig_cpu="generic_rv32+m+c",
        module_cflags=_NO_FRAMES,
        elf_machine="EM_RISCV",
        relative_relocation=3,  # R_RISCV_RELATIVE
        has_addends=True,
        instruction_set="rv32imc",
        alignment_bytes=4,
    ),
    Target(
        name="xtensawin",
        mpy_arch=10,
        word_bytes=4,
        boards="ESP32, ESP32-S2, ESP32-S3",
        elf_machine="EM_XTENSA",
        instruction_set="xtensawin",
        alignment_bytes=4,
        kernels_only=True,
    ),
)

TARGETS: dict[str, Target] = {target.name: target for target in _ROWS}


def get(name: str) -> Target:
    """The target called `name`; CompileError with all names if there is none."""
    if name not in TARGETS:
        meant = [target.name for target in TARGETS.values() if name and name.lower() in target.boards.lower()]
        hint = f" (for a board like that: {' or '.join(meant)})" if meant else ""
        raise CompileError(f"no target {name!r}: choose one of {', '.join(TARGETS)}{hint}")
    return TARGETS[name]


def by_arch(mpy_arch: int) -> Target:
    """The target to build for a board whose `sys.implementation._mpy >> 10 & 15` is `mpy_arch`.

    Raises
    ------
    TargetMismatch
        for an arch that midge builds nothing for (0 means: no native code at all)
    """
    for target in TARGETS.values():
        if mpy_arch in (target.mpy_arch, target.reported_as or target.mpy_arch):
            return target
    if mpy_arch == 0:
        raise TargetMismatch(
            "this firmware loads no native code: flash one that is built with native modules"
        )
    raise TargetMismatch(f"no target for .mpy arch {mpy_arch}: midge builds {', '.join(TARGETS)}")


def check_accepts(board: Target, module: Target) -> None:
    """TargetMismatch unless a board's firmware of target `board` loads modules of target `module`."""
    if module.name != board.name and board.name not in module.accepted_by:
        raise TargetMismatch(
            f"the module is for {module.name}, the board is {board.name}: build it with --target {board.name}"
        )
