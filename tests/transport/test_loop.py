"""The loop transport: a far end in this process."""

from __future__ import annotations

import pytest

from midge.errors import DeviceNotFound, TransportLost
from midge.transport import loop, open_transport


class Echo:
    def __init__(self) -> None:
        self.waiting = b""
        self.is_gone = False

    def receive(self, data: bytes) -> None:
        if self.is_gone:
            raise EOFError
        self.waiting += data

    def produce(self, timeout_s: float) -> bytes:
        if self.is_gone:
            raise EOFError
        data, self.waiting = self.waiting, b""
        return data


def test_bytes_go_there_and_back() -> None:
    loop.attach("echo", Echo())
    with open_transport("loop:echo") as line:
        assert line.name == "loop:echo"
        line.write(bytes(range(256)))
        assert line.read(1.0) == bytes(range(256))
        assert line.read(1.0) == b""
    with pytest.raises(TransportLost, match="closed"):
        line.read(0)
    loop.detach("echo")
    with pytest.raises(DeviceNotFound, match="loop:echo"):
        open_transport("loop:echo")


def test_unplugged() -> None:
    far = Echo()
    line = loop.Loop(far)
    far.is_gone = True
    with pytest.raises(TransportLost, match="unplugged"):
        line.read(0)
    with pytest.raises(TransportLost, match="unplugged"):
        line.write(b"x")
    line.close()
    line.close()
