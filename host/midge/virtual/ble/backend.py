"""bleak's two backend classes for the ether: programs written for bleak find virtual boards with them."""

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
from bleak.backends.scanner import AdvertisementData, BaseBleakScanner
from bleak.backends.service import BleakGATTService, BleakGATTServiceCollection
from bleak.exc import (
    BleakBluetoothNotAvailableError,
    BleakBluetoothNotAvailableReason,
    BleakDeviceNotFoundError,
    BleakError,
)

from ...errors import MidgeError
from . import place

_T = TypeVar("_T")

_FLAGS, _SHORT_NAME, _NAME, _TX_POWER, _INTERVALS, _MANUFACTURER = 0x01, 0x08, 0x09, 0x0A, 0x12, 0xFF
_UUIDS = {0x02: 2, 0x03: 2, 0x04: 4, 0x05: 4, 0x06: 16, 0x07: 16}
_SERVICE_DATA = {0x16: 2, 0x20: 4, 0x21: 16}
_CCCD = "00002902-0000-1000-8000-00805f9b34fb"
# Ours, if the board does not say what it prefers; a phone's are like this.
_INTERVAL_MS = 30.0
_MTU = 517
# Packets of ours that wait for the air before a write waits for them.
_QUEUE_PACKETS = 16


async def _enter(idle: Callable[[], Awaitable[None]] | None = None) -> Any:
    """A guest in the ether; its absence is that of Bluetooth."""
    try:
        place.require_bumble()
        from .guest import enter

        return await enter(idle)
    except MidgeError as error:
        raise BleakBluetoothNotAvailableError(
            str(error), BleakBluetoothNotAvailableReason.NO_BLUETOOTH
        ) from error


def _elements(data: bytes) -> list[tuple[int, bytes]]:
    """The AD structures of advertising data (Core specification supplement, Part A)."""
    found = []
    at = 0
    while at + 1 < len(data) and data[at]:
        end = at + 1 + data[at]
        found.append((data[at + 1], data[at + 2 : end]))
        at = end
    return found


def _uuid(data: bytes) -> str:
    if len(data) == 16:
        digits = data[::-1].hex()
        return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
    return f"{data[::-1].hex().rjust(8, '0')}-0000-1000-8000-00805f9b34fb"


def _advertisement(data: bytes, rssi: int) -> AdvertisementData:
    name: str | None = None
    tx_power: int | None = None
    manufacturers: dict[int, bytes] = {}
    services: list[str] = []
    service_data: dict[str, bytes] = {}
    for kind, body in _elements(data):
        if kind in (_NAME, _SHORT_NAME):
            name = body.decode(errors="replace")
        elif kind == _TX_POWER and body:
            tx_power = int.from_bytes(body[:1], signed=True)
        elif kind == _MANUFACTURER:
            manufacturers[int.from_bytes(body[:2], "little")] = body[2:]
        elif kind in _UUIDS:
            n = _UUIDS[kind]
            services += [_uuid(body[at : at + n]) for at in range(0, len(body), n)]
        elif kind in _SERVICE_DATA:
            n = _SERVICE_DATA[kind]
            service_data[_uuid(body[:n])] = body[n:]
    return AdvertisementData(name, manufacturers, service_data, services, tx_power, rssi, (data,))


def _preferred_interval_ms(data: bytes) -> float:
    """The longest connection interval that the board asks for, else ours."""
    for kind, body in _elements(data):
        if kind == _INTERVALS and len(body) == 4:
            longest = int.from_bytes(body[2:], "little")
            if 6 <= longest <= 3200:
                return longest * 1.25
    return _INTERVAL_MS


class VirtualScanner(BaseBleakScanner):
    """Scans the ether."""

    def __init__(
        self,
        detection_callback: Any,
        service_uuids: list[str] | None,
        scanning_mode: str = "active",
        **_kwargs: Any,
    ) -> None:
        super().__init__(detection_callback, service_uuids)
        self._is_active = scanning_mode != "passive"
        self._guest: Any = None
        self._data: dict[str, dict[bool, bytes]] = {}

    async def start(self) -> None:
        self.seen_devices = {}
        self._data = {}
        self._guest = await _enter()
        # Reports as they come: bumble's own joining of advertisement and scan response loses either.
        self._guest.device.host.on("advertising_report", self._on_report)
        await self._guest.device.start_scanning(active=self._is_active, filter_duplicates=False)

    async def stop(self) -> None:
        guest, self._guest = self._guest, None
        if guest is not None:
            await guest.close()

    def _on_report(self, report: Any) -> None:
        address = report.address.to_string(with_type_qualifier=False)
        is_response = int(report.event_type) == 4
        parts = self._data.setdefault(address, {})
        parts[is_response] = bytes(report.data)
        if self._is_active and len(parts) < 2:
            return
        data = parts.get(False, b"") + parts.get(True, b"")
        found = _advertisement(data, report.rssi)
        if not self.is_allowed_uuid(found.service_uuids):
            return
        device = self.create_or_update_device(address, address, found.local_name, (address, data), found)
        self.call_detection_callbacks(device, found)


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
        from bumble.device import ConnectionParametersPreferences, Peer

        interval_ms = _preferred_interval_ms(advertised)
        preferences = ConnectionParametersPreferences(
            connection_interval_min=interval_ms, connection_interval_max=interval_ms
        )
        guest = await _enter(self._idle)
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
            if isinstance(error, TimeoutError):
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
            raise BleakError(str(error)) from error

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
    return _uuid(uuid.to_bytes())


def _finish(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def _is_ours(error: asyncio.CancelledError) -> bool:
    """True if bumble cancelled a pending request because the link went, not somebody this task."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() == 0
