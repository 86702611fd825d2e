"""Where the ether is: one for each user, started by the first who needs it."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

from ...errors import MidgeError, TransportError
from ..registry import state_folder

MISSING = "virtual Bluetooth needs bumble: pip install 'midge[ble-virtual]'"
_READY_S = 30.0
_PREFIX = "midge-ether-"


def _about() -> Path:
    return state_folder().parent / "ether.json"


def require_bumble() -> None:
    """Raises MidgeError with what to install if bumble is not there."""
    if importlib.util.find_spec("bumble") is None:
        raise MidgeError(MISSING)


def _connect(path: str) -> socket.socket | None:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.connect(path)
    except OSError:
        connection.close()
        return None
    return connection


def join() -> socket.socket:
    """A connection to the ether that is there. Raises TransportError if there is none."""
    try:
        connection = _connect(json.loads(_about().read_text())["socket"])
    except (OSError, ValueError, KeyError, TypeError):
        connection = None
    if connection is None:
        raise TransportError("no virtual board is on the air: start one with midge board start NAME --ble")
    return connection


def join_or_start() -> socket.socket:
    """A connection to the ether, which is started if there is none.

    Raises MidgeError without bumble, or if it does not start.
    """
    import fcntl

    require_bumble()
    about = _about()
    about.parent.mkdir(parents=True, exist_ok=True)
    with about.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            return join()
        except TransportError:
            pass
        _clear(about)
        path = Path(tempfile.mkdtemp(prefix=_PREFIX)) / "socket"
        pid = _start(path)
        about.write_text(json.dumps({"socket": str(path), "pid": pid}))
        return join()


def _clear(about: Path) -> None:
    """Remove what an ether that was killed has left behind."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        folder = Path(json.loads(about.read_text())["socket"]).parent
        if folder.name.startswith(_PREFIX):
            shutil.rmtree(folder)


def _start(path: Path) -> int:
    """Returns the process's id."""
    # A session of its own: ^C in somebody's terminal must not end what others use.
    process = subprocess.Popen(
        [sys.executable, "-m", "midge.virtual.ble.ether", str(path)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        start_new_session=True,
        cwd="/",
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    process.stdout.close()
    if line != b"ready\n":
        process.wait(_READY_S)
        raise MidgeError(f"the ether did not start (exit code {process.returncode}); see what it printed")
    return process.pid
