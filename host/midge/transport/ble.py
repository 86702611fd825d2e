"""A board in the air as a transport: the Nordic UART Service, through bleak.

`ble:NAME` and `ble:ADDRESS` use this machine's radio, `ble:virtual:NAME` the ether of virtual boards;
MIDGE_BLE=virtual in the environment sends all of them there. A link that breaks is made anew: what the board
sent meanwhile is missing, and its frames tell how much.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from ..errors import DeviceNotFound
from .ble_finding import scanner_backend
from .ble_link import SERVICE, Link, run, translated

NO_COMPANY = 0xFFFF  # our boards say their app's name behind it


@dataclass(frozen=True)
class Found:
    """Something that advertises.

    Attributes
    ----------
    address, name : str
        name is '' if it has none
    rssi_dbm : int
    is_midge : bool
        it has our service and says which app it runs
    app : str
        the app of a midge board, as far as it fits an advertisement
    services : tuple of str
        UUIDs that it advertises
    """

    address: str
    name: str
    rssi_dbm: int
    is_midge: bool
    app: str
    services: tuple[str, ...]


def scan(seconds: float = 5.0, *, virtual: bool = False) -> list[Found]:
    """What advertises within `seconds` s, the strongest first. Raises TransportError without Bluetooth."""

    async def look() -> list[Found]:
        from bleak import BleakScanner

        seen = await BleakScanner.discover(seconds, return_adv=True, **scanner_backend(virtual))
        return [_found(device, data) for device, data in seen.values()]

    with translated("Bluetooth"):
        return sorted(run(look()), key=lambda found: -found.rssi_dbm)


def _found(device: Any, data: Any) -> Found:
    app = data.manufacturer_data.get(NO_COMPANY)
    services = tuple(str(uuid).lower() for uuid in data.service_uuids)
    is_midge = SERVICE in services and app is not None
    name = data.local_name or device.name or ""
    text = app.decode(errors="replace") if is_midge and app is not None else ""
    return Found(device.address, name, data.rssi, is_midge, text, services)


class BleLine:
    """A board in the air."""

    def __init__(self, address: str) -> None:
        self.link = Link(address)

    @property
    def name(self) -> str:
        return self.link.name

    @property
    def reconnects(self) -> int:
        """How often the link was made anew."""
        return self.link.reconnects

    def summary(self) -> str:
        """MTU, throughput and reconnects so far, for people."""
        return self.link.summary()

    def expect_restart(self) -> None:
        """The board was told to start anew."""
        self.link.expect_restart()

    def read(self, timeout_s: float) -> bytes:
        return b"".join(self.link.take(timeout_s))

    def write(self, data: bytes) -> None:
        self.link.send(data)

    def close(self) -> None:
        self.link.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_address(address: str) -> BleLine:
    """Connect to the board that advertises `address`, a name or an address.

    Raises DeviceNotFound if none does, TransportError without Bluetooth or if it has no midge on it.
    """
    if not address:
        raise DeviceNotFound("ble: needs a name or an address behind it; midge devices --ble lists them")
    return BleLine(address)
