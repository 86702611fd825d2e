"""Monitor: messages become lines with names and figures."""

from __future__ import annotations

import queue
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from midge.errors import ReplyTimeout
from midge.messages import Event
from midge.monitor import Monitor
from midge.session import Session
from midge_device.wire import message as wire

Talk = Callable[..., Session]


@pytest.fixture
def board(scripted: Any) -> Any:
    scripted.welcome["model"] = {"name": "gesture", "digest": "ab", "labels": ["circle", "other"]}
    return scripted


def test_events_and_scores_have_names(board: Any, talk: Talk) -> None:
    with talk() as session:
        session.open()
        lines = Monitor(session).lines(scores=True, seconds=5, clock=lambda: board.time_us / 1e6)
        board.say(wire.EVENT, 1500, 0, 29490, 7)
        board.say(wire.SCORES, 1500, 7, 0, tail=np.array([29490, 3277], "<i2").tobytes())
        board.say(wire.LOG, tail=b"hello")
        board.print("stray\r\n")
        got = [next(lines) for _ in range(4)]
    got.sort(key=lambda line: ["event", "scores", "log", "print"].index(line["kind"]))
    assert got[0] == {"kind": "event", "label": "circle", "score": 0.9, "window": 7} | {
        "ticks_ms": 1500,
        "time_s": 0.0,
    }
    assert got[1]["scores"] == {"circle": 0.9, "other": 0.1}
    assert got[1]["winner"] == "circle"
    assert got[2] == {"kind": "log", "text": "hello"}
    assert (wire.SCORES_ON, b"\x01") in board.heard
    assert got[3] == {"kind": "print", "text": "stray"}


def test_scores_are_switched_off_again(board: Any, talk: Talk) -> None:
    with talk() as session:
        session.open()
        lines = list(Monitor(session).lines(scores=True, seconds=2, clock=lambda: board.time_us / 1e6))
    assert [line["kind"] for line in lines] == ["status"] * 4
    assert [payload for kind, payload in board.heard if kind == wire.SCORES_ON] == [b"\x01", b"\x00"]


def test_rate_and_loss(board: Any, talk: Talk) -> None:
    with talk() as session:
        session.open()
        monitor = Monitor(session)
        lines = monitor.lines()
        board.sent_samples = 1000
        assert next(lines)["rate_hz"] is None
        board.sent_samples = 1050
        board.spoil = lambda kind, data: b"" if kind == wire.LOG else data
        board.say(wire.LOG, tail=b"lost")
        line = next(lines)
    assert (line["rate_hz"], line["missed_frames"], line["samples"]) == (100.0, 1, 1050)
    assert monitor.last_status == line


def test_time_goes_on_where_the_ticks_wrap(board: Any, talk: Talk) -> None:
    board.welcome["ticks_us"] = 1 << 30
    with talk() as session:
        session.open()
        monitor = Monitor(session)
        lines = [monitor.line(Event(ticks_ms, 0, 100, 1)) for ticks_ms in ((1 << 30) - 500, 1500, 1400)]
    assert [line["time_s"] for line in lines if line] == [0.0, 2.0, 1.9]


def test_a_board_may_leave_the_labels_out(scripted: Any, talk: Talk) -> None:
    scripted.welcome["model"] = {"name": "gesture", "digest": "ab", "labels": None}
    with talk() as session:
        session.open()
        scripted.say(wire.EVENT, 1, 1, 100, 1)
        assert next(Monitor(session).lines())["label"] == "1"


def test_an_event_of_an_unknown_label_has_its_number(scripted: Any, talk: Talk) -> None:
    with talk() as session:
        session.open()
        scripted.say(wire.EVENT, 1, 5, 100, 1)
        assert next(Monitor(session).lines())["label"] == "5"


def test_silence_ends_it(board: Any, talk: Talk) -> None:
    with talk() as session:
        session.open()
        board.spoil = lambda _kind, _data: b""
        with pytest.raises(ReplyTimeout):
            list(Monitor(session).lines())


def test_a_slip_of_the_finger_ends_nothing(scripted: Any, talk: Talk, tmp_path: Path) -> None:
    scripted.welcome["model"] = {"name": "gesture", "digest": "ab", "labels": ["circle", "chop", "shake"]}
    typed: queue.SimpleQueue[str] = queue.SimpleQueue()
    typed.put("cirkle")
    with talk() as session:
        session.open()
        monitor = Monitor(session)
        lines = monitor.lines(corrections=typed, into=tmp_path)
        scripted.say(wire.EVENT, 1, 0, 100, 1)
        assert [next(lines)["kind"] for _ in range(2)] == ["event", "not_kept"]
        scripted.say(wire.EVENT, 2, 1, 100, 1)
        assert next(lines)["label"] == "chop"
        assert [monitor.meant(said) for said in ("s", "c", "chop", "x")] == ["shake", "c", "chop", "x"]
    assert not list(tmp_path.iterdir())
