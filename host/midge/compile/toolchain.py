"""Compiles and links C with the bundled zig: modules for every target, shared libraries for this machine.

Everything is kept in the user's cache folder by content: a build that was done before starts no compiler.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import platform
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ..assets import native_folder
from ..errors import CompileError, LinkError, ToolchainMissing
from ..progress import Advance
from ..targets import Target
from . import mpy, native_sources
from .cache import cache_folder, digest, place, working_folder
from .link_image import read_image
from .link_script import ENTRY, LINK_SCRIPT
from .module_glue import Exports, export_table, qstrs
from .opcodes import check_code

# -fwrapv, -fsigned-char, -ffp-contract=off: the same C gives the same bits on every target and on the host.
_COMMON_FLAGS = (
    "-std=c99",
    "-fPIC",
    "-fwrapv",
    "-fsigned-char",
    "-ffp-contract=off",
    "-fno-math-errno",
    "-fno-stack-protector",
    "-fno-sanitize=all",
    "-DNDEBUG",
)
# What a build is compiled for: the fewest bytes, or speed.
SMALL, FAST = "-Os", "-O2"
_MODULE_FLAGS = (
    "-g0",
    "-ffreestanding",
    "-fvisibility=hidden",
    "-ffunction-sections",
    "-fdata-sections",
    "-fno-unwind-tables",
    "-fno-asynchronous-unwind-tables",
    "-include",
    "hidden.h",
)


def module_flags(target: Target, level: str = SMALL) -> tuple[str, ...]:
    """The compiler's flags for modules of a target."""
    return (*target.sources_flags, *target.module_cflags, *_COMMON_FLAGS, level, *_MODULE_FLAGS)


# -g: without it zig strips the symbol table that link_image reads.
_LINK_FLAGS = ("-Os", "-g", "-fPIE", "-pie")
_LINKER_FLAGS = ("--gc-sections", "-z,notext", "-z,norelro", f"-e,{ENTRY}")
_HOST_FLAGS = (*_COMMON_FLAGS, "-O2", "-g0")

_LIBRARY_SUFFIX = {"darwin": ".dylib", "win32": ".dll"}


@dataclass(frozen=True)
class Module:
    """A built module.

    Attributes
    ----------
    mpy : bytes
        the file
    text_bytes : int
        code, constants and data: what the module occupies in the board's RAM once imported
    symbols : dict of str to int
        offsets of its C functions and objects in that text
    """

    mpy: bytes
    text_bytes: int
    symbols: dict[str, int]

    @property
    def module_bytes(self) -> int:
        """Size of the file."""
        return len(self.mpy)


@cache
def _zig() -> tuple[Path, str]:
    """Path and version of the compiler; ToolchainMissing if the wheel is not there."""
    spec = importlib.util.find_spec("ziglang")
    if spec is None or spec.origin is None:
        raise ToolchainMissing("the compiler is missing: pip install ziglang")
    program = Path(spec.origin).parent / ("zig.exe" if sys.platform == "win32" else "zig")
    try:
        done = subprocess.run([program, "version"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise ToolchainMissing(
            f"the compiler does not start ({error}): pip install --force-reinstall ziglang"
        ) from error
    return program, done.stdout.strip()


def zig_version() -> str:
    """The compiler's version; ToolchainMissing if it is not there."""
    return _zig()[1]


def _run_zig(arguments: Sequence[str], folder: Path, failure: type[CompileError] = CompileError) -> None:
    """Run the compiler in `folder`; raises `failure` with its first error line."""
    program, _ = _zig()
    zig_cache = str(cache_folder() / "zig")
    environment = os.environ | {"ZIG_GLOBAL_CACHE_DIR": zig_cache, "ZIG_LOCAL_CACHE_DIR": zig_cache}
    done = subprocess.run(
        [program, *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode:
        raise failure(f"the C compiler refused: {_first_error(done.stderr)}")


def _first_error(output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return next((line for line in lines if "error:" in line), lines[0] if lines else "it said nothing")


def _write_sources(sources: Iterable[tuple[str, str]], folder: Path) -> None:
    for name, text in sources:
        (folder / name).write_text(text, encoding="utf-8", newline="\n")


def compile_object(name: str, sources: Mapping[str, str], flags: tuple[str, ...]) -> Path:
    """Path of the object file of `sources[name]`, compiled unless it is in the cache."""
    files = [*native_sources.closure(name, sources), ("hidden.h", native_sources.read("hidden.h"))]
    kept = cache_folder() / "objects" / f"{_key(name, files, flags)}.o"
    if not kept.exists():
        with working_folder() as folder:
            _write_sources(files, Path(folder))
            shims = ("-I", str(native_folder() / "shims")) if "-ffreestanding" in flags else ()
            _run_zig(["cc", *flags, *shims, "-c", name, "-o", "made.o"], Path(folder))
            place(Path(folder, "made.o"), kept)
    return kept


def _key(name: str, files: Iterable[tuple[str, str]], flags: Iterable[str]) -> str:
    texts = [part for file in files for part in file]
    return digest([_zig()[1], _shims_digest(), name, *flags, "", *texts])


@cache
def _shims_digest() -> str:
    return digest(
        path.name + path.read_text(encoding="utf-8") for path in sorted((native_folder() / "shims").iterdir())
    )


def _compile_objects(
    sources: Mapping[str, str], flags: tuple[str, ...], what: str, on_progress: Advance | None
) -> list[Path]:
    """Object files of all code in `sources`, several compilers at a time."""
    names = native_sources.code_files(sources)
    objects = []
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        for done, path in enumerate(pool.map(lambda name: compile_object(name, sources, flags), names), 1):
            objects.append(path)
            if on_progress:
                on_progress(done, len(names) + 1, f"compiling for {what}")
    return objects


def _link(kept: Path, objects: Sequence[Path], arguments: Sequence[str]) -> None:
    with working_folder() as folder:
        script = Path(folder, "module.ld")
        script.write_text(LINK_SCRIPT, encoding="utf-8")
        _run_zig(["cc", *arguments, *map(str, objects), "-o", "made"], Path(folder), LinkError)
        place(Path(folder, "made"), kept)


def build_module(
    sources: Mapping[str, str],
    target: Target,
    *,
    name: str,
    exports: Exports,
    level: str = SMALL,
    on_progress: Advance | None = None,
) -> Module:
    """Compile C into a `.mpy`.

    Parameters
    ----------
    sources : mapping of file name to text
        C files and headers; what they include of firmware/native is added
    name : str
        the module's name, without suffix
    exports : Exports
        what Python sees
    level : str
        `SMALL` or `FAST`; what the linker adds is small in any case

    Returns
    -------
    Module
        the same bytes for the same sources, wherever and whenever they are built

    Raises
    ------
    ToolchainMissing
        no compiler for this target
    CompileError
        with the compiler's first error line
    LinkError
        the image is not one that a `.mpy` can hold
    """
    if target.kernels_only:
        raise ToolchainMissing(
            f"the compiler has no back end for {target.name}: a model as tables needs none, --layout table"
        )
    everything = native_sources.complete(
        {**sources, "mp_exports.c": export_table(exports)}, entries=exports.entries
    )
    flags = module_flags(target, level)
    objects = _compile_objects(everything, flags, target.name, on_progress)
    linker = [f"-Wl,{flag}" for flag in ("-T,module.ld", *_LINKER_FLAGS)]
    arguments = (*target.sources_flags, *_LINK_FLAGS, *linker)
    key = digest([_zig()[1], LINK_SCRIPT, *arguments, *(path.name for path in objects)])
    linked = cache_folder() / "linked" / f"{key}.elf"
    if not linked.exists():
        if on_progress:
            on_progress(
                len(objects), len(objects) + 1, f"linking (the first time for {target.name} takes seconds)"
            )
        _link(linked, objects, arguments)
    image = read_image(linked.read_bytes(), target)
    check_code(image, target)
    if on_progress:
        on_progress(len(objects) + 1, len(objects) + 1, f"built for {target.name}")
    return Module(mpy.pack(image, target, qstrs(name, exports)), len(image.blob), image.symbols)


def _host_target() -> tuple[str, ...]:
    """Compiler flags for this machine: named in full, so that no system headers and no local CPU come in."""
    machine = {"amd64": "x86_64", "arm64": "aarch64", "i686": "x86", "i386": "x86"}.get(
        platform.machine().lower(), platform.machine().lower()
    )
    if machine == "x86_64" and ctypes.sizeof(ctypes.c_void_p) == 4:
        machine = "x86"
    if machine.startswith("armv"):
        machine = "arm"
    if sys.platform == "win32":
        system = "windows-gnu"
    elif sys.platform == "darwin":
        system = "macos-none"
    else:
        libc = "gnu" if platform.libc_ver()[0] == "glibc" else "musl"
        system = f"linux-{libc}{'eabihf' if machine == 'arm' else ''}"
    return ("-target", f"{machine}-{system}", "-mcpu=baseline")


def host_library(sources: Mapping[str, str], *, on_progress: Advance | None = None) -> Path:
    """Path of a shared library for ctypes on this machine, built from C.

    Parameters
    ----------
    sources : mapping of file name to text
        as for `build_module`; functions without a hidden visibility are exported

    Raises
    ------
    ToolchainMissing, CompileError
        as for `build_module`
    """
    everything = native_sources.complete(sources)
    flags = (*_host_target(), *_HOST_FLAGS)
    objects = _compile_objects(everything, flags, "this machine", on_progress)
    key = digest([_zig()[1], *flags, *(path.name for path in objects)])
    suffix = _LIBRARY_SUFFIX.get(sys.platform, ".so")
    library = cache_folder() / "libraries" / f"{key}{suffix}"
    if not library.exists():
        _link(library, objects, (*_host_target(), "-O2", "-s", "-shared"))
    if on_progress:
        on_progress(len(objects) + 1, len(objects) + 1, "built for this machine")
    return library
