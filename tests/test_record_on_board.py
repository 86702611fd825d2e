"""Recording from a virtual board: a ramp in the sensor shows every lost, doubled or swapped sample."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from midge import recording
from midge.errors import DeviceError, TransportLost
from midge.recipe import Recipe
from midge.record import Take, record
from midge.recording import Recording
from midge.session import Session, connect
from midge.transport import open_transport
from midge.virtual import Scene, VirtualBoard

# The sensor's registers tell the sample's number in three digits of 221 values each, multiples of 256
# so that 8-bit modes show them, too.
DIGITS = 221
RAW_LSB_PER_G = 8000  # LIS3DH at ±4 g, left-justified (datasheet §2.1)
RAMP = Scene.raw(
    lambda i: np.stack([(i // DIGITS**k % DIGITS - 110) * 256 for k in range(3)], axis=1), n=1 << 18
)

# An app that forgets its sensor for a while, now and then: its FIFO overruns.
ABSENT_MINDED = """import time

from midge_device.pipeline import Pipeline

app = Pipeline()
turn = 0
while True:
    app.step()
    turn += 1
    if turn % 97 == 0:
        time.sleep_ms(20 + turn % 61)
"""


def numbers(samples: np.ndarray[Any, np.dtype[np.int16]]) -> np.ndarray[Any, np.dtype[np.int64]]:
    """The sensor's own number of each sample."""
    digits = np.rint(samples.astype(np.float64) * RAW_LSB_PER_G / 8192 / 256).astype(np.int64) + 110
    return digits @ np.array([1, DIGITS, DIGITS**2])


def claimed(got: Recording) -> np.ndarray[Any, np.dtype[np.int64]]:
    """The number that each row has by its place and the gaps before it."""
    row = np.arange(len(got.samples))
    for gap in got.gaps:
        row[gap.at :] += gap.lost
    return row


def check_exact(take: Take, n_taken: int) -> Recording:
    got = recording.load(take.path)
    assert np.array_equal(numbers(got.samples), claimed(got))
    assert len(got.samples) + got.lost == n_taken
    return got


@pytest.fixture
def ramping(board: VirtualBoard) -> VirtualBoard:
    board.play(RAMP)
    return board


def recipe_of(make_app: Callable[..., Path], rate_hz: int) -> Recipe:
    return Recipe.load(make_app(rate_hz))


@pytest.mark.parametrize("rate_hz", [100, 1600])
def test_every_sample_is_there(
    ramping: VirtualBoard, make_app: Callable[..., Path], tmp_path: Path, rate_hz: int
) -> None:
    with connect(ramping.tty) as session:
        take = record(session, recipe_of(make_app, rate_hz), label="left", seconds=2, into=tmp_path)
        again = record(session, recipe_of(make_app, rate_hz), label="left", seconds=1, into=tmp_path)
    got = check_exact(take, 2 * rate_hz)
    check_exact(again, rate_hz)
    assert take.lost == 0
    assert (got.board, got.sensor, got.scale) == ("virtual", "lis3dh", 8192)
    assert take.measured_rate_hz == pytest.approx(rate_hz, rel=0.001)


def test_a_clock_that_stands_and_runs_loses_nothing(
    ramping: VirtualBoard, make_app: Callable[..., Path], tmp_path: Path
) -> None:
    turns = 0

    def meddle(done: float, total: float | None = None, text: str = "") -> None:
        nonlocal turns
        turns += 1
        if turns % 8 == 0:
            ramping.stall()
            ramping.advance(1 + 7919 * turns % 90_000)
            ramping.set_clock(("real", "free")[turns // 8 % 2])

    ramping.set_clock("real")
    with connect(ramping.tty) as session:
        recipe = recipe_of(make_app, 1600)
        take = record(session, recipe, label="left", seconds=4, into=tmp_path, on_progress=meddle)
    check_exact(take, 6400)
    assert turns > 50


def test_overruns_of_the_sensor_are_gaps_of_the_right_length(
    board: VirtualBoard, make_app: Callable[..., Path], tmp_path: Path
) -> None:
    (board.folder / "app.py").write_text(ABSENT_MINDED)
    board.reset("hard")
    board.play(RAMP)
    with connect(board.tty) as session:
        take = record(session, recipe_of(make_app, 1600), label="left", seconds=5, into=tmp_path)
    got = check_exact(take, 8000)
    assert got.lost > 300
    assert len(got.gaps) > 5
    assert take.measured_rate_hz == pytest.approx(1600, rel=0.001)


class NoisyLine:
    """A line that damages what comes from the board: bytes flipped, lost or doubled, and prints between."""

    def __init__(self, line: Any, seed: int, errors_per_byte: float) -> None:
        self._line = line
        self._random = np.random.default_rng(seed)
        self._errors_per_byte = errors_per_byte
        self.errors = 0
        self.name = line.name
        self.write = line.write
        self.close = line.close
        self.reconnects = 0

    def read(self, timeout_s: float) -> bytes:
        out = bytearray()
        for byte in self._line.read(timeout_s):
            case = self._random.random() / self._errors_per_byte
            if case < 1 and self.is_noisy:
                self.errors += 1
                out += (b"", bytes([byte ^ 16]), bytes([byte, byte]), b"print\r\n" + bytes([byte]))[
                    int(4 * case)
                ]
            else:
                out.append(byte)
        return bytes(out)

    is_noisy = False


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_noisy_line_makes_gaps_and_nothing_else(
    ramping: VirtualBoard, make_app: Callable[..., Path], tmp_path: Path, seed: int
) -> None:
    line = NoisyLine(open_transport(ramping.tty), seed, 1 / 2000)
    with Session(line) as session:  # type: ignore[arg-type]
        session.open()
        line.is_noisy = True
        take = record(session, recipe_of(make_app, 1600), label="left", seconds=4, into=tmp_path)
    check_exact(take, 6400)
    assert line.errors > 5
    assert take.lost > 0


def test_power_cut_in_mid_recording_keeps_what_came(
    ramping: VirtualBoard, make_app: Callable[..., Path], tmp_path: Path
) -> None:
    def cut(done: float, total: float | None = None, text: str = "") -> None:
        if done >= 300:
            ramping.cut_power()

    recipe = recipe_of(make_app, 100)
    with (
        connect(ramping.tty) as session,
        pytest.raises(TransportLost, match=r"\d+ samples are kept in .*left_001\.csv"),
    ):
        record(session, recipe, label="left", seconds=60, into=tmp_path, on_progress=cut)
    got = recording.load(tmp_path / "left_001.csv")
    assert got.partial
    assert len(got.samples) >= 300
    assert np.array_equal(numbers(got.samples), claimed(got))


def test_a_sensor_that_goes_away_is_told(
    ramping: VirtualBoard, make_app: Callable[..., Path], tmp_path: Path
) -> None:
    def detach(done: float, total: float | None = None, text: str = "") -> None:
        if done >= 300:
            ramping.attach_sensor(False)

    with connect(ramping.tty) as session:
        with pytest.raises(DeviceError, match=r"its sensor does not answer.*are kept in"):
            record(
                session, recipe_of(make_app, 100), label="left", seconds=60, into=tmp_path, on_progress=detach
            )
        got = recording.load(tmp_path / "left_001.csv")
        assert np.array_equal(numbers(got.samples), claimed(got))
        with pytest.raises(DeviceError, match="SENSOR"):
            record(session, recipe_of(make_app, 100), label="left", seconds=1, into=tmp_path)
    assert len(list(tmp_path.glob("*.json"))) == 1


@pytest.mark.check
@pytest.mark.parametrize("main", [None, ABSENT_MINDED])
def test_a_minute_at_1600_hz_adds_up(
    board: VirtualBoard, make_app: Callable[..., Path], tmp_path: Path, main: str | None
) -> None:
    if main is not None:
        (board.folder / "app.py").write_text(main)
        board.reset("hard")
    board.play(RAMP)
    with connect(board.tty) as session:
        take = record(session, recipe_of(make_app, 1600), label="left", seconds=60, into=tmp_path)
    got = check_exact(take, 96_000)
    assert (got.lost > 0) == (main is not None)
