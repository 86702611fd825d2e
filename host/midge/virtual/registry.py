"""Named virtual boards: their folders, and which of them run now."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from ..errors import DeviceNotFound, MidgeError

RUN_PREFIX = "midge-board-"  # of the folder that holds a running board's tty link and socket


@dataclass(frozen=True)
class Running:
    """A board that runs: where to reach it."""

    name: str
    tty: str
    control: str
    folder: str
    pid: int
    patience: float = 1.0  # how many times longer than a real board it may take to answer


def state_folder() -> Path:
    """Where named boards live; it follows the platform's rule for state."""
    base = os.environ.get("XDG_STATE_HOME")
    if not base:
        base = "~/Library/Application Support" if sys.platform == "darwin" else "~/.local/state"
    return Path(base).expanduser() / "midge" / "boards"


def board_folder(name: str) -> Path:
    """Folder of the board `name`. Raises MidgeError for a name that is no file name."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", name):
        raise MidgeError(f"{name!r} can't be a board's name: use letters, digits, '-', '_' and '.'")
    return state_folder() / name


class Claim:
    """The right to run the board `name`: a lock that the kernel drops with its owner, however that ends."""

    def __init__(self, name: str) -> None:
        """Raises MidgeError if the board runs already."""
        folder = board_folder(name)
        folder.mkdir(parents=True, exist_ok=True)
        self._about = folder / "board.json"
        self._lock = (folder / "lock").open("w")
        if not _lock(self._lock):
            self._lock.close()
            raise MidgeError(f"the board {name} runs already: use it as virtual:{name}, or stop it first")
        self._clean_up()
        self.flash_folder = folder / "flash"
        self.flash_folder.mkdir(exist_ok=True)

    def _clean_up(self) -> None:
        """Remove what a board that was killed has left."""
        try:
            left = Path(json.loads(self._about.read_text())["control"]).parent
        except (OSError, ValueError, KeyError, TypeError):
            left = None
        if left is not None and left.name.startswith(RUN_PREFIX):
            shutil.rmtree(left, ignore_errors=True)
        self._about.unlink(missing_ok=True)

    def announce(self, running: Running) -> None:
        """Let others find the board."""
        temporary = self._about.with_suffix(".new")
        temporary.write_text(json.dumps(asdict(running)))
        temporary.rename(self._about)

    def release(self) -> None:
        """The board has stopped."""
        self._about.unlink(missing_ok=True)
        self._lock.close()


def find(name: str) -> Running:
    """The running board `name`. Raises DeviceNotFound if it does not run."""
    folder = board_folder(name)
    try:
        about = Running(**json.loads((folder / "board.json").read_text()))
        with (folder / "lock").open() as lock:
            is_stale = _lock(lock)
    except (OSError, ValueError, TypeError):
        is_stale = True
    if is_stale:
        raise DeviceNotFound(f"no virtual board {name} runs: start it with midge board start {name}")
    return about


def running() -> list[Running]:
    """All named boards that run now, by name."""
    found = []
    for folder in sorted(state_folder().glob("*")):
        try:
            found.append(find(folder.name))
        except MidgeError:
            continue
    return found


def _lock(file: IO[str]) -> bool:
    """Take the lock; False if somebody else has it."""
    try:
        import fcntl
    except ImportError:
        raise DeviceNotFound("virtual boards need Linux or macOS: use a real board, or WSL") from None

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
