"""A program's place in the ether: a Bluetooth host (bumble) in this process, its controller over there."""

from __future__ import annotations

import asyncio
import logging
import struct
from collections.abc import Awaitable, Callable
from typing import Any, Self

from bumble import hci
from bumble.device import Device, DeviceConfiguration
from bumble.host import Host

from ...errors import TransportError
from . import packets, place

# What it warns of (a board that notifies before it is asked to) is no news for a program's user.
logging.getLogger("bumble").addHandler(logging.NullHandler())

_READ_BYTES = 65_536
_TURNS = 10  # of the event loop, in which a program answers what it was told

Idle = Callable[[], Awaitable[None]]


async def _at_once() -> None:
    """A program that answers in its callbacks needs no waiting for."""


class Guest:
    """A device in the ether, from `open` to `close`.

    Parameters
    ----------
    idle
        waits until this program has looked at all that came; a board on a free clock waits as long

    Attributes
    ----------
    device : bumble.device.Device
        powered on
    """

    def __init__(self, idle: Idle | None = None) -> None:
        self.device: Device
        self._idle = idle or _at_once
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter
        self._reading: asyncio.Task[None] | None = None
        self._answers: set[asyncio.Task[None]] = set()
        self.on_gone: Callable[[], None] = lambda: None

    async def open(self) -> Self:
        """Enter the ether. Raises TransportError if there is none."""
        self._reader, self._writer = await asyncio.open_unix_connection(sock=place.join())
        self._writer.write(packets.pack_json(packets.HELLO, {"role": "host"}))
        host = Host()
        host.set_packet_sink(self)
        config = DeviceConfiguration(name="host", address=hci.Address.generate_static_address())
        self.device = Device(config=config, host=host)
        self._reading = asyncio.create_task(self._read(host))
        await self.device.power_on()
        return self

    def on_packet(self, packet: bytes) -> None:
        """From the host to its controller."""
        self._writer.write(packets.pack(packets.HCI, packet))

    async def _read(self, host: Any) -> None:
        splitter = packets.Splitter()
        try:
            while data := await self._reader.read(_READ_BYTES):
                for kind, body in splitter.feed(data):
                    if kind == packets.HCI:
                        host.on_packet(body)
                    elif kind == packets.SETTLE:
                        task = asyncio.create_task(self._settle(body))
                        self._answers.add(task)
                        task.add_done_callback(self._answers.discard)
        except ConnectionError:
            pass
        self.on_gone()

    async def _settle(self, token: bytes) -> None:
        for _ in range(_TURNS):
            await asyncio.sleep(0)
        await self._idle()
        assert len(token) == struct.calcsize("<I")
        self._writer.write(packets.pack(packets.SETTLED, token))

    async def close(self) -> None:
        """Leave; connections end as if this program had been killed."""
        self.on_gone = lambda: None
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None
            self._writer.close()


async def enter(idle: Idle | None = None) -> Guest:
    """A guest in the ether. Raises TransportError if there is no ether, MidgeError without bumble."""
    guest = Guest(idle)
    try:
        return await guest.open()
    except OSError as error:
        raise TransportError(
            f"the ether has gone ({error}): start a board with midge board start NAME --ble"
        ) from error
