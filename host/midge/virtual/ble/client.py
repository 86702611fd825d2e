"""bleak's client for the ether."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from bleak.args import SizedBuffer
from bleak.assigned_numbers import gatt_char_props_to_strs
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.client import BaseBleakClient, NotifyCallback
from bleak.backends.descriptor import BleakGATTDescriptor
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData
from bleak.backends.service import BleakGATTService, BleakGATTServiceCollection
from bleak.exc import BleakDeviceNotFoundError, BleakError

from .advertising import preferred_interval_ms, uuid_text
from .scanner import VirtualScanner, enter_or_refuse

_T = TypeVar("_T")

_MTU = 517
# Packets of ours that wait for the air before a write waits for them.
_QUEUE_PACKETS = 16


class VirtualClient(BaseBleakClient):
    """A connection over the ether.

    `idle` is awaited before a board on a free clock may go on; see `guest.Guest`.
    """

    def __init__(
        self,
        address_or_ble_device: BLEDevice | str,
        *,
        idle: Callable[[], Awaitable[None]] | None = None,
        **kwargs: Any,
    ) -> None:
        kwargs = {key: kwargs[key] for key in ("disconnected_callback", "timeout") if key in kwargs}
        super().__init__(address_or_ble_device, **kwargs)
        self._details = (
            address_or_ble_device.details if isinstance(address_or_ble_device, BLEDevice) else None
        )
        self._name = address_or_ble_device.name if isinstance(address_or_ble_device, BLEDevice) else None
        self._idle = idle
        self._guest: Any = None
        self._connection: Any = None
        self._peer: Any = None
        self._callbacks: dict[int, Callable[[bytes], None]] = {}

    @property
    def name(self) -> str:
        return self._name or self.address

    @property
    def mtu_size(self) -> int:
        return int(self._connection.att_mtu) if self._connection is not None else 23

    @property
    def is_connected(self) -> bool:
        return self._connection is not None

    async def connect(self, pair: bool = False, **kwargs: Any) -> None:
        timeout_s = float(kwargs.get("timeout", self._timeout))
        if self._details is None:
            await self._find(timeout_s)
        assert self._details is not None
        address, advertised = self._details
        from bumble import hci
        from bumble.core import BaseBumbleError
        from bumble.core import TimeoutError as BumbleTimeoutError
        from bumble.device import ConnectionParametersPreferences, Peer

        interval_ms = preferred_interval_ms(advertised)
        preferences = ConnectionParametersPreferences(
            connection_interval_min=interval_ms, connection_interval_max=interval_ms
        )
        guest = await enter_or_refuse(self._idle)
        try:
            connection = await guest.device.connect(
                hci.Address(address),
                connection_parameters_preferences={hci.HCI_LE_1M_PHY: preferences},
                timeout=timeout_s,
            )
            self._guest, self._connection = guest, connection
            connection.on("disconnection", lambda _reason: self._lost())
            guest.on_gone = self._lost
            self._peer = Peer(connection)
            if pair:
                await self.pair()
            await self._peer.request_mtu(_MTU)
            self.services = await self._discover()
        except (BaseBumbleError, TimeoutError, asyncio.CancelledError) as error:
            self._guest = self._connection = None
            await guest.close()
            if isinstance(error, asyncio.CancelledError) and not _is_ours(error):
                raise
            if isinstance(error, TimeoutError | BumbleTimeoutError):
                raise TimeoutError(f"{address} did not take the connection") from error
            raise BleakError(f"{address} was lost while connecting") from error

    async def _find(self, timeout_s: float) -> None:
        found = asyncio.Event()

        def look(device: BLEDevice, _data: AdvertisementData) -> None:
            if self.address.lower() in (device.address.lower(), f"virtual:{device.name}".lower()):
                self._details, self._name = device.details, device.name
                self.address = device.address
                found.set()

        scanner = VirtualScanner(look, None)
        await scanner.start()
        try:
            await asyncio.wait_for(found.wait(), timeout_s)
        except TimeoutError:
            raise BleakDeviceNotFoundError(
                self.address, f"Device with address {self.address} was not found."
            ) from None
        finally:
            await scanner.stop()

    async def _discover(self) -> BleakGATTServiceCollection:
        services = BleakGATTServiceCollection()
        await self._peer.discover_services()
        for service in self._peer.services:
            made = BleakGATTService(service, service.handle, _text(service.uuid))
            services.add_service(made)
            for characteristic in await service.discover_characteristics():
                about = BleakGATTCharacteristic(
                    characteristic,
                    characteristic.handle,
                    _text(characteristic.uuid),
                    [*gatt_char_props_to_strs(int(characteristic.properties))],
                    lambda: self.mtu_size - 3,
                    made,
                )
                services.add_characteristic(about)
                for descriptor in await characteristic.discover_descriptors():
                    services.add_descriptor(
                        BleakGATTDescriptor(descriptor, descriptor.handle, _text(descriptor.type), about)
                    )
        return services

    def _lost(self) -> None:
        if self._connection is None:
            return
        guest, self._guest, self._connection = self._guest, None, None
        self._callbacks.clear()
        self._closing = asyncio.ensure_future(guest.close())
        if self._disconnected_callback is not None:
            self._disconnected_callback()

    async def disconnect(self) -> None:
        connection, guest = self._connection, self._guest
        if connection is None:
            return
        gone = asyncio.get_running_loop().create_future()
        connection.on("disconnection", lambda _reason: _finish(gone))
        with contextlib.suppress(Exception):
            await asyncio.wait_for(connection.disconnect(), 5.0)
            await asyncio.wait_for(gone, 5.0)
        if self._connection is not None:
            self._lost()
        await guest.close()

    async def pair(self, *_args: Any, **_kwargs: Any) -> None:
        await self._ask(self._connected().pair())

    async def unpair(self) -> None:
        """Keys live as long as the connection."""

    def _connected(self) -> Any:
        if self._connection is None:
            raise BleakError("Not connected")
        return self._connection

    async def _ask(self, question: Awaitable[_T]) -> _T:
        """A question to the board; its refusal and its end as bleak tells them."""
        from bumble.core import BaseBumbleError

        try:
            return await question
        except asyncio.CancelledError as error:
            if self._connection is None and _is_ours(error):
                raise BleakError("disconnected") from error
            raise
        except (BaseBumbleError, TimeoutError) as error:
            # A refusal by its name; the text of bumble's is a dump of the PDU.
            raise BleakError(getattr(error, "error_name", "") or str(error)) from error

    async def read_gatt_char(
        self, characteristic: BleakGATTCharacteristic, *, use_cached: bool = False, **_kwargs: Any
    ) -> bytearray:
        client = self._connected().gatt_client
        return bytearray(await self._ask(client.read_value(characteristic.handle)))

    async def read_gatt_descriptor(
        self, descriptor: BleakGATTDescriptor, *, use_cached: bool = False, **_kwargs: Any
    ) -> bytearray:
        client = self._connected().gatt_client
        return bytearray(await self._ask(client.read_value(descriptor.handle)))

    async def write_gatt_char(
        self, characteristic: BleakGATTCharacteristic, data: SizedBuffer, response: bool
    ) -> None:
        connection = self._connected()
        value = bytes(data)
        if not response and len(value) > self.mtu_size - 3:
            raise BleakError(f"{len(value)} bytes are more than one write without response can carry")
        await self._ask(connection.gatt_client.write_value(characteristic.handle, value, response))
        if not response:
            await self._drain(connection)

    async def _drain(self, connection: Any) -> None:
        """Wait while too many packets wait for the air."""
        queue = connection.device.host.le_acl_packet_queue or connection.device.host.acl_packet_queue
        while self._connection is connection and queue.pending >= _QUEUE_PACKETS:
            flow = asyncio.get_running_loop().create_future()

            def went(*_: Any, flow: asyncio.Future[None] = flow) -> None:
                _finish(flow)

            queue.on("flow", went)
            connection.on("disconnection", went)
            await flow
            queue.remove_listener("flow", went)
            connection.remove_listener("disconnection", went)

    async def write_gatt_descriptor(self, descriptor: BleakGATTDescriptor, data: SizedBuffer) -> None:
        client = self._connected().gatt_client
        await self._ask(client.write_value(descriptor.handle, bytes(data), True))

    async def start_notify(
        self, characteristic: BleakGATTCharacteristic, callback: NotifyCallback, **_kwargs: Any
    ) -> None:
        if not {"notify", "indicate"} & set(characteristic.properties):
            raise BleakError(f"{characteristic.uuid} neither notifies nor indicates")
        if characteristic.handle in self._callbacks:
            await self.stop_notify(characteristic)  # the new callback takes the place of the old one

        def told(value: bytes) -> None:
            callback(bytearray(value))

        subscription = characteristic.obj.subscribe(told, prefer_notify="notify" in characteristic.properties)
        self._connected()
        await self._ask(subscription)
        self._callbacks[characteristic.handle] = told

    async def stop_notify(self, characteristic: BleakGATTCharacteristic) -> None:
        told = self._callbacks.pop(characteristic.handle, None)
        if told is not None:
            self._connected()
            await self._ask(characteristic.obj.unsubscribe(told))


def _text(uuid: Any) -> str:
    return uuid_text(uuid.to_bytes())


def _finish(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def _is_ours(error: asyncio.CancelledError) -> bool:
    """True if bumble cancelled a pending request because the link went, not somebody this task."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() == 0
