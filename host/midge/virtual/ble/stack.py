"""A board's Bluetooth stack, in the ether: what its `bluetooth` asks for, done by a real GATT server."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bumble import att, gatt, hci
from bumble.core import UUID
from bumble.device import AdvertisingType, Connection, Device, DeviceConfiguration
from bumble.host import Host
from bumble.transport.common import AsyncPipeSink

from .link import BOARD_QUEUE_PACKETS, PacedController, PacedLink

# Events of `bluetooth`, with the layout of their data.
CENTRAL_CONNECT = (1, "<HB6s")
CENTRAL_DISCONNECT = (2, "<HB6s")
GATTS_WRITE = (3, "<HH")
GATTS_INDICATE_DONE = (20, "<HHB")
MTU_EXCHANGED = (21, "<HH")
CONNECTION_UPDATE = (27, "<HHHHH")
ENCRYPTION_UPDATE = (28, "<HHHHH")
_KEY_BYTES = 16

_DEFAULT_MTU = 256
_DEFAULT_NAME = b"MPY"
_DEFAULT_VALUE_BYTES = 20
_PROPERTIES = 0xFF
_READ, _WRITES = 0x02, 0x0C
_PERMISSIONS = {0x0200: 0x04, 0x0400: 0x10, 0x0800: 0x40, 0x1000: 0x08, 0x2000: 0x20, 0x4000: 0x80}
_HOPS = 6  # turns of the event loop from a call of bumble to its packet on the link


async def settle_loop(turns: int = _HOPS) -> None:
    """Let what has been started come to the link."""
    for _ in range(turns):
        await asyncio.sleep(0)


@dataclass
class _Value:
    """The buffer of one attribute, as NimBLE's port keeps it."""

    data: bytes = b""
    most_bytes: int = _DEFAULT_VALUE_BYTES
    appends: bool = False

    def write_remotely(self, data: bytes) -> None:
        joined = self.data + data if self.appends else data
        self.data = joined[: self.most_bytes]

    def take(self) -> bytes:
        data = self.data
        if self.appends:
            self.data = b""
        return data


def board_address(name: str) -> hci.Address:
    """A random static address, always the same for the same name."""
    digest = hashlib.sha256(name.encode()).digest()
    # Address is little endian; the two top bits of a static address are 1 (Vol 6, Part B, §1.3.2.1).
    return hci.Address(digest[:5] + bytes([digest[5] | 0xC0]), hci.Address.RANDOM_DEVICE_ADDRESS)


class Stack:
    """The host part of one board's radio; `call` does what the board asks for.

    Parameters
    ----------
    interrupt
        called with the bytes of each event for the board
    subscribed
        called when a central wants notifications
    """

    def __init__(
        self,
        name: str,
        link: PacedLink,
        interrupt: Callable[[bytes], None],
        subscribed: Callable[[], None],
    ) -> None:
        self._subscribed = subscribed
        self.controller = PacedController(name, link)
        self._name = name
        self._link = link
        self._interrupt = interrupt
        self._device: Device | None = None
        self._values: dict[int, _Value] = {}
        self._attributes: dict[int, att.Attribute] = {}
        self._mtu = _DEFAULT_MTU
        self._gap_name = _DEFAULT_NAME
        self._tasks: set[asyncio.Task[None]] = set()

    async def call(self, fields: dict[str, Any], blob: bytes) -> tuple[int, bytes]:
        """Do one call; returns its result (a negative errno) and a blob."""
        operation = getattr(self, "_on_" + str(fields["op"]))
        result: tuple[int, bytes] = await operation(fields, blob)
        return result

    def central_of(self, handle: int) -> hci.Address | None:
        """Address of the central at the other end of connection `handle`."""
        for peer, connection in self.controller.le_connections.items():
            if connection.handle == handle:
                return peer
        return None

    async def close(self) -> None:
        """The radio goes off: links break, nothing is advertised."""
        self._link.remove(self.controller)
        self._device = None

    # --- Radio ---------------------------------------------------------------------------------------------

    async def _on_active(self, fields: dict[str, Any], blob: bytes) -> tuple[int, bytes]:
        if not fields["on"]:
            if self._device is not None:
                self._link.remove(self.controller)
                self.controller = PacedController(self._name, self._link)
                self._device = None
        elif self._device is None:
            self._mtu = _DEFAULT_MTU
            self._gap_name = _DEFAULT_NAME
            await self._power_on()
        return 0, b""

    async def _power_on(self) -> None:
        config = DeviceConfiguration(name=_DEFAULT_NAME.decode(), address=board_address(self._name))
        host = Host(self.controller, AsyncPipeSink(self.controller))
        device = Device(config=config, host=host)
        device.on("connection", self._on_connection)
        device.on("characteristic_subscription", lambda *_: self._subscribed())
        await device.power_on()
        self._device = device
        self._values = {}
        self._attributes = {}

    async def _on_config(self, fields: dict[str, Any], blob: bytes) -> tuple[int, bytes]:
        if fields["key"] == "mtu":
            self._mtu = fields["value"]
            if self._device is not None:
                self._device.gatt_server.max_mtu = self._mtu
        else:
            self._gap_name = blob
            self._show_gap_name()
        return 0, b""

    def _show_gap_name(self) -> None:
        """The name that a central reads; services that are registered later leave it as it is."""
        if self._device is not None:
            for attribute in self._device.gatt_server.attributes:
                if attribute.type == gatt.GATT_DEVICE_NAME_CHARACTERISTIC:
                    attribute.value = self._gap_name

    async def _on_advertise(self, fields: dict[str, Any], blob: bytes) -> tuple[int, bytes]:
        device = self._device
        if device is None:
            return -errno.ENODEV, b""
        await device.stop_advertising()
        interval_us = fields["interval_us"]
        if interval_us is None:
            return 0, b""
        kind = AdvertisingType.UNDIRECTED_CONNECTABLE_SCANNABLE
        if not fields["connectable"]:
            kind = AdvertisingType.UNDIRECTED_SCANNABLE
        n = fields["n"]
        # bumble's controller takes units of 0.625 ms for milliseconds.
        interval = max(20.0, interval_us / 1000) * 0.625
        await device.start_advertising(
            advertising_type=kind,
            advertising_data=blob[:n],
            scan_response_data=blob[n:],
            advertising_interval_min=interval,
            advertising_interval_max=interval,
        )
        return 0, b""

    def _on_connection(self, connection: Connection) -> None:
        address = bytes(connection.peer_address)[::-1]
        about = (connection.handle, connection.peer_address.address_type & 1, address)
        self._tell(CENTRAL_CONNECT, *about)
        connection.on("disconnection", lambda _reason: self._tell(CENTRAL_DISCONNECT, *about))
        connection.on(
            "connection_att_mtu_update",
            lambda: self._tell(MTU_EXCHANGED, connection.handle, connection.att_mtu),
        )
        connection.on(
            "connection_encryption_change",
            lambda: self._tell(
                ENCRYPTION_UPDATE,
                connection.handle,
                bool(connection.encryption),
                bool(connection.authenticated),
                False,
                _KEY_BYTES,
            ),
        )
        connection.on("connection_parameters_update", lambda *_: self._tell_parameters(connection))

    def _tell_parameters(self, connection: Connection) -> None:
        now = connection.parameters
        interval = round(now.connection_interval / 1.25)
        timeout = round(now.supervision_timeout / 10)
        self._tell(CONNECTION_UPDATE, connection.handle, interval, now.peripheral_latency, timeout, 0)

    def _tell(self, event: tuple[int, str], *fields: Any) -> None:
        number, layout = event
        self._interrupt(bytes([number]) + struct.pack(layout, *fields))

    async def _on_address(self, fields: dict[str, Any], blob: bytes) -> tuple[int, bytes]:
        address = board_address(self._name)
        return 1, bytes(address)[::-1]

    async def _on_disconnect(self, fields: dict[str, Any], blob: bytes) -> tuple[int, bytes]:
        connection = self._connection(fields["conn"])
        if connection is None:
            return -errno.ENOTCONN, b""
        await connection.disconnect()
        return 0, b""

    async def _on_cut(self, fields: dict[str, Any], blob: bytes) -> tuple[int, bytes]:
        centrals = [*self.controller.le_connections]
        for central in centrals:
            self._link.cut(self.controller, central)
        await settle_loop()
        return len(centrals), b""

    def _connection(self, handle: int) -> Connection | None:
        return self._device.connections.get(handle) if self._device is not None else None

    # --- GATT ----------------------------------------------------------------------------------------------

    async def _on_register(self, fields: dict[str, Any], blob: bytes) -> tuple[int, bytes]:
        device = self._device
        if device is None:
            return -errno.ENODEV, b""
        server = device.gatt_server
        server.attributes.clear()
        server.attributes_by_handle.clear()
        server.services.clear()
        server.subscribers.clear()
        server.max_mtu = self._mtu
        device.add_default_services()
        self._show_gap_name()
        self._values = {}
        self._attributes = {}
        handles: list[int] = []
        for uuid, characteristics in fields["services"]:
            made = [self._characteristic(*about) for about in characteristics]
            server.add_service(gatt.Service(UUID(uuid), made))
            for characteristic in made:
                for attribute in (characteristic, *characteristic.descriptors):
                    if attribute.handle:
                        handles.append(attribute.handle)
                        self._attributes[attribute.handle] = attribute
                        self._values[attribute.handle] = attribute.value.buffer
        return len(handles), struct.pack(f"<{len(handles)}H", *handles)

    def _characteristic(self, uuid: str, flags: int, descriptors: list[Any]) -> gatt.Characteristic:
        access = _Access(self._tell, flags)
        made = gatt.Characteristic(
            UUID(uuid),
            gatt.Characteristic.Properties(flags & _PROPERTIES),
            _permissions(flags),
            access,
            [self._descriptor(*about) for about in descriptors],
        )
        access.owner = made
        return made

    def _descriptor(self, uuid: str, flags: int) -> gatt.Descriptor:
        access = _Access(self._tell, flags)
        access.owner = made = gatt.Descriptor(UUID(uuid), _permissions(flags), access)
        return made

    async def _on_read(self, fields: dict[str, Any], blob: bytes) -> tuple[int, bytes]:
        value = self._values.get(fields["handle"])
        if value is None:
            return -errno.EINVAL, b""
        data = value.take()
        return len(data), data

    async def _on_write(self, fields: dict[str, Any], blob: bytes) -> tuple[int, bytes]:
        handle = fields["handle"]
        value = self._values.get(handle)
        if value is None:
            return -errno.EINVAL, b""
        value.most_bytes = max(value.most_bytes, len(blob))
        value.data = blob
        if fields["send"] and self._device is not None:
            await self._device.gatt_server.notify_subscribers(self._attributes[handle], blob)
        return len(blob), b""

    async def _on_buffer(self, fields: dict[str, Any], blob: bytes) -> tuple[int, bytes]:
        value = self._values.get(fields["handle"])
        if value is None:
            return -errno.EINVAL, b""
        value.most_bytes = fields["n"]
        value.appends = fields["append"]
        value.data = value.data[: value.most_bytes]
        return 0, b""

    async def _on_notify(self, fields: dict[str, Any], blob: bytes) -> tuple[int, bytes]:
        """NimBLE sends whether somebody subscribed or not, and cuts what is longer than the MTU."""
        connection, attribute = self._connection(fields["conn"]), self._attributes.get(fields["handle"])
        if connection is None or attribute is None:
            return -(errno.ENOTCONN if connection is None else errno.EINVAL), b""
        if self._link.queued_packets(self.controller, connection.peer_address) >= BOARD_QUEUE_PACKETS:
            return -errno.ENOMEM, b""
        data = self._values[fields["handle"]].data if fields["own"] else blob
        assert self._device is not None
        if fields["indicate"]:
            task = asyncio.create_task(self._indicate(connection, attribute, data))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        else:
            await self._device.gatt_server.notify_subscriber(connection, attribute, data, force=True)
        await settle_loop()
        return 0, b""

    async def _indicate(self, connection: Connection, attribute: att.Attribute, data: bytes) -> None:
        assert self._device is not None
        status = 0
        try:
            await self._device.gatt_server.indicate_subscriber(connection, attribute, data, force=True)
        except (TimeoutError, asyncio.CancelledError):
            status = errno.ETIMEDOUT
        self._tell(GATTS_INDICATE_DONE, connection.handle, attribute.handle, status)


class _Access(att.AttributeValue):  # type: ignore[misc]
    """The value of one attribute: reads see its buffer, writes fill it and are told."""

    def __init__(self, tell: Callable[..., None], flags: int) -> None:
        self.buffer: _Value = _Value()
        super().__init__(read=self._on_read, write=self._on_write)
        self.owner: Any = None
        self._tell = tell
        self._flags = flags

    def _on_read(self, _connection: Connection) -> bytes:
        if not self._flags & _READ:
            raise att.ATT_Error(att.ErrorCode.READ_NOT_PERMITTED)
        return self.buffer.data

    def _on_write(self, connection: Connection, data: bytes) -> None:
        if not self._flags & _WRITES:
            raise att.ATT_Error(att.ErrorCode.WRITE_NOT_PERMITTED)
        self.buffer.write_remotely(data)
        self._tell(GATTS_WRITE, connection.handle, self.owner.handle)


def _permissions(flags: int) -> att.Attribute.Permissions:
    """What a central may do, by the flags of `bluetooth`."""
    permissions = 0
    if flags & _READ:
        permissions |= int(att.Attribute.READABLE)
    if flags & _WRITES:
        permissions |= int(att.Attribute.WRITEABLE)
    for flag, permission in _PERMISSIONS.items():
        if flags & flag:
            permissions |= permission
    return att.Attribute.Permissions(permissions)
