"""The board: apps that are no good, no room, no native code, sensors that fail."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from midge import model_file
from midge.board_facts import BoardFacts
from midge.messages import Log
from midge.model_file import Model
from midge.session import connect
from midge.transport import open_transport
from midge.virtual import VirtualBoard

from .conftest import SAID, Capture, digest, one_line, run

ENDS_AT_ONCE = {
    "raises": "raise RuntimeError('my mistake')\n",
    "sys.exit": "import sys\nsys.exit()\n",
    "machine.reset": "import machine\nmachine.reset()\n",
    "machine.soft_reset": "import machine\nmachine.soft_reset()\n",
    "syntax": "def f(:\n",
}


@pytest.mark.parametrize("how", ENDS_AT_ONCE)
def test_an_app_that_ends_at_boot_leaves_a_way_back(
    how: str, capsys: Capture, running: VirtualBoard, stock_app: Path
) -> None:
    old = digest(running)
    (running.folder / "app.py").write_text(ENDS_AT_ONCE[how])
    running.reset("hard")
    code, _, err = run(capsys, "flash", str(stock_app), running.tty)
    assert code == 0, err
    assert digest(running) == old
    assert (running.folder / "notes.txt").read_text() == "mine"


def test_a_board_that_resets_again_and_again_pauses_and_says_so(running: VirtualBoard) -> None:
    """Three short boots, then ten seconds in which ^C gives the prompt; a good start forgets them."""
    good = (running.folder / "app.py").read_bytes()
    (running.folder / "app.py").write_text(ENDS_AT_ONCE["sys.exit"])
    with open_transport(running.tty) as line:
        running.reset("hard")
        heard = b""
        while b"gives the prompt" not in heard:
            heard += line.read(5.0)
        assert b"ended the board 3 times in a row; ^C within 10 s" in heard
        SAID.extend(line.decode() for line in heard.splitlines() if b"times in a row" in line)
        while not heard.endswith(b">>> "):
            line.write(b"\x03")
            heard += line.read(0.2)
    assert not (running.folder / "midge/boots").exists()  # a ^C is no fault of the app
    (running.folder / "app.py").write_bytes(good)
    running.reset("hard")
    digest(running)
    assert not (running.folder / "midge/boots").exists()


def test_an_app_that_runs_is_never_counted_short(running: VirtualBoard) -> None:
    """Without any host: after five seconds the boot is no short one."""
    running.stall()
    (running.folder / "midge/boots").unlink(missing_ok=True)  # the first boot may be shorter
    running.reset("hard")
    running.advance(1_000_000)
    assert (running.folder / "midge/boots").read_text() == "1"
    running.advance(8_000_000)
    assert not (running.folder / "midge/boots").exists()


def test_a_full_board_is_told_and_runs_on(
    capsys: Capture, running: VirtualBoard, stock_app: Path, make_model: Callable[..., Model], tmp_path: Path
) -> None:
    old = digest(running)
    path = str(model_file.save(make_model(2), tmp_path))
    running.set_flash_bytes(1)
    code, _, err = run(capsys, "push", path, running.tty)
    assert code == 1
    assert "remove files from the board" in one_line(err)
    (stock_app / "main.py").write_text((stock_app / "main.py").read_text() + "#\n")
    code, _, err = run(capsys, "flash", str(stock_app), running.tty)
    assert code == 1
    assert "0 bytes of flash left" in one_line(err)
    running.set_flash_bytes(2 * 1024 * 1024)
    running.reset("hard")
    assert digest(running) == old


def test_a_model_larger_than_the_memory(
    capsys: Capture, flashed: Path, make_model: Callable[..., Model], tmp_path: Path
) -> None:
    large = make_model(3, trees=600)
    path = str(model_file.save(large, tmp_path / "large"))
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(flashed, folder, dirs_exist_ok=True)
        with VirtualBoard(folder=folder, heap_bytes=224 * 1024) as board:
            old = digest(board)
            code, _, err = run(capsys, "push", path, board.tty)
            assert code == 1
            line = one_line(err)
            assert "bytes" in line
            assert "model" in line
            assert digest(board) == old


def test_a_firmware_without_native_code_records_and_says_the_rest(
    capsys: Capture, stock_app: Path, tmp_path: Path
) -> None:
    with VirtualBoard(native=False) as board:
        code, out, err = run(capsys, "flash", str(stock_app), board.tty)
        assert code == 0
        assert "no native code" in err
        SAID.extend(err.splitlines())
        assert "it runs tester, no model" in out
        code, _, err = run(capsys, "push", str(stock_app), board.tty)
        assert code == 1
        assert "loads no native code" in one_line(err)
        code, out, _ = run(
            capsys,
            *("record", str(stock_app), "--device", board.tty, "--label", "left"),
            *("--seconds", "1", "--no-countdown", "--into", str(tmp_path)),
        )
        assert code == 0
        assert "100 samples" in out


def test_a_model_of_another_app_is_told(
    capsys: Capture, running: VirtualBoard, make_model: Callable[..., Model], tmp_path: Path
) -> None:
    other = model_file.Model(**{**vars(make_model(4)), "name": "other"})
    path = str(model_file.save(other, tmp_path))
    code, _, err = run(capsys, "push", path, running.tty)
    assert code == 0
    assert "the board's app is tester: it hears the labels of other now" in err


def test_words_that_were_meant_are_suggested(capsys: Capture, tmp_path: Path) -> None:
    with VirtualBoard("bad-day-desk") as board:
        code, _, err = run(capsys, "flash", "gesture", board.name)
    assert code == 1
    assert "write virtual:bad-day-desk" in one_line(err)
    code, _, err = run(capsys, "build", "gesture", "--target", "pico", "--out", str(tmp_path / "x.mpy"))
    assert code == 1
    assert "for a board like that: armv6m" in one_line(err)


def test_facts_of_an_old_firmware_are_a_lack_not_an_error() -> None:
    old = BoardFacts((1, 19, 1), 0x1206, "Pico", "", "rp2", 1, 1, 1)
    assert not old.is_new_enough


@pytest.mark.parametrize(
    ("spoil", "mend", "said"),
    [
        (lambda board: board.attach_sensor(True), None, "the chip was reset"),
        (lambda board: board.attach_sensor(False), lambda board: board.attach_sensor(True), "EIO"),
        (lambda board: board.hang_bus(True), lambda board: board.hang_bus(False), "ETIMEDOUT"),
    ],
    ids=["its supply was gone for a moment", "unplugged", "the bus hangs"],
)
def test_a_sensor_that_fails_is_told_and_comes_back(
    spoil: Callable[[VirtualBoard], None],
    mend: Callable[[VirtualBoard], None] | None,
    said: str,
    running: VirtualBoard,
) -> None:
    told: list[str] = []
    with connect(running.tty) as session:
        session.idle(0.5)
        spoil(running)
        while not told or "is back" not in told[-1]:
            message = session.next_message()
            if isinstance(message, Log):
                told.append(message.text)
                if mend is not None and len(told) == 1:
                    mend(running)
    SAID.extend(told)
    assert said in told[0]
    assert told[1:] == ["midge: the sensor is back"]
