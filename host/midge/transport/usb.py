"""A serial port by the serial number of its USB device: the same board, whatever port it gets today."""

from __future__ import annotations

from ..errors import DeviceNotFound
from .serial import SerialLine


def port_path(address: str) -> str:
    """The port whose USB serial number is `address`, or begins with it.

    Raises DeviceNotFound if there is none, or several.
    """
    from serial.tools import list_ports

    ports = [port for port in list_ports.comports() if (port.serial_number or "").startswith(address)]
    exact = [port for port in ports if port.serial_number == address]
    found = exact or ports
    if not address or not found:
        raise DeviceNotFound(
            f"no USB port has the serial number {address!r}; plug the board in, midge devices lists them"
        )
    if len(found) > 1:
        names = ", ".join(str(port.device) for port in found)
        raise DeviceNotFound(
            f"several ports have the serial number {address!r}: {names}; write more of it, or the port"
        )
    return str(found[0].device)


def open_address(address: str) -> SerialLine:
    """Open that port for this program alone; errors as `serial.open_address`."""
    return SerialLine(port_path(address), name=f"usb:{address}")
