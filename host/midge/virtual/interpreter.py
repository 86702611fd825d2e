"""Finds the MicroPython that virtual boards run, or fetches one into the user's cache folder.

An interpreter the user has already wins: `$MIDGE_MICROPYTHON`, then `micropython` on PATH, then the private
one.
`python -m midge.virtual.interpreter` fetches if need be and prints path and version.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from ..errors import MidgeError

VARIABLE = "MIDGE_MICROPYTHON"
OLDEST = (1, 23)

# Native loading shows as an architecture number in the upper bits of sys.implementation._mpy.
_PROBE = (
    "import sys; i = sys.implementation; "
    "print('%d.%d.%d %d' % (i.version[0], i.version[1], i.version[2], getattr(i, '_mpy', 0)))"
)
_PROBE_TIMEOUT_S = 10


@dataclass(frozen=True)
class Interpreter:
    """A MicroPython unix port that can run a virtual board."""

    command: tuple[str, ...]
    version: tuple[int, int, int]

    @property
    def path(self) -> str:
        """The program itself (the last word of the command: a private copy has its own loader in front)."""
        return self.command[-1]


def find() -> Interpreter | None:
    """The interpreter to use, or None if there is none yet.

    Raises MidgeError if `$MIDGE_MICROPYTHON` names something that can't run a board: what the user asked for
    by name is never passed over in silence.
    """
    named = os.environ.get(VARIABLE)
    if named:
        interpreter = probe((named,))
        if interpreter is None:
            raise MidgeError(
                f"${VARIABLE} = {named} is no MicroPython {OLDEST[0]}.{OLDEST[1]}+ with native loading: "
                "correct it or unset it"
            )
        return interpreter
    on_path = shutil.which("micropython")
    candidates: list[tuple[str, ...]] = [(on_path,)] if on_path else []
    private = _private_command()
    if private:
        candidates.append(private)
    return next(filter(None, map(probe, candidates)), None)


def ensure() -> Interpreter:
    """The interpreter to use, fetched first if there is none.

    Raises MidgeError with what to do if this system can't fetch one.
    """
    interpreter = find()
    if interpreter is not None:
        return interpreter
    if sys.platform == "darwin":
        raise MidgeError(
            f"no MicroPython for the virtual board: brew install micropython (or set ${VARIABLE})"
        )
    if sys.platform == "win32":
        raise MidgeError("the virtual board needs Linux or macOS: use a real board, or WSL")
    from . import debian

    _record(debian.fetch(cache_folder()))
    interpreter = find()
    if interpreter is None:
        raise MidgeError(
            f"the MicroPython fetched into {cache_folder()} does not run here: install micropython "
            f"{OLDEST[0]}.{OLDEST[1]} or later and set ${VARIABLE}"
        )
    return interpreter


def probe(command: tuple[str, ...]) -> Interpreter | None:
    """Run `command` and ask what it is; None if it is not a MicroPython that can run a board."""
    try:
        done = subprocess.run(
            [*command, "-c", _PROBE],
            capture_output=True,
            text=True,
            timeout=_PROBE_TIMEOUT_S,
            check=True,
            stdin=subprocess.DEVNULL,
        )
        version_text, mpy_text = done.stdout.split()
        major, minor, patch = (int(part) for part in version_text.split("."))
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
    if (major, minor) < OLDEST or int(mpy_text) >> 10 == 0:
        return None
    return Interpreter(command, (major, minor, patch))


def cache_folder() -> Path:
    """The private folder; it follows the platform's rule for caches."""
    base = os.environ.get("XDG_CACHE_HOME")
    if not base:
        base = "~/Library/Caches" if sys.platform == "darwin" else "~/.cache"
    return Path(base).expanduser() / "midge" / "micropython"


def _private_command() -> tuple[str, ...] | None:
    try:
        command = json.loads((cache_folder() / "command.json").read_text())
    except (OSError, ValueError):
        return None
    return tuple(str(word) for word in command)


def _record(command: tuple[str, ...]) -> None:
    (cache_folder() / "command.json").write_text(json.dumps(command))


def main() -> int:
    """Fetch if need be; print path and version in one line."""
    try:
        interpreter = ensure()
    except MidgeError as error:
        print(f"midge: {error}", file=sys.stderr)
        return 1
    print(f"{interpreter.path} MicroPython {'.'.join(map(str, interpreter.version))}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
