"""The board's end of the line: a pseudo-terminal that clients open and close, without this end going away."""

from __future__ import annotations

import contextlib
import os
import pty
import select
import termios
import tty
from pathlib import Path

CTRL_C = 3
# What the board's receive buffer takes before bytes stay with the client.
RECEIVE_BYTES = 4096
# Output the board may have ahead of a client that does not read, beyond the kernel's own buffer.
BACKLOG_BYTES = 4096


class Console:
    """The pty pair; `path` is a symbolic link that stays the same when the pair is made anew."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.received = bytearray()
        self.has_client = False
        self._backlog = bytearray()
        self._open()

    def _open(self) -> None:
        self.fd, slave = pty.openpty()
        tty.setraw(slave)
        self._slave_path = os.ttyname(slave)
        os.close(slave)
        os.set_blocking(self.fd, False)
        temporary = self.path.with_name(self.path.name + ".new")
        temporary.unlink(missing_ok=True)
        temporary.symlink_to(self._slave_path)
        temporary.rename(self.path)

    def close(self) -> None:
        """Unplug: clients see the line go."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1
        self.path.unlink(missing_ok=True)
        self.received.clear()
        self._backlog.clear()
        self.has_client = False

    def reopen(self) -> None:
        """Plug in again, under the same path."""
        self.close()
        self._open()

    def look(self) -> bool:
        """Find out whether a client has come; True if one has."""
        poller = select.poll()
        poller.register(self.fd, select.POLLIN)
        events = dict(poller.poll(0)).get(self.fd, 0)
        if not events & select.POLLHUP or events & select.POLLIN:
            self.has_client = True
        return self.has_client

    def _client_left(self) -> None:
        self.has_client = False
        self._backlog.clear()
        # What it has not read is not for the next one, nor are the modes it set.
        with contextlib.suppress(OSError, termios.error):
            slave = os.open(self._slave_path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
            termios.tcflush(slave, termios.TCIFLUSH)
            tty.setraw(slave)
            os.close(slave)

    @property
    def wants_input(self) -> bool:
        """True while there is room for more."""
        return len(self.received) < RECEIVE_BYTES

    @property
    def is_congested(self) -> bool:
        """True while a client is there and does not read."""
        return len(self._backlog) > BACKLOG_BYTES

    @property
    def has_backlog(self) -> bool:
        """True while output waits for the client."""
        return bool(self._backlog)

    def receive(self) -> bytes:
        """What has come; notices a client that left."""
        try:
            data = os.read(self.fd, RECEIVE_BYTES)
        except BlockingIOError:
            return b""
        except OSError:
            data = b""
        if not data:
            self._client_left()
        return data

    def send(self, data: bytes) -> None:
        """Send to the client; with none there it is lost, as on a board's USB."""
        if self.has_client or (self.fd >= 0 and self.look()):
            self._backlog += data
            self.flush()

    def flush(self) -> None:
        """Send as much of the backlog as the line takes."""
        while self._backlog:
            try:
                n = os.write(self.fd, self._backlog)
            except BlockingIOError:
                return
            except OSError:
                self._client_left()
                return
            del self._backlog[:n]
