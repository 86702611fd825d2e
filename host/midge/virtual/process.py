"""The interpreter's process: started, killed, interrupted; its packets, printed text and wake-up bytes."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

from .interpreter import Interpreter
from .runtime.opcodes import HEADER_WORDS, MAX_PAYLOAD_BYTES

SETTINGS = "MIDGE_BOARD"  # the variable that tells the runtime how to start
RUNTIME = Path(__file__).parent / "runtime"
_HEADER = struct.Struct(f"={HEADER_WORDS}q")
_PRINTED_BYTES = 65536
# A second SIGINT while one is pending ends a MicroPython process. So never two within the first time, and not
# within the second unless it was heard of in between.
_HOLD_OFF_S = 0.005
_FORGET_S = 1.0


class Request(NamedTuple):
    """One call of the board; see `runtime/opcodes.py`."""

    op: int
    sequence: int
    now_us: int
    a: int
    b: int
    c: int
    payload: bytes


class Process:
    """One life of the interpreter, from a reset to the next."""

    def __init__(self, interpreter: Interpreter, heap_bytes: int, settings: dict[str, Any]) -> None:
        # Packets keep their borders: a call torn by ^C can't put the next ones out of step.
        kind = socket.SOCK_SEQPACKET if sys.platform == "linux" else socket.SOCK_DGRAM
        self.channel, board_channel = socket.socketpair(socket.AF_UNIX, kind)
        nudge_board, self._nudge = os.pipe()
        self.printed_fd, printed_board = os.pipe()
        settings |= {"runtime": str(RUNTIME), "channel": board_channel.fileno(), "nudges": nudge_board}
        command = [*interpreter.command, "-X", f"heapsize={heap_bytes}", str(RUNTIME / "start.py")]
        self._popen = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=printed_board,
            stderr=printed_board,
            pass_fds=(board_channel.fileno(), nudge_board),
            start_new_session=True,
            # Not as an argument: MicroPython takes none of more than 255 bytes.
            env={SETTINGS: json.dumps(settings, ensure_ascii=False)},
        )
        board_channel.close()
        os.close(nudge_board)
        os.close(printed_board)
        os.set_blocking(self.printed_fd, False)
        os.set_blocking(self._nudge, False)
        self._interrupted_at = 0.0
        self.is_interrupted = False  # a SIGINT is on its way and nothing was heard since
        self.is_nudged = False

    def receive(self) -> Request | None:
        """The next call, or None at the end of the process."""
        try:
            packet = self.channel.recv(_HEADER.size + MAX_PAYLOAD_BYTES)
        except OSError:
            return None
        if len(packet) < _HEADER.size:
            return None
        if self.is_interrupted and time.monotonic() - self._interrupted_at > _HOLD_OFF_S:
            self.is_interrupted = False
        op, sequence, now_us, a, b, c = _HEADER.unpack_from(packet)
        return Request(op, sequence, now_us, a, b, c, packet[_HEADER.size :])

    def reply(self, words: tuple[int, int, int, int, int], payload: bytes) -> None:
        """Answer a call with (sequence, result, now_us, horizon_us, lines).

        A process that is gone is noticed elsewhere.
        """
        if words[-1]:
            self.is_nudged = False
        with contextlib.suppress(OSError):
            self.channel.send(_HEADER.pack(*words, 0) + payload)

    def printed(self) -> bytes | None:
        """What native code printed since; b'' if nothing, None at the end of the process."""
        try:
            return os.read(self.printed_fd, _PRINTED_BYTES) or None
        except BlockingIOError:
            return b""

    def nudge(self) -> None:
        """Ask an interpreter that computes to take its interrupts."""
        if not self.is_nudged:
            self.is_nudged = True
            with contextlib.suppress(OSError):
                os.write(self._nudge, b"!")

    def interrupt(self) -> bool:
        """^C for an interpreter that computes; False if it is too early after the last."""
        now = time.monotonic()
        if self.is_interrupted and now - self._interrupted_at < _FORGET_S:
            return False
        if now - self._interrupted_at < _HOLD_OFF_S:
            return False
        self.is_interrupted = True
        self._interrupted_at = now
        self._popen.send_signal(signal.SIGINT)
        return True

    def cpu_s(self) -> float:
        """Processor time used so far; where the system doesn't tell, the time since its start."""
        try:
            fields = Path(f"/proc/{self._popen.pid}/stat").read_text().rpartition(")")[2].split()
            return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        except (OSError, ValueError, IndexError):
            return time.monotonic()

    def end(self) -> int:
        """Kill it at once, and close what belongs to it; returns its exit code."""
        self._popen.kill()
        code = self._popen.wait()
        self.channel.close()
        os.close(self._nudge)
        os.close(self.printed_fd)
        return code
