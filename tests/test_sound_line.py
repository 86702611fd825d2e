"""How sound goes over the line: chosen by its measured speed, as ADPCM over a cable, without native code."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from midge import flash, new, sound_line
from midge.cli import main
from midge.messages import Welcome
from midge.recording import load
from midge.session import connect
from midge.sound_line import ADPCM, INT16, choose, needed_bytes_s
from midge.virtual import VirtualBoard
from midge.virtual.microphone import Sound

RATE_HZ = 16000


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return new.new("words", "keyword", tmp_path_factory.mktemp("apps"))


@pytest.fixture(scope="module")
def board(app: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[VirtualBoard]:
    with VirtualBoard(folder=tmp_path_factory.mktemp("board")) as it:
        flash.flash(str(app), it.tty)
        t = np.arange(8 * RATE_HZ) / RATE_HZ
        it.play_sound(Sound(np.rint(9000 * np.sin(2 * np.pi * 250 * t)).astype(np.int16), RATE_HZ, loop=True))
        yield it


def recorded(
    app: Path, board: VirtualBoard, into: Path, capsys: pytest.CaptureFixture[str], *more: str
) -> Any:
    words = ["record", str(app), "--device", board.tty, "--label", "yes", "--seconds", "1", "--no-countdown"]
    assert main([*words, "--json", "--into", str(into), *more]) == 0
    return json.loads(capsys.readouterr().out)


def check_tone(path: Path) -> str:
    """A second of 250 Hz, whole; returns what it was coded with."""
    got = load(path)
    assert (len(got.samples), got.lost) == (RATE_HZ, 0)
    spectrum = np.abs(np.fft.rfft(got.samples[:, 0].astype(float)))[1:]
    assert np.argmax(spectrum) + 1 == 250
    assert spectrum[249] ** 2 > 0.98 * np.sum(spectrum**2)
    return got.coding


def test_a_cable_carries_16_bit(
    app: Path, board: VirtualBoard, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = recorded(app, board, tmp_path, capsys)
    assert told["coding"] == INT16
    assert told["line_bytes_s"] > sound_line.HEADROOM * needed_bytes_s(INT16, RATE_HZ)
    assert check_tone(Path(told["takes"][0]["path"])) == ""


def test_adpcm_over_a_cable_if_it_is_asked_for(
    app: Path, board: VirtualBoard, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = recorded(app, board, tmp_path, capsys, "--coding", "adpcm")
    assert (told["coding"], told["line_bytes_s"]) == (ADPCM, None)
    assert check_tone(Path(told["takes"][0]["path"])) == ADPCM


def test_the_twin_in_python_records_too(
    app: Path, board: VirtualBoard, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A board without native code sends 16-bit, unless somebody insists."""
    shutil.copytree(board.folder, tmp_path / "slow")
    (tmp_path / "slow" / "lib" / "midge_native.mpy").unlink()
    with VirtualBoard(folder=tmp_path / "slow", native=False) as slow:
        slow.play_sound(Sound(np.tile(np.array([3000, -3000], np.int16), 4000), RATE_HZ, loop=True))
        told = recorded(app, slow, tmp_path, capsys)
        assert (told["coding"], told["line_bytes_s"]) == (INT16, None)
        told = recorded(app, slow, tmp_path, capsys, "--coding", "adpcm")
        assert told["takes"][0]["samples"] + told["takes"][0]["lost"] == RATE_HZ
        assert load(Path(told["takes"][0]["path"])).coding == ADPCM


class Line:
    """A session whose line has a set speed."""

    def __init__(self, bytes_s: int) -> None:
        self._bytes_s = bytes_s
        self.welcome = Welcome(1, 1, "", "", "", "", 0, 0, 0, 0, {}, None, None, 0, {}, is_native=True)

    def request(self, _kind: int) -> int:
        return self._bytes_s

    def receive(self, _timeout_s: float) -> None:
        return None


@pytest.mark.parametrize(
    ("bytes_s", "coding", "said"),
    [
        (11_500, ADPCM, "the line carries 12 kB/s, 16-bit at 16000 Hz takes 34, ADPCM 10"),
        (40_000, ADPCM, "the line carries 40 kB/s"),
        (60_000, INT16, "sound goes as 16-bit: the line carries 60 kB/s"),
        (3_000, ADPCM, "what does not fit will be marked as lost"),
    ],
)
def test_the_speed_decides_and_is_told(bytes_s: int, coding: str, said: str) -> None:
    choice = choose(Line(bytes_s), RATE_HZ)  # type: ignore[arg-type]
    assert (choice.coding, choice.line_bytes_s) == (coding, bytes_s)
    assert said in choice.why


def test_measuring_the_line_leaves_the_session_as_it_was(board: VirtualBoard) -> None:
    with connect(board.tty) as session:
        assert sound_line.line_speed(session) > 100_000
        assert sound_line.line_speed(session) > 100_000
        assert session.missed_frames == 0
