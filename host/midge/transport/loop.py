"""A transport whose far end is an object in this process: a simulated board, without threads or waiting.

The far end is asked for bytes whenever the host would wait for them, so time passes only where the host
waits, and a run is the same every time.
"""

from __future__ import annotations

from types import TracebackType
from typing import Protocol, Self

from ..errors import DeviceNotFound, TransportLost


class FarEnd(Protocol):
    """What stands where the board would."""

    def receive(self, data: bytes) -> None:
        """Bytes that the host wrote."""

    def produce(self, timeout_s: float) -> bytes:
        """Bytes for the host that come within `timeout_s` s of waiting, or b''; EOFError when unplugged."""


_far_ends: dict[str, FarEnd] = {}


def attach(name: str, far_end: FarEnd) -> None:
    """Let `loop:NAME` lead to `far_end`, in this process."""
    _far_ends[name] = far_end


def detach(name: str) -> None:
    """Take `loop:NAME` away again; unknown names are ignored."""
    _far_ends.pop(name, None)


def open_address(address: str) -> Loop:
    """The transport to the far end attached as `address`; raises DeviceNotFound if there is none."""
    if address not in _far_ends:
        raise DeviceNotFound(f"nothing is attached as loop:{address}; attach a far end first")
    return Loop(_far_ends[address], f"loop:{address}")


class Loop:
    """The host's end of a line to an object in this process."""

    reconnects = 0

    def __init__(self, far_end: FarEnd, name: str = "loop:") -> None:
        self._far_end: FarEnd | None = far_end
        self._name = name

    @property
    def name(self) -> str:
        return self._name

    def _peer(self) -> FarEnd:
        if self._far_end is None:
            raise TransportLost(f"{self._name} is closed; open it again")
        return self._far_end

    def read(self, timeout_s: float) -> bytes:
        try:
            return self._peer().produce(timeout_s)
        except EOFError:
            raise TransportLost(f"{self._name} was unplugged; plug it in and try again") from None

    def write(self, data: bytes) -> None:
        try:
            self._peer().receive(bytes(data))
        except EOFError:
            raise TransportLost(f"{self._name} was unplugged; plug it in and try again") from None

    def close(self) -> None:
        self._far_end = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
