"""The last seconds of a board become a recording: what the sensor felt, sample for sample."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from midge import recording
from midge.errors import DatasetError, DeviceError
from midge.messages import Event, Message, Status
from midge.monitor import Monitor
from midge.recall import recall
from midge.session import Session, connect
from midge.virtual import Scene, VirtualBoard
from midge_device.keeper import KEPT_S
from midge_device.wire import message as wire

from .conftest import Build, install
from .test_pipeline import running, tilts

RATE_HZ = 100.0
BLOCK_SAMPLES = 16


def ramp(seconds: float) -> Scene:
    """Every sample another value, so that a shift by one shows."""
    g = np.zeros((int(seconds * RATE_HZ), 3))
    g[:, 0] = np.arange(len(g)) / len(g) * 1.5
    g[:, 2] = 1.0
    return Scene(g, RATE_HZ)


def wait(session: Session, board_ms: int) -> None:
    end = None
    while True:
        message = session.next_message()
        if isinstance(message, Status):
            end = end or message.ticks_ms + board_ms
            if message.ticks_ms >= end:
                return


def test_the_last_seconds_are_what_the_sensor_felt(build_model: Build, tmp_path: Path) -> None:
    with running(build_model(4 * 8192)) as board, connect("serial:" + board.tty) as session:
        board.play(ramp(30.0))
        wait(session, 8000)
        take = recall(session, label="tilt", into=tmp_path, group="ann")
        kept = recording.load(take.path)
        assert (kept.label, kept.group, kept.lost, kept.unit) == ("tilt", "ann", 0, "g")
        # At least what is promised, and at most the two blocks more that the ring has.
        assert KEPT_S <= kept.duration_s <= KEPT_S + 2 * BLOCK_SAMPLES / RATE_HZ
        # 1.5 g in 3000 samples: 4.1 LSB from one to the next, and the sensor's FIFO has steps of 66.
        steps = np.diff(kept.samples[:, 0].astype(int))
        assert steps.mean() == pytest.approx(1.5 * 8192 / 3000, rel=0.1)
        assert steps.max() <= 70 and steps.min() >= -70
        # The model goes on.
        wait(session, 1000)
        again = recording.load(recall(session, label="flat", into=tmp_path).path)
        assert again.samples[:, 0].mean() > kept.samples[:, 0].mean() + 300


def test_events_meanwhile_are_not_lost(build_model: Build, tmp_path: Path) -> None:
    with running(build_model()) as board, connect("serial:" + board.tty) as session:
        board.play(tilts(2.0, 5.0))
        wait(session, 3000)
        meanwhile: list[Message] = []
        recall(session, label="flat", into=tmp_path, meanwhile=meanwhile.append)
        monitor = Monitor(session)
        lines = [monitor.correct("tilt", tmp_path)]
        assert lines[0]["kind"] == "kept" and Path(lines[0]["path"]).is_file()
        session.request(wire.STATUS_GET)
        later = []
        for _ in range(40):
            message = session.next_message()
            later.append(message)
            if isinstance(message, Event):
                break
        assert any(isinstance(message, Event) for message in [*meanwhile, *later])


def test_an_unknown_label_and_a_board_without_a_model_are_told(build_model: Build, tmp_path: Path) -> None:
    with (
        running(build_model()) as board,
        connect("serial:" + board.tty) as session,
        pytest.raises(DatasetError, match="no label of the board's model"),
    ):
        recall(session, label="nod", into=tmp_path)
    with VirtualBoard() as board:
        install(board.folder, "from midge_device.pipeline import Pipeline\nPipeline().run()\n")
        board.reset("hard")
        with connect("serial:" + board.tty) as session, pytest.raises(DeviceError):
            recall(session, label="tilt", into=tmp_path)
    assert not list(tmp_path.iterdir())
