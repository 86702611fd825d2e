"""The terminal of a virtual board that runs, as a transport."""

from __future__ import annotations

import sys

from ..errors import DeviceNotFound
from .serial import SerialLine


def port_path(address: str) -> str:
    """The tty of the running board `address`; raises DeviceNotFound if it does not run."""
    if sys.platform == "win32":
        raise DeviceNotFound("virtual boards need Linux or macOS; use a real board, or WSL")
    from ..virtual import registry

    return registry.find(address).tty


def patience(address: str) -> float:
    """How many times longer than a real board the running board `address` may take to answer."""
    from ..virtual import registry

    return registry.find(address).patience


def running() -> list[str]:
    """Names of the virtual boards that run now."""
    if sys.platform == "win32":
        return []
    from ..virtual import registry

    return [board.name for board in registry.running()]


def open_address(address: str) -> SerialLine:
    """Open the running board `address` for this program alone; errors as `serial.open_address`."""
    line = SerialLine(port_path(address), name=f"virtual:{address}")
    line.patience = patience(address)
    return line
