"""The board's end of the protocol: closed until a HELLO, open until BYE or silence; obeys, answers, reports.

While it is closed the line belongs to the REPL's user: ^C works and nothing is sent.
"""

import struct
import time

from midge_device.incoming import Incoming
from midge_device.model import RefusedError
from midge_device.primitives import cobs_decode, cobs_encode
from midge_device.slots import TRIAL
from midge_device.wire import message
from midge_device.wire.frame import HOST_PAYLOAD_BYTES, PAYLOAD_BYTES, FrameDecoder, FrameEncoder

_PATIENT_MS = 300  # for what the host needs: answers, events, the end of a stream
_HASTY_MS = 20  # for what may be dropped, because the next one comes soon
_TALK_MS = 100
_U32 = 0xFFFFFFFF
_HASTY = (message.DATA, message.CODED, message.SCORES, message.STATUS)
_FILLER = bytes(460)  # as a block of sound
_TEST_BYTES = 8192  # more than what ports and radios buffer
_TEST_MS = 400


class Session:
    """One host at a time.

    Parameters
    ----------
    transport
        read() → bytes, write(frame, n, patience_ms) → bool, opened(), closed(), is_ready, is_console,
        links, silence_ms; see transport/stdio.py
    board
        what the messages act on (the pipeline): welcome() → bytes, status() → tuple, is_streaming,
        start_stream(rate_mhz, range_g, n_samples, coding), stop_stream(), reset()
    slots
        see slots.py
    incoming
        what receives files, shared with the sessions of other lines

    Attributes
    ----------
    is_open, wants_scores : bool
    transport
        its line
    """

    def __init__(self, transport, board, slots, incoming=None, clock=time) -> None:
        self.is_open = False
        self.wants_scores = False
        self._has_stream = False  # the stream under way is this host's
        self._has_push = False
        self._owed: tuple | None = None  # a STREAM_END that may have found no link
        self._owed_link = 0
        self.transport = transport
        self._board = board
        self._slots = slots
        self._time = clock
        self._incoming = incoming or Incoming(slots)
        self._encoder = FrameEncoder(PAYLOAD_BYTES, cobs_encode)
        self._decoder = FrameDecoder(HOST_PAYLOAD_BYTES, cobs_decode)
        self._heard_ms = 0
        self._status_ms = 0
        self._actions: dict = {
            message.STREAM_START: self._stream_start,
            message.STREAM_STOP: self._stream_stop,
            message.STATUS_GET: self._status_get,
            message.PUSH_BEGIN: self._push_begin,
            message.PUSH_CHUNK: self._push_chunk,
            message.PUSH_COMMIT: self._push_commit,
            message.ACTIVATE: self._activate,
            message.RESET: self._reset,
            message.SCORES_ON: self._scores_on,
            message.RECALL: self._recall,
            message.SOUND_START: self._sound_start,
            message.LINE_TEST: self._line_test,
        }

    def poll(self) -> None:
        """Hear what came, answer it, report the status when it is due, close after a silence."""
        data = self.transport.read()
        now_ms = self._time.ticks_ms()
        if data:
            self._heard_ms = now_ms
            for kind, seq, payload in self._decoder.feed(data):
                self._hear(kind, seq, payload)
            if self.transport.is_console and not self.is_open and b"\x03" in self._decoder.pending:
                raise KeyboardInterrupt  # the next user's ^C came on the heels of BYE, when it still was data
        if not self.is_open:
            return
        if self._owed is not None and data:
            self._settle_end(self._owed)
        if self._time.ticks_diff(now_ms, self._heard_ms) >= self.transport.silence_ms:
            self.close()
        elif self._time.ticks_diff(now_ms, self._status_ms) >= message.STATUS_MS:
            self._status_ms = self._time.ticks_add(self._status_ms, message.STATUS_MS)
            if self._time.ticks_diff(now_ms, self._status_ms) >= message.STATUS_MS:
                self._status_ms = now_ms  # the board was busy: no burst to catch up
            self.send(message.STATUS, *self._board.status())

    @property
    def is_talking(self) -> bool:
        """True if the host said something a moment ago, so that more may follow."""
        return self._time.ticks_diff(self._time.ticks_ms(), self._heard_ms) < _TALK_MS

    def close(self) -> None:
        """End the session and give the line back; a push can be resumed later."""
        if not self.is_open:
            return
        self.is_open = False
        try:
            self._end_work()
        finally:
            self.transport.closed()

    def _end_work(self) -> None:
        """End what this host began; what another one began goes on."""
        self.wants_scores = False
        if self._has_stream:
            self._board.stop_stream()
            self._has_stream = False
        self._owed = None
        if self._has_push:
            self._has_push = False
            self._incoming.close()

    def wants(self, kind: int) -> bool:
        """True if a message of this kind is for this host."""
        if kind == message.SCORES:
            return self.wants_scores
        return self._has_stream or kind not in message.OF_A_STREAM

    def send(self, kind: int, *fields, tail=b"") -> bool:
        """Send a message if the session is open; False if it did not go out whole."""
        if kind == message.STREAM_END:
            self._has_stream = False
            self._owed = fields
            self._owed_link = self.transport.links if self.transport.is_ready else -1
        if not self.is_open or not self.transport.is_ready:
            return False
        layout = message.LAYOUTS[kind][0]
        payload = self._encoder.payload
        head = struct.calcsize(layout)
        struct.pack_into(layout, payload, 0, *fields)
        n = min(len(tail), PAYLOAD_BYTES - head)
        payload[head : head + n] = tail[:n]
        n = self._encoder.finish(kind, head + n)
        return self.transport.write(self._encoder.frame, n, _HASTY_MS if kind in _HASTY else _PATIENT_MS)

    def _settle_end(self, fields: tuple) -> None:
        """The host has spoken since a stream ended: if on a new link, it may not have heard of the end."""
        self._owed = None
        if self._owed_link != self.transport.links:
            self.send(message.STREAM_END, *fields)

    def log(self, text: str) -> None:
        """A line for whoever listens: the host in a session, else the REPL's user."""
        if self.is_open:
            self.send(message.LOG, tail=text.encode())
        else:
            print(text)

    def _hear(self, kind: int, seq: int, payload: bytes) -> None:
        if kind == message.HELLO:
            self._hello()
            return
        if not self.is_open or kind == message.BEAT:
            return
        if kind == message.BYE:
            self.close()
            return
        action = self._actions.get(kind)
        try:
            if action is None:
                raise RefusedError(message.UNKNOWN, "message type 0x{:02x}".format(kind))
            try:
                fields = message.unpack(kind, payload)
            except ValueError as error:
                raise RefusedError(message.BAD_FRAME, str(error)) from None
            action(seq, *fields)
        except RefusedError as refused:
            self.send(message.NAK, seq, refused.code, tail=refused.text.encode())
        except Exception as error:
            text = "{}: {}".format(type(error).__name__, error)
            code = message.NO_MEMORY if isinstance(error, MemoryError) else message.INTERNAL
            self.send(message.NAK, seq, code, tail=text.encode())

    def _ack(self, seq: int, value: int = 0) -> None:
        self.send(message.ACK, seq, value & _U32)

    def _hello(self) -> None:
        if self.is_open:
            self._end_work()
        else:
            self.transport.opened()
            self.is_open = True
        now_ms = self._time.ticks_ms()
        self._heard_ms = self._status_ms = now_ms
        self.send(message.WELCOME, tail=self._board.welcome())

    def _sound_start(self, seq: int, rate_mhz: int, coding: int, n_samples: int) -> None:
        if coding not in (message.INT16, message.ADPCM):
            raise RefusedError(message.UNKNOWN, "coding {}".format(coding))
        self._stream_start(seq, rate_mhz, 0, n_samples, coding)

    def _stream_start(
        self, seq: int, rate_mhz: int, range_g: int, n_samples: int, coding: int = message.INT16
    ) -> None:
        if self._board.is_streaming and not self._has_stream:
            raise RefusedError(message.BUSY, "another host is recording")
        try:
            self._board.start_stream(rate_mhz, range_g, n_samples, coding)
        except (ValueError, OSError) as error:
            if isinstance(error, RefusedError):
                raise
            raise RefusedError(message.SENSOR, str(error)) from None
        self._has_stream = True
        self._owed = None
        self._ack(seq)

    def _line_test(self, seq: int) -> None:
        """How fast the line takes what this board says, once its buffers are full."""
        if self._board.is_streaming:
            raise RefusedError(message.BUSY, "recording")
        self._fill_line()
        n_bytes, elapsed_us = self._fill_line()
        self._ack(seq, n_bytes * 1000 // max(1, elapsed_us // 1000))

    def _fill_line(self) -> tuple:
        """Send much at once, but not for long; returns the bytes on the line, and the time in µs."""
        frame_bytes = len(_FILLER) + 9  # type, sequence, CRC-32, COBS, delimiters
        n_bytes = 0
        start_us = self._time.ticks_us()
        elapsed_us = 0
        while n_bytes < _TEST_BYTES and elapsed_us < 1000 * _TEST_MS:
            if self.send(message.FILLER, tail=_FILLER):
                n_bytes += frame_bytes
            elapsed_us = self._time.ticks_diff(self._time.ticks_us(), start_us)
        return n_bytes, elapsed_us

    def _recall(self, seq: int) -> None:
        """Send what is kept of the last seconds as a stream; a block that does not go out is a gap."""
        kept = self._board.kept
        if self._board.is_streaming:
            raise RefusedError(message.BUSY, "recording")
        if kept is None or not kept.n_samples:
            raise RefusedError(message.STATE, "no samples are kept: no model runs")
        self._ack(seq, kept.n_samples)
        n_taken = 0
        begin = -1
        for first, ticks_us, block in kept.blocks():
            if begin < 0:
                begin = first
            n = len(block) // 3
            n_taken = first - begin + n
            self.send(message.DATA, first - begin, ticks_us, 0, n, tail=bytes(block))
        self.send(message.STREAM_END, n_taken, 0)

    def _stream_stop(self, seq: int) -> None:
        self._ack(seq)
        if self._has_stream:
            self._board.stop_stream()

    def _status_get(self, seq: int) -> None:
        self._ack(seq)
        self.send(message.STATUS, *self._board.status())

    def _push_begin(self, seq: int, kind: int, size: int, sha256: bytes) -> None:
        if self._board.is_streaming:
            raise RefusedError(message.BUSY, "a stream is running; stop it first")
        if self._incoming.is_open and not self._has_push:
            raise RefusedError(message.BUSY, "another host is pushing")
        self._has_push = True
        self._ack(seq, self._incoming.begin(kind, size, sha256))

    def _push_chunk(self, seq: int, offset: int, data: bytes) -> None:
        self._check_push()
        self._ack(seq, self._incoming.chunk(offset, data))

    def _check_push(self) -> None:
        if not self._has_push:
            raise RefusedError(message.STATE, "no push of this host is under way")

    def _push_commit(self, seq: int, kind: int) -> None:
        self._check_push()
        self._has_push = False
        self._incoming.commit(kind)
        self._ack(seq)

    def _activate(self, seq: int) -> None:
        slot = self._incoming.activate()
        self._slots.mark(slot, TRIAL)
        self._leave(seq)

    def _reset(self, seq: int) -> None:
        self._leave(seq)

    def _leave(self, seq: int) -> None:
        """Answer, let the answer go out, and start anew."""
        self._ack(seq)
        self.close()
        self._time.sleep_ms(50)
        self._board.reset()

    def _scores_on(self, seq: int, on: int) -> None:
        self.wants_scores = bool(on)
        self._ack(seq)
