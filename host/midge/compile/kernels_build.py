"""Compiles firmware/native into kernels that know no model: `make kernels`, for those who release midge."""

from __future__ import annotations

import itertools
import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

from .. import targets
from ..assets import kernels_folder, native_folder
from ..errors import CompileError, ToolchainMissing
from ..targets import Target
from . import kernel_objects, kernel_objects_xtensa, link_machine, native_sources, toolchain
from .cache import cache_folder, digest, place, working_folder
from .kernel_sections import Section
from .kernels import ARENA, BARE, BARE_ARENA, FORMAT, ROOMS, SUM_BITS, Kernels, Unit
from .module_glue import MODEL, NATIVE, wrappers

COMPILER = "clang-22"

_FEATURES = (
    "density",
    "windowed",
    "sext",
    "nsa",
    "mul16",
    "mul32",
    "mul32high",
    "div32",
    "minmax",
    "threadptr",
)
# A jump table would hold addresses of the middle of a function.
_WITHOUT_JUMP_TABLES = "-fno-jump-tables"
XTENSA_FLAGS = (
    "--target=xtensa-unknown-elf",
    "-Os",
    "-std=c99",
    "-ffreestanding",
    "-fno-pic",
    "-fwrapv",
    "-fsigned-char",
    "-ffp-contract=off",
    "-fno-math-errno",
    "-fno-stack-protector",
    "-fomit-frame-pointer",
    "-ffunction-sections",
    "-fdata-sections",
    "-fvisibility=hidden",
    "-fno-unwind-tables",
    "-fno-asynchronous-unwind-tables",
    "-fno-addrsig",
    _WITHOUT_JUMP_TABLES,
    "-g0",
    "-DNDEBUG",
    *itertools.chain.from_iterable(
        ("-Xclang", "-target-feature", "-Xclang", f"+{feature}") for feature in _FEATURES
    ),
    "-include",
    "hidden.h",
)
# Constants of a model are read from its tables; without a front end none of it is linked in.
_CONFIG = """#include "table_model.h"
#define MIDGE_STATE_BYTES midge_facts.state_bytes
#define MIDGE_N_FEATURES midge_facts.n_features
#define MIDGE_N_SCORES midge_facts.n_scores
#define MIDGE_N_CHANNELS midge_facts.n_channels
#define MIDGE_ARENA_BYTES midge_facts.arena_bytes
#define MIDGE_FEATURES_AT midge_facts.features_at
#define MIDGE_INFO midge_facts.info
#define MIDGE_INFO_BYTES midge_facts.info_bytes
#ifndef MIDGE_HAS_FRONTEND
#define MIDGE_HAS_FRONTEND 1
#endif
#ifndef MIDGE_HAS_ARENA
#define MIDGE_HAS_ARENA 0
#endif
"""
_GENERATED = {
    "model_config.h": _CONFIG,
    "export_model.c": wrappers(MODEL, linkage="") + "\n",
    "export_native.c": wrappers(NATIVE, linkage="") + "\n",
}
# Called by a host only.
_HOST = "host_"
# What models in doubles, and forests that are code, are compiled with: no table names them.
_NOT_OF_TABLES = ("precise.c", "forest_code.c")
_MODEL_GLUE = "mp_model.c"
# With places on the stack.
_ROOMY = ("table_net.c", "table_neighbors.c", "table_weighted.c", "table_conv.c", "table_projection.c")
_VERSION = re.compile(r"clang version (\S+)")


def _flavours(name: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """(suffix of the names, further flags) of each way in which a file is compiled."""
    if name == _MODEL_GLUE:
        yield BARE, ("-DMIDGE_HAS_FRONTEND=0",)
        yield BARE_ARENA, ("-DMIDGE_HAS_FRONTEND=0", "-DMIDGE_HAS_ARENA=1")
        yield ARENA, ("-DMIDGE_HAS_ARENA=1",)
        for room in ROOMS:
            yield f"/{room}", (f"-DMIDGE_ROOM={room}",)
    elif name == "table_classify.c":
        for bits, room in itertools.product(SUM_BITS, ROOMS):
            yield f"/{bits}/{room}", (f"-DTABLE_BITS={bits}", f"-DTABLE_ROOM={room}")
    elif name == "table_verdict.c":
        for bits in SUM_BITS:
            yield f"/{bits}", (f"-DTABLE_BITS={bits}",)
    elif name in _ROOMY:
        for room in ROOMS:
            yield f"/{room}", (f"-DTABLE_ROOM={room}",)
    else:
        yield "", ()


def _files() -> dict[str, str]:
    """Text of everything that kernels are compiled from, as it is now."""
    folder = native_folder()
    there = [path.stat() for path in (*folder.iterdir(), *(folder / "shims").iterdir())]
    return dict(_read_files(tuple((stat.st_mtime_ns, stat.st_size) for stat in there)))


@cache
def _read_files(_: tuple[tuple[int, int], ...]) -> tuple[tuple[str, str], ...]:
    folder = native_folder()
    shipped = {path.name for path in folder.iterdir() if path.suffix in (".c", ".h")}
    texts = {
        name: native_sources.read(name)
        for name in shipped
        if not name.startswith(_HOST) and name not in _NOT_OF_TABLES
    }
    shims = {f"shims/{path.name}": path.read_text(encoding="utf-8") for path in (folder / "shims").iterdir()}
    return tuple(sorted({**texts, **shims, **_GENERATED}.items()))


def _flags(target: Target) -> tuple[str, ...]:
    if target.kernels_only:
        return XTENSA_FLAGS
    return (*toolchain.module_flags(target), _WITHOUT_JUMP_TABLES)


def _units(files: Mapping[str, str]) -> dict[str, tuple[str, tuple[str, ...], str]]:
    """(file, further flags, suffix of its names) of every unit."""
    return {
        f"{Path(name).stem}{suffix}": (name, flags, suffix)
        for name in native_sources.code_files(files)
        for suffix, flags in _flavours(name)
    }


def digests(target: Target) -> dict[str, str]:
    """Digest of what each unit of a target is compiled from, flags included."""
    return dict(_digests(target, tuple(_files().items())))


@cache
def _digests(target: Target, sources: tuple[tuple[str, str], ...]) -> dict[str, str]:
    files = dict(sources)
    always = [text for name, text in files.items() if name.startswith("shims/") or name == "hidden.h"]
    common = [str(FORMAT), *_flags(target), *always]
    closures = {name: native_sources.closure(name, files) for name in native_sources.code_files(files)}
    return {
        unit: digest([*common, *flags, *itertools.chain.from_iterable(closures[name])])
        for unit, (name, flags, _) in _units(files).items()
    }


def compile_units(target: Target, names: Iterable[str]) -> tuple[dict[str, Unit], dict[str, str]]:
    """Compile some units: those that came out, and the compiler's words on the others.

    Raises
    ------
    ToolchainMissing
        without the compiler
    LinkError
        for an object that is no kernel
    """
    files = _files()
    units, found = _units(files), digests(target)
    made: dict[str, Unit] = {}
    broken: dict[str, str] = {}

    def compiled(unit: str) -> bytes | CompileError:
        name, flags, _ = units[unit]
        try:
            return _compile(target, name, files, flags)
        except ToolchainMissing:
            raise
        except CompileError as error:
            return error

    wanted = list(names)
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        for unit, data in zip(wanted, pool.map(compiled, wanted), strict=True):
            name, _, suffix = units[unit]
            if isinstance(data, CompileError):
                broken[unit] = str(data)
            else:
                made[unit] = Unit(found[unit], tuple(_read(target, data, Path(name).stem, suffix)))
    return made, broken


def compile_all(target: Target) -> Kernels:
    """Compile every kernel; raises as `compile_units`, and CompileError where one does not compile."""
    made, broken = compile_units(target, digests(target))
    if broken:
        raise CompileError(next(iter(broken.values())))
    compiler = f"clang {_clang()[1]}" if target.kernels_only else f"zig {toolchain.zig_version()}"
    return Kernels(target.name, compiler, made)


def _read(target: Target, data: bytes, unit: str, suffix: str) -> Iterator[Section]:
    if target.kernels_only:
        return kernel_objects_xtensa.read(data, unit, suffix)
    return kernel_objects.read(data, unit, suffix, link_machine.of(target))


def _compile(target: Target, name: str, files: Mapping[str, str], flags: tuple[str, ...]) -> bytes:
    """The object of one file, from the cache if it was compiled before."""
    all_flags = (*_flags(target), *flags)
    if not target.kernels_only:
        return toolchain.compile_object(name, files, all_flags).read_bytes()
    program, version = _clang()
    needed = {**dict(native_sources.closure(name, files)), "hidden.h": files["hidden.h"]}
    needed |= {path: text for path, text in files.items() if path.startswith("shims/")}
    key = digest([version, name, *all_flags, *itertools.chain.from_iterable(sorted(needed.items()))])
    kept = cache_folder() / "objects" / f"{key}.o"
    if not kept.exists():
        with working_folder() as folder:
            for path, text in needed.items():
                Path(folder, path).parent.mkdir(exist_ok=True)
                Path(folder, path).write_text(text, encoding="utf-8", newline="\n")
            arguments = [program, *all_flags, "-I.", "-Ishims", "-c", name, "-o", "made.o"]
            done = subprocess.run(arguments, cwd=folder, capture_output=True, text=True, check=False)
            if done.returncode:
                lines = [line for line in done.stderr.splitlines() if "error" in line] or [done.stderr[:200]]
                raise CompileError(f"{COMPILER} refused: {lines[0].strip()}")
            place(Path(folder, "made.o"), kept)
    return kept.read_bytes()


@cache
def _clang() -> tuple[str, str]:
    """Path and version; ToolchainMissing if it is not there."""
    program = shutil.which(COMPILER)
    if program is None:
        raise ToolchainMissing(f"{COMPILER} is missing (Debian and Ubuntu: apt-get install {COMPILER})")
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    found = _VERSION.search(said)
    return program, found[1] if found else "?"


def write_shipped(target: Target) -> Path:
    """Compile the kernels of a target into firmware/kernels; the path."""
    path = kernels_folder() / f"{target.name}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(compile_all(target).to_text(), encoding="utf-8", newline="\n")
    return path


def main() -> None:
    """Write the kernels of every target."""
    for target in targets.TARGETS.values():
        print(write_shipped(target))


if __name__ == "__main__":
    main()
