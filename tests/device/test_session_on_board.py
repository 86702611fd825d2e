"""The board's end of the protocol in a real MicroPython: opens, obeys, closes, and leaves ^C to its user."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator

import numpy as np
import pytest

from midge import __version__
from midge.errors import DeviceError
from midge.messages import Data, Log, Status, StreamEnd
from midge.session import Session, connect
from midge.transport import Transport, open_transport
from midge.virtual import Scene, VirtualBoard
from midge_device import versions
from midge_device.wire import frame
from midge_device.wire import message as wire

from .conftest import install


@contextlib.contextmanager
def line(board: VirtualBoard) -> Iterator[Transport]:
    """The bare line."""
    transport = open_transport("serial:" + board.tty)
    try:
        yield transport
    finally:
        transport.close()


def heard(transport: Transport, decoder: frame.FrameDecoder, until: int) -> list[tuple[int, int, bytes]]:
    """Messages up to the first of type `until`."""
    got: list[tuple[int, int, bytes]] = []
    while not any(kind == until for kind, _, _ in got):
        got += decoder.feed(transport.read(5.0))
    return got


def text_until(transport: Transport, wanted: bytes) -> bytes:
    text = b""
    while wanted not in text:
        data = transport.read(5.0)
        assert data, text
        text += data
    return text


@pytest.fixture
def session(shared_board: VirtualBoard) -> Iterator[Session]:
    with connect("serial:" + shared_board.tty) as opened:
        yield opened


def test_welcome_says_what_the_board_is(session):
    welcome = session.welcome
    assert (welcome.board, welcome.target, welcome.app, welcome.model) == ("virtual", "x64", "test", None)
    assert (welcome.protocol, welcome.abi) == (versions.PROTOCOL, versions.MODULE_ABI)
    assert welcome.midge == versions.LIBRARY == __version__
    assert welcome.ticks_period_us == 1 << 30
    assert 50_000 < welcome.max_alloc_bytes <= welcome.free_ram_bytes
    assert 0 < welcome.free_flash_bytes < 2 << 20
    assert welcome.slots["a"] == "empty"
    assert len(str(welcome.raw)) < frame.PAYLOAD_BYTES


def test_status_comes_twice_a_second_of_board_time(session):
    ticks_ms = []
    while len(ticks_ms) < 20:
        message = session.next_message()
        if isinstance(message, Status):
            ticks_ms.append(message.ticks_ms)
    assert np.diff(ticks_ms).mean() == pytest.approx(500, abs=15)
    assert session.missed_frames == 0


def test_a_closed_session_leaves_ctrl_c_to_the_user(app_board):
    with line(app_board) as transport:
        text = b""
        for _ in range(20):  # one that comes before the app runs is lost, as on any board
            transport.write(b"\x03")
            text += transport.read(0.5)
            if b">>> " in text:
                break
        assert b">>> " in text
        assert b"\0" not in text


def test_in_an_open_session_ctrl_c_is_data_and_bye_gives_it_back(app_board):
    with connect("serial:" + app_board.tty) as session:
        session.transport.write(b"\x03")
        session.request(wire.STATUS_GET)
        assert session.take_text() == ""
    with line(app_board) as transport:
        transport.write(b"\x03")
        text_until(transport, b">>> ")


def test_silence_closes_the_session(app_board):
    with line(app_board) as transport:
        decoder = frame.FrameDecoder(keep_text=True)
        transport.write(wire.HELLO_FRAME)
        got = heard(transport, decoder, wire.WELCOME)
        app_board.stall()  # a free clock would wait for the silent host
        for _ in range(30):
            app_board.advance(100_000)
        app_board.run()
        transport.write(b"\x03")
        got += decoder.feed(text_until(transport, b">>> "))
        # at 500, 1000 and 1500 ms; at 2000 ms the session is closed
        assert [kind for kind, _, _ in got] == [wire.WELCOME] + [wire.STATUS] * 3


def test_a_second_hello_starts_anew(session):
    session.request(wire.STREAM_START, 100_000, 4, 0)
    session.transport.write(wire.HELLO_FRAME)
    ends = 0
    for _ in range(8):
        ends += isinstance(session.next_message(), StreamEnd)
    assert ends == 1
    session.request(wire.STREAM_START, 50_000, 2, 0)


def test_garbage_is_passed_over(app_board):
    rng = np.random.default_rng(3)
    with connect("serial:" + app_board.tty) as session:
        for _ in range(20):
            junk = rng.integers(0, 256, int(rng.integers(1, 200)), dtype=np.uint8).tobytes()
            session.transport.write(junk + b"\0")
            session.request(wire.STATUS_GET)
    with line(app_board) as transport:
        transport.write(bytes(range(4, 256)) * 20)  # no ^C in it: the session is closed
        transport.write(wire.HELLO_FRAME)
        heard(transport, frame.FrameDecoder(), wire.WELCOME)


def test_what_is_not_understood_is_refused_by_name(session):
    cases = [
        (0x7E, b"", wire.UNKNOWN),
        (wire.AUTH, b"", wire.UNKNOWN),
        (wire.STREAM_START, b"short", wire.BAD_FRAME),
        (wire.PUSH_COMMIT, b"\0", wire.STATE),
        (wire.ACTIVATE, b"", wire.STATE),
        (wire.PUSH_CHUNK, bytes(8), wire.STATE),
        (wire.PUSH_BEGIN, wire.pack(wire.PUSH_BEGIN, 7, 10, bytes(32)), wire.UNKNOWN),
        (wire.PUSH_BEGIN, wire.pack(wire.PUSH_BEGIN, 0, 1 << 24, bytes(32)), wire.NO_SPACE),
        (wire.STREAM_START, wire.pack(wire.STREAM_START, 100_000, 3, 0), wire.SENSOR),
        (wire.STREAM_START, wire.pack(wire.STREAM_START, 70_000, 4, 0), wire.SENSOR),
    ]
    for kind, payload, code in cases:
        seq = session._send(kind, payload)
        with pytest.raises(DeviceError) as caught:
            session._reply({seq})
        assert caught.value.code == code, (hex(kind), caught.value)


def test_prints_of_the_app_cost_no_frame(app_board):
    app = (app_board.folder / "app.py").read_text()
    printing = app.replace(").run()", ")\n").replace("Pipeline(on_event=told", "p = Pipeline(on_event=told")
    printing += "n = 0\nwhile True:\n    p.step()\n    n += 1\n    print('line', n)\n"
    (app_board.folder / "app.py").write_text(printing)
    app_board.reset("hard")
    with connect("serial:" + app_board.tty) as session:
        session.request(wire.STREAM_START, 100_000, 4, 320)
        n = 0
        while not isinstance(message := session.next_message(), StreamEnd):
            n += len(message.samples) if isinstance(message, Data) else 0
        assert n == 320
        assert session.missed_frames == 0
        assert "line" in session.take_text()


def test_a_log_line_reaches_the_host(app_board):
    app_board.attach_sensor(False)
    with connect("serial:" + app_board.tty) as session:
        with pytest.raises(DeviceError) as caught:
            session.request(wire.STREAM_START, 100_000, 4, 0)
        assert caught.value.code == wire.SENSOR
        app_board.attach_sensor(True)
        session.request(wire.STREAM_START, 100_000, 4, 0)
        app_board.attach_sensor(False)
        messages = []
        while not any(isinstance(message, Log) for message in messages):
            messages.append(session.next_message())
        assert any(isinstance(message, StreamEnd) for message in messages)
        assert "sensor" in messages[-1].text
        session.request(wire.STATUS_GET)


def test_a_stream_is_canonical_numbered_and_timed():
    ramp = Scene.raw(lambda n: np.stack([n * 8, -n * 8, n % 7], axis=1).astype(np.int16), n=4000)
    with VirtualBoard(scene=ramp) as board:
        install(board.folder, "from midge_device.pipeline import Pipeline\nPipeline().run()\n")
        (board.folder / "main.py").write_text("import app\n")
        board.reset("hard")
        with connect("serial:" + board.tty) as session:
            session.request(wire.STREAM_START, 200_000, 4, 1000)
            blocks = []
            while not isinstance(message := session.next_message(), StreamEnd):
                blocks += [message] if isinstance(message, Data) else []
    assert (message.samples, message.dropped) == (1000, 0)
    samples = np.concatenate([block.samples for block in blocks])
    n = np.arange(1000)
    want = np.stack([n * 8, -n * 8, n % 7], axis=1) * 1.024
    assert np.abs(samples - want).max() <= 1
    assert [block.first for block in blocks] == list(range(0, 1000, 16))
    ticks_us = np.array([block.ticks_us for block in blocks])
    assert np.polyfit([block.first for block in blocks], ticks_us, 1)[0] == pytest.approx(5000, rel=1e-3)


def test_a_push_is_taken_up_where_it_broke(app_board):
    data = bytes(range(256)) * 8
    digest = hashlib.sha256(data).digest()
    with connect("serial:" + app_board.tty) as session:
        assert session.request(wire.PUSH_BEGIN, wire.FILE_TEST, len(data), digest) == 0
        for offset in range(0, 800, 200):
            session.request(wire.PUSH_CHUNK, offset, tail=data[offset : offset + 200])
        with pytest.raises(DeviceError) as caught:
            session.request(wire.PUSH_CHUNK, 200, tail=b"again")
        assert caught.value.code == wire.BAD_OFFSET
    app_board.reset("hard")
    with connect("serial:" + app_board.tty) as session:
        assert session.request(wire.PUSH_BEGIN, wire.FILE_TEST, len(data), digest) == 800
        for offset in range(800, len(data), 200):
            session.request(wire.PUSH_CHUNK, offset, tail=data[offset : offset + 200])
        session.request(wire.PUSH_COMMIT, wire.FILE_TEST)
        # another file of the same length starts at 0
        other = hashlib.sha256(b"other").digest()
        assert session.request(wire.PUSH_BEGIN, wire.FILE_TEST, len(data), other) == 0
        session.request(wire.PUSH_CHUNK, 0, tail=data[:200])
        with pytest.raises(DeviceError) as caught:
            session.request(wire.PUSH_COMMIT, wire.FILE_TEST)
        assert caught.value.code == wire.BAD_OFFSET
    assert (app_board.folder / "midge" / "a.test").read_bytes() == data


def test_damage_on_the_way_is_found_at_commit(session, shared_board):
    data = bytes(300)
    session.request(wire.PUSH_BEGIN, wire.FILE_MODULE, len(data), hashlib.sha256(b"else").digest())
    session.request(wire.PUSH_CHUNK, 0, tail=data[:200])
    session.request(wire.PUSH_CHUNK, 200, tail=data[200:])
    with pytest.raises(DeviceError) as caught:
        session.request(wire.PUSH_COMMIT, wire.FILE_MODULE)
    assert caught.value.code == wire.BAD_DIGEST
    assert not (shared_board.folder / "midge" / "a.mpy").exists()


def test_a_push_during_a_stream_is_refused(session):
    session.request(wire.STREAM_START, 100_000, 4, 0)
    with pytest.raises(DeviceError) as caught:
        session.request(wire.PUSH_BEGIN, 0, 10, bytes(32))
    assert caught.value.code == wire.BUSY
    session.request(wire.STREAM_STOP)
    session.request(wire.PUSH_BEGIN, 0, 10, bytes(32))


def test_an_app_that_crashes_drops_to_the_prompt(app_board):
    (app_board.folder / "app.py").write_text("raise RuntimeError('mine')\n")
    app_board.reset("hard")
    with line(app_board) as transport:
        transport.write(b"\r")
        text = text_until(transport, b">>> ")
    assert app_board.is_on
    assert text.count(b">>> ") <= 2
