"""Board files: every one has its facts, the host reads them without running them, the page shows them."""

from __future__ import annotations

import importlib
import sys
import types
from pathlib import Path
from typing import Any

import pytest

from midge import boards_page, targets
from midge.board_facts import known_boards
from midge_device import drivers
from midge_device.primitives import scale_table

ROOT = Path(__file__).resolve().parents[1]
BOARDS = known_boards()
FACTS: dict[str, type | tuple[type, ...]] = {
    "NAME": str,
    "TITLE": str,
    "MICROPYTHON": str,
    "TARGET": str,
    "USB": tuple,
    "BLE": str,
    "WIFI": str,
    "I2S": str,
    "SENSORS": tuple,
    "MICROPHONE": str,
    "I2C_ID": int,
    "AXES": (tuple, type(None)),
    "CURRENTS": tuple,
    "SHOWN": tuple,
    "SOURCES": tuple,
}
OPTIONAL = {
    "MACHINES",
    "BOOTLOADER",
    "RAM_BYTES",
    "FLASH_BYTES",
    "SDA_PIN",
    "SCL_PIN",
    "I2C_HZ",
    "INT1_PIN",
    "POWER_PIN",
    "I2S_ID",
    "I2S_SCK_PIN",
    "I2S_WS_PIN",
    "I2S_SD_PIN",
    "MIC",
    "PDM_CLOCK_PIN",
    "PDM_DATA_PIN",
    "PDM_IS_HIGH",
    "NOTE",
}


def test_the_promised_boards_are_there() -> None:
    assert set(BOARDS) == {
        "rpi_pico",
        "rpi_pico_w",
        "rpi_pico2_w",
        "arduino_nano_rp2040_connect",
        "seeed_xiao_esp32s3",
        "esp32_generic_c3",
        "m5stickc_plus2",
        "seeed_xiao_nrf52",
        "nucleo_wb55",
        "virtual",
    }


@pytest.mark.parametrize("name", BOARDS)
def test_facts_are_whole_and_of_their_kind(name: str) -> None:
    board = BOARDS[name]
    module = importlib.import_module(f"midge_device.boards.{name}")
    here = {key: value for key, value in vars(module).items() if key.isupper()}
    assert here == dict(board.constants), "the host reads other facts than the board"
    assert set(here) >= set(FACTS)
    assert set(here) - set(FACTS) <= OPTIONAL
    for key, kind in FACTS.items():
        assert isinstance(here[key], kind), key
    assert here["NAME"] == name == board.path.stem
    assert here["TARGET"] == "" or here["TARGET"] in targets.TARGETS
    assert set(here["SENSORS"]) <= set(drivers.CHIPS)
    assert all(0 < vendor < 0x10000 and 0 <= product < 0x10000 for vendor, product in here["USB"])
    if here["AXES"] is not None:
        assert len(scale_table(8000, 4, here["AXES"])) == 7
    assert ("SDA_PIN" in here) == ("SCL_PIN" in here)
    assert here["SOURCES"]
    assert all(len(current) == 3 and current[1] > 0 and current[2] for current in here["CURRENTS"])


@pytest.mark.parametrize("name", BOARDS)
def test_imu_wires_what_the_facts_say(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a machine module that writes down what is asked of it, and a chip that answers on the bus."""
    facts = BOARDS[name].constants
    wanted = facts["SENSORS"][0] if facts["SENSORS"] else "adxl345"
    _, _, addresses, register, identities = drivers.CHIPS[wanted]
    made: list[Any] = []

    class Pin:
        OUT, IN, IRQ_RISING = 1, 0, 1

        def __init__(self, number: Any, mode: int = -1, value: int = -1) -> None:
            self.number = number
            made.append(("pin", number, mode, value))

    class I2C:
        def __init__(self, number: int, *, freq: int, **wires: Pin) -> None:
            made.append(("bus", number, freq, {key: pin.number for key, pin in wires.items()}))

        def readfrom_mem_into(self, address: int, where: int, buffer: Any) -> None:
            if address != addresses[0]:
                raise OSError(5, "EIO")
            buffer[0] = identities[0] if where == register else 0

        def writeto_mem(self, address: int, where: int, buffer: Any) -> None:
            pass

    machine = types.ModuleType("machine")
    machine.Pin, machine.I2C = Pin, I2C  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "machine", machine)
    micropython = types.ModuleType("micropython")
    micropython.const = lambda value: value  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "micropython", micropython)
    monkeypatch.setattr("time.sleep_ms", lambda _ms: None, raising=False)
    module = importlib.import_module(f"midge_device.boards.{name}")
    driver = module.imu(100, 4)
    assert wanted == driver.NAME
    assert abs(driver.rate_hz - 100) <= 5
    wires = {"sda": facts["SDA_PIN"], "scl": facts["SCL_PIN"]} if "SDA_PIN" in facts else {}
    bus = ("bus", facts["I2C_ID"], 400_000, wires)
    assert bus in made
    if "POWER_PIN" in facts:
        assert made.index(("pin", facts["POWER_PIN"], Pin.OUT, 1)) < made.index(bus)
    if "INT1_PIN" in facts:
        assert ("pin", facts["INT1_PIN"], Pin.IN, -1) in made


def test_the_page_is_the_generated_one() -> None:
    page = (ROOT / "docs" / "boards.md").read_text()
    assert page == boards_page.page(), "run: python -m midge.boards_page > docs/boards.md"
    assert set(boards_page._CHIPS) == set(drivers.CHIPS)


def test_the_page_claims_no_more_than_was_shown() -> None:
    for board in BOARDS.values():
        if board.name != "virtual":
            assert all("emulation" in shown for shown in board.constants["SHOWN"])
