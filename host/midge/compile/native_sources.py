"""Which files of firmware/native a piece of C needs: its headers, and the C that goes with them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from ..assets import native_folder
from ..errors import CompileError

_INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)
# Files that are somebody's entry points, so that no header brings them in.
_ENTRIES = ("host_", "mp_")
_CODE = (".c", ".S")


def includes(text: str) -> tuple[str, ...]:
    """Names in quoted #include lines of `text`."""
    return tuple(_INCLUDE.findall(text))


def read(name: str) -> str:
    """Text of the file `name` in firmware/native; CompileError if there is none."""
    try:
        return (native_folder() / name).read_text(encoding="utf-8")
    except OSError as error:
        raise CompileError(f"no C file {name} in {native_folder()}: install midge again") from error


def complete(sources: Mapping[str, str], *, entries: Iterable[str] = ()) -> dict[str, str]:
    """`sources` (file name → text) with everything of firmware/native that it includes.

    A header `x.h` brings `x.c` and `x_*.c` along. `entries` names files of firmware/native to add at once.
    The caller's own files win over shipped ones of the same name.
    """
    found = dict(sources)
    for name in entries:
        found.setdefault(name, read(name))
    folder = native_folder()
    shipped = {path.name for path in folder.iterdir() if path.suffix in (*_CODE, ".h")}
    waiting = list(found)
    while waiting:
        for header in includes(found[waiting.pop()]):
            for name in sorted(_belonging(header, shipped)):
                if name not in found:
                    found[name] = read(name)
                    waiting.append(name)
    return found


def _belonging(header: str, shipped: set[str]) -> set[str]:
    stem = Path(header).stem
    code = {
        name
        for name in shipped
        if name.endswith(".c")
        and not name.startswith(_ENTRIES)
        and (name == f"{stem}.c" or name.startswith(f"{stem}_"))
    }
    return code | ({header} & shipped)


def closure(name: str, sources: Mapping[str, str]) -> list[tuple[str, str]]:
    """(name, text) of one file and of everything it includes, directly or not, from `sources`; sorted."""
    found: dict[str, str] = {}
    waiting = [name]
    while waiting:
        current = waiting.pop()
        if current not in found and current in sources:
            found[current] = sources[current]
            waiting += includes(sources[current])
    return sorted(found.items())


def code_files(sources: Mapping[str, str]) -> list[str]:
    """Names in `sources` that are compiled, sorted."""
    return sorted(name for name in sources if name.endswith(_CODE))
