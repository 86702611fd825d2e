"""Finds the one peripheral that an address means: by its own address, or by a name that only it has."""

from __future__ import annotations

import asyncio
import contextlib
import os
from typing import Any

from ..errors import DeviceNotFound, TransportError

# Once a name is heard, others of that name have so long to be heard, too: several advertisements.
TWINS_S = 0.5
# A board that starts anew is given so long to show up under its old address before its name counts.
START_S = 5.0
VIRTUAL = "virtual:"


def is_virtual(address: str = "") -> bool:
    """True if `address` is looked for in the ether of virtual boards."""
    return address.startswith(VIRTUAL) or os.environ.get("MIDGE_BLE") == "virtual"


def scanner_backend(virtual: bool) -> dict[str, Any]:
    """Arguments of BleakScanner for this machine's radio, or for the ether."""
    if not virtual and not is_virtual():
        return {}
    from ..virtual.ble.scanner import VirtualScanner

    return {"backend": VirtualScanner}


class Wanted:
    """What somebody called `address`: NAME or ADDRESS, with `virtual:` in front if it is in the ether.

    A name means one peripheral from its first connection on: it comes back by its address, another one of the
    same name is never taken for it.

    Attributes
    ----------
    virtual : bool
    """

    def __init__(self, address: str) -> None:
        self.virtual = is_virtual(address)
        self._text = address
        self._wanted = address.removeprefix(VIRTUAL).lower()
        self._known = ""
        self._may_differ = False

    def is_met(self, device: Any) -> None:
        """This is the one from now on."""
        self._known = str(device.address).lower()
        self._may_differ = False

    def may_change(self) -> None:
        """It starts anew; some boards then have another address, so that a name counts again, if in doubt."""
        self._may_differ = True

    async def find(self, timeout_s: float) -> Any:
        """The bleak device. Raises DeviceNotFound, TransportError if several have this name."""
        from bleak import BleakScanner

        found: dict[str, tuple[Any, int]] = {}
        heard, heard_known = asyncio.Event(), asyncio.Event()
        is_sure = bool(self._known) and not self._may_differ

        def look(device: Any, data: Any) -> None:
            address, name = device.address.lower(), (data.local_name or device.name or "").lower()
            is_known = address in (self._known, self._wanted)
            if is_known or (name == self._wanted and not is_sure):
                found[address] = (device, data.rssi)
                heard.set()
            if is_known:
                heard_known.set()

        async with BleakScanner(look, **scanner_backend(self.virtual)):
            try:
                await asyncio.wait_for(heard.wait(), timeout_s)
            except TimeoutError:
                raise DeviceNotFound(
                    f"ble:{self._text} does not advertise: it is off, out of reach or connected to another "
                    "program; midge devices --ble lists what is there"
                ) from None
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(heard_known.wait(), START_S if self._known else TWINS_S)
        for address in (self._known, self._wanted):
            if address in found:
                return found[address][0]
        if len(found) > 1:
            raise TransportError(self._ambiguous(found))
        return next(iter(found.values()))[0]

    def _ambiguous(self, found: dict[str, tuple[Any, int]]) -> str:
        where = "ble:" + VIRTUAL if self._text.startswith(VIRTUAL) else "ble:"
        by_strength = sorted(found.values(), key=lambda entry: -entry[1])
        those = ", ".join(f"{where}{device.address} ({rssi_dbm} dBm)" for device, rssi_dbm in by_strength)
        return f"{len(found)} boards in the air are called {self._wanted}; name one by its address: {those}"
