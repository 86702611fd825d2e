"""The shipped keyword model on a virtual board that hears people talk of other things."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from midge import flash
from midge.monitor import Monitor
from midge.session import connect
from midge.simulate import speech
from midge.timeouts import Timeouts
from midge.virtual import VirtualBoard
from midge.virtual.microphone import Sound

VOICES, EACH_S = 6, 30.0
HOP_S = 0.1
# What a collector holds by chance comes and goes; a leak of a byte a block were more in an hour.
MOST_HELD_BYTES = 220_000
# How soon a busy machine lets the board have its turn says nothing of the board.
PATIENT = Timeouts().times(100)

pytestmark = pytest.mark.skipif(not speech.is_there(), reason="espeak-ng is not installed")


@pytest.fixture
def board() -> Iterator[VirtualBoard]:
    with VirtualBoard() as it:
        flash.flash("keyword", it.tty)
        yield it


def talk(seconds: float) -> Sound:
    """Every voice says other words, again and again."""
    each_s = min(EACH_S, seconds / VOICES)
    said = [
        speech.other_speech(voice, each_s, avoid=("yes", "no", "stop", "go")).samples
        for voice in speech.speakers(VOICES, 31)
    ]
    return Sound(np.concatenate(said), speech.RATE_HZ, loop=True)


def listen(board: VirtualBoard, seconds: float) -> tuple[int, float]:
    """False events and seconds of the board's time; every window must have come, and no memory gone."""
    events, first, last = 0, None, None
    with connect(board.tty, timeouts=PATIENT) as session:
        monitor = Monitor(session)
        for said in monitor.lines():
            if said["kind"] == "event":
                events += 1
            if said["kind"] == "status":
                first, last = first or said, said
                if said["time_s"] - first["time_s"] >= seconds:
                    break
    assert first is not None and last is not None
    heard_s = last["time_s"] - first["time_s"]
    assert last["dropped"] == first["dropped"] == 0
    assert last["overruns"] == 0
    assert last["windows"] - first["windows"] == pytest.approx(heard_s / HOP_S, abs=10)
    assert last["free_ram_bytes"] > first["free_ram_bytes"] - MOST_HELD_BYTES
    return events, heard_s


@pytest.mark.parametrize("seconds", [20, pytest.param(3600, marks=pytest.mark.check)])
def test_other_speech_is_heard_without_a_loss(
    board: VirtualBoard, seconds: int, capsys: pytest.CaptureFixture[str]
) -> None:
    board.play_sound(talk(seconds))
    events, heard_s = listen(board, seconds)
    with capsys.disabled():
        print(
            f"\n{heard_s:.0f} s of other speech without a pause: {events} false accepts, "
            f"{3600 * events / heard_s:.1f} an hour"
        )
