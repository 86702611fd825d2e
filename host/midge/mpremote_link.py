"""A stock MicroPython at its raw REPL, through mpremote: the one file that touches mpremote's Python API.

mpremote's API is not stable, so its version is pinned and its errors end here.
"""

from __future__ import annotations

import ast
import contextlib
import errno
import io
import os
import struct
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Any, Self, TypeGuard

from . import transport
from .errors import DeviceError, ReplyTimeout, TransportError, TransportLost
from .progress import Advance

# One read of the port; mpremote's own waits are built of these. On a pty it would wait for ever without it.
READ_TIMEOUT_S = 2.0
ENTER_TIMEOUT_S = 10.0
# ^C until a prompt shows: a board that boots, or whose session was left open by a host that died, takes none
# for a while.
INTERRUPT = b"\r\x03\x02"  # ^B leaves a raw REPL that somebody left open
INTERRUPT_ATTEMPTS = 16
INTERRUPT_WAIT_S = 0.4
WRITE_CHUNK_BYTES = 1024
PROMPT = b">>> "
READ_LIMIT_BYTES = 65_536
# errno of a port that went away; any other is of a file on the board.
_GONE = (None, errno.EIO, errno.ENXIO, errno.ENODEV, errno.EBADF)

_DIGEST = """
import hashlib, binascii
def _digest(path):
    try:
        file = open(path, 'rb')
    except OSError:
        return None
    sha, block = hashlib.sha256(), bytearray(512)
    view = memoryview(block)
    while True:
        n = file.readinto(block)
        if not n:
            break
        sha.update(view[:n])
    file.close()
    return binascii.hexlify(sha.digest()).decode()
"""

_MAKE_FOLDERS = """
import os
for _path in {paths!r}:
    try:
        os.mkdir(_path)
    except OSError as _error:
        if _error.errno != 17:
            raise
"""


class RawRepl:
    """A board held at its raw REPL; a context manager that leaves it at the friendly prompt.

    Entering stops the running program and resets the interpreter softly, so the heap is empty.

    Raises
    ------
    DeviceNotFound, TransportError
        no such port, or another program has it
    ReplyTimeout
        nothing that answers like MicroPython
    """

    def __init__(self, device: str) -> None:
        from mpremote import transport as mpremote
        from mpremote.transport_serial import SerialTransport

        self.name = device
        self._failures = (mpremote.TransportError, OSError, struct.error, TypeError)
        self._refusal = mpremote.TransportExecError
        path = transport.port_path(device)
        self._patience = transport.patience(device)
        if os.name == "posix":
            path = os.path.realpath(path)  # mpremote knows a pty by its path, else it is slow
        try:
            self._link: Any = SerialTransport(path, timeout=READ_TIMEOUT_S * self._patience)
        except self._failures as error:
            # mpremote says only that it failed: opening the port ourselves says why.
            transport.open_transport(f"serial:{path}").close()
            raise TransportError(f"{device} does not open ({error}); try again") from error

    def __enter__(self) -> Self:
        with contextlib.suppress(*self._failures), _quiet():
            self._interrupt()
            self._link.enter_raw_repl(soft_reset=True, timeout_overall=ENTER_TIMEOUT_S * self._patience)
            return self
        self._close()
        raise ReplyTimeout(
            f"{self.name} does not enter the raw REPL; reset the board and try again, and check that it runs "
            "MicroPython and that this port is its REPL"
        )

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(*self._failures):
            self._link.exit_raw_repl()
        self._close()

    def _interrupt(self) -> None:
        """Get to the prompt, whatever runs; if none shows, mpremote's own try decides."""
        port = self._link.serial
        before, port.timeout = port.timeout, INTERRUPT_WAIT_S * self._patience
        heard = b""
        for _ in range(INTERRUPT_ATTEMPTS):
            port.write(INTERRUPT)
            heard = heard[-8:] + port.read_until(PROMPT, READ_LIMIT_BYTES)
            if heard.endswith(PROMPT):
                break
        port.timeout = before

    def restart(self) -> None:
        """Leave the raw REPL and reset softly, so that main.py runs; nothing can be asked after this."""
        with self._translated("restart"):
            self._link.exit_raw_repl()
            self._link.read_until(1, PROMPT, timeout_overall=READ_TIMEOUT_S * self._patience)
            self._link.serial.write(b"\x04")
            self._link.read_until(1, b"soft reboot\r\n", timeout_overall=ENTER_TIMEOUT_S * self._patience)

    def run(self, code: str) -> str:
        """Run `code` on the board; returns what it printed. Raises DeviceError with the board's traceback."""
        with self._translated("run code"):
            printed: bytes = self._link.exec(code)
            return printed.decode(errors="replace")

    def start(self, code: str) -> None:
        """Run `code` on the board without waiting for its end; nothing can be asked after this."""
        with self._translated("run code"):
            self._link.exec_raw_no_follow(code)

    def value(self, expression: str) -> Any:
        """The value of an expression, for values whose repr is a literal. Raises as `run`."""
        return ast.literal_eval(self.run(f"print(repr({expression}))").strip())

    def digests(self, paths: Iterable[str]) -> dict[str, str | None]:
        """SHA-256 of each file in hex, None for those that are not there."""
        wanted = list(paths)
        self.run(_DIGEST)
        # In small groups: a list of a hundred paths would need a large block of the board's heap.
        found: dict[str, str | None] = {}
        for at in range(0, len(wanted), 16):
            group = wanted[at : at + 16]
            found.update(zip(group, self.value(f"[_digest(path) for path in {group!r}]"), strict=True))
        return found

    def make_folders(self, paths: Iterable[str]) -> None:
        """Make folders, outer ones first; those that are there are left alone."""
        self.run(_MAKE_FOLDERS.format(paths=tuple(paths)))

    def read_file(self, path: str) -> bytes:
        """The content of a file. Raises DeviceError if there is none."""
        with self._translated(f"read {path}"):
            return bytes(self._link.fs_readfile(path))

    def write_file(self, path: str, data: bytes, *, on_progress: Advance | None = None) -> None:
        """Write a file, in chunks; raises DeviceError if the board's file system refuses."""

        def advance(done: int, total: int) -> None:
            if on_progress is not None:
                on_progress(done, total, path)

        with self._translated(f"write {path}"):
            self._link.fs_writefile(path, data, chunk_size=WRITE_CHUNK_BYTES, progress_callback=advance)

    def _close(self) -> None:
        with contextlib.suppress(*self._failures):
            self._link.close()

    @contextlib.contextmanager
    def _translated(self, what: str) -> Iterator[None]:
        """mpremote's errors as midge's."""
        try:
            with _quiet():
                yield
        except self._refusal as error:
            trace = str(error.error_output)
            last = (trace.strip().splitlines() or ["no reason given"])[-1]
            raise DeviceError(
                f"{self.name} could not {what}: {last}; see the board's traceback with --debug",
                traceback=trace,
            ) from error
        except self._failures as error:
            if _is_of_a_file(error):
                # mpremote turns the OSError of a file on the board into one of its own.
                reason = os.strerror(error.errno or 0)
                raise DeviceError(
                    f"{self.name} could not {what}: {reason}; make room on it, or look with mpremote"
                ) from error
            raise TransportLost(
                f"{self.name} was lost while it should {what}; reset the board, plug it in and try again"
            ) from error


def _is_of_a_file(error: BaseException) -> TypeGuard[OSError]:
    return isinstance(error, OSError) and type(error).__module__ == "builtins" and error.errno not in _GONE


def _quiet() -> contextlib.redirect_stdout[io.StringIO]:
    """mpremote prints what it could not understand; our stdout belongs to the command's result."""
    return contextlib.redirect_stdout(io.StringIO())
