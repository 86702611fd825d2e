"""Packets between the ether and those in it: length, kind, body, over a stream socket."""

from __future__ import annotations

import json
import struct
from typing import Any

_HEAD = struct.Struct("<IB")
HEAD_BYTES = _HEAD.size

HELLO = 0  # JSON, the first of every connection: role 'host', or 'board' with its name and packets an event

# A host and its controller.
HCI = 1  # one HCI packet, either way
SETTLE = 2  # ether → host, u32: the packets before this one came in one connection event
SETTLED = 3  # host → ether, the same u32: the program has answered them, if it wants to

# A board's radio and its stack. A call is answered before the next one.
CALL = 16  # radio → ether: a call with a blob
RESULT = 17  # ether → radio: its result with a blob
EVENT = 18  # radio → ether, u16: a connection event of this connection
DONE = 19  # ether → radio, u16, u8: that event is over; 1 if more waits to be sent
TRAFFIC = 20  # ether → radio, u16, u32: something waits on this connection; its interval in µs
SUBSCRIBED = 22  # ether → radio: a central wants notifications
INTERRUPT = 21  # ether → radio: an event of `bluetooth`, laid out as in `runtime/board_bluetooth.py`


def pack(kind: int, body: bytes = b"") -> bytes:
    """One packet."""
    return _HEAD.pack(len(body), kind) + body


def pack_json(kind: int, fields: dict[str, Any], blob: bytes = b"") -> bytes:
    """One packet of JSON fields and a blob."""
    text = json.dumps(fields).encode()
    return pack(kind, struct.pack("<H", len(text)) + text + blob)


def unpack_json(body: bytes) -> tuple[dict[str, Any], bytes]:
    """Fields and blob of a body that `pack_json` made."""
    (n,) = struct.unpack_from("<H", body)
    fields: dict[str, Any] = json.loads(body[2 : 2 + n])
    return fields, body[2 + n :]


class Splitter:
    """Finds the packets in a stream."""

    def __init__(self) -> None:
        self._received = bytearray()

    def feed(self, data: bytes) -> list[tuple[int, bytes]]:
        """Take bytes; returns the packets that they complete, as (kind, body)."""
        self._received += data
        found = []
        at = 0
        while len(self._received) - at >= HEAD_BYTES:
            n, kind = _HEAD.unpack_from(self._received, at)
            end = at + HEAD_BYTES + n
            if len(self._received) < end:
                break
            found.append((kind, bytes(self._received[at + HEAD_BYTES : end])))
            at = end
        del self._received[:at]
        return found
