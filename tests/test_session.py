"""The host's end of the protocol against garbage, cut, doubled and missing frames, and silence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from midge.errors import DeviceError, FrameError, ReplyTimeout, TransportLost, VersionMismatch
from midge.messages import Log, Status, read_welcome
from midge.session import Session
from midge_device.wire import frame
from midge_device.wire import message as wire

Talk = Callable[..., Session]


def test_welcome_tells_what_the_board_is(scripted: Any, talk: Talk) -> None:
    with talk() as session:
        welcome = session.open()
        assert (welcome.board, welcome.target, welcome.mpy) == ("scripted", "armv6m", 0x1206)
        assert (welcome.max_alloc_bytes, welcome.free_flash_bytes) == (60_000, 500_000)
        assert welcome.ticks_period_us == 1 << 30
        assert welcome.model is None
    assert [kind for kind, _ in scripted.heard] == [wire.HELLO, wire.BYE]
    assert not scripted.is_open


def test_hello_is_said_again_until_the_board_answers(scripted: Any, talk: Talk) -> None:
    scripted.deaf = {wire.HELLO: 3}
    with talk() as session:
        session.open()
    assert [kind for kind, _ in scripted.heard].count(wire.HELLO) == 4


def test_every_status_is_answered_by_a_beat(scripted: Any, talk: Talk) -> None:
    with talk() as session:
        session.open()
        session.idle(10.0)
    beats = [kind for kind, _ in scripted.heard].count(wire.BEAT)
    assert beats == 20
    assert scripted.time_us == pytest.approx(10e6, abs=1e6)


def test_another_protocol_is_refused_with_both_numbers(scripted: Any, talk: Talk) -> None:
    scripted.welcome["protocol"] = 7
    with talk() as session, pytest.raises(VersionMismatch, match=r"protocol 7, this midge 1"):
        session.open()
    assert not scripted.is_open


def test_an_answer_of_an_unknown_version_needs_nothing_but_its_number() -> None:
    assert read_welcome(b'{"protocol": 9}').protocol == 9
    for bad in (b"", b"[]", b"{}", b'{"protocol": null}', b"\xff", b'{"protocol": 1, "slots": 3}'):
        with pytest.raises(FrameError):
            read_welcome(bad)


def test_prints_between_frames_are_kept_as_text(scripted: Any, talk: Talk) -> None:
    with talk() as session:
        scripted.print("booting\r\n")
        session.open()
        scripted.print("hello from the app\r\n")
        scripted.say(wire.LOG, tail=b"whole")
        assert session.next_message() == Log("whole")
        assert "hello from the app" in session.take_text()
        assert session.missed_frames == 0


def test_frames_that_did_not_arrive_are_counted(scripted: Any, talk: Talk) -> None:
    with talk() as session:
        session.open()
        for number in range(300):
            spoilt = number in (5, 6, 40)
            scripted.spoil = lambda kind, data, spoilt=spoilt: (
                data[:-3] if spoilt and kind == wire.LOG else data
            )
            scripted.say(wire.LOG, tail=str(number).encode())
        got = []
        while len(got) < 297:
            message = session.next_message()
            got += [int(message.text)] if isinstance(message, Log) else []
        assert got == [n for n in range(300) if n not in (5, 6, 40)]
        assert session.missed_frames == 3


def test_a_frame_that_comes_twice_counts_once(scripted: Any, talk: Talk) -> None:
    with talk() as session:
        session.open()
        scripted.spoil = lambda _kind, data: data + data
        for number in range(3):
            scripted.say(wire.LOG, tail=str(number).encode())
        scripted.say(wire.LOG, tail=b"end")
        texts = [message.text for _ in range(4) if isinstance(message := session.next_message(), Log)]
        assert texts == ["0", "1", "2", "end"]
        assert session.missed_frames == 0


def test_a_repeatable_request_survives_a_lost_answer(scripted: Any, talk: Talk) -> None:
    lost = iter([True, False])
    scripted.spoil = lambda kind, data: b"" if kind == wire.ACK and next(lost) else data
    with talk() as session:
        session.open()
        assert session.request(wire.SCORES_ON, 1) == 0
    assert [kind for kind, _ in scripted.heard].count(wire.SCORES_ON) == 2


def test_what_must_not_happen_twice_is_asked_once(scripted: Any, talk: Talk) -> None:
    scripted.spoil = lambda kind, data: b"" if kind == wire.ACK else data
    with talk() as session:
        session.open()
        with pytest.raises(ReplyTimeout, match="ACTIVATE"):
            session.request(wire.ACTIVATE)
    assert [kind for kind, _ in scripted.heard].count(wire.ACTIVATE) == 1


def test_a_refusal_carries_its_code(scripted: Any, talk: Talk) -> None:
    scripted.refuse = {wire.STREAM_START: (wire.SENSOR, "OSError: [Errno 5] EIO")}
    with talk() as session:
        session.open()
        with pytest.raises(DeviceError, match=r"SENSOR: OSError: \[Errno 5\] EIO") as caught:
            session.request(wire.STREAM_START, 100_000, 4, 0)
    assert caught.value.code == wire.SENSOR


def test_silence_is_an_error_and_not_a_hang(scripted: Any, talk: Talk) -> None:
    with talk(silence_s=6.0) as session:
        session.open()
        scripted.spoil = lambda _kind, _data: b""
        with pytest.raises(ReplyTimeout, match="nothing for 6 s"):
            while True:
                session.next_message()
    assert scripted.time_us < 10e6


def test_nobody_there(scripted: Any, talk: Talk) -> None:
    scripted.deaf = {wire.HELLO: 1000}
    with talk(hello_s=3.0) as session, pytest.raises(ReplyTimeout, match="midge flash"):
        session.open()
    assert scripted.time_us == pytest.approx(3e6, abs=1e5)


def test_a_board_at_its_prompt_gets_its_app_started(scripted: Any, talk: Talk) -> None:
    scripted.at_prompt = True
    with talk() as session:
        assert session.open().board == "scripted"


def test_a_prompt_with_no_app_says_what_the_board_printed(scripted: Any, talk: Talk) -> None:
    scripted.at_prompt, scripted.app_starts = True, False
    with talk() as session, pytest.raises(DeviceError, match=r"no module named 'x'.*midge flash") as caught:
        session.open()
    assert "Traceback" in caught.value.traceback


def test_a_prompt_is_left_alone_if_asked(scripted: Any, talk: Talk) -> None:
    scripted.at_prompt = True
    with talk() as session, pytest.raises(DeviceError, match=">>> prompt"):
        session.open(start_app=False)
    assert scripted.at_prompt


def test_an_unplugged_line_is_told_and_closing_still_works(scripted: Any, talk: Talk) -> None:
    with talk() as session:
        session.open()
        scripted.is_unplugged = True
        with pytest.raises(TransportLost, match="unplugged"):
            session.next_message()


def test_a_board_that_restarted_is_found_again_on_a_new_line(scripted: Any, talk: Talk) -> None:
    with talk() as session:
        session.open()
        scripted.say(wire.LOG, tail=b"of the old session")
        session.transport.close()
        assert session.reopen().board == "scripted"
        assert isinstance(session.next_message(), Status)


def test_garbage_does_not_stop_the_session(scripted: Any, talk: Talk) -> None:
    noise = bytes(range(1, 256)) * 40
    with talk() as session:
        session.open()
        for number in range(20):
            scripted.print(noise.decode("latin-1")[: 500 * number])
            scripted.say(wire.LOG, tail=str(number).encode())
        texts = [message.text for _ in range(20) if isinstance(message := session.next_message(), Log)]
        assert texts == [str(number) for number in range(20)]


def test_a_message_type_from_the_future_is_named(scripted: Any, talk: Talk) -> None:
    with talk() as session:
        session.open()
        scripted._out += frame.encode_frame(0xB7, scripted._seq, b"?")
        with pytest.raises(FrameError, match="0xb7"):
            session.next_message()


def test_another_board_is_not_taken_for_the_one_that_restarted(scripted: Any, talk: Talk) -> None:
    scripted.welcome["id"] = "aa01"
    with talk() as session:
        assert session.open().board_id == "aa01"
        assert session.reopen().board_id == "aa01"
        scripted.welcome["id"] = "bb02"
        with pytest.raises(DeviceError, match=r"another scripted board .* bb02, not aa01"):
            session.reopen()
    assert not scripted.is_open
