"""What advertising data says: the AD structures of the Core specification supplement, Part A, as bleak's."""

from __future__ import annotations

from bleak.backends.scanner import AdvertisementData

_SHORT_NAME, _NAME, _TX_POWER, _INTERVALS, _MANUFACTURER = 0x08, 0x09, 0x0A, 0x12, 0xFF
_UUIDS = {0x02: 2, 0x03: 2, 0x04: 4, 0x05: 4, 0x06: 16, 0x07: 16}
_SERVICE_DATA = {0x16: 2, 0x20: 4, 0x21: 16}
# A phone's connection interval, for a board that does not say what it prefers.
_INTERVAL_MS = 30.0


def _elements(data: bytes) -> list[tuple[int, bytes]]:
    """Type and data of each structure."""
    found = []
    at = 0
    while at + 1 < len(data) and data[at]:
        end = at + 1 + data[at]
        found.append((data[at + 1], data[at + 2 : end]))
        at = end
    return found


def uuid_text(data: bytes) -> str:
    """A UUID of 2, 4 or 16 bytes, least significant first, in full."""
    if len(data) == 16:
        digits = data[::-1].hex()
        return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
    return f"{data[::-1].hex().rjust(8, '0')}-0000-1000-8000-00805f9b34fb"


def advertisement(data: bytes, rssi: int) -> AdvertisementData:
    """All that `data` says, scan response included; `rssi` in dBm."""
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
            services += [uuid_text(body[at : at + n]) for at in range(0, len(body), n)]
        elif kind in _SERVICE_DATA:
            n = _SERVICE_DATA[kind]
            service_data[uuid_text(body[:n])] = body[n:]
    return AdvertisementData(name, manufacturers, service_data, services, tx_power, rssi, (data,))


def preferred_interval_ms(data: bytes) -> float:
    """The longest connection interval that the board asks for, else ours."""
    for kind, body in _elements(data):
        if kind == _INTERVALS and len(body) == 4:
            longest = int.from_bytes(body[2:], "little")
            if 6 <= longest <= 3200:
                return longest * 1.25
    return _INTERVAL_MS
