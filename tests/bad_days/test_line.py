"""The line: unplugged, a full disk at its end, taken by another program, garbage on it."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from midge import model_file, record, recording
from midge.messages import Data
from midge.model_file import Model
from midge.transport import open_transport
from midge.virtual import VirtualBoard

from .conftest import Capture, digest, one_line, recording_words, run


def test_unplugged_in_mid_flash_the_next_flash_goes_on(capsys: Capture, stock_app: Path) -> None:
    with VirtualBoard() as board:
        (board.folder / "main.py").write_text("print('mine')\n")
        board.cut_power_after_writes(60)
        code, _, err = run(capsys, "flash", str(stock_app), board.tty)
        assert code == 1
        assert "plug it in and try again" in one_line(err)
        board.power_on()
        there = sum(path.is_file() for path in (board.folder / "lib").rglob("*"))
        assert there > 5
        code, out, err = run(capsys, "flash", str(stock_app), board.tty)
        assert code == 0, err
        assert f"; {there - 1} unchanged" in out or f"; {there} unchanged" in out
        assert (board.folder / "main.py.before-midge").read_text() == "print('mine')\n"
        digest(board)


@pytest.mark.check  # twenty seconds of waiting for the board to come back
def test_unplugged_in_mid_push_the_old_model_runs_and_the_next_push_goes_on(
    capsys: Capture, running: VirtualBoard, make_model: Callable[..., Model], tmp_path: Path
) -> None:
    old = digest(running)
    new = make_model(2)
    path = str(model_file.save(new, tmp_path))
    running.cut_power_after_writes(12)
    code, _, err = run(capsys, "push", path, running.tty)
    assert code == 1
    assert "plug the board in" in one_line(err)
    running.power_on()
    assert digest(running) == old
    code, out, _ = run(capsys, "push", path, running.tty)
    assert (code, new.digest in out) == (0, True)


def test_unplugged_in_mid_recording_what_came_is_kept(
    capsys: Capture, running: VirtualBoard, stock_app: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    take = record._Run._take

    def unplugged(self: record._Run, block: Data) -> None:
        take(self, block)
        if running.is_on and block.first >= 200:
            running.cut_power()

    monkeypatch.setattr(record._Run, "_take", unplugged)
    code, _, err = run(capsys, *recording_words(stock_app, running, tmp_path))
    assert code == 1
    assert "samples are kept in" in one_line(err)
    (kept,) = tmp_path.rglob("*.csv")
    got = recording.load(kept)
    assert got.partial
    assert len(got.samples) > 200


@pytest.mark.skipif(sys.platform == "win32", reason="RLIMIT_FSIZE is POSIX")
def test_a_full_disk_of_the_computer_keeps_what_came(
    capsys: Capture, running: VirtualBoard, stock_app: Path, tmp_path: Path
) -> None:
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (6000, before[1]))
    try:
        code, _, err = run(capsys, *recording_words(stock_app, running, tmp_path))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert code == 1
    assert "no room left" in one_line(err)
    (kept,) = tmp_path.rglob("*.csv")
    assert len(recording.load(kept).samples) > 100
    digest(running)


@pytest.mark.parametrize("command", ["flash", "push", "monitor", "doctor", "record"])
def test_a_port_that_another_program_has(
    command: str, capsys: Capture, running: VirtualBoard, stock_app: Path
) -> None:
    words = {
        "flash": ["flash", str(stock_app), running.tty],
        "push": ["push", str(stock_app), running.tty],
        "monitor": ["monitor", running.tty],
        "doctor": ["doctor", running.tty],
        "record": ["record", str(stock_app), "--device", running.tty, "--label", "left"],
    }[command]
    with open_transport(running.tty):
        code, _, err = run(capsys, *words)
    assert code == 1
    assert "in use by another program; close it" in one_line(err)
    digest(running)


def test_garbage_on_the_line_is_passed_over(capsys: Capture, running: VirtualBoard) -> None:
    noise = random.Random(1)
    with open_transport(running.tty) as line:
        for _ in range(20):
            line.write(bytes(noise.choice([b for b in range(256) if b != 3]) for _ in range(200)))
            line.read(0.02)
    code, out, _ = run(capsys, "devices", running.tty, "--json")
    assert code == 0
    assert '"name": "tester"' in out
