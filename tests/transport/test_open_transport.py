"""Addresses lead to the right transport, and what is no address says so."""

from __future__ import annotations

import pytest

from midge.errors import DeviceNotFound
from midge.transport import open_transport, split_address


@pytest.mark.parametrize(
    ("device", "scheme", "address"),
    [
        ("serial:/dev/ttyACM0", "serial", "/dev/ttyACM0"),
        ("/dev/ttyACM0", "serial", "/dev/ttyACM0"),
        ("/dev/cu.usbmodem14:1", "serial", "/dev/cu.usbmodem14:1"),
        ("COM3", "serial", "COM3"),
        ("com12", "serial", "com12"),
        ("serial:COM3", "serial", "COM3"),
        ("virtual:desk", "virtual", "desk"),
        ("loop:x", "loop", "x"),
    ],
)
def test_forms(device: str, scheme: str, address: str) -> None:
    assert split_address(device) == (scheme, address)


@pytest.mark.parametrize("device", ["", "ttyACM0", "tcp:1", "COM", "gesture"])
def test_what_is_no_address(device: str) -> None:
    with pytest.raises(DeviceNotFound, match="no address"):
        open_transport(device)
