"""A board's radio as its supervisor sees it: connection events on the board's clock, events for the program.

The packets themselves, and the stack that makes them, are in the ether; this end says when they go. Should
the ether end, a new one is told all that the board had asked for; the board finds its links broken, no more.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import struct
import sys
import time
from collections import deque
from typing import Any

from ...errors import MidgeError
from ..clock import Clock
from ..runtime import opcodes
from . import packets, place
from .asked import Asked

DEFAULT_PACKETS = 6  # a connection event, each way
# A program whose link broke comes back by the wall clock: a free board clock does not run away from it.
RETURN_LEAD_US = 1_000_000
RETURN_US = 20_000_000

_RECEIVE_BYTES = 1 << 16
_ANSWER_S = 30.0
_MOST_INTERRUPTS = 256  # that a program without a handler leaves behind
_LONGEST_WAIT_S = 0.02  # between looks at the wall clock while a program is expected back
_CONNECT, _DISCONNECT = 1, 2


class Radio:
    """The radio of one board; `fd` is readable when the ether says something.

    Raises MidgeError without bumble.

    Attributes
    ----------
    is_gone : bool
        the ether has ended and no other one could be started
    """

    def __init__(self, name: str, clock: Clock, most_packets: int = DEFAULT_PACKETS) -> None:
        self._clock = clock
        self._socket = place.join_or_start()
        self._socket.settimeout(_ANSWER_S)
        self._splitter = packets.Splitter()
        self._results: deque[tuple[dict[str, Any], bytes]] = deque()
        self._interrupts: deque[bytes] = deque(maxlen=_MOST_INTERRUPTS)
        self._line = False
        self._due_us: dict[int, int] = {}  # connection → its next event, if something waits
        self._interval_us: dict[int, int] = {}
        self._under_way: set[int] = set()  # events that are not over yet
        self._is_on = False
        self._asked = Asked()
        self._connected: dict[int, bytes] = {}  # connection → the event that told of it
        self._has_lost_ether = self.is_gone = False
        self._lost_us: int | None = None
        self._lost_s = 0.0
        self._cut_us: int | None = None
        self._cut_every_us = 0
        self._about = {"role": "board", "name": name, "packets": most_packets}
        self._send(packets.pack_json(packets.HELLO, self._about))

    @property
    def fd(self) -> int:
        return self._socket.fileno()

    def _send(self, packet: bytes) -> None:
        with contextlib.suppress(OSError):  # an ether that was killed: nobody is on the air
            self._socket.sendall(packet)

    # --- What the program asks -----------------------------------------------------------------------------

    def call(self, operation: int, b: int, c: int, payload: bytes) -> tuple[int, bytes]:
        """Do one BLE call of the board, see `runtime/opcodes.py`."""
        if operation == opcodes.BLE_NEXT:
            event = self._interrupts.popleft() if self._interrupts else b""
            return len(event), event
        if operation == opcodes.BLE_ACTIVE:
            self._is_on = bool(b)
            if not b:
                self._forget()
        self._find_ether()
        fields, blob = _question(operation, b, c, payload)
        answer = self._ask(fields, blob)
        if self._has_lost_ether:
            self._find_ether()
            answer = self._ask(fields, blob)
        if answer[0] >= 0:
            self._asked.note(fields, blob)
        return answer

    def _ask(self, fields: dict[str, Any], blob: bytes = b"") -> tuple[int, bytes]:
        self._send(packets.pack_json(packets.CALL, fields, blob))
        while not self._results:
            if not self._receive():
                return -5, b""  # EIO
        answer, result = self._results.popleft()
        return int(answer["result"]), result

    def reset(self) -> None:
        """The processor starts anew: the radio is off."""
        if self._is_on:
            self._is_on = False
            self._find_ether()
            self._ask({"op": "active", "on": False})
        self._asked = Asked()
        self._forget()

    def _forget(self) -> None:
        self._interrupts.clear()
        self._line = False
        self._due_us.clear()
        self._under_way.clear()
        self._connected.clear()
        self._lost_us = None

    def _find_ether(self) -> None:
        """If the ether has ended (its process was killed, say), begin again in a new one."""
        if not self._has_lost_ether:
            return
        self._has_lost_ether = False
        for event in [*self._connected.values()]:
            self._interrupt(bytes([_DISCONNECT]) + event[1:])
        self._splitter = packets.Splitter()
        self._results.clear()
        try:
            with place.join_or_start() as joined:
                os.dup2(joined.fileno(), self._socket.fileno())  # who watches this file goes on
            self._socket.settimeout(_ANSWER_S)
            self.is_gone = False
        except MidgeError as error:
            self.is_gone = True
            sys.stderr.write(f"the ether ended, and the board is off the air: {error}\n")
            return
        self._send(packets.pack_json(packets.HELLO, self._about))
        for fields, blob in self._asked.all():
            self._ask(fields, blob)
        sys.stderr.write("the ether ended; the board is on the air again in a new one\n")

    def close(self) -> None:
        """Leave the ether."""
        self._socket.close()

    # --- What a test does to the link ----------------------------------------------------------------------

    def cut(self) -> int:
        """Break all links now; returns how many there were."""
        return self._ask({"op": "cut"})[0]

    def cut_every(self, period_us: int) -> None:
        """Break all links every `period_us` µs of board time from now on; 0 stops that."""
        self._cut_every_us = period_us
        self._cut_us = self._clock.now_us() + period_us if period_us else None

    def cut_after(self, n_packets: int) -> None:
        """Break the link when so many more packets have gone over it, both directions together."""
        self._ask({"op": "cut_after", "n": n_packets})

    # --- Time ----------------------------------------------------------------------------------------------

    def next_event_us(self) -> int | None:
        """When the next connection event is due, or None if nothing waits to be sent."""
        times_us = [*self._due_us.values()]
        if self._cut_us is not None:
            times_us.append(self._cut_us)
        return min(times_us, default=None)

    def settle(self, now_us: int) -> None:
        """Hold the connection events that are due. Unless time is real they are over when this returns."""
        if self._cut_us is not None and self._cut_us <= now_us:
            self._cut_us += self._cut_every_us
            self.cut()
        lockstep = self._clock.mode != "real"
        for handle in [handle for handle, due_us in self._due_us.items() if due_us <= now_us]:
            del self._due_us[handle]
            self._under_way.add(handle)
            self._send(packets.pack(packets.EVENT, struct.pack("<HB", handle, lockstep)))
            while lockstep and handle in self._under_way and self._receive():
                pass

    def has_line(self) -> bool:
        """True if an event has come since the line was taken."""
        return self._line

    def take_line(self) -> bool:
        """Whether an event has come since the last time."""
        line, self._line = self._line, False
        return line

    def limit_us(self) -> int | None:
        """How far a free clock may go while a program whose link broke is expected back; None: any far."""
        lost_us = self._lost_us
        if lost_us is None:
            return None
        if self._clock.now_us() > lost_us + RETURN_US:
            self._lost_us = None
            return None
        return lost_us + RETURN_LEAD_US + int(1e6 * (time.monotonic() - self._lost_s))

    def patience_s(self) -> float:
        """How long the supervisor may wait before it asks for `limit_us` again."""
        return _LONGEST_WAIT_S if self._lost_us is not None else 60.0

    # --- What the ether says -------------------------------------------------------------------------------

    def on_readable(self, _fd: int) -> None:
        """Take what has come."""
        while select.select([self._socket], [], [], 0)[0] and self._receive():
            pass
        self._find_ether()

    def _receive(self) -> bool:
        """Wait for something from the ether; False if it has gone."""
        try:
            data = self._socket.recv(_RECEIVE_BYTES)
        except OSError:
            data = b""
        if not data:
            self._under_way.clear()
            self._due_us.clear()
            self._has_lost_ether = True
            return False
        for kind, body in self._splitter.feed(data):
            self._take(kind, body)
        return True

    def _take(self, kind: int, body: bytes) -> None:
        if kind == packets.RESULT:
            self._results.append(packets.unpack_json(body))
        elif kind == packets.TRAFFIC:
            handle, interval_us = struct.unpack("<HI", body)
            self._interval_us[handle] = interval_us
            if handle not in self._under_way:
                self._plan(handle)
        elif kind == packets.DONE:
            handle, more = struct.unpack("<HB", body)
            if handle in self._under_way:
                self._under_way.discard(handle)
                if more:
                    self._plan(handle)
        elif kind == packets.SUBSCRIBED:
            self._lost_us = None
        elif kind == packets.INTERRUPT and self._is_on:
            self._interrupt(body)

    def _interrupt(self, event: bytes) -> None:
        """An event for the program."""
        self._note(event)
        self._interrupts.append(event)
        self._line = True

    def _plan(self, handle: int) -> None:
        """The next connection event, if none is planned: they stand on a grid."""
        interval_us = self._interval_us[handle]
        now_us = self._clock.now_us()
        self._due_us.setdefault(handle, now_us - now_us % interval_us + interval_us)

    def _note(self, event: bytes) -> None:
        (handle,) = struct.unpack_from("<H", event, 1)
        if event[0] == _CONNECT:
            self._connected[handle] = event
            self._asked.connected()
        if event[0] == _DISCONNECT:
            self._connected.pop(handle, None)
            self._due_us.pop(handle, None)
            self._under_way.discard(handle)
            self._lost_us = self._clock.now_us()
            self._lost_s = time.monotonic()


def _question(operation: int, b: int, c: int, payload: bytes) -> tuple[dict[str, Any], bytes]:
    """A call of the board as the ether's stack takes it."""
    fields: dict[str, Any]
    if operation == opcodes.BLE_ACTIVE:
        fields = {"op": "active", "on": bool(b)}
    elif operation == opcodes.BLE_CONFIG:
        fields = {"op": "config", "key": "mtu" if b == 0 else "name", "value": c}
    elif operation == opcodes.BLE_ADVERTISE:
        interval_us = b if b >= 0 else None
        fields = {"op": "advertise", "interval_us": interval_us, "connectable": bool(c & 1), "n": c >> 1}
    elif operation == opcodes.BLE_REGISTER:
        return {"op": "register", "services": json.loads(payload)}, b""
    elif operation == opcodes.BLE_READ:
        fields = {"op": "read", "handle": b}
    elif operation == opcodes.BLE_WRITE:
        fields = {"op": "write", "handle": b, "send": bool(c)}
    elif operation == opcodes.BLE_NOTIFY:
        fields = {"op": "notify", "conn": b & 0xFFFF, "handle": b >> 16}
        fields |= {"own": bool(c & 1), "indicate": bool(c & 2)}
    elif operation == opcodes.BLE_BUFFER:
        fields = {"op": "buffer", "handle": b, "n": c >> 1, "append": bool(c & 1)}
    elif operation == opcodes.BLE_DISCONNECT:
        fields = {"op": "disconnect", "conn": b}
    else:
        fields = {"op": "address"}
    return fields, payload
