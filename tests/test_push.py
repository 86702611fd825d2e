"""Push: chunks, breaks, refusals and the board's verdict."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from midge import build, push
from midge.compile.ir import Forest
from midge.errors import (
    BudgetExceeded,
    DeviceError,
    MidgeError,
    ModelError,
    ParityError,
    SignatureError,
    TargetMismatch,
    VersionMismatch,
)
from midge.messages import read_welcome
from midge.model_file import FrontEnd, Model, Sensor
from midge.session import Session
from midge_device.wire import message as wire

Talk = Callable[..., Session]
DIGEST = "0123456789abcdef"


def parcel(n_bytes: int = 5000) -> push.Package:
    noise = np.random.default_rng(3).integers(0, 256, n_bytes, np.uint8).tobytes()
    return push.Package("new", DIGEST, "armv6m", DIGEST.encode() + noise, b"rows" * 77, 512)


@pytest.mark.parametrize("n_bytes", [0, 184, 185, 5000])
def test_both_files_arrive_whole(scripted: Any, talk: Talk, n_bytes: int) -> None:
    seen = []
    it = parcel(n_bytes)
    with talk() as session:
        session.open()
        sent = push.send(
            session, it, on_progress=lambda done, total=None, text="": seen.append((done, total))
        )
    assert scripted.files == {wire.FILE_MODULE: it.module, wire.FILE_TEST: it.test}
    total = len(it.module) + len(it.test)
    assert sent == total
    assert seen[-1] == (total, total)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


def test_no_frame_is_longer_than_a_board_takes(scripted: Any, talk: Talk) -> None:
    lengths = []
    receive = scripted.receive
    scripted.receive = lambda data: (lengths.append(len(data)), receive(data))[1]
    with talk() as session:
        session.open()
        push.send(session, parcel())
    assert max(lengths) <= 240


def test_a_lost_ack_does_not_write_a_chunk_twice(scripted: Any, talk: Talk) -> None:
    count = iter(range(10_000))
    scripted.spoil = lambda kind, data: b"" if kind == wire.ACK and next(count) in (7, 20) else data
    it = parcel()
    with talk() as session:
        session.open()
        push.send(session, it)
    assert scripted.files[wire.FILE_MODULE] == it.module
    chunks = [payload for kind, payload in scripted.heard if kind == wire.PUSH_CHUNK]
    assert len(chunks) == len(set(chunks))


def test_a_chunk_that_did_not_arrive_is_sent_again(scripted: Any, talk: Talk) -> None:
    with talk() as session:
        session.open()
        scripted.deaf = {wire.PUSH_CHUNK: 2}
        it = parcel()
        push.send(session, it)
    assert scripted.files[wire.FILE_MODULE] == it.module


def test_a_line_that_breaks_is_taken_up_where_it_broke(scripted: Any, talk: Talk) -> None:
    it = parcel()
    receive = scripted.receive
    writes = iter(range(10_000))

    def unplugged_once(data: bytes) -> None:
        if next(writes) == 15:
            raise EOFError
        receive(data)

    scripted.receive = unplugged_once
    with talk() as session:
        session.open()
        sent = push.send(session, it)
        assert session.transport.name == "loop:scripted"
    assert scripted.files[wire.FILE_MODULE] == it.module
    assert sent == len(it.module) + len(it.test)
    assert [kind for kind, _ in scripted.heard].count(wire.HELLO) == 2


def test_a_line_that_keeps_breaking_is_given_up(scripted: Any, talk: Talk) -> None:
    with talk(reply_s=1.0) as session:
        session.open()
        scripted.deaf = {wire.PUSH_CHUNK: 10_000}
        with pytest.raises(MidgeError, match="PUSH_CHUNK"):
            push.send(session, parcel())


@pytest.mark.parametrize(
    ("kind", "code", "error"),
    [
        (wire.PUSH_BEGIN, wire.NO_SPACE, BudgetExceeded),
        (wire.PUSH_COMMIT, wire.WRONG_TARGET, TargetMismatch),
        (wire.PUSH_COMMIT, wire.WRONG_ABI, VersionMismatch),
        (wire.PUSH_COMMIT, wire.BAD_DIGEST, SignatureError),
        (wire.PUSH_COMMIT, wire.NO_MEMORY, BudgetExceeded),
        (wire.PUSH_CHUNK, wire.INTERNAL, DeviceError),
        (wire.PUSH_CHUNK, wire.BAD_OFFSET, DeviceError),
    ],
)
def test_refusals_are_errors_of_their_kind(
    scripted: Any, talk: Talk, kind: int, code: int, error: type[MidgeError]
) -> None:
    scripted.refuse = {kind: (code, "because")}
    with talk() as session:
        session.open()
        with pytest.raises(error, match="because"):
            push.send(session, parcel())


def test_an_accepted_model_is_verified_after_the_restart(scripted: Any, talk: Talk) -> None:
    it = parcel()
    with talk() as session:
        session.open()
        push.send(session, it)
        welcome = push.activate(session, it)
    assert welcome.model is not None
    assert welcome.model["digest"] == DIGEST


def test_a_board_that_went_back_is_told(scripted: Any, talk: Talk) -> None:
    scripted.accepts_models = False
    scripted.welcome["model"] = {"name": "old", "digest": "feed", "labels": []}
    scripted.welcome["slots"] = {"a": "confirmed", "b": "bad", "active": "a", "why": "self-test"}
    it = parcel()
    with talk() as session:
        session.open()
        push.send(session, it)
        with pytest.raises(ParityError, match=r"rejected it \(self-test\) and runs old feed"):
            push.activate(session, it)


def test_a_lost_ack_of_activate_is_no_failure(scripted: Any, talk: Talk) -> None:
    it = parcel()
    with talk() as session:
        session.open()
        push.send(session, it)
        scripted.spoil = lambda kind, data: b"" if kind == wire.ACK else data
        assert push.activate(session, it).model["digest"] == DIGEST  # type: ignore[index]


def test_another_abi_is_refused_before_anything_is_built() -> None:
    welcome = read_welcome(b'{"protocol": 1, "abi": 9}')
    with pytest.raises(VersionMismatch, match="module ABI: version 1 here, 9 there"):
        push.package(None, welcome)  # type: ignore[arg-type]


def test_a_model_of_a_gyroscope_is_refused_before_anything_is_built() -> None:
    frontend = FrontEnd("motion", ("x", "y", "z", "gx", "gy", "gz"), 16, 8, ("gx.std",), (32.768,))
    net = Forest(1, 2, ())
    model = Model("turns", ("no", "yes"), None, frontend, Sensor(100, 4), None, net, epsilon=1e-4)
    with pytest.raises(TargetMismatch, match=r"reads a gyroscope \(gx, gy, gz\).*channels"):
        push.check_sensor(model)


def test_a_board_without_native_code_is_told() -> None:
    with pytest.raises(TargetMismatch, match="no native code"):
        push.board_target(read_welcome(b'{"protocol": 1, "mpy": 6}'))
    assert push.board_target(read_welcome(b'{"protocol": 1, "mpy": 4614}')).name == "armv6m"


def test_a_model_of_another_app_is_refused_unless_forced(scripted: Any) -> None:
    scripted.welcome["app"] = "tester"
    with pytest.raises(ModelError, match=r"has the app tester, and gesture is a model of another .* --force"):
        push.push("loop:scripted", "gesture")
    assert not any(kind == wire.PUSH_BEGIN for kind, _ in scripted.heard)
    labels = list(build.find("gesture").model.labels)
    for allowed in ({"model": {"name": "tester", "digest": DIGEST, "labels": labels}}, {"app": "gesture"}):
        scripted.welcome |= allowed
        scripted.refuse[wire.PUSH_BEGIN] = (wire.NO_SPACE, "full")
        with pytest.raises(BudgetExceeded):
            push.push("loop:scripted", "gesture")
    scripted.welcome |= {"app": "tester", "model": None}
    with pytest.raises(BudgetExceeded):
        push.push("loop:scripted", "gesture", force=True)
    assert sum(kind == wire.PUSH_BEGIN for kind, _ in scripted.heard) == 3
