"""Devices: known by USB facts, and nobody else's port is opened."""

from __future__ import annotations

import os
import pty
import tty
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from serial.tools import list_ports
from serial.tools.list_ports_common import ListPortInfo

from midge import devices, known_devices
from midge.devices import Device
from midge.errors import DeviceNotFound
from midge.transport import loop


@pytest.fixture
def port() -> Iterator[tuple[int, str]]:
    master, slave = pty.openpty()
    tty.setraw(slave)
    path = os.ttyname(slave)
    yield master, path
    os.close(master)
    os.close(slave)


def usb(path: str, vendor: int | None, product: int | None, manufacturer: str = "") -> ListPortInfo:
    info = ListPortInfo(path)
    info.vid, info.pid, info.manufacturer, info.product, info.serial_number = (
        vendor,
        product,
        manufacturer,
        "Thing",
        "S1",
    )
    return info


@pytest.mark.parametrize(
    ("vendor", "product", "manufacturer", "known"),
    [
        (0x2E8A, 0x0005, "", True),
        (0x2E8A, 0x000A, "", False),
        (0xF055, 0x9800, "", True),
        (0x303A, 0x4001, "", True),
        (0x303A, 0x1001, "Espressif", False),
        (0x1A86, 0x7523, "", False),
        (0x0403, 0x6001, "FTDI", False),
        (0x1209, 0x0001, "MicroPython", True),
    ],
)
def test_what_is_known_to_be_micropython(vendor: int, product: int, manufacturer: str, known: bool) -> None:
    assert devices.is_micropython(vendor, product, manufacturer) is known


def test_an_unknown_port_is_listed_and_not_opened(
    port: tuple[int, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    master, path = port
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    found = [usb(path, 0x1A86, 0x7523, "QinHeng"), usb("/dev/ttyS0", None, None)]
    monkeypatch.setattr(list_ports, "comports", lambda: found)
    assert devices.find() == [Device(path, "QinHeng Thing", "1a86:7523", "S1", False, "not asked", None)]
    os.set_blocking(master, False)
    with pytest.raises(BlockingIOError):
        os.read(master, 1)


def test_a_board_that_answered_once_is_asked_again(
    port: tuple[int, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    """Behind a bridge that is on anything: known by its serial number from then on, and only with its ids."""
    _, path = port
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    bridge = usb(path, 0x1A86, 0x55D4)
    bridge.serial_number = "54D2011189"
    monkeypatch.setattr(list_ports, "comports", lambda: [bridge])
    assert not devices.serial_ports()[0].is_known
    answer = SimpleNamespace(board="m5stickc_plus2", app="gesture")
    monkeypatch.setattr(devices, "_ask", lambda _address: ("midge", answer))
    assert devices.find([path])[0].welcome is answer
    assert devices.serial_ports()[0].is_known
    assert devices.serial_ports()[0].remembered == "m5stickc_plus2, app gesture"
    assert devices.find(["usb:54D2"])[0].address == path
    bridge.pid = 0x7523
    assert not devices.serial_ports()[0].is_known
    with pytest.raises(DeviceNotFound, match="no USB port has the serial number 'XY'"):
        devices.find(["usb:XY"])


@pytest.mark.parametrize("serial_number", ["", "0001"])
def test_a_serial_number_that_many_share_is_not_remembered(
    serial_number: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    known_devices.remember(serial_number, "1a86:7523", "x", "y")
    assert known_devices.load() == {}
    (tmp_path / "midge").mkdir()
    (tmp_path / "midge" / "devices.json").write_text("broken")
    known_devices.remember("E6614C311B", "2e8a:0005", "rpi_pico", "y")
    assert known_devices.is_remembered(known_devices.load(), "E6614C311B", "2e8a:0005")


def test_a_known_port_is_asked_and_silence_is_told(
    port: tuple[int, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    from midge.timeouts import Timeouts

    master, path = port
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setattr(list_ports, "comports", lambda: [usb(path, 0x2E8A, 0x0005)])
    monkeypatch.setattr(devices, "ASK_TIMEOUTS", Timeouts(hello_s=0.05, repeat_s=0.02))
    (found,) = devices.find()
    assert (found.state, found.is_known) == ("silent", True)
    assert b"midge" in os.read(master, 1000)


def test_a_named_board_is_asked(scripted: Any) -> None:
    (found,) = devices.find(["loop:scripted"])
    assert found.state == "midge"
    assert found.welcome is not None
    assert found.welcome.board == "scripted"
    assert not scripted.is_open


def test_what_is_not_there() -> None:
    loop.detach("scripted")
    assert devices.find(["loop:scripted"])[0].state == "gone"
    with pytest.raises(DeviceNotFound, match="no address"):
        devices.find(["nonsense"])


def test_a_port_in_use_is_told(port: tuple[int, str]) -> None:
    from midge.transport import open_transport

    _, path = port
    with open_transport(path):
        assert devices.find([path])[0].state == "in use"
