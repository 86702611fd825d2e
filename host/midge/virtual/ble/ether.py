"""The ether: a process in which boards and hosts have their controllers. It ends when the last has left."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import struct
import sys
from pathlib import Path
from typing import Any

from bumble import hci

from . import packets
from .link import PacedController, PacedLink
from .stack import Stack, settle_loop

_ALONE_S = 1.0  # without anybody for so long, it ends
_FIRST_S = 20.0  # but the first may take longer
# A program that does not look at what came for so long stops the clock of a free board no longer: the board
# reports twice a second, so time then passes no faster than on the wall.
_UNSETTLED_S = 0.5
_READ_BYTES = 65_536


class _Host:
    """One program's controller; the program itself is at the other end of the socket."""

    def __init__(self, ether: Ether, writer: asyncio.StreamWriter) -> None:
        self.controller = PacedController("host", ether.link)
        self.controller.set_packet_sink(self)
        self._writer = writer
        self._token = 0
        self._settled: asyncio.Future[None] | None = None

    def on_packet(self, packet: bytes) -> None:
        """From the controller to the program."""
        self._writer.write(packets.pack(packets.HCI, packet))

    async def take(self, kind: int, body: bytes) -> None:
        if kind == packets.HCI:
            self.controller.on_packet(body)
        elif kind == packets.SETTLED and struct.unpack("<I", body)[0] == self._token:
            self._release()

    def _release(self) -> None:
        if self._settled is not None and not self._settled.done():
            self._settled.set_result(None)

    async def settle(self) -> None:
        """Wait until the program has answered what it got."""
        self._token = (self._token + 1) & 0xFFFFFFFF
        self._settled = asyncio.get_running_loop().create_future()
        self._writer.write(packets.pack(packets.SETTLE, struct.pack("<I", self._token)))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._settled, _UNSETTLED_S)

    async def close(self, ether: Ether) -> None:
        self._release()
        ether.link.remove(self.controller)


class _Board:
    """One board's radio: the stack here, the clock at the other end of the socket."""

    def __init__(self, ether: Ether, writer: asyncio.StreamWriter, about: dict[str, Any]) -> None:
        self._ether = ether
        self._writer = writer
        self._most_packets = int(about["packets"])
        self._cut_after: int | None = None
        self.stack = Stack(ether.free_name(str(about["name"])), ether.link, self._interrupt, self._subscribed)

    @property
    def name(self) -> str:
        return str(self.stack.controller.name)

    def _interrupt(self, event: bytes) -> None:
        self._writer.write(packets.pack(packets.INTERRUPT, event))

    def _subscribed(self) -> None:
        self._writer.write(packets.pack(packets.SUBSCRIBED))

    def traffic(self, central: hci.Address) -> None:
        """Something waits to be sent: the radio plans the next connection event."""
        connection = self.stack.controller.le_connections.get(central)
        interval_us = self.stack.controller.interval_us.get(central)
        if connection is not None and interval_us:
            self._writer.write(
                packets.pack(packets.TRAFFIC, struct.pack("<HI", connection.handle, interval_us))
            )

    async def take(self, kind: int, body: bytes) -> None:
        if kind == packets.CALL:
            fields, blob = packets.unpack_json(body)
            if fields["op"] == "cut_after":
                self._cut_after = int(fields["n"])
                result, answer = 0, b""
            else:
                result, answer = await self.stack.call(fields, blob)
            self._writer.write(packets.pack_json(packets.RESULT, {"result": result}, answer))
        elif kind == packets.EVENT:
            handle, lockstep = struct.unpack("<HB", body)
            more = await self._connection_event(handle, bool(lockstep))
            self._writer.write(packets.pack(packets.DONE, struct.pack("<HB", handle, more)))

    async def _connection_event(self, handle: int, lockstep: bool) -> bool:
        """Move an event's packets; in lockstep, wait until the program at the other end has reacted."""
        central = self.stack.central_of(handle)
        if central is None:
            return False
        link, controller = self._ether.link, self.stack.controller
        moved = link.connection_event(controller, central, self._most_packets, self._cut_after)
        await settle_loop()
        if self._cut_after is not None:
            self._cut_after -= moved
            if self._cut_after <= 0:
                self._cut_after = None
                link.cut(controller, central)
                await settle_loop()
        host = self._ether.host_at(central)
        if lockstep and host is not None:
            await host.settle()
            await settle_loop()
        return link.has_traffic(controller, central)

    async def close(self, ether: Ether) -> None:
        await self.stack.close()


class Ether:
    """All who are there."""

    def __init__(self) -> None:
        self.link = PacedLink()
        self.link.on_traffic = self._on_traffic
        self._boards: set[_Board] = set()
        self._hosts: set[_Host] = set()
        self._changed = asyncio.Event()
        self._n_here = 0

    def free_name(self, name: str) -> str:
        """`name`, or a variation of it if a board has it already."""
        taken = {board.name for board in self._boards}
        number = 1
        free = name
        while free in taken:
            number += 1
            free = f"{name}-{number}"
        return free

    def host_at(self, address: hci.Address) -> _Host | None:
        return next((host for host in self._hosts if host.controller.random_address == address), None)

    def _on_traffic(self, controller: PacedController, central: hci.Address) -> None:
        for board in self._boards:
            if board.stack.controller is controller:
                board.traffic(central)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, to its end."""
        self._n_here += 1
        self._changed.set()
        splitter = packets.Splitter()
        end: _Host | _Board | None = None
        try:
            while data := await reader.read(_READ_BYTES):
                for kind, body in splitter.feed(data):
                    if end is None:
                        end = self._admit(packets.unpack_json(body)[0], writer)
                    else:
                        await end.take(kind, body)
        except ConnectionError:
            pass
        finally:
            if isinstance(end, _Board):
                self._boards.discard(end)
            elif end is not None:
                self._hosts.discard(end)
            if end is not None:
                await end.close(self)
            writer.close()
            self._n_here -= 1
            self._changed.set()

    def _admit(self, about: dict[str, Any], writer: asyncio.StreamWriter) -> _Host | _Board:
        if about["role"] == "board":
            board = _Board(self, writer, about)
            self._boards.add(board)
            return board
        host = _Host(self, writer)
        self._hosts.add(host)
        return host

    async def until_alone(self) -> None:
        """Return when nobody has been here for a while."""
        alone_s = _FIRST_S
        while True:
            self._changed.clear()
            try:
                await asyncio.wait_for(self._changed.wait(), None if self._n_here else alone_s)
            except TimeoutError:
                return
            alone_s = _ALONE_S


async def run(path: Path) -> None:
    """Serve at the socket `path`; a line on stdout tells that it is there."""
    logging.disable(logging.CRITICAL)  # what a guest does wrong is its own affair
    ether = Ether()
    server = await asyncio.start_unix_server(ether.serve, str(path))
    print("ready", flush=True)
    try:
        await ether.until_alone()
    finally:
        path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            path.parent.rmdir()
        server.close()


if __name__ == "__main__":
    asyncio.run(run(Path(sys.argv[1])))
