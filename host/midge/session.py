"""The host's end of the protocol: opens a session with a board, asks and hears it, gives the line back.

Heartbeats are paced by the board (STATUS is answered with BEAT), so nothing here needs a timer or a thread;
the clock only measures silence.
"""

from __future__ import annotations

import contextlib
import time
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Self

from midge_device import versions
from midge_device.wire import frame
from midge_device.wire import message as wire

from . import messages, refusals
from .errors import DeviceError, ReplyTimeout, TransportError, TransportLost, VersionMismatch
from .messages import Message, Status, Welcome
from .timeouts import Timeouts
from .transport import Transport, open_transport

# The protocol this midge speaks; the board's is in WELCOME.
PROTOCOL: int = versions.PROTOCOL

# Asking again does no harm: the board's state after two is its state after one.
REPEATABLE = {
    wire.STREAM_START,
    wire.SOUND_START,
    wire.STREAM_STOP,
    wire.STATUS_GET,
    wire.LINE_TEST,
    wire.PUSH_BEGIN,
    wire.SCORES_ON,
}
_STARTS = (wire.STREAM_START, wire.SOUND_START)
ATTEMPTS = 3

PROMPT = b">>> "
_INTERRUPT = b"\r\x03\x03\x02"  # ^C twice for a busy program, ^B leaves the raw REPL
_SOFT_RESET = b"\x04"
_REBOOTED = b"soft reboot"  # what every port says when it takes that
TEXT_LIMIT_BYTES = 65_536


class Session:
    """An open conversation with a board; a context manager that says BYE and closes the line.

    Attributes
    ----------
    welcome : Welcome
        what the board said of itself when the session was opened
    missed_frames : int
        frames that never arrived whole, by the board's frame sequence
    transport : Transport
        the line
    """

    def __init__(
        self,
        transport: Transport,
        *,
        timeouts: Timeouts | None = None,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self.transport = transport
        self.welcome: Welcome
        self._board_id = ""  # of the board that this session began with
        self.missed_frames = 0
        self._timeouts = (timeouts or Timeouts()).times(getattr(transport, "patience", 1.0))
        self._clock = clock
        self._pause = pause
        self._decoder = frame.FrameDecoder(keep_text=True)
        self._arrived: deque[tuple[int, bytes]] = deque()
        self._inbox: deque[Message] = deque()
        self._heard_s = clock()
        self._stream_begins: int | None = None  # the frame whose ACK comes right before a new stream
        self._text = bytearray()
        self._seq = 1  # HELLO is constant and has 0
        self._last_in = 0
        self._is_open = False

    # opening and closing

    def open(self, *, start_app: bool = True) -> Welcome:
        """Say HELLO until the board answers; a board at its `>>>` prompt gets a soft reset first.

        Raises ReplyTimeout if nothing answers, DeviceError if the app stops at once (with what it printed),
        VersionMismatch for another protocol.
        """
        payload = self._greet(self._timeouts.hello_s)
        if payload is None:
            if PROMPT not in self._heard():
                raise ReplyTimeout(
                    f"{self.transport.name} does not answer; if midge is not on this board yet: "
                    "midge flash APP DEVICE; if its program is stuck: reset the board"
                )
            if not start_app:
                raise DeviceError(
                    f"{self.transport.name} stands at its >>> prompt, no app runs; press ^D there or reset it"
                )
            self._soft_reset_at_prompt()
            payload = self._greet(self._timeouts.start_s)
        return self._begin(payload)

    def reopen(self) -> Welcome:
        """Open again after the board restarted itself, on a new line if its USB port went away meanwhile.

        What was still in the inbox is of the old session. Raises as `open`.
        """
        self._is_open = False
        self._inbox.clear()
        self._forget_text()
        expect_restart = getattr(self.transport, "expect_restart", None)
        if expect_restart is not None:
            expect_restart()
        deadline = self._clock() + self._timeouts.start_s
        while True:
            try:
                return self._begin(self._greet(deadline - self._clock()))
            except TransportLost:
                self._open_line_again(deadline)

    def _open_line_again(self, deadline: float) -> None:
        name = self.transport.name
        self.transport.close()
        while True:
            try:
                self.transport = open_transport(name)
                self._forget_text()
                return
            except TransportError:
                if self._clock() > deadline:
                    raise
                self._pause(self._timeouts.repeat_s)

    def _begin(self, payload: bytes | None) -> Welcome:
        """A session from WELCOME's payload; the error of its absence from what came instead."""
        if payload is None:
            said = self.take_text() + self._decoder.pending.decode(errors="replace")
            if PROMPT.decode() in said:
                raise refusals.no_app(self.transport.name, said)
            raise ReplyTimeout(
                f"{self.transport.name} did not come up within {self._timeouts.start_s:g} s; "
                "reset the board and try again"
            )
        self.welcome = messages.read_welcome(payload)
        if self._board_id not in ("", self.welcome.board_id):
            self._send(wire.BYE)
            raise DeviceError(
                f"{self.transport.name} is another {self.welcome.board} board than before (its id is "
                f"{self.welcome.board_id or 'not told'}, not {self._board_id}); take that one away, or name "
                "the one that is meant by its own address"
            )
        self._board_id = self.welcome.board_id
        if self.welcome.protocol != PROTOCOL:
            self._send(wire.BYE)
            raise VersionMismatch(
                f"{self.transport.name} speaks protocol {self.welcome.protocol}, this midge {PROTOCOL}; "
                "update midge or flash the board again"
            )
        self._is_open = True
        return self.welcome

    def close(self) -> None:
        """Say BYE if the line still stands, and close it."""
        if self._is_open:
            self._is_open = False
            with contextlib.suppress(TransportLost):
                self._send(wire.BYE)
        self.transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # asking

    def request(self, kind: int, *fields: int | bytes, tail: bytes = b"") -> int:
        """Send a message and wait for its ACK; returns the ACK's value.

        Asks again after a silence where that can do no harm. Raises DeviceError on NAK, ReplyTimeout.
        """
        payload = wire.pack(kind, *fields, tail=tail)
        asked: set[int] = set()
        for _ in range(ATTEMPTS if kind in REPEATABLE else 1):
            seq = self._send(kind, payload)
            if kind in _STARTS:
                # Asked again it starts again: only what follows the last answer belongs to the stream.
                asked.clear()
                self._stream_begins = seq
            asked.add(seq)
            value = self._reply(asked)
            if value is not None:
                return value
        raise ReplyTimeout(
            f"{self.transport.name} did not answer {wire.NAMES[kind]} within {self._timeouts.reply_s:g} s; "
            "reset the board and try again"
        )

    # hearing

    def receive(self, timeout_s: float) -> Message | None:
        """The next message that the board sent unasked, or None after `timeout_s`.

        STATUS is answered on the way. Raises ReplyTimeout if the board is silent for too long.
        """
        deadline = self._clock() + timeout_s
        while not self._inbox:
            left = deadline - self._clock()
            if left < 0:
                return None
            self._pump(left)
        return self._inbox.popleft()

    def next_message(self) -> Message:
        """The next message that the board sent unasked; raises ReplyTimeout after too long a silence."""
        message = self.receive(self._timeouts.silence_s)
        if message is None:
            raise self._silent()
        return message

    def idle(self, duration_s: float) -> None:
        """Keep the session alive for `duration_s` s; what comes meanwhile is dropped."""
        until = self._clock() + duration_s
        while (left := until - self._clock()) > 0:
            self._pump(left)
            self._inbox.clear()

    def take_text(self) -> str:
        """What came between the frames since the last call: prints of the app, tracebacks."""
        self._text += self._decoder.take_text()
        text, self._text = bytes(self._text), bytearray()
        return text.decode(errors="replace")

    # inside

    def _send(self, kind: int, payload: bytes = b"") -> int:
        """Frame and send; returns the frame's sequence number."""
        seq = self._seq
        self._seq = (seq + 1) % 256
        self.transport.write(frame.encode_frame(kind, seq, payload))
        return seq

    def _read(self, timeout_s: float) -> list[tuple[int, int, bytes]]:
        """What came whole within `timeout_s`, in order: (kind, sequence, payload)."""
        frames: list[tuple[int, int, bytes]] = self._decoder.feed(self.transport.read(timeout_s))
        return frames

    def _greet(self, timeout_s: float) -> bytes | None:
        """WELCOME's payload, or None if none came in `timeout_s` or a prompt came instead.

        HELLO makes a prompt show itself: its first byte is ^B.
        """
        deadline = self._clock() + timeout_s
        while self._clock() < deadline:
            self.transport.write(wire.HELLO_FRAME)
            again = min(self._clock() + self._timeouts.repeat_s, deadline)
            while (left := again - self._clock()) > 0:
                frames = self._read(left)
                for at, (kind, seq, payload) in enumerate(frames):
                    if kind == wire.WELCOME:
                        self._seq, self._last_in = 1, seq
                        self._sort(frames[at + 1 :])
                        return payload
            if PROMPT in self._heard():
                return None
        return None

    def _heard(self) -> bytes:
        self._text += self._decoder.take_text()
        del self._text[:-TEXT_LIMIT_BYTES]
        pending: bytes = self._decoder.pending
        return bytes(self._text) + pending

    def _forget_text(self) -> None:
        self._text.clear()
        self._decoder = frame.FrameDecoder(keep_text=True)

    def _soft_reset_at_prompt(self) -> None:
        """From the prompt: clear the line, then ^D, so that main.py runs."""
        self.transport.write(_INTERRUPT)
        self._wait_for_prompt()
        self.transport.write(_SOFT_RESET)
        # Each HELLO made the prompt show itself: such prompts may still come, and are not the app's end.
        deadline = self._clock() + self._timeouts.hello_s
        heard = b""
        while (left := deadline - self._clock()) > 0 and _REBOOTED not in heard:
            heard += self.transport.read(left)
        self._forget_text()
        self._sort(self._decoder.feed(heard.partition(_REBOOTED)[2]))

    def _wait_for_prompt(self) -> None:
        deadline = self._clock() + self._timeouts.hello_s
        heard = b""
        while (left := deadline - self._clock()) > 0 and not heard.endswith(PROMPT):
            heard += self.transport.read(left)

    def _pump(self, timeout_s: float) -> None:
        """Read once and sort what came; in a silence say a BEAT unasked: STATUS may have been damaged."""
        frames = self._read(min(timeout_s, self._timeouts.repeat_s))
        self._sort(frames)
        self._heard()
        now_s = self._clock()
        if frames:
            self._heard_s = now_s
        elif self._is_open and now_s - self._heard_s >= self._timeouts.repeat_s:
            self._heard_s = now_s
            self._send(wire.BEAT)

    def _sort(self, frames: list[tuple[int, int, bytes]]) -> None:
        """Keep answers, answer STATUS, put the rest into the inbox; a frame that came twice counts once."""
        for kind, seq, payload in frames:
            if kind == wire.WELCOME:  # the answer to a HELLO said twice
                self._last_in = seq
                continue
            if seq == self._last_in:
                continue
            self.missed_frames += (seq - self._last_in - 1) % 256
            self._last_in = seq
            if kind in (wire.ACK, wire.NAK):
                self._arrived.append((kind, payload))
                if kind == wire.ACK and wire.unpack(kind, payload)[0] == self._stream_begins:
                    self._inbox.clear()
                    self._stream_begins = None
                continue
            message = messages.decode(kind, payload)
            if isinstance(message, Status):
                self._send(wire.BEAT)
            self._inbox.append(message)

    def _reply(self, asked: set[int]) -> int | None:
        """The value of the ACK to one of the frames `asked`, or None after a silence."""
        deadline = self._clock() + self._timeouts.reply_s
        reconnects = self._reconnects()
        while True:
            while self._arrived:
                kind, payload = self._arrived.popleft()
                fields = wire.unpack(kind, payload)
                if fields[0] not in asked:
                    continue  # the late answer to a frame that was said again
                if kind == wire.ACK:
                    return int(fields[1])
                raise refusals.refusal(
                    self.transport.name, int(fields[1]), fields[2].decode(errors="replace")
                )
            left = deadline - self._clock()
            if left <= 0:
                return None
            if self._reconnects() != reconnects and not self._arrived:
                return None  # question or answer was lost with the link
            self._pump(left)

    def _reconnects(self) -> int:
        return self.transport.reconnects

    def _silent(self) -> ReplyTimeout:
        return ReplyTimeout(
            f"{self.transport.name} has said nothing for {self._timeouts.silence_s:g} s; "
            "reset the board and try again"
        )


def connect(device: str, *, timeouts: Timeouts | None = None) -> Session:
    """Open the line to `device` and a session on it; use it as a context manager.

    Raises DeviceNotFound, TransportError, and whatever `Session.open` raises.
    """
    session = Session(open_transport(device), timeouts=timeouts)
    try:
        session.open()
    except BaseException:
        session.close()
        raise
    return session
