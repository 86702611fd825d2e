"""MicroPython itself onto a board: an RP2 by its bootloader's drive, an ESP32 by esptool."""

from __future__ import annotations

import importlib.util
import os
import shutil
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from . import transport
from .errors import DeviceError, DeviceNotFound, MidgeError, TargetMismatch, ToolchainMissing

# UF2: github.com/microsoft/uf2, 'File format'; family ids from its uf2families.json.
_UF2_START = struct.Struct("<8I")
_UF2_MAGIC = (0x0A324655, 0x9E5D5157)
_UF2_BLOCK_BYTES = 512
_HAS_FAMILY = 0x2000
# family → Board-ID in the drive's INFO_UF2.TXT
FAMILIES = {0xE48BFF56: "RPI-RP2", 0xE48BFF59: "RP2350", 0xE48BFF5A: "RP2350"}
INFO_FILE = "INFO_UF2.TXT"
DRIVE_WAIT_S = 20.0

# ESP32 application image format: first byte, and the chip id at bytes 12 and 13 (esptool's documentation,
# 'Firmware image format'). Official images begin with the boot loader, which lies where the chip wants it.
_ESP_MAGIC = 0xE9
ESP_CHIPS = {
    0: ("esp32", 0x1000),
    2: ("esp32s2", 0x1000),
    5: ("esp32c3", 0),
    9: ("esp32s3", 0),
    13: ("esp32c6", 0),
}

Note = Callable[[str], None]


def install(image: Path, device: str, *, erase: bool = False, note: Note = lambda _text: None) -> str:
    """Put the MicroPython of `image` on the board at `device`; returns what was done.

    `device` is its port, or for an RP2 the folder of its bootloader's drive. Raises MidgeError for an image
    that is none, TargetMismatch for one of another chip, DeviceNotFound if no drive appears, DeviceError if
    it fails.
    """
    try:
        data = image.read_bytes()
    except OSError as error:
        raise MidgeError(
            f"{image} does not read: {error.strerror}; download one from micropython.org"
        ) from error
    if len(data) >= _UF2_BLOCK_BYTES and _UF2_START.unpack_from(data)[:2] == _UF2_MAGIC:
        return _install_uf2(image, data, device, note)
    if data[:1] == bytes([_ESP_MAGIC]) and len(data) > 24:
        return _install_esp(image, data, device, erase=erase, note=note)
    raise MidgeError(f"{image} is neither a .uf2 nor an ESP32 .bin; download one from micropython.org")


# --- RP2040, RP2350 ----------------------------------------------------------------------------------------


def uf2_family(data: bytes) -> int:
    """The family id of the first block that has one, 0 for none."""
    for at in range(0, len(data) - _UF2_BLOCK_BYTES + 1, _UF2_BLOCK_BYTES):
        block = _UF2_START.unpack_from(data, at)
        if block[:2] != _UF2_MAGIC:
            break
        if block[2] & _HAS_FAMILY and block[7] in FAMILIES:
            return int(block[7])
    return 0


def drives(roots: Iterable[Path] | None = None) -> list[Path]:
    """Mounted drives of UF2 bootloaders."""
    return [root for root in (roots if roots is not None else _mounts()) if (root / INFO_FILE).is_file()]


def _mounts() -> list[Path]:
    if sys.platform == "win32":
        return [Path(f"{letter}:/") for letter in "DEFGHIJKLMNOPQRSTUVWXYZ"]
    user = os.environ.get("USER", "")
    bases = [Path("/Volumes"), Path("/media") / user, Path("/run/media") / user, Path("/media"), Path("/mnt")]
    found = []
    for base in bases:
        try:
            found += [path for path in base.iterdir() if path.is_dir()]
        except OSError:
            continue
    return found


def board_id(drive: Path) -> str:
    """What the bootloader says it is ('RPI-RP2', 'RP2350'), '' if it does not."""
    for line in (drive / INFO_FILE).read_text(errors="replace").splitlines():
        key, _, value = line.partition(":")
        if key.strip() == "Board-ID":
            return value.strip()
    return ""


def _install_uf2(image: Path, data: bytes, device: str, note: Note) -> str:
    drive = Path(device)
    if not drive.is_dir():
        before = drives()
        _enter_bootloader(device, note)
        drive = _wait_for_drive(before)
    here, wanted = board_id(drive), FAMILIES.get(uf2_family(data), "")
    if wanted and here and wanted != here:
        raise TargetMismatch(
            f"{image.name} is for {wanted}, the board is {here}; download the board's own image"
        )
    try:
        with (drive / image.name).open("wb") as file:
            shutil.copyfileobj(image.open("rb"), file)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        # The board resets with the last block: the drive may be gone before the file is closed.
        if (drive / INFO_FILE).is_file():
            raise DeviceError(
                f"{drive} takes no image: {error.strerror}; press BOOTSEL and try again"
            ) from error
    return f"{image.name}, {len(data)} bytes, to {here or drive}"


def _enter_bootloader(device: str, note: Note) -> None:
    from .mpremote_link import RawRepl

    note(f"{device}: into its bootloader")
    with RawRepl(device) as repl:
        repl.start("import machine\nmachine.bootloader()")


def _wait_for_drive(before: list[Path]) -> Path:
    until_s = time.monotonic() + DRIVE_WAIT_S
    while time.monotonic() < until_s:
        new = [drive for drive in drives() if drive not in before] or (before if len(before) == 1 else [])
        if new:
            return new[0]
        time.sleep(0.2)
    raise DeviceNotFound(
        f"no bootloader drive came up within {DRIVE_WAIT_S:g} s; mount it and name its folder as DEVICE, or "
        "hold BOOTSEL while you plug the board in"
    )


# --- ESP32 -------------------------------------------------------------------------------------------------


def esp_commands(image: Path, data: bytes, port: str, *, erase: bool) -> list[list[str]]:
    """The calls of esptool, without Python and its module. Raises TargetMismatch for an unknown chip."""
    chip_id = struct.unpack_from("<H", data, 12)[0]
    if chip_id not in ESP_CHIPS:
        raise TargetMismatch(
            f"{image.name} is for ESP chip number {chip_id}, which midge does not know; use esptool"
        )
    chip, offset = ESP_CHIPS[chip_id]
    base = ["--chip", chip, "--port", port]
    commands = [[*base, "erase-flash"]] if erase else []
    return [*commands, [*base, "write-flash", hex(offset), str(image)]]


def _install_esp(image: Path, data: bytes, device: str, *, erase: bool, note: Note) -> str:
    commands = esp_commands(image, data, transport.port_path(device), erase=erase)
    if importlib.util.find_spec("esptool") is None:
        raise ToolchainMissing(
            "an ESP32 is flashed by esptool, which is not here; pip install 'midge[esp32]'"
        )
    for command in commands:
        note("esptool " + " ".join(command))
        done = subprocess.run(
            [sys.executable, "-m", "esptool", *command], capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            said = (done.stdout + done.stderr).strip().splitlines()
            raise DeviceError(
                f"esptool failed: {said[-1] if said else 'no reason'}; hold BOOT while you plug the board "
                "in, then try again",
                traceback="\n".join(said),
            )
    return f"{image.name}, {len(data)} bytes, by esptool"
