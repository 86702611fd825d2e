"""A connection to a peripheral in the air, for programs that wait: found, connected, subscribed, made anew.

bleak runs in a thread of its own; here everything blocks.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import threading
import time
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, TypeVar

from ..errors import MidgeError, TransportError, TransportLost
from .ble_finding import Wanted

SERVICE = "6e400001-b5a3-f393-e0a9-e50e24dcca9e"
RX = "6e400002-b5a3-f393-e0a9-e50e24dcca9e"
TX = "6e400003-b5a3-f393-e0a9-e50e24dcca9e"

SCAN_S = 8.0
CONNECT_S = 15.0
WRITE_S = 10.0
CLOSE_S = 5.0
# A board keeps a session so long for a host that comes back, see midge_device/transport/ble.py.
RETURN_S = 20.0
RETRY_S = 0.2
# A link that breaks while it is made is made again at once.
FIRST_ATTEMPTS = 3
_SHORTEST_WRITE_BYTES = 20

_T = TypeVar("_T")


class _Loop:
    """bleak's event loop, in a thread of its own: one for all lines of this process."""

    _lock = threading.Lock()
    _loop: asyncio.AbstractEventLoop | None = None

    @classmethod
    def get(cls) -> asyncio.AbstractEventLoop:
        with cls._lock:
            if cls._loop is None:
                cls._loop = asyncio.new_event_loop()
                threading.Thread(target=cls._loop.run_forever, name="bluetooth", daemon=True).start()
            return cls._loop


def run(coroutine: Coroutine[Any, Any, _T], timeout_s: float | None = None) -> _T:
    """Run a coroutine in Bluetooth's thread; an interrupt here ends it there. Raises TimeoutError."""
    future = asyncio.run_coroutine_threadsafe(coroutine, _Loop.get())
    try:
        return future.result(timeout_s)
    except concurrent.futures.CancelledError as error:
        raise TimeoutError from error
    except BaseException:
        future.cancel()
        raise


def full_uuid(text: str) -> str:
    """A UUID in full, lower case; `2a37` and `0x2A37` are short for those of the Bluetooth SIG."""
    short = text.lower().removeprefix("0x")
    return f"{short.rjust(8, '0')}-0000-1000-8000-00805f9b34fb" if len(short) in (4, 8) else short


class Link:
    """A connection to a peripheral, made in Bluetooth's thread: found, connected, subscribed.

    Parameters
    ----------
    address : str
        NAME or ADDRESS, with `virtual:` in front of it if it is in the ether
    characteristic : str
        UUID of the one whose notifications are wanted

    Attributes
    ----------
    name : str
        `ble:` and the address, as a person would type it
    mtu : int
        as negotiated for the last connection
    reconnects, received_bytes, sent_bytes : int
    """

    def __init__(self, address: str, characteristic: str = TX) -> None:
        self.name = f"ble:{address}"
        self.mtu = 23
        self.reconnects = 0
        self.received_bytes = self.sent_bytes = 0
        self._wanted = Wanted(address)
        self._characteristic = characteristic
        self._client: Any = None
        self._write_bytes = _SHORTEST_WRITE_BYTES
        self._is_closed = False
        self._is_lost = False
        self._is_connecting = True
        self._arrived = threading.Condition()
        self._buffer: list[bytes] = []
        self._is_unread = False
        self._read_all: asyncio.Event | None = None
        self._opened_s = time.monotonic()
        with translated(self.name):
            run(self._connect(SCAN_S, FIRST_ATTEMPTS))

    # --- In Bluetooth's thread -----------------------------------------------------------------------------

    async def _connect(self, scan_s: float, n_attempts: int = 1) -> None:
        from bleak.exc import BleakError

        self._is_connecting = True
        device = await self._wanted.find(scan_s)
        while True:
            n_attempts -= 1
            try:
                await self._connect_to(device)
                break
            except BleakError:
                if not n_attempts:
                    raise
        self._wanted.is_met(device)

    async def _connect_to(self, device: Any) -> None:
        from bleak import BleakClient
        from bleak.exc import BleakError

        if self._read_all is None:
            self._read_all = asyncio.Event()
        backend: dict[str, Any] = {}
        if self._wanted.virtual:
            from ..virtual.ble.client import VirtualClient

            backend = {"backend": VirtualClient, "idle": self._until_read}
        client = BleakClient(device, self._on_lost, timeout=CONNECT_S, **backend)
        await client.connect()
        try:
            await self._subscribe(client)
        except BaseException:
            await client.disconnect()
            raise
        with self._arrived:
            if not client.is_connected:  # it broke again before anybody could use it
                raise BleakError("the link broke at once")
            self._client = client
            self._is_lost = self._is_connecting = False

    async def _subscribe(self, client: Any) -> None:
        wanted = client.services.get_characteristic(self._characteristic)
        if wanted is None or not {"notify", "indicate"} & set(wanted.properties):
            raise TransportError(
                f"{self.name} has no characteristic {self._characteristic} that notifies; "
                + _offer(client.services)
            )
        acquire = getattr(client._backend, "_acquire_mtu", None)
        if acquire is not None and client.mtu_size <= 23:
            # BlueZ tells 23 until a file for one characteristic is acquired.
            with contextlib.suppress(Exception):
                await acquire()
        self.mtu = client.mtu_size
        rx = client.services.get_characteristic(RX)
        if rx is not None:
            self._write_bytes = max(rx.max_write_without_response_size, self.mtu - 3, _SHORTEST_WRITE_BYTES)
        await client.start_notify(wanted, self._on_data)

    def _on_data(self, _characteristic: Any, data: bytearray) -> None:
        with self._arrived:
            self._buffer.append(bytes(data))
            self._is_unread = True
            self._arrived.notify()

    def _on_lost(self, client: Any) -> None:
        if client is not self._client:
            return  # an attempt that failed: who made it hears of it
        with self._arrived:
            self._client = None
            self._is_lost = True
            self._is_unread = False
            self._arrived.notify()
        if self._read_all is not None:
            self._read_all.set()

    async def _until_read(self) -> None:
        """Wait until the reader has taken all that came, and asks for more."""
        assert self._read_all is not None
        while self._is_unread and not self._is_connecting:  # until it has connected, nobody reads
            self._read_all.clear()
            await self._read_all.wait()

    # --- For the reader ------------------------------------------------------------------------------------

    def take(self, timeout_s: float) -> list[bytes]:
        """What has come, a notification each, at once or after at most `timeout_s` s; [] if nothing.

        A lost link is made anew first. Raises TransportLost if that does not succeed.
        """
        self._check()
        with self._arrived:
            if not self._buffer and not self._is_lost:
                self._hungry()
                self._arrived.wait(timeout_s)
            taken, self._buffer = self._buffer, []
            if not taken and not self._is_lost:
                return []
        if not taken:
            self._come_back()
        self.received_bytes += sum(map(len, taken))
        return taken

    def idle(self, duration_s: float) -> None:
        """Let `duration_s` s pass; what comes meanwhile is dropped. Raises TransportLost."""
        until_s = time.monotonic() + duration_s
        while (left_s := until_s - time.monotonic()) > 0:
            self.take(left_s)

    def _hungry(self) -> None:
        """The reader has taken all and waits."""
        if self._is_unread:
            self._is_unread = False
            if self._read_all is not None:
                _Loop.get().call_soon_threadsafe(self._read_all.set)

    def send(self, data: bytes) -> None:
        """Write to RX, in pieces that the MTU allows; raises TransportLost."""
        self._check()
        if self._is_lost:
            self._come_back()
        client = self._client
        try:
            run(self._write(client, data), WRITE_S)
        except TimeoutError as error:
            raise TransportLost(
                f"{self.name} has taken nothing for {WRITE_S:g} s; reset the board"
            ) from error
        except Exception as error:
            if not self._is_lost and self._client is not None:
                raise TransportLost(f"{self.name} does not take data ({error}); reset the board") from error
            # The link broke under it: the next read makes it anew, and who waits for an answer asks again.
        self.sent_bytes += len(data)

    async def _write(self, client: Any, data: bytes) -> None:
        if client is None:
            return
        for at in range(0, len(data), self._write_bytes):
            await client.write_gatt_char(RX, data[at : at + self._write_bytes], response=False)

    def _come_back(self) -> None:
        """Connect again, while the board keeps the session."""
        deadline_s = time.monotonic() + RETURN_S
        while True:
            left_s = deadline_s - time.monotonic()
            try:
                with translated(self.name):
                    run(self._connect(max(1.0, min(SCAN_S, left_s))))
                break
            except (TransportError, TimeoutError) as error:
                if time.monotonic() >= deadline_s:
                    raise TransportLost(
                        f"{self.name} went out of reach and did not come back within {RETURN_S:g} s; "
                        "bring it nearer and try again"
                    ) from error
                time.sleep(RETRY_S)
        self.reconnects += 1

    def expect_restart(self) -> None:
        """The peripheral was told to start anew, and may come back under another address."""
        self._wanted.may_change()

    def _check(self) -> None:
        if self._is_closed:
            raise TransportLost(f"{self.name} is closed; open it again")

    def summary(self) -> str:
        """MTU, throughput and reconnects so far, for people."""
        elapsed_s = max(time.monotonic() - self._opened_s, 1e-3)
        rate = f"{self.received_bytes / elapsed_s:.0f} B/s"
        text = f"{self.name}: MTU {self.mtu}, {self.received_bytes} bytes in ({rate}), {self.sent_bytes} out"
        return text + (f", {self.reconnects} reconnects" if self.reconnects else "")

    def close(self) -> None:
        """Disconnect; a second call does nothing."""
        if self._is_closed:
            return
        self._is_closed = True
        with self._arrived:
            client, self._client = self._client, None
            self._is_unread = False
        if self._read_all is not None:
            _Loop.get().call_soon_threadsafe(self._read_all.set)
        if client is not None:
            with contextlib.suppress(Exception):
                run(client.disconnect(), CLOSE_S)


def _offer(services: Any) -> str:
    """Which characteristics notify, for an error."""
    those = [
        characteristic.uuid
        for service in services
        for characteristic in service.characteristics
        if {"notify", "indicate"} & set(characteristic.properties)
    ]
    return "those that do: " + ", ".join(those) if those else "none of its characteristics does"


class translated(contextlib.AbstractContextManager[None]):  # noqa: N801
    """bleak's errors, and the systems' below it, as midge's."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        from bleak.exc import BleakBluetoothNotAvailableError, BleakError

        if error is None or isinstance(error, MidgeError):
            return
        if isinstance(error, BleakBluetoothNotAvailableError):
            raise TransportError(str(error.args[0])) from error
        if isinstance(error, TimeoutError | asyncio.TimeoutError):
            raise TransportError(
                f"{self._name} did not take the connection in time; bring it nearer and try again"
            ) from error
        if isinstance(error, FileNotFoundError):
            raise TransportError(
                "this machine has no Bluetooth service that answers (D-Bus is missing); start bluetoothd, or "
                "write ble:virtual:NAME for a virtual board"
            ) from error
        if isinstance(error, BleakError | OSError | EOFError):
            raise TransportError(
                f"{self._name}: {' '.join(str(error).split()) or type(error).__name__}; check that Bluetooth "
                "is on and that you may use it"
            ) from error
