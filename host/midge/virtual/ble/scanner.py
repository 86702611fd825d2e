"""bleak's scanner for the ether."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from bleak.backends.scanner import BaseBleakScanner
from bleak.exc import BleakBluetoothNotAvailableError, BleakBluetoothNotAvailableReason

from ...errors import MidgeError
from . import place
from .advertising import advertisement

_SCAN_RESPONSE = 4  # type of a report (Core 5.4, Vol 4, Part E, §7.7.65.2)


async def enter_or_refuse(idle: Callable[[], Awaitable[None]] | None = None) -> Any:
    """A guest in the ether; its absence is that of Bluetooth."""
    try:
        place.require_bumble()
        from .guest import enter

        return await enter(idle)
    except MidgeError as error:
        raise BleakBluetoothNotAvailableError(
            str(error), BleakBluetoothNotAvailableReason.NO_BLUETOOTH
        ) from error


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
        self._guest = await enter_or_refuse()
        # Reports as they come: bumble's own joining of advertisement and scan response loses either.
        self._guest.device.host.on("advertising_report", self._on_report)
        await self._guest.device.start_scanning(active=self._is_active, filter_duplicates=False)

    async def stop(self) -> None:
        guest, self._guest = self._guest, None
        if guest is not None:
            await guest.close()

    def _on_report(self, report: Any) -> None:
        address = report.address.to_string(with_type_qualifier=False)
        is_response = int(report.event_type) == _SCAN_RESPONSE
        parts = self._data.setdefault(address, {})
        parts[is_response] = bytes(report.data)
        if self._is_active and len(parts) < 2:
            return
        data = parts.get(False, b"") + parts.get(True, b"")
        found = advertisement(data, report.rssi)
        if not self.is_allowed_uuid(found.service_uuids):
            return
        device = self.create_or_update_device(address, address, found.local_name, (address, data), found)
        self.call_detection_callbacks(device, found)
