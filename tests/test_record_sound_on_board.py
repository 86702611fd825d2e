"""Sound from a virtual board's microphone: a code shows every lost, doubled or swapped sample."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from midge import flash, new, recording
from midge.recipe import Recipe
from midge.record import record
from midge.session import connect
from midge.virtual import VirtualBoard
from midge.virtual.microphone import CHUNK_FRAMES, Sound

RATE_HZ = 16000
STEP_LSB = 1024  # more than removing the mean can move a sample
SETTLED = 12 * 1024  # samples until the mean is known to less than half a step
CODE = np.random.default_rng(11).integers(-9, 10, 1 << 16)

MOST_HELD_BYTES = 220_000

# An app that forgets its microphone for longer than the port's ring lasts, now and then.
ABSENT_MINDED = """import time

from midge_device.pipeline import Pipeline

app = Pipeline()
turn = 0
while True:
    app.step()
    turn += 1
    if turn % 211 == 0:
        time.sleep_ms(150 + turn % 509)
"""


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return new.new("words", "keyword", tmp_path_factory.mktemp("apps"))


@pytest.fixture
def board(app: Path) -> Iterator[VirtualBoard]:
    with VirtualBoard() as it:
        flash.flash(str(app), it.tty)
        it.play_sound(Sound((STEP_LSB * CODE).astype(np.int16), RATE_HZ, loop=True))
        yield it


def check_exact(got: recording.Recording) -> None:
    """Every row holds the sample of its number: rows before it and marked gaps."""
    heard = np.rint(got.samples[:, 0] / STEP_LSB).astype(np.int8)
    head = heard[SETTLED : SETTLED + 64]
    places = [at for at in np.flatnonzero(head[0] == CODE) if np.array_equal(code(at, 64), head)]
    assert len(places) == 1
    gaps = [gap for gap in got.gaps if gap.at > SETTLED]
    # Nothing is missing before, so that the number of a row is its place.
    assert len(gaps) == len(got.gaps) or not got.gaps[0].at
    at, row = places[0], SETTLED
    for gap in (*gaps, recording.Gap(len(heard), 1)):
        assert np.array_equal(heard[row : gap.at], code(at, gap.at - row))
        at, row = at + gap.at - row + gap.lost, gap.at


def code(at: int, n: int) -> np.ndarray:  # type: ignore[type-arg]
    return np.take(CODE, np.arange(at, at + n), mode="wrap").astype(np.int8)


def check_absent_minded(board: VirtualBoard, app: Path, into: Path, seconds: int) -> recording.Recording:
    """An app that stops for a while now and then: all that it missed is marked, and no memory goes."""
    (board.folder / "app.py").write_text(ABSENT_MINDED)
    board.reset("soft")
    recipe = Recipe.load(app)
    with connect(board.tty) as session:
        before_bytes = session.welcome.free_ram_bytes
        take = record(session, recipe, label="yes", seconds=seconds, into=into)
    with connect(board.tty) as session:
        # What a collector holds by chance comes and goes; a leak of a byte a block were more in an hour.
        assert session.welcome.free_ram_bytes > before_bytes - MOST_HELD_BYTES
    got = recording.load(take.path)
    assert len(got.samples) + got.lost == seconds * RATE_HZ
    assert all(gap.lost % CHUNK_FRAMES == 0 for gap in got.gaps[:-1])
    check_exact(got)
    return got


def test_every_sample_is_there(board: VirtualBoard, app: Path, tmp_path: Path) -> None:
    recipe = Recipe.load(app)
    with connect(board.tty) as session:
        take = record(session, recipe, label="yes", seconds=3, into=tmp_path)
    got = recording.load(take.path)
    assert take.path.suffix == ".wav"
    assert (got.kind, got.unit, got.scale, got.channels) == ("sound", "FS", 32768.0, ("sound",))
    assert (len(got.samples), got.lost) == (3 * RATE_HZ, 0)
    assert take.peak_dbfs == pytest.approx(-11.0, abs=1.5)
    assert (take.clipped, take.warning) == (0, "")
    assert got.measured_rate_hz == pytest.approx(RATE_HZ, rel=1e-3)
    check_exact(got)


def test_what_the_board_missed_is_a_gap_of_the_right_length(
    board: VirtualBoard, app: Path, tmp_path: Path
) -> None:
    assert len(check_absent_minded(board, app, tmp_path, 30).gaps) >= 3


@pytest.mark.check
def test_an_hour_of_sound_is_all_there(board: VirtualBoard, app: Path, tmp_path: Path) -> None:
    assert len(check_absent_minded(board, app, tmp_path, 3600).gaps) >= 300
