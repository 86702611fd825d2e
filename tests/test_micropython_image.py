"""MicroPython images: told by their bytes, refused for another chip, copied whole."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from midge import cli, micropython_image
from midge.errors import MidgeError, TargetMismatch
from midge.virtual import VirtualBoard

RP2040, RP2350 = 0xE48BFF56, 0xE48BFF59


def uf2(family: int, blocks: int = 3) -> bytes:
    data = b""
    for number in range(blocks):
        head = struct.pack(
            "<8I", 0x0A324655, 0x9E5D5157, 0x2000, 0x10000000 + 256 * number, 256, number, blocks, family
        )
        data += head + bytes(476) + struct.pack("<I", 0x0AB16F30)
    return data


def esp(chip: int) -> bytes:
    return bytes([0xE9]) + bytes(11) + struct.pack("<H", chip) + bytes(50)


@pytest.fixture
def drive(tmp_path: Path) -> Path:
    folder = tmp_path / "RPI-RP2"
    folder.mkdir()
    (folder / "INFO_UF2.TXT").write_text("UF2 Bootloader v3.0\nModel: Raspberry Pi RP2\nBoard-ID: RPI-RP2\n")
    return folder


def test_a_uf2_goes_to_its_drive(drive: Path, tmp_path: Path) -> None:
    image = tmp_path / "RPI_PICO-1.27.uf2"
    image.write_bytes(uf2(RP2040))
    assert micropython_image.drives([drive, tmp_path]) == [drive]
    assert micropython_image.install(image, str(drive)) == "RPI_PICO-1.27.uf2, 1536 bytes, to RPI-RP2"
    assert (drive / image.name).read_bytes() == image.read_bytes()


def test_a_uf2_of_another_chip_is_refused(drive: Path, tmp_path: Path) -> None:
    image = tmp_path / "RPI_PICO2.uf2"
    image.write_bytes(uf2(RP2350))
    with pytest.raises(TargetMismatch, match="is for RP2350, the board is RPI-RP2"):
        micropython_image.install(image, str(drive))
    assert not (drive / image.name).exists()


def test_the_drive_that_comes_up_is_taken(
    drive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The board at a port: sent into its bootloader, whose drive was not there before."""
    image = tmp_path / "pico.uf2"
    image.write_bytes(uf2(RP2040))
    entered: list[str] = []
    monkeypatch.setattr(micropython_image, "_enter_bootloader", lambda device, note: entered.append(device))
    monkeypatch.setattr(micropython_image, "_mounts", lambda: [drive] if entered else [])
    micropython_image.install(image, "serial:/dev/ttyACM0")
    assert entered == ["serial:/dev/ttyACM0"]
    assert (drive / "pico.uf2").is_file()


@pytest.mark.parametrize(
    ("chip", "name", "offset"), [(0, "esp32", "0x1000"), (9, "esp32s3", "0x0"), (5, "esp32c3", "0x0")]
)
def test_esptool_is_called_as_the_chip_wants_it(chip: int, name: str, offset: str, tmp_path: Path) -> None:
    image = tmp_path / "esp.bin"
    calls = micropython_image.esp_commands(image, esp(chip), "/dev/ttyUSB0", erase=True)
    assert calls == [
        ["--chip", name, "--port", "/dev/ttyUSB0", "erase-flash"],
        ["--chip", name, "--port", "/dev/ttyUSB0", "write-flash", offset, str(image)],
    ]
    assert len(micropython_image.esp_commands(image, esp(chip), "p", erase=False)) == 1


def test_what_is_no_image_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    image = tmp_path / "page.html"
    image.write_text("<html>" + "x" * 1000)
    with pytest.raises(MidgeError, match=r"neither a \.uf2 nor an ESP32 \.bin"):
        micropython_image.install(image, "/dev/ttyACM9")
    with pytest.raises(TargetMismatch, match="chip number 77"):
        micropython_image.esp_commands(image, esp(77), "p", erase=False)
    assert cli.main(["flash", "--micropython", str(tmp_path / "none.uf2"), "/dev/ttyACM9"]) == 1
    assert "does not read" in capsys.readouterr().err
    assert cli.main(["flash", "/dev/ttyACM9"]) == 1
    assert "name the app" in capsys.readouterr().err


def test_a_running_board_is_sent_into_its_bootloader() -> None:
    """On the virtual board that is a hard reset: the cause of the next boot."""
    with VirtualBoard() as board:
        (board.folder / "boot.py").write_text(
            "import machine\nwith open('/causes', 'a') as file:\n    file.write(str(machine.reset_cause()))\n"
        )
        notes: list[str] = []
        micropython_image._enter_bootloader(board.tty, notes.append)
        board.wait_until("idle")
        causes = (board.folder / "causes").read_text()
    assert causes.endswith("2")
    assert "into its bootloader" in notes[0]
