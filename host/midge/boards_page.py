"""docs/boards.md, from the board files and drivers: `python -m midge.boards_page > docs/boards.md`."""

from __future__ import annotations

from typing import Any

from midge_device import drivers

from . import targets
from .board_facts import known_boards

HEAD = """# Boards and sensors

Made by `python -m midge.boards_page` from `firmware/midge_device/boards/` and `drivers/`.

**Nothing here was run on real hardware yet.** *Expected* means: written from the sources named below. What
was shown, was shown on the virtual board or in emulation. `midge doctor DEVICE` tells what a board in
your hands really has.
"""

SENSORS_HEAD = """
## Sensors

Found by their identity: connect one to the I2C pins of the board, and it is used. All deliver x, y, z of the
accelerometer at ±2, 4, 8 or 16 g.
"""

SENSORS_FOOT = """
Each driver is tested in a real MicroPython against a chip model at register level, which was written from
the datasheet: samples at every range, FIFO order, overrun and what it swallowed, the interrupt, another
chip's identity, a hung bus, a chip that resets in mid-stream, its self-test. Driver and model of a chip have
mostly the same author; a second reader compared the models with the datasheets and with ST's and Linux'
drivers. For the MPU-6886's FIFO packet and values at power-on no second source was found. `python
benchmarks/boards.py drivers` runs all of them and prints a table, driver by check.

The LIS3DH's FIFO keeps ten bits: at ±4 g samples come in steps of 8 mg, also in high resolution.

What carries over to a real chip: the bytes on the bus, the order of writes, the arithmetic, the way errors
are met. What does not: noise, offset and temperature; the exact rate (real ones are off by per cents: the
sampler measures it); start-up times; bus errors that come and go; supply voltages; the interrupt's
electrical side; what the datasheets do not say.
"""

# What each driver does beyond the common contract; rates and sizes are those of the datasheets.
_CHIPS = {
    "lis3dh": ("LIS3DH, LIS2DH12", "1 to 5376 Hz", "32", "yes"),
    "lsm6dsox": ("LSM6DSOX, LSM6DSO, LSM6DSR", "12.5 to 1666 Hz", "512", "yes"),
    "lsm6dsl": ("LSM6DSL, LSM6DS3TR-C", "12.5 to 1666 Hz", "682", "yes"),
    "lsm6ds3": ("LSM6DS3", "12.5 to 1666 Hz", "1365", "yes"),
    "mpu6050": ("MPU-6050", "1000 / n Hz", "128", "has none"),
    "mpu6500": ("MPU-6500, MPU-9250", "1000 / n Hz", "64", "has none"),
    "mpu6886": ("MPU-6886", "1000 / n Hz", "128", "not used"),
    "adxl345": ("ADXL345", "6.25 to 3200 Hz", "33", "yes"),
}


def _table(headings: list[str], rows: list[list[str]]) -> str:
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines) + "\n"


def _size(n_bytes: int | None) -> str:
    if not n_bytes:
        return "?"
    return f"{n_bytes >> 20} MB" if n_bytes >= 1 << 20 else f"{n_bytes >> 10} kB"


def _native(facts: dict[str, Any]) -> str:
    target = targets.TARGETS.get(facts["TARGET"])
    if target is None:
        return "no"
    return f"{target.name}: not yet" if target.missing else target.name


def page() -> str:
    """The whole document."""
    boards = [dict(board.constants) for board in known_boards().values()]
    rows = [
        [
            f"`{facts['NAME']}`",
            f"{facts['TITLE']}",
            f"{_size(facts.get('RAM_BYTES'))} / {_size(facts.get('FLASH_BYTES'))}",
            _native(facts),
            facts["BLE"] or "no",
            facts["WIFI"] or "no",
            facts["I2S"] or "no",
            ", ".join(facts["SENSORS"]) or "on its bus",
            facts["MICROPHONE"].split(":")[0] or "no",
            ", ".join(facts["SHOWN"]) or "nothing: expected",
        ]
        for facts in boards
    ]
    headings = [
        "name",
        "board",
        "RAM / flash",
        "native modules",
        "BLE",
        "Wi-Fi",
        "I2S",
        "sensor",
        "microphone",
    ]
    text = HEAD + "\n" + _table([*headings, "shown"], rows)
    for facts in boards:
        text += f"\n### {facts['TITLE']}\n\n" + "".join(f"- {line}\n" for line in _details(facts))
    rows = [
        [
            f"`{name}`",
            parts,
            ", ".join(f"0x{address:02x}" for address in drivers.CHIPS[name][2]),
            ", ".join(f"0x{identity:02x}" for identity in drivers.CHIPS[name][4]),
            rates,
            fifo,
            watermark,
        ]
        for name, (parts, rates, fifo, watermark) in _CHIPS.items()
    ]
    headings = ["driver", "chips", "addresses", "identities", "rates", "FIFO samples", "watermark on INT1"]
    return text + SENSORS_HEAD + "\n" + _table(headings, rows) + SENSORS_FOOT


def _details(facts: dict[str, Any]) -> list[str]:
    lines = []
    if facts["MICROPYTHON"]:
        lines.append(f"firmware: `{facts['MICROPYTHON']}` at micropython.org/download")
    if facts["USB"]:
        lines.append("USB: " + ", ".join(f"{vendor:04x}:{product:04x}" for vendor, product in facts["USB"]))
    if "BOOTLOADER" in facts:
        lines.append(f"takes a .uf2 on its drive `{facts['BOOTLOADER']}`")
    pins = [f"{pin[:-4]} {facts[pin]}" for pin in ("SDA_PIN", "SCL_PIN", "INT1_PIN") if pin in facts]
    wired = "on the board" if facts["SENSORS"] else "connect a sensor there"
    lines.append(f"I2C({facts['I2C_ID']}){': ' if pins else ''}{', '.join(pins)}; {wired}")
    if facts["AXES"] is None:
        lines.append(
            "axes: not looked up; x, y, z are the chip's own, so record and use it on this board only"
        )
    if ":" in facts["MICROPHONE"]:
        lines.append("microphone " + facts["MICROPHONE"])
    lines += [f"{what}: {ma:g} mA ({source})" for what, ma, source in facts["CURRENTS"]]
    if "NOTE" in facts:
        lines.append(facts["NOTE"])
    lines.append("sources: " + "; ".join(facts["SOURCES"]))
    return lines


if __name__ == "__main__":
    print(page(), end="")
