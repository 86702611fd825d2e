"""The whole flow on a virtual board: motion in, one event out; models tried, confirmed, refused, cut off."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator

import numpy as np
import pytest

from midge.build import BuiltModule
from midge.errors import DeviceError, MidgeError
from midge.messages import Data, Event, Log, Message, Scores, Status, StreamEnd
from midge.session import Session, connect
from midge.timeouts import Timeouts
from midge.transport import open_transport
from midge.virtual import Scene, VirtualBoard
from midge_device.slots import TRIAL, Slots
from midge_device.wire import message as wire

from .conftest import APP, Build, install, put_model, values

QUICK = Timeouts(hello_s=2.0, repeat_s=0.2, start_s=5.0, reply_s=2.0, silence_s=2.0)


def tilts(*seconds: float, total_s: float = 8.0) -> Scene:
    """Lying flat at 100 Hz, tilted by 0.9 g for one second from each of `seconds`."""
    g = np.zeros((round(total_s * 100), 3))
    g[:, 2] = 1.0
    for second in seconds:
        g[round(second * 100) : round(second * 100) + 100] = (0.9, 0.0, 0.4)
    return Scene(g, 100.0)


@contextlib.contextmanager
def running(built: BuiltModule, scene: Scene | None = None, **settings: object) -> Iterator[VirtualBoard]:
    """A board that runs an app with this model."""
    with VirtualBoard(**settings) as board:  # type: ignore[arg-type]
        install(board.folder, APP)
        put_model(board.folder, built)
        board.reset("hard")
        if scene is not None:
            board.play(scene)
        yield board


def messages(session: Session, board_ms: int) -> list[Message]:
    """What comes in so much board time from now."""
    got: list[Message] = []
    end = None
    while True:
        message = session.next_message()
        got.append(message)
        if isinstance(message, Status):
            end = end or message.ticks_ms + board_ms
            if message.ticks_ms >= end:
                return got


def send(session: Session, number: int, data: bytes) -> None:
    session.request(wire.PUSH_BEGIN, number, len(data), hashlib.sha256(data).digest())
    for offset in range(0, len(data), wire.CHUNK_BYTES):
        session.request(wire.PUSH_CHUNK, offset, tail=data[offset : offset + wire.CHUNK_BYTES])
    session.request(wire.PUSH_COMMIT, number)


def push(session: Session, built: BuiltModule, test: bytes | None = None) -> None:
    send(session, wire.FILE_MODULE, built.mpy)
    send(session, wire.FILE_TEST, built.test_blob if test is None else test)
    session.request(wire.ACTIVATE)


def model_name(session: Session) -> str | None:
    return session.welcome.model and session.welcome.model["name"]


def test_each_gesture_is_one_event_and_the_app_hears_it(build_model: Build) -> None:
    with running(build_model()) as board, connect("serial:" + board.tty) as session:
        assert session.welcome.slots["a"] == "confirmed"
        board.play(tilts(2.0, 5.0))
        events = [m for m in messages(session, 9000) if isinstance(m, Event)]
        assert [event.label for event in events] == [1, 1]
        assert events[0].score == round(0.9 * 32767)
        told = (board.folder / "events.txt").read_text().split("\n")
        assert told == ["tilt 0.900", "tilt 0.900", ""]


def test_the_line_may_be_gone(build_model: Build) -> None:
    with running(build_model()) as board:
        board.play(tilts(2.0, 5.0))
        board.stall()
        for _ in range(10):
            board.advance(1_000_000)
        assert (board.folder / "events.txt").read_text().count("tilt") == 2


def test_scores_come_for_every_window_when_asked_for(build_model: Build) -> None:
    with running(build_model()) as board, connect("serial:" + board.tty) as session:
        session.request(wire.SCORES_ON, 1)
        scores = [m for m in messages(session, 4000) if isinstance(m, Scores)]
        assert np.all(np.diff([s.window for s in scores]) == 1)
        assert {s.scores for s in scores} == {(32767, 0)}
        assert np.diff([s.ticks_ms for s in scores]).mean() == pytest.approx(160, abs=4)
        session.request(wire.SCORES_ON, 0)
        messages(session, 600)
        assert not [m for m in messages(session, 2000) if isinstance(m, Scores)]


def test_recording_pauses_inference_and_gives_it_back(build_model: Build) -> None:
    with running(build_model()) as board, connect("serial:" + board.tty) as session:
        session.request(wire.STREAM_START, 400_000, 2, 800)
        samples = 0
        while not isinstance(message := session.next_message(), StreamEnd):
            assert not isinstance(message, Event)
            samples += len(message.samples) if isinstance(message, Data) else 0
        assert samples == message.samples == 800
        board.play(tilts(2.0))
        assert len([m for m in messages(session, 5000) if isinstance(m, Event)]) == 1


def test_a_sensor_that_goes_and_comes_back(build_model: Build) -> None:
    with running(build_model()) as board, connect("serial:" + board.tty) as session:
        board.attach_sensor(False)
        logs = [m.text for m in messages(session, 3000) if isinstance(m, Log)]
        assert len(logs) == 1 and "sensor" in logs[0]
        board.attach_sensor(True)
        logs = [m.text for m in messages(session, 2000) if isinstance(m, Log)]
        assert len(logs) == 1 and "back" in logs[0]
        board.play(tilts(2.0))
        assert len([m for m in messages(session, 5000) if isinstance(m, Event)]) == 1


def test_without_a_sensor_the_board_still_talks(build_model: Build) -> None:
    with running(build_model(), sensor=False) as board, connect("serial:" + board.tty) as session:
        assert "sensor" in session.welcome.raw["trouble"]
        assert model_name(session) == "tilt"


def test_a_model_for_another_rate_is_refused_in_words(build_model: Build) -> None:
    with running(build_model(rate_hz=62.5)) as board, connect("serial:" + board.tty) as session:
        assert "62.5 Hz" in session.welcome.raw["trouble"]


def test_a_model_that_reads_a_gyroscope_is_refused_in_words(build_model: Build) -> None:
    built = build_model(channels=("x", "y", "z", "gx", "gy", "gz"))
    with running(built) as board, connect("serial:" + board.tty) as session:
        assert "the model reads a gyroscope" in session.welcome.raw["trouble"]


def test_an_app_whose_callback_fails_goes_on(build_model: Build) -> None:
    with VirtualBoard() as board:
        install(
            board.folder,
            "from midge_device.pipeline import Pipeline\nPipeline(on_event=lambda l, s: 1 // 0).run()\n",
        )
        put_model(board.folder, build_model())
        board.reset("hard")
        with connect("serial:" + board.tty) as session:
            board.play(tilts(2.0, 5.0))
            got = messages(session, 9000)
            assert len([m for m in got if isinstance(m, Event)]) == 2
            assert [m.text for m in got if isinstance(m, Log)] == [
                "on_event: ZeroDivisionError: divide by zero"
            ] * 2


def test_a_pushed_model_takes_over(build_model: Build) -> None:
    with running(build_model()) as board, connect("serial:" + board.tty) as session:
        for name, slot in (("second", "b"), ("third", "a")):
            push(session, build_model(5000.5, name=name))
            session.reopen()
            assert model_name(session) == name
            assert session.welcome.slots["active"] == slot
            assert session.welcome.slots[slot] == "confirmed"


def other_arch(mpy: bytes) -> bytes:
    return mpy[:2] + bytes([10 << 2 | 3]) + mpy[3:]


@pytest.mark.parametrize(
    ("damage", "code"),
    [
        (other_arch, wire.WRONG_TARGET),
        (lambda mpy: b"M\x05" + mpy[2:], wire.WRONG_TARGET),
        (lambda mpy: mpy[:2] + bytes([mpy[2] & ~3 | 2]) + mpy[3:], wire.WRONG_TARGET),
        (lambda mpy: b"#!" + mpy, wire.WRONG_TARGET),
    ],
)
def test_a_module_that_cannot_run_here_is_refused_at_commit(build_model: Build, damage, code: int) -> None:
    built = build_model()
    with running(built) as board, connect("serial:" + board.tty) as session:
        with pytest.raises(DeviceError) as caught:
            send(session, wire.FILE_MODULE, damage(built.mpy))
        assert caught.value.code == code
        assert model_name(session) == "tilt"


def test_a_model_that_answers_differently_here_is_not_kept(build_model: Build) -> None:
    with running(build_model()) as board, connect("serial:" + board.tty) as session:
        push(session, build_model(6000.5, name="other"), test=build_model(5000.5, name="other").test_blob)
        session.reopen()
        assert model_name(session) == "tilt"
        assert session.welcome.slots["b"] == "bad"
        assert "self-test" in session.welcome.slots["why"]
        push(session, build_model(5000.5, name="better"))
        session.reopen()
        assert model_name(session) == "better"
        assert session.welcome.slots["why"] == ""


def test_a_full_flash_at_boot_leaves_the_confirmed_model(build_model: Build) -> None:
    with running(build_model()) as board:
        with connect("serial:" + board.tty) as session:
            assert session.welcome.slots["a"] == "confirmed"
        put_model(board.folder, build_model(5000.5, name="better"), "b")
        Slots(str(board.folder / "midge")).mark(1, TRIAL)
        board.set_flash_bytes(1)
        board.reset("hard")
        with connect("serial:" + board.tty) as session:
            assert model_name(session) == "tilt"
        board.set_flash_bytes(2 * 1024 * 1024)
        board.reset("hard")
        with connect("serial:" + board.tty) as session:
            assert model_name(session) == "better"


def test_a_first_model_that_is_bad_leaves_a_board_that_records(build_model: Build) -> None:
    with VirtualBoard() as board:
        install(board.folder, APP)
        put_model(board.folder, build_model(), test=b"damaged")
        board.reset("hard")
        with connect("serial:" + board.tty) as session:
            assert session.welcome.model is None
            assert session.welcome.slots["a"] == "bad"
            session.request(wire.STREAM_START, 100_000, 4, 0)


def test_a_module_larger_than_the_ram_is_refused_at_commit(build_model: Build) -> None:
    data = build_model().mpy + bytes(600_000)
    digest = hashlib.sha256(data).digest()
    with running(build_model()) as board, connect("serial:" + board.tty) as session:
        # as if all of it had come before the line broke
        (board.folder / "midge" / "mpy.part").write_bytes(data)
        (board.folder / "midge" / "mpy.part-id").write_bytes(digest + len(data).to_bytes(4, "little"))
        assert session.request(wire.PUSH_BEGIN, wire.FILE_MODULE, len(data), digest) == len(data)
        with pytest.raises(DeviceError) as caught:
            session.request(wire.PUSH_COMMIT, wire.FILE_MODULE)
        assert caught.value.code == wire.NO_MEMORY


def wait_for_boot(board: VirtualBoard) -> None:
    """Until the board answers again or its power is cut."""
    while board.is_on:
        with (
            contextlib.suppress(MidgeError),
            Session(open_transport("serial:" + board.tty), timeouts=QUICK) as s,
        ):
            s.open()
            return


def check_cut(board: VirtualBoard, cut: int, models: dict[str, BuiltModule]) -> bool:
    """Push the model that does not run, power cut before the cut-th change; tells whether it runs then."""
    for part in (board.folder / "midge").glob("*.part*"):
        part.unlink()  # of the cut before: it would be gone on with
    with connect("serial:" + board.tty) as session:
        old = model_name(session)
        (new,) = models.keys() - {old}
        board.cut_power_after_writes(cut)
        with contextlib.suppress(MidgeError):
            push(session, models[new])
    wait_for_boot(board)
    if board.is_on:  # that was one change more than it took
        board.cut_power()
    board.power_on()
    with connect("serial:" + board.tty) as session:
        assert model_name(session) in (old, new), cut
        return model_name(session) == new


@pytest.mark.parametrize("every", [4, pytest.param(1, marks=pytest.mark.check)])
def test_a_power_cut_anywhere_in_a_push_leaves_the_old_or_the_new(build_model: Build, every: int) -> None:
    models = {"tilt": build_model(), "second": build_model(5000.5, name="second")}
    with running(models["tilt"]) as board:
        with connect("serial:" + board.tty) as session:
            before = board.flash_changes
            push(session, models["second"])
            session.reopen()
            changes = board.flash_changes - before
        became_new = [check_cut(board, cut, models) for cut in range(1, changes, every)]
        assert not became_new[0]
        assert became_new[-1]
        board.cut_power_after_writes(1 << 30)
        with connect("serial:" + board.tty) as session:
            (new,) = models.keys() - {model_name(session)}
            push(session, models[new])
            session.reopen()
            assert model_name(session) == new


def test_nothing_between_fifo_and_decision_allocates(build_model: Build) -> None:
    # heap_lock is held there in every step; here the heap's own count, over many windows, says the same
    with VirtualBoard() as board:
        install(board.folder)
        put_model(board.folder, build_model())
        code = """
import gc, time
from midge_device.pipeline import Pipeline
p = Pipeline()
s = p._sampler
n = w = used = 0
while n < 400:
    time.sleep_us(max(0, s.wait_us()))
    gc.collect()
    gc.disable()
    before = gc.mem_alloc()
    w += p._advance(s)
    used += gc.mem_alloc() - before
    n += 1
print([w, used])
"""
        windows, used_bytes = values(board, code)[0]
        assert windows > 80
        assert used_bytes == 0
