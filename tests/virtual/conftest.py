"""A board for a test, and the official tool's own serial transport to talk to it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from mpremote.transport_serial import SerialTransport

from midge.virtual import Scene, VirtualBoard

TIMEOUT_S = 20
MPREMOTE = Path(sys.executable).with_name("mpremote")


class Repl:
    """A client that runs code on the board; `run` gives what it printed."""

    def __init__(self, tty: str, *, soft_reset: bool = False) -> None:
        self.transport = SerialTransport(tty, timeout=TIMEOUT_S)
        self.transport.enter_raw_repl(soft_reset=soft_reset)

    def run(self, code: str) -> str:
        """Run `code` to its end; raises TransportExecError with its traceback."""
        return str(self.transport.exec(code).decode())

    def start(self, code: str) -> None:
        """Start `code` and go on."""
        self.transport.exec_raw_no_follow(code)

    def finish(self) -> tuple[str, str]:
        """Wait for code that was started: (printed, traceback)."""
        out, error = self.transport.follow(TIMEOUT_S)
        return out.decode(), error.decode()

    def read_until(self, text: bytes) -> bytes:
        """Output up to and with `text`."""
        data = self.transport.read_until(1, text, timeout=TIMEOUT_S)
        assert data.endswith(text), data
        return bytes(data)

    def close(self) -> None:
        """Unplug."""
        self.transport.serial.close()


@pytest.fixture(scope="module")
def powered() -> Iterator[VirtualBoard]:
    """One board a file: its process takes longer to start than most tests to run."""
    with VirtualBoard() as running:
        yield running


@pytest.fixture
def board(powered: VirtualBoard) -> VirtualBoard:
    """A board with a free clock, lying still: empty, and as after power-on but for its time."""
    powered.cut_power()
    shutil.rmtree(powered.folder)
    powered.folder.mkdir()
    powered.set_clock("free")
    powered.set_flash_bytes(2 * 1024 * 1024)
    powered.attach_sensor(True)
    powered.play(Scene.still())
    powered.power_on()
    powered.wait_until("idle")
    return powered


@pytest.fixture
def connect() -> Iterator[Callable[..., Repl]]:
    """Makes clients: `connect(board)`."""
    clients: list[Repl] = []

    def connect(board: VirtualBoard, *, soft_reset: bool = False) -> Repl:
        clients.append(Repl(board.tty, soft_reset=soft_reset))
        return clients[-1]

    yield connect
    for client in clients:
        client.close()


@pytest.fixture
def repl(board: VirtualBoard, connect: Callable[..., Repl]) -> Repl:
    """A client of `board`."""
    return connect(board)


@pytest.fixture
def mpremote() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs the official tool: `mpremote(board, 'fs', 'ls')`."""

    def run(board: VirtualBoard, *words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [str(MPREMOTE), "connect", board.tty, *words],
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done

    return run
