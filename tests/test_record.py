"""Recording: what is written + marked gaps = what the sensor took, whatever goes wrong on the way."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from midge import recording
from midge.errors import DeviceError, MidgeError, RecipeError, ReplyTimeout, TransportLost
from midge.recipe import Recipe
from midge.record import Pace, record
from midge.recording import Gap, Recording
from midge.session import Session
from midge_device.wire import message as wire

Talk = Callable[..., Session]
GESTURE = Recipe.load("gesture")


def check_exact(got: Recording, ramp: Callable[[int, int], Any], n_taken: int) -> None:
    """Each row is the sample it claims to be, and rows + gaps are all that was taken."""
    assert len(got.samples) + got.lost == n_taken
    expected = ramp(0, n_taken)
    keep = np.ones(n_taken, bool)
    taken = 0
    row = 0
    for gap in got.gaps:
        taken += gap.at - row
        row = gap.at
        keep[taken : taken + gap.lost] = False
        taken += gap.lost
    assert np.array_equal(got.samples, expected[keep])


def test_a_whole_take(scripted: Any, talk: Talk, tmp_path: Path, ramp: Any) -> None:
    seen = []
    with talk() as session:
        session.open()
        take = record(
            session, GESTURE, label="circle", group="ann", seconds=5, into=tmp_path,
            on_progress=lambda done, total=None, text="": seen.append((done, total)),
        )  # fmt: skip
    got = recording.load(take.path)
    check_exact(got, ramp, 500)
    assert (take.samples, take.lost, take.partial) == (500, 0, "")
    assert take.path.name == "circle_ann_001.csv"
    assert (got.label, got.group, got.board, got.sensor, got.scale) == (
        "circle",
        "ann",
        "scripted",
        "lis3dh",
        8192,
    )
    assert got.measured_rate_hz == pytest.approx(100, abs=0.01)
    assert got.jitter_us == pytest.approx(0, abs=1)
    assert got.started.endswith("+00:00")
    assert seen[-1] == (500, 500)


def test_the_rate_is_the_boards_own(scripted: Any, talk: Talk, tmp_path: Path) -> None:
    scripted.rate_error = 1 / 1.03
    scripted.time_us = (1 << 30) - 1_000_000  # ticks wrap within the take
    with talk() as session:
        session.open()
        take = record(session, GESTURE, label="circle", seconds=20, into=tmp_path)
    assert take.rate_hz == 100
    assert take.measured_rate_hz == pytest.approx(103, abs=0.01)


@pytest.mark.parametrize(
    "lost", [{0, 1, 2}, {100}, set(range(40, 300)), {498, 499}, set(range(0, 500, 7)), set(range(500))]
)
def test_samples_that_the_sensor_lost_are_gaps(
    scripted: Any, talk: Talk, tmp_path: Path, ramp: Any, lost: set[int]
) -> None:
    scripted.overruns = lost
    with talk() as session:
        session.open()
        take = record(session, GESTURE, label="circle", seconds=5, into=tmp_path)
    check_exact(recording.load(take.path), ramp, 500)
    assert (take.samples, take.lost) == (500 - len(lost), len(lost))


@pytest.mark.parametrize("seed", range(8))
def test_frames_lost_cut_doubled_or_drowned_in_prints(
    scripted: Any, talk: Talk, tmp_path: Path, ramp: Any, seed: int
) -> None:
    random = np.random.default_rng(seed)
    scripted.overruns = set(random.integers(0, 3000, 100).tolist())

    def spoil(kind: int, data: bytes) -> bytes:
        if kind in (wire.WELCOME, wire.ACK, wire.STREAM_END):
            return data
        case = random.integers(0, 8)
        if case == 0:
            return b""
        if case == 1:
            return data[: random.integers(1, len(data))]
        if case == 2:
            return data + data
        if case == 3:
            return b"stray print\r\n" + data
        if case == 4:
            at = random.integers(1, len(data) - 1)
            return data[:at] + bytes([data[at] ^ (1 << random.integers(0, 8))]) + data[at + 1 :]
        return data

    scripted.spoil = spoil
    with talk() as session:
        session.open()
        take = record(session, GESTURE, label="circle", seconds=30, into=tmp_path)
    check_exact(recording.load(take.path), ramp, 3000)
    assert 0 < take.lost < 3000


def test_a_lost_end_of_a_take_of_known_length_is_a_gap(
    scripted: Any, talk: Talk, tmp_path: Path, ramp: Any
) -> None:
    scripted.spoil = lambda kind, data: (
        b"" if kind == wire.STREAM_END or (kind == wire.DATA and scripted.sent_samples > 400) else data
    )
    with talk() as session:
        session.open()
        take = record(session, GESTURE, label="circle", seconds=5, into=tmp_path)
    check_exact(recording.load(take.path), ramp, 500)
    assert take.gaps == (Gap(384, 116),)


def interrupt_at(scripted: Any, index: int) -> None:
    """^C at the host when the board has sent sample `index`."""
    produce = scripted.produce
    armed = [True]

    def produce_or_interrupt(timeout_s: float) -> bytes:
        if armed[0] and scripted.sent_samples >= index:
            armed[0] = False
            raise KeyboardInterrupt
        return bytes(produce(timeout_s))

    scripted.produce = produce_or_interrupt


def test_interrupting_an_open_take_ends_it_whole(
    scripted: Any, talk: Talk, tmp_path: Path, ramp: Any
) -> None:
    interrupt_at(scripted, 640)
    with talk() as session:
        session.open()
        take = record(session, GESTURE, label="circle", into=tmp_path)
    check_exact(recording.load(take.path), ramp, scripted.sent_samples)
    assert take.partial == ""
    assert take.samples >= 640


def test_interrupting_a_take_of_known_length_keeps_it_as_partial(
    scripted: Any, talk: Talk, tmp_path: Path, ramp: Any
) -> None:
    interrupt_at(scripted, 320)
    with talk() as session:
        session.open()
        take = record(session, GESTURE, label="circle", seconds=60, into=tmp_path)
        again = record(session, GESTURE, label="circle", seconds=1, into=tmp_path)
    got = recording.load(take.path)
    check_exact(got, ramp, take.samples + take.lost)
    assert (got.partial, take.partial) == ("interrupted", "interrupted")
    assert 320 <= take.samples < 6000
    assert (again.path.name, again.samples) == ("circle_002.csv", 100)


def test_a_second_interrupt_keeps_what_came(scripted: Any, talk: Talk, tmp_path: Path, ramp: Any) -> None:
    produce = scripted.produce
    scripted.deaf = {wire.STREAM_STOP: 3}

    def interrupted(timeout_s: float) -> bytes:
        if scripted.sent_samples >= 320:
            raise KeyboardInterrupt
        return bytes(produce(timeout_s))

    with talk() as session:
        session.open()
        scripted.produce = interrupted
        take = record(session, GESTURE, label="circle", into=tmp_path)
    got = recording.load(take.path)
    check_exact(got, ramp, take.samples + take.lost)
    assert (got.partial, take.samples) == ("interrupted", 320)


@pytest.mark.parametrize("at", range(0, 400, 7))
def test_an_interrupt_at_any_moment_leaves_a_recording_that_adds_up(
    scripted: Any, talk: Talk, tmp_path: Path, ramp: Any, at: int
) -> None:
    """^C as Python delivers it: between any two calls of the code that records."""
    left = [-1]

    def trace(frame: Any, event: str, argument: Any) -> None:
        if event == "call" and "midge" in frame.f_code.co_filename and left[0] >= 0:
            left[0] -= 1
            if left[0] < 0:
                raise KeyboardInterrupt

    def arm(index: int) -> None:
        if index == 320:
            left[0] = at

    scripted.on_block = arm
    scripted.overruns = {330, 331, 400}
    with talk() as session:
        session.open()
        sys.setprofile(trace)
        try:
            take = record(session, GESTURE, label="circle", into=tmp_path, seconds=30)
        finally:
            sys.setprofile(None)
    got = recording.load(take.path)
    assert got.partial == "interrupted"
    check_exact(got, ramp, scripted.sent_samples)


@pytest.mark.parametrize("why", ["unplugged", "silent"])
def test_a_lost_line_keeps_what_came(scripted: Any, talk: Talk, tmp_path: Path, ramp: Any, why: str) -> None:
    def at(index: int) -> None:
        if index >= 960 and why == "unplugged":
            scripted.is_unplugged = True
        elif index >= 960:
            scripted.spoil = lambda _kind, _data: b""

    scripted.on_block = at
    with talk() as session:
        session.open()
        with pytest.raises((TransportLost, ReplyTimeout), match=r"\d+ samples are kept in .*circle_001\.csv"):
            record(session, GESTURE, label="circle", seconds=60, into=tmp_path)
    got = recording.load(tmp_path / "circle_001.csv")
    assert len(got.samples) in (928, 960)
    check_exact(got, ramp, len(got.samples))
    assert got.partial


def test_a_stream_that_the_board_ends_early_is_told(
    scripted: Any, talk: Talk, tmp_path: Path, ramp: Any
) -> None:
    scripted.on_block = lambda index: scripted._end_stream() if index == 320 else None
    with talk() as session:
        session.open()
        with pytest.raises(DeviceError, match=r"after 320 of 1000 samples.*320 samples are kept"):
            record(session, GESTURE, label="circle", seconds=10, into=tmp_path)
    got = recording.load(tmp_path / "circle_001.csv")
    check_exact(got, ramp, 320)
    assert "stopped after" in got.partial


def test_nothing_at_all_leaves_no_file(scripted: Any, talk: Talk, tmp_path: Path) -> None:
    scripted.refuse = {wire.STREAM_START: (wire.SENSOR, "no sensor")}
    with talk() as session:
        session.open()
        with pytest.raises(DeviceError, match="no sensor"):
            record(session, GESTURE, label="circle", seconds=1, into=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_lost_answer_to_the_start_costs_nothing(
    scripted: Any, talk: Talk, tmp_path: Path, ramp: Any
) -> None:
    """Asked again the board starts again; blocks of the first start are no part of the take."""
    answers = 0

    def spoil(kind: int, data: bytes) -> bytes:
        nonlocal answers
        answers += kind == wire.ACK
        return b"" if kind == wire.ACK and answers == 1 else data

    scripted.spoil = spoil
    with talk() as session:
        session.open()
        take = record(session, GESTURE, label="circle", seconds=2, into=tmp_path)
    assert answers > 1
    assert (take.samples, take.lost, take.partial) == (200, 0, "")
    check_exact(recording.load(take.path), ramp, 200)


def test_interrupted_before_the_first_sample_leaves_no_file(
    scripted: Any, talk: Talk, tmp_path: Path
) -> None:
    with talk() as session:
        session.open()
        interrupt_at(scripted, 0)
        with pytest.raises(KeyboardInterrupt):
            record(session, GESTURE, label="circle", into=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_more_samples_than_a_board_counts_are_refused(scripted: Any, talk: Talk, tmp_path: Path) -> None:
    with talk() as session:
        session.open()
        with pytest.raises(RecipeError, match="record less"):
            record(session, GESTURE, label="circle", into=tmp_path, seconds=1e9)
    assert list(tmp_path.iterdir()) == []


def test_a_label_of_another_app_is_refused(scripted: Any, talk: Talk, tmp_path: Path) -> None:
    with talk() as session:
        session.open()
        with pytest.raises(RecipeError, match=r"circl.*circle"):
            record(session, GESTURE, label="circl", seconds=1, into=tmp_path)


def test_an_open_take_whose_end_is_damaged_says_so(scripted: Any, talk: Talk, tmp_path: Path) -> None:
    interrupt_at(scripted, 320)
    scripted.spoil = lambda kind, data: b"" if kind == wire.STREAM_END else data
    with talk() as session:
        session.open()
        take = record(session, GESTURE, label="circle", into=tmp_path)
    assert take.partial == "interrupted"
    assert recording.load(take.path).partial == "interrupted"


# A file system with little room: RLIMIT_FSIZE, in a process of its own.
FULL_DISK = """
import resource, sys
from pathlib import Path
import numpy as np
from midge.errors import DatasetError
from midge.recording import Description
from midge.take import TakeWriter
limit = int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
about = Description(label="a", channels=("x", "y", "z"), rate_hz=100.0, scale=8192.0)
with TakeWriter(Path(sys.argv[1]), "full", about) as writer:
    block = np.arange(96, dtype=np.int16).reshape(32, 3)
    try:
        for number in range(100_000):
            writer.append(block + np.int16(number))
            if sys.argv[3] == "gaps":
                writer.lose(1)
    except DatasetError as error:
        print(error)
        writer.finish(partial="no room")
    print(writer.n_samples, writer.lost)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="RLIMIT_FSIZE is POSIX")
@pytest.mark.parametrize(("limit", "gaps"), [(4096, "no"), (9_999, "no"), (20_000, "gaps"), (60_000, "gaps")])
def test_a_full_disk_keeps_whole_rows_and_says_one_line(tmp_path: Path, limit: int, gaps: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(tmp_path), str(limit), gaps],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    error, counts = done.stdout.splitlines()
    assert "no room left" in error
    got = recording.load(tmp_path / "full.csv")
    n_samples, lost = map(int, counts.split())
    assert (len(got.samples), got.lost, got.partial) == (n_samples, lost, "no room")
    assert n_samples > 200
    first = np.arange(96, dtype=np.int16).reshape(32, 3)
    blocks = [first + np.int16(number) for number in range(n_samples // 32 + 1)]
    assert np.array_equal(got.samples, np.concatenate(blocks)[:n_samples])


@pytest.mark.skipif(sys.platform == "win32", reason="RLIMIT_FSIZE is POSIX")
def test_a_full_disk_ends_the_stream_and_keeps_the_take(
    scripted: Any, talk: Talk, tmp_path: Path, ramp: Any
) -> None:
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    with talk() as session:
        session.open()
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))
        try:
            with pytest.raises(MidgeError, match=r"no room left.*samples are kept in .*circle_001.csv"):
                record(session, GESTURE, label="circle", seconds=60, into=tmp_path)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert wire.STREAM_STOP in [kind for kind, _ in scripted.heard]
    got = recording.load(tmp_path / "circle_001.csv")
    assert got.partial.startswith("no room left")
    assert len(got.samples) > 1000
    check_exact(got, ramp, len(got.samples))


def test_pace_is_least_squares_and_rms() -> None:
    random = np.random.default_rng(1)
    index = np.arange(0, 6400, 32)
    times = np.round(index * 625.0 + random.normal(0, 40, len(index)) + 1000).astype(int)
    pace = Pace(1 << 30)
    for i, t in zip(index.tolist(), times.tolist(), strict=True):
        pace.add(i, (t + (1 << 30) - 500_000) % (1 << 30))
    slope, offset = np.polyfit(index, times, 1)
    assert pace.rate_hz == pytest.approx(1e6 / slope, rel=1e-9)
    residual = times - (slope * index + offset)
    assert pace.jitter_us == pytest.approx(np.sqrt(np.mean(residual**2)), rel=1e-6)


def test_pace_of_too_little_is_unknown() -> None:
    pace = Pace(1 << 30)
    assert (pace.rate_hz, pace.jitter_us) == (None, None)
    pace.add(0, 5)
    pace.add(32, 325)
    assert pace.rate_hz == pytest.approx(100_000)
    assert pace.jitter_us is None
