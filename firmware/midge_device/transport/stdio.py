"""Bytes over the board's REPL line (USB or UART): never waits for bytes, drops frames instead.

Only `.buffer` is raw both ways. Reading more than is there blocks on most ports, so bytes are taken singly
after a poll; the host sends little. A full line makes ports wait up to 500 ms: it is asked first.
"""

import select
import sys
import time

import micropython

from midge_device.wire.message import SILENCE_MS

_READ_BYTES = 64  # at a time, so that a chatty host can't starve the sensor
_PIECE_BYTES = 64  # a USB packet
INTERRUPT = 3  # ^C


class Stdio:
    """The line that the REPL has, too.

    Attributes
    ----------
    dropped : int
        frames that did not go out whole
    is_ready, is_console : bool
        True: the line is always there, and the REPL's
    links : int
        0: it is one and the same
    silence_ms : int
        a host that is silent for so long has gone: the REPL gets its line back
    """

    def __init__(self, clock=time) -> None:
        self._in = sys.stdin.buffer
        self._out = sys.stdout.buffer
        self._readable = select.poll()
        self._readable.register(sys.stdin, select.POLLIN)
        self._writable = select.poll()
        self._writable.register(sys.stdout, select.POLLOUT)
        self._byte = bytearray(1)
        self._read = bytearray(_READ_BYTES)
        self._time = clock
        self.dropped = 0
        self.is_ready = True
        self.is_console = True
        self.links = 0
        self.silence_ms = SILENCE_MS

    def wait(self, timeout_ms: int) -> bool:
        """Idle until there is something to read, at most `timeout_ms`; tells whether there is."""
        for _ in self._readable.ipoll(timeout_ms):
            return True
        return False

    def read(self) -> bytes:
        """What has come, up to 64 bytes; b'' if nothing."""
        n = 0
        while n < _READ_BYTES and self.wait(0) and self._in.readinto(self._byte, 1):
            self._read[n] = self._byte[0]
            n += 1
        return bytes(self._read[:n]) if n else b""

    def write(self, frame, n: int, patience_ms: int) -> bool:
        """Send the first n bytes of `frame`; False if the line was full for `patience_ms`: part is sent."""
        view = memoryview(frame)
        at = 0
        full_ms = -1
        while at < n:
            sent = 0
            for _ in self._writable.ipoll(0):
                sent = self._out.write(view[at : min(n, at + _PIECE_BYTES)]) or 0
            if sent:
                at += sent
                full_ms = -1
                continue
            now_ms = self._time.ticks_ms()
            if full_ms < 0:
                full_ms = now_ms
            elif self._time.ticks_diff(now_ms, full_ms) >= patience_ms:
                self.dropped += 1
                return False
            self._time.sleep_ms(1)
        return True

    def opened(self) -> None:
        """A session has begun: 0x03 is data."""
        micropython.kbd_intr(-1)

    def closed(self) -> None:
        """The session is over: ^C interrupts again."""
        micropython.kbd_intr(INTERRUPT)
