"""Compiles firmware/native into kernels that know no model: `make kernels`, for those who release midge."""

from __future__ import annotations

import itertools
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from .. import targets
from ..assets import kernels_folder, native_folder
from ..errors import CompileError, LinkError, ToolchainMissing
from ..targets import Target
from . import native_sources
from .cache import digest
from .kernel_objects import Section, read_xtensa
from .kernels import BARE, FORMAT, ROOMS, SUM_BITS, Kernels
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
FLAGS = (
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
    # A jump table would hold addresses of the middle of a function.
    "-fno-jump-tables",
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
#define MIDGE_INFO midge_facts.info
#define MIDGE_INFO_BYTES midge_facts.info_bytes
#ifndef MIDGE_HAS_FRONTEND
#define MIDGE_HAS_FRONTEND 1
#endif
"""
_GENERATED = {
    "model_config.h": _CONFIG,
    "export_model.c": wrappers(MODEL, linkage="") + "\n",
    "export_native.c": wrappers(NATIVE, linkage="") + "\n",
}
# Called by a host only.
_HOST = "host_"
_MODEL_GLUE = "mp_model.c"
_VERSION = re.compile(r"clang version (\S+)")


def _flavours(name: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """(suffix of the names, further flags) of each way in which a file is compiled."""
    if name == _MODEL_GLUE:
        yield BARE, ("-DMIDGE_HAS_FRONTEND=0",)
        for room in ROOMS:
            yield f"/{room}", (f"-DMIDGE_ROOM={room}",)
    elif name == "table_classify.c":
        for bits, room in itertools.product(SUM_BITS, ROOMS):
            yield f"/{bits}/{room}", (f"-DTABLE_BITS={bits}", f"-DTABLE_ROOM={room}")
    elif name == "table_verdict.c":
        for bits in SUM_BITS:
            yield f"/{bits}", (f"-DTABLE_BITS={bits}",)
    elif name in ("table_net.c", "table_neighbors.c"):
        for room in ROOMS:
            yield f"/{room}", (f"-DTABLE_ROOM={room}",)
    else:
        yield "", ()


def _files() -> dict[str, str]:
    """Text of everything that kernels are compiled from."""
    folder = native_folder()
    shipped = {path.name for path in folder.iterdir() if path.suffix in (".c", ".h")}
    texts = {name: native_sources.read(name) for name in shipped if not name.startswith(_HOST)}
    shims = {f"shims/{path.name}": path.read_text(encoding="utf-8") for path in (folder / "shims").iterdir()}
    return dict(sorted({**texts, **shims, **_GENERATED}.items()))


def sources_digest() -> str:
    """Digest of what kernels are compiled from, flags included."""
    files = _files()
    flavours = [str(list(_flavours(name))) for name in files]
    return digest([str(FORMAT), *FLAGS, *flavours, *itertools.chain.from_iterable(files.items())])


def compile_all(target: Target) -> Kernels:
    """Compile every kernel.

    Raises
    ------
    ToolchainMissing
        without the compiler
    CompileError, LinkError
        with the compiler's first error, or what the linker could not place
    """
    program = shutil.which(COMPILER)
    if program is None:
        raise ToolchainMissing(f"{COMPILER} is missing (Debian and Ubuntu: apt-get install {COMPILER})")
    version = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    found = _VERSION.search(version)
    files = _files()
    sections: dict[str, Section] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, text in files.items():
            path = Path(folder, name)
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
        for name in files:
            if not name.endswith(".c"):
                continue
            for suffix, flags in _flavours(name):
                for section in read_xtensa(
                    _compile(program, name, flags, Path(folder)), Path(name).stem, suffix
                ):
                    if section.name in sections:
                        raise LinkError(f"{section.name} is defined twice in firmware/native: rename one")
                    sections[section.name] = section
    return Kernels(target.name, f"clang {found[1] if found else '?'}", sources_digest(), sections)


def _compile(program: str, name: str, flags: tuple[str, ...], folder: Path) -> bytes:
    arguments = [program, *FLAGS, *flags, "-I.", "-Ishims", "-c", name, "-o", "made.o"]
    done = subprocess.run(arguments, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if "error" in line] or [done.stderr[:200]]
        raise CompileError(f"{COMPILER} refused: {lines[0].strip()}")
    return (folder / "made.o").read_bytes()


def write_shipped(target: Target) -> Path:
    """Compile the kernels of a target into firmware/kernels; the path."""
    path = kernels_folder() / f"{target.name}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(compile_all(target).to_text(), encoding="utf-8", newline="\n")
    return path


def main() -> None:
    """Write the kernels of every target whose modules are linked from them."""
    for target in targets.TARGETS.values():
        if target.kernels_only:
            print(write_shipped(target))


if __name__ == "__main__":
    main()
