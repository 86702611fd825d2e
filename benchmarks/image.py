"""Compiles a program and links it as firmware would be: code and constants in flash, the rest in RAM."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from elftools.elf.elffile import ELFFile
from program import ENTRY, PREPARE, Program

from midge.assets import native_folder
from midge.compile.cache import cache_folder, digest, place, working_folder
from midge.errors import CompileError
from midge.targets import Target

OPTIMISE = ("-O2", "-Os")
# The same for everybody, and what peers' users have: builtins are known, floats may be fused, unaligned loads
# are used where the core has them.
FLAGS = (
    "-g0",
    "-fhosted",
    "-fomit-frame-pointer",
    "-fno-pic",
    "-fwrapv",
    "-fno-math-errno",
    "-fno-stack-protector",
    "-fno-sanitize=all",
    "-fno-unwind-tables",
    "-fno-asynchronous-unwind-tables",
    "-ffunction-sections",
    "-fdata-sections",
    "-fbracket-depth=4096",
    "-DNDEBUG",
    "-w",
)
_CXX_FLAGS = ("-fno-exceptions", "-fno-rtti", "-fno-threadsafe-statics", "-nostdinc++")
_SHIMS = Path(__file__).parent / "shims"
RAM_ADDRESS = 0x20000000
_LINK_SCRIPT = """
SECTIONS
{
    . = 0x08000000;
    .text : { *(.text .text.*) }
    .rodata : { *(.rodata .rodata.* .srodata .srodata.*) }
    . = RAM_ADDRESS;
    .data : { *(.data .data.* .sdata .sdata.*) }
    .bss : { *(.bss .bss.* .sbss .sbss.* COMMON) }
    /DISCARD/ : { *(.ARM.exidx* .ARM.extab* .eh_frame*) }
}
""".replace("RAM_ADDRESS", hex(RAM_ADDRESS))


@dataclass(frozen=True)
class Image:
    """A linked program.

    Attributes
    ----------
    segments : tuple of (address, bytes)
        what is in memory when it starts
    symbols : dict of str to int
        addresses of the entry points
    flash_bytes : int
        code, constants and initial values, of the libraries that it pulls in as well
    ram_bytes : int
        variables; not the stack
    """

    segments: tuple[tuple[int, bytes], ...]
    symbols: dict[str, int]
    flash_bytes: int
    ram_bytes: int


def build(program: Program, target: Target, optimise: str) -> Image:
    """Compile for a target at an optimisation level; CompileError with the compiler's first error line."""
    flags = [flag.replace("+strict_align", "") for flag in target.sources_flags] + [optimise, *FLAGS]
    roots = [ENTRY, *([PREPARE] if program.has_prepare else [])]
    texts = [part for item in sorted(program.sources.items()) for part in item]
    shims = [path.read_text(encoding="utf-8") for path in sorted(_SHIMS.iterdir())]
    key = digest([version("ziglang"), program.origin, _LINK_SCRIPT, *flags, *roots, "", *texts, *shims])
    kept = cache_folder() / "benchmarks" / f"{key}.elf"
    if not kept.exists():
        _compile(program, flags, roots, kept)
    return _read(kept.read_bytes(), roots)


def _compile(program: Program, flags: list[str], roots: list[str], kept: Path) -> None:
    with working_folder() as name:
        folder = Path(name)
        for file_name, text in program.sources.items():
            (folder / file_name).write_text(text, encoding="utf-8")
        (folder / "image.ld").write_text(_LINK_SCRIPT, encoding="utf-8")
        code = sorted(file for file in program.sources if file.endswith((".c", ".cpp")))
        if any(file.endswith(".cpp") for file in code):
            flags = [*flags, *_CXX_FLAGS]
        folders = [folder, *program.include_folders, _SHIMS, native_folder() / "shims"]
        includes = [part for path in folders for part in ("-I", str(path))]
        linker = [
            "-T,image.ld",
            "--gc-sections",
            "-z,norelro",
            f"-e,{ENTRY}",
            *(f"-u,{root}" for root in roots),
        ]
        for file in code:
            _run_zig([*flags, *includes, "-c", file, "-o", f"{file}.o"], folder)
        # -g: without it zig strips the symbol table.
        objects = [f"{file}.o" for file in code]
        _run_zig(
            [*flags, "-g", "-static", *objects, *(f"-Wl,{flag}" for flag in linker), "-o", "made.elf"], folder
        )
        place(folder / "made.elf", kept)


def _run_zig(arguments: list[str], folder: Path) -> None:
    zig_cache = str(cache_folder() / "zig")
    done = subprocess.run(
        [sys.executable, "-m", "ziglang", "cc", *arguments],
        cwd=folder,
        env=os.environ | {"ZIG_GLOBAL_CACHE_DIR": zig_cache, "ZIG_LOCAL_CACHE_DIR": zig_cache},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        errors = [line for line in done.stderr.splitlines() if "error:" in line] or ["no message"]
        raise CompileError(f"the C compiler refused: {errors[0].strip()}")


def _read(data: bytes, roots: list[str]) -> Image:
    elf: Any = ELFFile(io.BytesIO(data))
    segments: list[tuple[int, bytes]] = []
    flash_bytes = ram_bytes = 0
    for section in elf.iter_sections():
        if not section["sh_flags"] & 2 or not section["sh_size"]:  # SHF_ALLOC
            continue
        is_empty = section["sh_type"] == "SHT_NOBITS"
        segments.append((section["sh_addr"], bytes(section["sh_size"]) if is_empty else section.data()))
        flash_bytes += 0 if is_empty else section["sh_size"]
        ram_bytes += section["sh_size"] if section["sh_flags"] & 1 else 0  # SHF_WRITE
    table = elf.get_section_by_name(".symtab")
    symbols = {root: table.get_symbol_by_name(root)[0]["st_value"] & ~1 for root in roots}
    return Image(tuple(segments), symbols, flash_bytes, ram_bytes)
