"""What a board says, as values: one frozen dataclass for each message that it sends unasked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from midge_device.wire import message as wire

from . import adpcm
from .errors import FrameError
from .recording import Int16

# DATA carries ticks as u32, whatever the period of the board's own counter.
TICKS_FIELD_PERIOD_US = 1 << 32


@dataclass(frozen=True)
class Welcome:
    """What the board is and holds, from its answer to HELLO.

    Attributes
    ----------
    protocol, abi : int
        versions of the protocol and of the module ABI that it runs
    board, target, midge, app : str
        board name, instruction set, version of its library, name of its app
    board_id : str
        what tells it from all others of its kind, in hex; '' if it did not say
    is_native : bool
        its firmware loads native code, and our primitives are in it
    mpy : int
        `sys.implementation._mpy`
    free_ram_bytes, max_alloc_bytes, free_flash_bytes : int
        heap left, largest block of it, file system left
    slots : mapping
        state of the two model slots, and which runs
    model : mapping or None
        `name`, `digest`, `labels` of the running model
    sensor : mapping or None
        what the board measures with
    ticks_period_us : int
        where `ticks_us` wraps
    raw : mapping
        the whole answer
    """

    protocol: int
    abi: int
    board: str
    target: str
    midge: str
    app: str
    mpy: int
    free_ram_bytes: int
    max_alloc_bytes: int
    free_flash_bytes: int
    slots: Mapping[str, Any]
    model: Mapping[str, Any] | None
    sensor: Mapping[str, Any] | None
    ticks_period_us: int
    raw: Mapping[str, Any]
    board_id: str = ""
    is_native: bool = False


@dataclass(frozen=True)
class Data:
    """A block: `samples` (n, channels) int16, the first with index `first`, taken at `ticks_us`."""

    first: int
    ticks_us: int
    dropped: int
    samples: Int16


@dataclass(frozen=True)
class Filler:
    """So many bytes of a test of the line."""

    n_bytes: int


@dataclass(frozen=True)
class Event:
    """A decision: label index, smoothed score (Q15), number of the window."""

    ticks_ms: int
    label: int
    score: int
    window: int


@dataclass(frozen=True)
class Status:
    """The board's counters: windows classified, samples taken, samples dropped, sensor overruns."""

    ticks_ms: int
    free_ram_bytes: int
    windows: int
    samples: int
    dropped: int
    overruns: int


@dataclass(frozen=True)
class Scores:
    """Scores of one window, int16 a label."""

    ticks_ms: int
    window: int
    index: int
    scores: tuple[int, ...]


@dataclass(frozen=True)
class Log:
    """A line of text from the app."""

    text: str


@dataclass(frozen=True)
class StreamEnd:
    """The stream is over: `samples` were taken, `dropped` of them were lost on the board."""

    samples: int
    dropped: int


Message = Data | Event | Filler | Status | Scores | Log | StreamEnd


def decode(kind: int, payload: bytes) -> Message:
    """The message of type `kind`; raises FrameError for a payload that does not fit it, or another type."""
    try:
        fields = wire.unpack(kind, payload)
        message: Message = _READERS[kind](*fields)
        return message
    except (KeyError, ValueError) as error:
        raise FrameError(
            f"the board sent a message 0x{kind:02x} that this midge does not know ({error}); "
            "flash the board again"
        ) from error


def _data(first: int, ticks_us: int, dropped: int, n: int, tail: bytes) -> Data:
    values = np.frombuffer(tail, "<i2").astype(np.int16)
    if n == 0 or len(values) % n:
        raise ValueError(f"{len(values)} values are not {n} samples")
    return Data(first, ticks_us, dropped, values.reshape(n, -1))


def _coded(first: int, ticks_us: int, dropped: int, n: int, tail: bytes) -> Data:
    return Data(first, ticks_us, dropped, adpcm.decode(tail, n).reshape(n, 1))


def _filler(tail: bytes) -> Filler:
    return Filler(len(tail))


def _scores(ticks_ms: int, window: int, index: int, tail: bytes) -> Scores:
    return Scores(ticks_ms, window, index, tuple(np.frombuffer(tail, "<i2").tolist()))


def _log(text: bytes) -> Log:
    return Log(text.decode(errors="replace"))


_READERS: dict[int, Any] = {
    wire.DATA: _data,
    wire.CODED: _coded,
    wire.FILLER: _filler,
    wire.EVENT: Event,
    wire.STATUS: Status,
    wire.SCORES: _scores,
    wire.LOG: _log,
    wire.STREAM_END: StreamEnd,
}


def read_welcome(payload: bytes) -> Welcome:
    """The board's answer to HELLO; raises FrameError if it is no JSON object with the versions in it.

    Only `protocol` is asked of an answer, so that a board of another version can still be named in the error.
    """
    try:
        raw = json.loads(payload)
        return Welcome(
            protocol=int(raw["protocol"]),
            abi=int(raw.get("abi", 0)),
            board=str(raw.get("board") or ""),
            target=str(raw.get("target") or ""),
            midge=str(raw.get("midge") or ""),
            app=str(raw.get("app") or ""),
            mpy=int(raw.get("mpy") or 0),
            free_ram_bytes=int(raw.get("free_ram") or 0),
            max_alloc_bytes=int(raw.get("max_alloc") or 0),
            free_flash_bytes=int(raw.get("free_flash") or 0),
            slots=dict(raw.get("slots") or {}),
            model=raw.get("model"),
            sensor=raw.get("sensor"),
            ticks_period_us=min(int(raw.get("ticks_us") or TICKS_FIELD_PERIOD_US), TICKS_FIELD_PERIOD_US),
            raw=raw,
            board_id=str(raw.get("id") or ""),
            is_native=bool(raw.get("native")),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise FrameError(f"the board's WELCOME does not read ({error}); flash the board again") from error
