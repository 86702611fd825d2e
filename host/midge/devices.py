"""Which boards are there: serial ports by their USB facts, and running virtual boards.

A port is opened only if its USB ids are those of a MicroPython board, if this very board answered before (by
its serial number), or if somebody named it: a question to an unknown port could reset or confuse another
device.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from . import known_devices, transport
from .errors import DeviceError, DeviceNotFound, MidgeError, ReplyTimeout, TransportError
from .messages import Welcome
from .session import Session
from .timeouts import Timeouts

# (vendor, product) of USB ports that MicroPython itself makes; product None = any. From the ports'
# mpconfigport.h and mpconfigboard.h. Serial bridges (CH340, CP210x, FTDI) are on anything and are not here.
MICROPYTHON_USB: frozenset[tuple[int, int | None]] = frozenset(
    {
        (0xF055, None),  # pyboard and other STM32 boards
        (0x2E8A, 0x0005),  # rp2 port
        (0x303A, 0x4001),  # esp32 port on its own USB
        (0x2341, 0x025E),  # Arduino Nano RP2040 Connect
        (0x2341, 0x056B),  # Arduino Nano ESP32
        (0x2886, 0x0045),  # Seeed XIAO nRF52840 Sense
    }
)
# Ports of MicroPython that share their vendor's ids still sign their descriptors.
MICROPYTHON_MANUFACTURER = "MicroPython"

ASK_TIMEOUTS = Timeouts(hello_s=1.5, repeat_s=0.5, start_s=1.5, reply_s=1.0, silence_s=1.5)


@dataclass(frozen=True)
class Device:
    """A place where a board is, or may be.

    Attributes
    ----------
    address : str
        what to write as DEVICE
    description : str
        what USB says of it, or that it is a virtual board
    usb : str
        vendor and product id in hex, '' if it is not on USB
    serial_number : str
        of the USB device, '' if it has none
    is_known : bool
        True for ids of MicroPython boards, boards that answered before, and virtual boards: those that may be
        asked
    state : str
        'midge', 'prompt', 'silent', 'in use' or 'not asked'
    welcome : Welcome or None
        its answer, if it runs midge
    remembered : str
        board and app that answered there before, '' if none did
    """

    address: str
    description: str
    usb: str = ""
    serial_number: str = ""
    is_known: bool = False
    state: str = "not asked"
    welcome: Welcome | None = None
    remembered: str = ""


def serial_ports() -> list[Device]:
    """Serial ports that the system knows, by USB facts; none is opened."""
    from serial.tools import list_ports

    found = []
    known = known_devices.load()
    for port in sorted(list_ports.comports(), key=lambda port: str(port.device)):
        if port.vid is None:
            continue
        usb, serial_number = f"{port.vid:04x}:{port.pid:04x}", port.serial_number or ""
        about = known[serial_number] if known_devices.is_remembered(known, serial_number, usb) else {}
        found.append(
            Device(
                address=str(port.device),
                description=_describe(port),
                usb=usb,
                serial_number=serial_number,
                is_known=bool(about) or is_micropython(port.vid, port.pid, port.manufacturer or ""),
                remembered=f"{about['board']}, app {about['app'] or '-'}" if about else "",
            )
        )
    return found


def is_micropython(vendor: int, product: int, manufacturer: str = "") -> bool:
    """True for USB facts that only a MicroPython board has."""
    return (
        (vendor, product) in MICROPYTHON_USB
        or (vendor, None) in MICROPYTHON_USB
        or manufacturer.startswith(MICROPYTHON_MANUFACTURER)
    )


def _describe(port: Any) -> str:
    words = [word for word in (port.manufacturer, port.product) if word]
    return " ".join(dict.fromkeys(words)) or str(port.description)


def virtual_boards() -> list[Device]:
    """Virtual boards that run now, of this user."""
    from .transport.virtual import running

    return [Device(f"virtual:{name}", "virtual board", is_known=True) for name in running()]


def in_the_air(seconds: float) -> tuple[list[Device], str]:
    """Boards that advertise within `seconds` s, by radio or in the ether of virtual boards; none is asked.

    With them, why this machine's radio hears nothing: '' if it listened.
    """
    from .transport import ble
    from .transport.ble_finding import is_virtual as all_is_virtual

    found: dict[str, Device] = {}
    trouble = ""
    for is_virtual in sorted({all_is_virtual(), True}):
        try:
            seen = ble.scan(seconds, virtual=is_virtual)
        except MidgeError as error:
            # Without a virtual board in the air there is no ether: nobody misses it beside a radio.
            if all_is_virtual():
                trouble = str(error)
            elif not is_virtual:
                trouble = f"{error} (MIDGE_BLE=virtual in the environment listens to those only)"
            continue
        boards = [it for it in seen if it.is_midge]
        names = Counter(it.name.lower() for it in boards)
        for it in boards:
            where = "ble:virtual:" if is_virtual and not all_is_virtual() else "ble:"
            is_alone = it.name and names[it.name.lower()] == 1
            who = "" if is_alone or not it.name else f"{it.name}, "
            text = f"in the air, {who}app {it.app or '-'}, {it.rssi_dbm} dBm"
            found[it.address] = Device(where + (it.name if is_alone else it.address), text)
    return sorted(found.values(), key=lambda device: device.address), trouble


def ask(device: Device) -> Device:
    """`device` with its state and WELCOME; the board is left as it was, and remembered if it answers."""
    state, welcome = _ask(device.address)
    if welcome is not None and device.serial_number:
        known_devices.remember(device.serial_number, device.usb, welcome.board, welcome.app)
    return replace(device, state=state, welcome=welcome)


def _ask(address: str) -> tuple[str, Welcome | None]:
    try:
        line = transport.open_transport(address)
    except DeviceNotFound:
        return "gone", None
    except TransportError:
        return "in use", None
    with Session(line, timeouts=ASK_TIMEOUTS) as session:
        try:
            return "midge", session.open(start_app=False)
        except DeviceError:
            return "prompt", None
        except ReplyTimeout:
            return "silent", None
        except MidgeError as error:
            return " ".join(str(error).split(";")[:1]), None


def find(addresses: Iterable[str] = ()) -> list[Device]:
    """All devices; those named in `addresses` and those known to be MicroPython boards are asked.

    Raises DeviceNotFound for an address that nobody could open.
    """
    named = list(addresses)
    for address in named:
        transport.split_address(address)
    listed = [*serial_ports(), *virtual_boards()]
    if named:
        known = {device.address: device for device in listed}
        return [ask(known.get(_listed_as(address), Device(address, "named"))) for address in named]
    return [ask(device) if device.is_known else device for device in listed]


def _listed_as(address: str) -> str:
    """The address under which a device that somebody named is listed."""
    scheme, path = transport.split_address(address)
    if scheme == "usb":
        return transport.port_path(address)
    return path if scheme == "serial" else address
