"""Bytes to and from a board: one small contract, and the table of ways to get there.

A new way is one file here and one line in `OPENERS`. A transport knows nothing of frames or messages.
"""

from __future__ import annotations

import importlib
import re
from types import TracebackType
from typing import Protocol, Self

from ..errors import DeviceNotFound

# scheme → module in this package whose `open_address(address)` makes the transport; imported when first used.
OPENERS = {
    "serial": "serial",
    "usb": "usb",
    "ble": "ble",
    "virtual": "virtual",
    "loop": "loop",
}

FORMS = "serial:PATH, usb:SERIAL, ble:NAME, virtual:NAME or a bare tty path"


class Transport(Protocol):
    """An open line to a board: whole bytes in order, no meaning."""

    @property
    def name(self) -> str:
        """The address, as a person would type it."""

    @property
    def reconnects(self) -> int:
        """How often the line was made anew by itself; what was under way then is lost."""

    def read(self, timeout_s: float) -> bytes:
        """What has come, at once if there is something, else after at most `timeout_s` s; b'' if nothing.

        Raises TransportLost if the line is gone.
        """

    def write(self, data: bytes) -> None:
        """Send all of `data`; raises TransportLost if the line is gone or takes nothing any more."""

    def close(self) -> None:
        """Give the line back; a second call does nothing."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def split_address(device: str) -> tuple[str, str]:
    """`device` as (scheme, address); a bare tty path or COM port is (`serial`, path).

    Raises DeviceNotFound for a form that nobody opens.
    """
    scheme, colon, address = device.partition(":")
    if colon and scheme in OPENERS:
        return scheme, address
    if "/" in device or re.fullmatch(r"(?i)(\\\\\.\\)?com\d+", device):
        return "serial", device
    raise DeviceNotFound(
        f"{device!r} is no address of a board; write {_meant(device)}{FORMS} (midge devices lists them)"
    )


def _meant(device: str) -> str:
    """The virtual board of that name, if one runs."""
    from .virtual import running

    return f"virtual:{device}, " if device in running() else ""


def port_path(device: str) -> str:
    """The serial port behind `device`, for tools that open it themselves.

    Raises DeviceNotFound if there is none behind it.
    """
    scheme, address = split_address(device)
    if scheme == "serial":
        return address
    path = getattr(importlib.import_module(f".{OPENERS[scheme]}", __name__), "port_path", None)
    if path is None:
        raise DeviceNotFound(
            f"{device} is no serial port, and this needs one; write serial:PATH or virtual:NAME"
        )
    return str(path(address))


def summary(transport: Transport) -> str:
    """How the line did, for people: throughput, reconnects. '' for lines that have nothing to tell."""
    tell = getattr(transport, "summary", None)
    return str(tell()) if tell is not None else ""


def patience(device: str) -> float:
    """How many times longer than a real board this one may take to answer: 1, unless it is emulated."""
    scheme, address = split_address(device)
    if scheme != "virtual":
        return 1.0
    from . import virtual

    return virtual.patience(address)


def open_transport(device: str) -> Transport:
    """Open the line to `device`: `serial:PATH`, a tty path, `COM3`, `ble:NAME`, `virtual:NAME`, `loop:…`.

    Raises DeviceNotFound if there is no such device, TransportError if another program has it.
    """
    scheme, address = split_address(device)
    module = importlib.import_module(f".{OPENERS[scheme]}", __name__)
    transport: Transport = module.open_address(address)
    return transport
