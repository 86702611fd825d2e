"""`VirtualBoard`: a virtual board for a test, a demo or a tool, in a process of its own."""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from ..errors import MidgeError
from .microphone import Sound
from .registry import RUN_PREFIX, Claim, Running
from .scene import Scene
from .settings import Settings

_ANSWER_S = 60.0


class VirtualBoard:
    """A board that runs from `__enter__` to `__exit__`.

    Parameters
    ----------
    name : str, optional
        a named board keeps its file system between runs and can be reached as `virtual:NAME`
    clock : {'free', 'real', 'stalled'}
        how board time moves, see `set_clock`
    scene : Scene, optional
        what the sensor feels from power-on; lying still by default
    heap_bytes : int
        MicroPython's heap. Objects take about twice a 32-bit board's space, and native code lies outside it
    folder : path, optional
        the board's file system; default: temporary, or the name's own
    flash_bytes : int
        size of the flash; beyond it writes raise OSError(ENOSPC)
    sensor : bool or str
        whether the accelerometer is on the bus, or which one: a name of `virtual.chips.CHIPS`
    native : bool
        False: the firmware says of itself that it loads no native code
    ble : bool
        whether the firmware has `bluetooth`; the board then is in the ether, under its name
    ble_packets : int
        packets that one connection event carries, each way

    Raises MidgeError if there is no interpreter, or a board of that name runs already.
    """

    tty: str
    """Path of the serial line; the same across resets and power cuts."""
    folder: Path
    """The board's file system, on the host."""

    def __init__(
        self,
        name: str | None = None,
        clock: str = "free",
        scene: Scene | None = None,
        heap_bytes: int = 512 * 1024,
        folder: str | Path | None = None,
        *,
        flash_bytes: int = 2 * 1024 * 1024,
        sensor: bool | str = True,
        native: bool = True,
        ble: bool = False,
        ble_packets: int = 6,
    ) -> None:
        self.name = name or "board"
        self._is_named = name is not None
        self._clock = clock
        self._scene = scene
        self._heap_bytes = heap_bytes
        self._flash_bytes = flash_bytes
        self._has_sensor = bool(sensor)
        self._chip = sensor if isinstance(sensor, str) else "lis3dh"
        self._native = native
        self._ble = ble
        self._ble_packets = ble_packets
        self._folder = folder
        self._cleanup = contextlib.ExitStack()
        self._connection: socket.socket | None = None
        self._answers = b""
        self._n_questions = 0

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._cleanup.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _start(self) -> None:
        run_folder = tempfile.mkdtemp(prefix=RUN_PREFIX)
        self._cleanup.callback(shutil.rmtree, run_folder, ignore_errors=True)
        claim = Claim(self.name) if self._is_named else None
        if claim is not None:
            self._cleanup.callback(claim.release)
        if self._folder is not None:
            self.folder = Path(self._folder).resolve()
        elif claim is not None:
            self.folder = claim.flash_folder
        else:
            self.folder = Path(run_folder) / "flash"
        self.folder.mkdir(parents=True, exist_ok=True)
        settings = Settings(
            name=self.name,
            run_folder=run_folder,
            flash_folder=str(self.folder),
            clock=self._clock,
            heap_bytes=self._heap_bytes,
            flash_bytes=self._flash_bytes,
            has_sensor=self._has_sensor,
            chip=self._chip,
            native=self._native,
            ble=self._ble,
            ble_packets=self._ble_packets,
            scene=None if self._scene is None else self._scene.to_message(),
        )
        process = subprocess.Popen(
            [sys.executable, "-m", "midge.virtual.service"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._cleanup.callback(_end, process)
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(json.dumps(asdict(settings)) + "\n")
        process.stdin.flush()
        answer = json.loads(process.stdout.readline() or '{"error": "its process ended at once"}')
        if "error" in answer:
            raise MidgeError(f"the virtual board did not start: {answer['error']}")
        running = Running(**answer)
        self.tty = running.tty
        self._connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._cleanup.callback(self._connection.close)
        self._connection.settimeout(_ANSWER_S)
        self._connection.connect(running.control)
        if claim is not None:
            claim.announce(running)

    def close(self) -> None:
        """Stop the board; a second call does nothing."""
        self._cleanup.close()
        self._connection = None

    def _ask(self, op: str, **arguments: Any) -> Any:
        if self._connection is None:
            raise MidgeError("the virtual board does not run: use it inside 'with VirtualBoard(…) as board'")
        self._n_questions += 1
        question = {"op": op, "id": self._n_questions, **arguments}
        try:
            self._connection.sendall(json.dumps(question).encode() + b"\n")
            answer = self._next_answer()
            while answer["id"] != self._n_questions:  # to a question that was given up
                answer = self._next_answer()
        except TimeoutError:
            raise MidgeError(
                f"the board did not finish {op!r} in {_ANSWER_S:.0f} s: see what it does"
            ) from None
        except OSError as error:
            raise MidgeError(f"the virtual board's process has ended ({error}): start it again") from error
        if "error" in answer:
            raise MidgeError(answer["error"])
        return answer["result"]

    def _next_answer(self) -> dict[str, Any]:
        assert self._connection is not None
        while b"\n" not in self._answers:
            data = self._connection.recv(1 << 16)
            if not data:
                raise ConnectionResetError("no more answers")
            self._answers += data
        line, _, self._answers = self._answers.partition(b"\n")
        answer: dict[str, Any] = json.loads(line)
        return answer

    # --- Motion and sensor ---------------------------------------------------------------------------------

    def play(self, scene: Scene) -> int:
        """Play `scene` from now on; returns the board time in µs of its start."""
        return int(self._ask("play", scene=scene.to_message()))

    def play_sound(self, sound: Sound) -> int:
        """Let the microphone hear `sound` from now on; returns the board time in µs of its start."""
        return int(self._ask("play_sound", sound=sound.to_message()))

    def attach_sensor(self, attached: bool) -> None:
        """Put the sensor on the bus, fresh from power-on, or take it off: nobody acknowledges then (EIO)."""
        self._ask("sensor", attached=attached)

    def hang_bus(self, hangs: bool) -> None:
        """Hold the data line of the sensor's bus down, or let it go: transactions time out (ETIMEDOUT)."""
        self._ask("hang_bus", hangs=hangs)

    # --- Bluetooth -----------------------------------------------------------------------------------------

    def cut_link(self) -> int:
        """Break all Bluetooth links now, as going out of reach does; returns how many there were."""
        return int(self._ask("ble"))

    def cut_link_every(self, us: int) -> None:
        """Break all links every `us` µs of board time from now on; 0 stops that."""
        self._ask("ble", every_us=us)

    def cut_link_after(self, n_packets: int) -> None:
        """Break the link when so many more packets have gone over it, both directions together."""
        self._ask("ble", after_packets=n_packets)

    # --- Time ----------------------------------------------------------------------------------------------

    def time_us(self) -> int:
        """Board time in µs since the board's process started."""
        return int(self._ask("state")["time_us"])

    def set_clock(self, mode: str) -> int:
        """Choose how time moves; returns board time in µs.

        `'free'`: as fast as the host can, and only where the board waits; `'real'`; `'stalled'`.
        """
        return int(self._ask("clock", mode=mode))

    def stall(self) -> int:
        """Stop the board's clock; code goes on until it waits. Returns board time in µs."""
        return self.set_clock("stalled")

    def run(self) -> int:
        """Let the clock run freely; returns board time in µs."""
        return self.set_clock("free")

    def advance(self, us: int) -> int:
        """Let a stalled clock move by `us` µs; returns the board time once all that was due has been done.

        The rule that a program which owns the line waits for its host does not hold here.
        """
        return int(self._ask("advance", us=us))

    def wait_until(self, state: str) -> int:
        """Wait until no program runs (`'idle'`: at the prompt, or off) or the power has gone (`'off'`).

        Returns board time in µs.
        """
        return int(self._ask("until", state=state))

    # --- Power, resets, flash ------------------------------------------------------------------------------

    def cut_power(self) -> None:
        """Cut the power now, even in the middle of a write; clients lose the line."""
        self._ask("cut_power")

    def cut_power_after_writes(self, n: int) -> None:
        """Cut the power when the `n`-th change of the file system from now is about to happen (1: the next).

        Changes are: opening a file to write it, every write, rename, remove and making a folder.
        """
        self._ask("cut_after", n=n)

    def power_on(self) -> None:
        """Power comes back: everything starts anew but the file system."""
        self._ask("power_on")

    @property
    def is_on(self) -> bool:
        """True while the board has power."""
        return bool(self._ask("state")["is_on"])

    def reset(self, kind: str = "hard") -> None:
        """Reset the processor, `'hard'` or `'soft'`, as its button would: at once."""
        self._ask("reset", kind=kind)

    @property
    def flash_changes(self) -> int:
        """Changes of the file system since the start, see `cut_power_after_writes`."""
        return int(self._ask("state")["flash_changes"])

    def set_flash_bytes(self, n_bytes: int) -> None:
        """Change the size of the flash: to below what is used, and every write raises OSError(ENOSPC)."""
        self._ask("flash_bytes", n_bytes=n_bytes)

    def pin(self, number: int) -> int:
        """Level of a pin, 0 or 1."""
        return int(self._ask("state")["pins"][number])


def _end(process: subprocess.Popen[str]) -> None:
    """The child ends when its standard input does."""
    assert process.stdin is not None and process.stdout is not None
    process.stdin.close()
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    process.stdout.close()
