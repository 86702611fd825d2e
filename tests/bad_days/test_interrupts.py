"""^C at any moment of any command."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from midge import flash, install, model_file
from midge.model_file import Model
from midge.mpremote_link import RawRepl
from midge.virtual import VirtualBoard

from .conftest import SAID, Capture, digest, run


def test_interrupt_in_mid_flash_is_one_word_and_the_next_goes_on(
    capsys: Capture, stock_app: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = install.Install.write

    def interrupted(self: install.Install, path: str, data: bytes) -> None:
        if path.endswith("session.mpy"):
            raise KeyboardInterrupt
        write(self, path, data)

    with VirtualBoard() as board:
        monkeypatch.setattr(install.Install, "write", interrupted)
        code, _, err = run(capsys, "flash", str(stock_app), board.tty)
        assert (code, err.strip().splitlines()[-1]) == (130, "interrupted")
        monkeypatch.undo()
        done = flash.flash(str(stock_app), board.tty)
        assert len(done.unchanged) > 5
        digest(board)


def test_interrupt_of_doctor_leaves_a_board_that_answers(
    capsys: Capture, running: VirtualBoard, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(self: RawRepl) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(RawRepl, "restart", interrupted)
    code, _, err = run(capsys, "doctor", running.tty)
    assert (code, err.strip()) == (130, "interrupted")
    SAID.append(err.strip())
    monkeypatch.undo()
    digest(running)


# Stage → where it is interrupted: in the middle of its work with the board, or before it has begun.
INTERRUPTED = {
    "push, in mid-file": ("push", "midge.push._send_file"),
    "push, while it builds": ("push", "midge.build.check"),
    "push, before the restart": ("push", "midge.push.activate"),
    "flash, while it asks": ("flash", "midge.flash.library_files"),
    "monitor": ("monitor", "midge.monitor.Monitor.line"),
    "record": ("record", "midge.record._Run._take"),
    "devices": ("devices", "midge.devices.ask"),
    "build": ("build", "midge.build.check"),
    "bench": ("bench", "midge.build.build"),
}


@pytest.mark.parametrize("stage", INTERRUPTED)
def test_interrupt_is_one_word_and_the_board_goes_on(
    stage: str,
    capsys: Capture,
    running: VirtualBoard,
    stock_app: Path,
    make_model: Callable[..., Model],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    command, place = INTERRUPTED[stage]
    old = digest(running)
    words = {
        "push": ["push", str(model_file.save(make_model(5), tmp_path / "new")), running.tty],
        "flash": ["flash", str(stock_app), running.tty],
        "monitor": ["monitor", running.tty],
        "devices": ["devices", running.tty],
        "build": ["build", str(stock_app), "--target", "armv6m", "--out", str(tmp_path / "x.mpy")],
        "bench": ["bench", str(stock_app), "--target", "armv6m"],
        "record": [
            *("record", str(stock_app), "--device", running.tty, "--label", "left", "--seconds", "2"),
            *("--no-countdown", "--into", str(tmp_path)),
        ],
    }[command]
    reached = []

    def interrupted(*given: object, **options: object) -> None:
        reached.append(place)
        raise KeyboardInterrupt

    monkeypatch.setattr(place, interrupted)
    code, _, err = run(capsys, *words)
    assert reached
    last = err.strip().splitlines()[-1]
    SAID.append(last)
    assert "Traceback" not in err
    if command == "record":
        assert (code, "interrupted" in err or "partial" in err) == (130, True)
    elif command == "monitor":
        assert code == 0  # ^C is how it ends
    else:
        assert (code, last) == (130, "interrupted")
    monkeypatch.undo()
    assert digest(running) == old
    assert not (tmp_path / "x.mpy").exists()


def test_interrupt_while_the_command_is_being_imported() -> None:
    """The first moments are imports: no traceback there either."""
    program = """
import sys
class Interrupts:
    def find_spec(self, name, path=None, target=None):
        if name == "rich.console":
            raise KeyboardInterrupt
sys.meta_path.insert(0, Interrupts())
from midge.__main__ import main
sys.exit(main())
"""
    done = subprocess.run(
        [sys.executable, "-c", program, "devices"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": ""},
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "interrupted\n")
