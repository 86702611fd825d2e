"""Doctor: what is there is named, what is missing comes with what to do, and the app runs on afterwards."""

from __future__ import annotations

import json

import pytest

from midge import assets, cli, doctor
from midge.doctor import LACK, NOTE, OK, Diagnosis, Finding
from midge.session import connect
from midge.virtual import VirtualBoard


def finding(diagnosis: Diagnosis, what: str) -> Finding:
    (found,) = [finding for finding in diagnosis.findings if finding.what == what]
    return found


def test_a_healthy_board_and_its_app_runs_on(board: VirtualBoard) -> None:
    diagnosis = doctor.diagnose(board.tty)
    assert diagnosis.lacks == 0
    assert finding(diagnosis, "firmware").found.startswith("MicroPython 1.")
    assert finding(diagnosis, "native modules").found == "x64"
    assert finding(diagnosis, "sensor").found == "lis3dh at 0x18 on I2C(0)"
    assert finding(diagnosis, "midge").found.endswith("app tester")
    assert finding(diagnosis, "slots").state == NOTE  # no model yet
    with connect(board.tty) as session:
        assert session.welcome.app == "tester"


def test_a_firmware_without_native_code() -> None:
    with VirtualBoard(native=False) as board:
        diagnosis = doctor.diagnose(board.tty)
    native = finding(diagnosis, "native modules")
    assert (native.state, diagnosis.lacks) == (LACK, 1)
    assert "official firmware" in native.advice


def test_a_missing_sensor_and_a_hung_bus() -> None:
    with VirtualBoard(sensor=False) as board:
        lack = finding(doctor.diagnose(board.tty), "sensor")
        assert (lack.state, "nobody answers" in lack.found) == (LACK, True)
        assert "docs/boards.md" in lack.advice
        board.hang_bus(True)
        lack = finding(doctor.diagnose(board.tty), "sensor")
        assert lack.found == "I2C(0): the bus hangs"
        assert "pull-up" in lack.advice


@pytest.mark.parametrize(("chip", "address"), [("lsm6dsox", 0x6A), ("mpu6886", 0x68), ("adxl345", 0x53)])
def test_sensors_are_told_apart_by_identity(chip: str, address: int) -> None:
    with VirtualBoard(sensor=chip) as board:
        found = finding(doctor.diagnose(board.tty), "sensor")
    assert (found.state, found.found) == (OK, f"{chip} at 0x{address:02x} on I2C(0)")


def test_an_old_library_is_told(board: VirtualBoard) -> None:
    source = (assets.device_library() / "versions.py").read_text()
    # As source, which hides the bytecode beside it.
    old = board.folder / "lib/midge_device/versions.py"
    old.write_text(source.replace('LIBRARY = "', 'LIBRARY = "0.'))
    diagnosis = doctor.diagnose(board.tty)
    assert "flash the board again" in finding(diagnosis, "midge").advice
    assert diagnosis.lacks == 1


def test_little_memory_and_a_full_flash_are_lacks(board: VirtualBoard) -> None:
    board.set_flash_bytes(200_000)
    assert finding(doctor.diagnose(board.tty), "file system").state == LACK


def test_the_command(board: VirtualBoard, capsys: pytest.CaptureFixture[str]) -> None:
    board.attach_sensor(False)
    assert cli.main(["doctor", board.tty]) == 1
    shown = capsys.readouterr().out
    assert "lack  sensor" in shown
    assert shown.endswith("1 thing is missing\n")
    board.attach_sensor(True)
    assert cli.main(["doctor", board.tty, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["lacks"], found["board"]) == (0, "virtual")
    assert {"state", "what", "found", "advice"} == set(found["findings"][0])
