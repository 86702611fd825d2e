"""Boards to test against: a scripted one at the far end of a loop, and a virtual one with midge installed."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import numpy as np
import pytest

from midge import families, features, flash, model_file
from midge.model_file import Model
from midge.session import Session
from midge.timeouts import Timeouts
from midge.transport import loop
from midge.virtual import VirtualBoard
from midge_device import versions
from midge_device.wire import frame
from midge_device.wire import message as wire

# The same cases each time, on a machine of any speed; `make check` looks further: HYPOTHESIS_PROFILE=deep.
hypothesis.settings.register_profile("same", derandomize=True, deadline=None)
hypothesis.settings.register_profile("deep", derandomize=False, deadline=None)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))


class Refusal(Exception):  # noqa: N818
    """A NAK with this code."""


class ScriptedBoard:
    """Speaks the board's end of the protocol, one step at a time, and spoils the line as told.

    Time passes only while the host waits for it.

    Attributes
    ----------
    time_us : int
        board time
    spoil : callable (kind, frame bytes) → bytes
        what of a frame arrives at the host
    overruns : set of int
        indices of the samples that the sensor loses itself
    heard : list of (kind, payload)
        what the host said
    """

    def __init__(self) -> None:
        self.time_us = 0
        self.welcome: dict[str, Any] = {
            "protocol": versions.PROTOCOL,
            "abi": versions.MODULE_ABI,
            "midge": "0.1.0",
            "board": "scripted",
            "target": "armv6m",
            "mpy": 0x1206,
            "free_ram": 100_000,
            "max_alloc": 60_000,
            "free_flash": 500_000,
            "app": "gesture",
            "slots": {},
            "model": None,
            "ticks_us": 1 << 30,
            "sensor": {"name": "lis3dh"},
        }
        self.spoil: Callable[[int, bytes], bytes] = lambda _kind, data: data
        self.overruns: set[int] = set()
        self.heard: list[tuple[int, bytes]] = []
        self.refuse: dict[int, tuple[int, str]] = {}
        self.deaf: dict[int, int] = {}
        self.is_open = self.is_unplugged = False
        self.at_prompt = False
        self.app_starts = True
        self.block_samples = 32
        self.files: dict[int, bytes] = {}
        self.accepts_models = True
        self.sent_samples = 0
        self.rate_error = 1.0
        self.on_block: Callable[[int], None] = lambda _index: None
        self._decoder = frame.FrameDecoder(payload_bytes=231)
        self._seq = 0
        self._out = bytearray()
        self._status_at_us = 0
        self._stream: tuple[float, int, int] | None = None  # µs a sample, samples wanted, started at
        self._dropped = 0
        self._part: tuple[int, bytes, bytearray] = (-1, b"", bytearray())

    # the far end of a loop

    def receive(self, data: bytes) -> None:
        if self.is_unplugged:
            raise EOFError
        if self.at_prompt:
            self._prompt(data)
            return
        for kind, seq, payload in self._decoder.feed(data):
            self.heard.append((kind, payload))
            if self.deaf.get(kind, 0) > 0:
                self.deaf[kind] -= 1
                continue
            self._obey(kind, seq, payload)

    def produce(self, timeout_s: float) -> bytes:
        if self.is_unplugged:
            raise EOFError
        until_us = self.time_us + max(1, round(timeout_s * 1e6))
        while not self._out and self.time_us < until_us:
            self._step(until_us)
        data, self._out = bytes(self._out), bytearray()
        return data

    # the board

    def say(self, kind: int, *fields: int, tail: bytes = b"") -> None:
        data = frame.encode_frame(kind, self._seq, wire.pack(kind, *fields, tail=tail))
        self._seq = (self._seq + 1) % 256
        self._out += self.spoil(kind, data)

    def print(self, text: str) -> None:
        self._out += text.encode()

    def _step(self, until_us: int) -> None:
        """On to the next thing that happens, or to `until_us`."""
        times = [until_us]
        if self.is_open:
            times.append(self._status_at_us)
        if self._stream is not None:
            times.append(self._block_at_us())
        self.time_us = max(self.time_us, min(times))
        if self._stream is not None and self.time_us >= self._block_at_us():
            self._send_block()
        elif self.is_open and self.time_us >= self._status_at_us:
            self._status_at_us += wire.STATUS_MS * 1000
            self.say(wire.STATUS, self.time_us // 1000, 90_000, 0, self.sent_samples, self._dropped, 0)

    def _block_at_us(self) -> int:
        assert self._stream is not None
        step_us, _, start_us = self._stream
        return round(start_us + (self.sent_samples + self.block_samples) * step_us)

    def _send_block(self) -> None:
        assert self._stream is not None
        step_us, wanted, start_us = self._stream
        first = self.sent_samples
        last = min(first + self.block_samples, wanted) if wanted else first + self.block_samples
        indices = [i for i in range(first, last) if i not in self.overruns]
        self.sent_samples = last
        self._dropped += (last - first) - len(indices)
        if indices:
            # A driver starts a new block behind a hole, so a block has none.
            start = 0
            for end in range(1, len(indices) + 1):
                if end == len(indices) or indices[end] != indices[end - 1] + 1:
                    run = indices[start:end]
                    ticks = round(start_us + run[0] * step_us) % (1 << 30)
                    values = ramp(run[0], len(run)).tobytes()
                    self.say(wire.DATA, run[0], ticks, self._dropped, len(run), tail=values)
                    start = end
        self.on_block(last)
        if wanted and last >= wanted and self._stream is not None:
            self._end_stream()

    def _end_stream(self) -> None:
        self._stream = None
        self.say(wire.STREAM_END, self.sent_samples, self._dropped)

    def _obey(self, kind: int, seq: int, payload: bytes) -> None:
        if kind == wire.HELLO:
            self.is_open, self._stream = True, None
            self._status_at_us = self.time_us + wire.STATUS_MS * 1000
            self.say(wire.WELCOME, tail=json.dumps(self.welcome).encode())
            return
        if not self.is_open or kind == wire.BEAT:
            return
        if kind == wire.BYE:
            self.is_open = False
            return
        if kind in self.refuse:
            code, text = self.refuse[kind]
            self.say(wire.NAK, seq, code, tail=text.encode())
            return
        try:
            value = self._do(kind, wire.unpack(kind, payload))
        except Refusal as refusal:
            self.say(wire.NAK, seq, refusal.args[0])
            return
        self.say(wire.ACK, seq, value)
        if kind == wire.ACTIVATE:
            self.is_open = False
            self.print("\r\nMPY: soft reboot\r\n")
        if kind == wire.STREAM_STOP and self._stream is not None:
            self._end_stream()

    def _do(self, kind: int, fields: tuple[Any, ...]) -> int:
        """What a message does; returns the ACK's value."""
        if kind == wire.STREAM_START:
            if self._stream is not None:
                self._end_stream()
            rate_mhz, _, wanted = fields
            self.sent_samples = self._dropped = 0
            self._stream = (1e9 / rate_mhz * self.rate_error, wanted, self.time_us)
        elif kind == wire.PUSH_BEGIN:
            number, _, digest = fields
            if self._part[:2] != (number, digest):
                self._part = (number, digest, bytearray())
            return len(self._part[2])
        elif kind == wire.PUSH_CHUNK:
            if fields[0] != len(self._part[2]):
                raise Refusal(wire.BAD_OFFSET)
            self._part[2].extend(fields[1])
            return len(self._part[2])
        elif kind == wire.PUSH_COMMIT:
            number, digest, data = self._part
            if number != fields[0] or hashlib.sha256(data).digest() != digest:
                raise Refusal(wire.BAD_DIGEST)
            self.files[number] = bytes(data)
        elif kind == wire.ACTIVATE and self.accepts_models and wire.FILE_MODULE in self.files:
            self.welcome["model"] = {"name": "new", "digest": self.files[0][:16].decode(), "labels": []}
        return 0

    def _prompt(self, data: bytes) -> None:
        for byte in data:
            if byte == 0x02:
                self.print("\r\nMicroPython v1.25.0; scripted\r\n>>> ")
            elif byte == 0x03:
                self.print("\r\n>>> ")
            elif byte == 0x04:
                self.print("\r\nMPY: soft reboot\r\n")
                if self.app_starts:
                    self.at_prompt = False
                    return
                self.print("Traceback (most recent call last):\r\nImportError: no module named 'x'\r\n>>> ")
            elif 32 <= byte < 127:
                self.print(chr(byte))


def ramp(first: int, n: int) -> np.ndarray[Any, np.dtype[np.int16]]:
    """Samples whose values tell their index: int16 (n, 3)."""
    index = np.arange(first, first + n)
    return np.stack([index % 30011, index // 30011, -(index % 7919)], axis=1).astype("<i2")


@pytest.fixture(autouse=True)
def _error_state_is_left_alone() -> Iterator[None]:
    """What a test changes in numpy's handling of errors would fail another one, depending on their order."""
    before = np.geterr()
    yield
    assert np.geterr() == before


@pytest.fixture
def scripted() -> Iterator[ScriptedBoard]:
    """A scripted board, attached as loop:scripted."""
    board = ScriptedBoard()
    loop.attach("scripted", board)
    yield board
    loop.detach("scripted")


@pytest.fixture
def talk(scripted: ScriptedBoard) -> Callable[..., Session]:
    """Makes a session with the scripted board, whose clock is the board's."""

    def make(**timeouts: float) -> Session:
        return Session(
            loop.open_address("scripted"),
            timeouts=Timeouts(**timeouts),
            clock=lambda: scripted.time_us / 1e6,
            pause=lambda duration_s: scripted.produce(duration_s) and None,
        )

    return make


@pytest.fixture(name="ramp")
def _ramp() -> Callable[[int, int], np.ndarray[Any, np.dtype[np.int16]]]:
    return ramp


# A virtual board with midge installed

APP_TOML = """
[app]
name = "{name}"
summary = "for tests"
[sensor]
kind = "motion"
rate_hz = {rate_hz}
range_g = 4
channels = ["x", "y", "z"]
[window]
length = 32
hop = 16
[features]
names = ["x.mean", "y.mean", "z.mean", "x.std"]
[labels]
names = ["left", "right"]
[decision]
threshold = 0.6
smooth = 1
cooldown_ms = 0
"""

APP_MAIN = """from midge_device.pipeline import Pipeline

Pipeline().run()
"""


@pytest.fixture(scope="session")
def make_app(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Makes an app folder: make_app(rate_hz=100, main=APP_MAIN, name='tester')."""

    def make(rate_hz: int = 100, main: str = APP_MAIN, name: str = "tester") -> Path:
        folder = tmp_path_factory.mktemp("apps") / name
        folder.mkdir()
        (folder / "app.toml").write_text(APP_TOML.format(rate_hz=rate_hz, name=name))
        (folder / "main.py").write_text(main)
        return folder

    return make


@pytest.fixture(scope="session")
def installed(make_app: Callable[..., Path]) -> Iterator[Path]:
    """The file system of a virtual board after `midge flash`, with no model; copy it."""
    with tempfile.TemporaryDirectory() as folder:
        with VirtualBoard(folder=folder) as board:
            flash.flash(str(make_app()), board.tty)
        yield Path(folder)


@pytest.fixture
def board(installed: Path) -> Iterator[VirtualBoard]:
    """A virtual board that runs midge, without a model."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(installed, folder, dirs_exist_ok=True)
        with VirtualBoard(folder=folder) as it:
            yield it


@pytest.fixture(scope="session")
def make_model() -> Callable[..., Model]:
    """Makes models of the tester app, each seed another: left is x < 0, right is x > 0."""

    def make(seed: int = 1, trees: int = 3) -> Model:
        from sklearn.ensemble import RandomForestClassifier

        random = np.random.default_rng(seed)
        tilt = random.uniform(-8000, 8000, (120, 1, 1))
        windows = np.clip(tilt * [1, 0.2, 0] + random.normal(0, 900, (120, 32, 3)), -32768, 32767)
        windows = windows.astype(np.int16)
        names = ("x.mean", "y.mean", "z.mean", "x.std")
        X = features.extract(names, windows)
        y = (tilt[:, 0, 0] > 0).astype(int)
        estimator = RandomForestClassifier(trees, max_depth=4, random_state=seed).fit(X, y)
        return model_file.create(
            families.to_ir(estimator),
            X,
            name="tester",
            labels=("left", "right"),
            frontend=model_file.FrontEnd(
                "motion", ("x", "y", "z"), 32, 16, names, tuple(features.scales(names, 8192.0))
            ),
            sensor=model_file.Sensor(100, 4),
            decision=model_file.Decision(0.6, 1, 0),
            windows=windows,
            expected=estimator.predict_proba(X),
        )

    return make
