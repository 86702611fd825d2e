"""A board as a service: the supervisor with its control socket, until somebody stops it."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ..errors import MidgeError
from . import interpreter, loop
from .clock import MODES
from .control import LATER, Client, Control, Question
from .microphone import Sound
from .registry import RUN_PREFIX, Claim, Running
from .runtime import opcodes
from .scene import Scene
from .settings import Settings
from .supervisor import Supervisor

_RESETS = {"hard": opcodes.RESET_HARD, "soft": opcodes.RESET_SOFT}


class Service:
    """One running board and who talks about it."""

    def __init__(self, settings: Settings) -> None:
        """Raises MidgeError if there is no interpreter or the folders can't be used."""
        self._board = Supervisor(settings, interpreter.ensure())
        self._clients: dict[int, Client] = {}
        self._asking: list[tuple[Question, Callable[[], bool]]] = []  # to be answered when it is so
        self._is_stopping = False
        control = Path(settings.run_folder) / "control"
        operations: dict[str, Callable[[Question], Any]] = {
            "state": self._state,
            "play": self._play,
            "play_sound": self._play_sound,
            "clock": self._set_clock,
            "advance": self._advance,
            "until": self._until,
            "cut_power": lambda _: self._board.cut_power(),
            "power_on": lambda _: self._board.power_on(),
            "reset": self._reset,
            "sensor": self._attach_sensor,
            "hang_bus": self._hang_bus,
            "cut_after": self._cut_after,
            "flash_bytes": self._set_flash_bytes,
            "ble": self._disturb_radio,
            "stop": self._stop,
        }
        try:
            self._control = Control(control, operations)
        except MidgeError:
            self._board.end()
            raise
        self._board.loop.watch(self._control.listener.fileno(), loop.READ, self._on_connection)
        self.running = Running(
            settings.name, str(self._board.console.path), str(control), settings.flash_folder, os.getpid()
        )

    def serve(self, parent_fd: int | None = None) -> None:
        """Run the board until it is stopped, or until `parent_fd` comes to its end."""
        if parent_fd is not None:
            self._board.loop.watch(parent_fd, loop.READ, self._on_parent)
        try:
            while not self._is_stopping:
                self._board.turn()
                if self._asking:
                    self._answer_later()
        finally:
            self._board.cut_power()
            self._control.listener.close()
            Path(self.running.control).unlink(missing_ok=True)

    def _answer_later(self) -> None:
        still_asking = []
        for question, is_so in self._asking:
            if is_so():
                question.answer(self._board.clock.now_us())
            else:
                still_asking.append((question, is_so))
        self._asking = still_asking

    def _on_parent(self, fd: int) -> None:
        self._is_stopping = not os.read(fd, 1)

    def _on_connection(self, _fd: int) -> None:
        client = self._control.accept()
        self._clients[client.connection.fileno()] = client
        self._board.loop.watch(client.connection.fileno(), loop.READ, self._on_client)

    def _on_client(self, fd: int) -> None:
        client = self._clients[fd]
        lines = client.lines()
        if lines is None:
            self._board.loop.drop(fd)
            self._asking = [asking for asking in self._asking if asking[0].client is not client]
            self._clients.pop(fd).connection.close()
            return
        for line in lines:
            self._control.answer(client, line)

    # --- Operations ----------------------------------------------------------------------------------------

    def _state(self, _: Question) -> dict[str, Any]:
        board = self._board
        board.catch_up()
        return {
            "time_us": board.clock.now_us(),
            "clock": board.clock.mode,
            "is_on": board.is_on,
            "flash_changes": board.flash.n_changes,
            "pins": [board.peripherals.pins.read(pin) for pin in range(opcodes.PIN_LINES)],
        }

    def _play(self, question: Question) -> int:
        self._board.catch_up()
        now_us = self._board.clock.now_us()
        self._board.peripherals.settle(now_us)
        self._board.peripherals.motion.play(Scene.from_message(question.arguments["scene"]), now_us)
        return now_us

    def _play_sound(self, question: Question) -> int:
        self._board.catch_up()
        now_us = self._board.clock.now_us()
        self._board.peripherals.settle(now_us)
        self._board.peripherals.microphone.play(Sound.from_message(question.arguments["sound"]), now_us)
        return now_us

    def _set_clock(self, question: Question) -> int:
        mode = question.arguments["mode"]
        if mode not in MODES:
            raise MidgeError(f"no clock {mode!r}: choose {', '.join(MODES)}")
        self._board.catch_up()
        self._board.clock.set_mode(mode)
        return self._board.clock.now_us()

    def _advance(self, question: Question) -> object:
        clock = self._board.clock
        if clock.mode != "stalled":
            raise MidgeError("only a stalled clock is advanced by hand: stall the board first")
        clock.allowed_us = clock.now_us() + int(question.arguments["us"])
        if not self._board.is_on:
            self._board.peripherals.advance(clock.allowed_us)
        self._asking.append((question, lambda: self._board.has_settled))
        return LATER

    def _until(self, question: Question) -> object:
        conditions: dict[str, Callable[[], bool]] = {
            "idle": lambda: self._board.is_idle,
            "off": lambda: not self._board.is_on,
        }
        self._asking.append((question, conditions[question.arguments["state"]]))
        return LATER

    def _reset(self, question: Question) -> None:
        if not self._board.is_on:
            raise MidgeError("the board has no power: switch it on")
        self._board.reset(_RESETS[question.arguments["kind"]])

    def _attach_sensor(self, question: Question) -> None:
        self._board.peripherals.attach_sensor(bool(question.arguments["attached"]))

    def _hang_bus(self, question: Question) -> None:
        self._board.peripherals.hang_bus(bool(question.arguments["hangs"]))

    def _cut_after(self, question: Question) -> None:
        self._board.flash.cut_after(question.arguments["n"])

    def _disturb_radio(self, question: Question) -> int:
        radio = self._board.peripherals.radio
        if radio is None:
            raise MidgeError("the board has no radio: start it with ble")
        arguments = question.arguments
        if "every_us" in arguments:
            radio.cut_every(int(arguments["every_us"]))
        elif "after_packets" in arguments:
            radio.cut_after(int(arguments["after_packets"]))
        else:
            return radio.cut()
        return 0

    def _set_flash_bytes(self, question: Question) -> None:
        self._board.flash.flash_bytes = int(question.arguments["n_bytes"])

    def _stop(self, _: Question) -> None:
        self._is_stopping = True


@contextlib.contextmanager
def _stopped_by_signals(*numbers: signal.Signals) -> Iterator[None]:
    def stop(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    before = [signal.signal(number, stop) for number in numbers]
    try:
        with contextlib.suppress(KeyboardInterrupt):
            yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


def run(settings: Settings, on_ready: Callable[[Running], None], parent_fd: int | None = None) -> None:
    """Run a board in the foreground until ^C, SIGTERM, `stop`, or the end of `parent_fd`.

    Raises MidgeError if it can't start.
    """
    # A shell script that starts a board with & has ^C ignored: who stands alone listens to it all the same.
    numbers = (signal.SIGTERM,) if parent_fd is not None else (signal.SIGTERM, signal.SIGINT)
    with _stopped_by_signals(*numbers):
        service = Service(settings)
        on_ready(service.running)
        service.serve(parent_fd)


def run_named(name: str, on_ready: Callable[[Running], None], **settings: Any) -> None:
    """Run the board `name` in the foreground, with its own folder; `settings` are fields of `Settings`.

    Raises MidgeError if it runs already or can't start.
    """
    claim = Claim(name)
    run_folder = tempfile.mkdtemp(prefix=RUN_PREFIX)

    def announce(running: Running) -> None:
        claim.announce(running)
        on_ready(running)

    try:
        run(
            Settings(name=name, run_folder=run_folder, flash_folder=str(claim.flash_folder), **settings),
            announce,
        )
    finally:
        claim.release()
        shutil.rmtree(run_folder, ignore_errors=True)


def main() -> int:
    """The child process of `VirtualBoard`: a line of settings comes in, a line with the answer goes out."""

    def answer(message: dict[str, Any]) -> None:
        print(json.dumps(message), flush=True)

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # ^C in the terminal is for the parent
    settings = Settings(**json.loads(sys.stdin.readline()))
    try:
        run(settings, lambda running: answer(vars(running)), sys.stdin.fileno())
    except MidgeError as error:
        answer({"error": str(error)})
        return 1
    finally:
        # The parent does so too, unless it was killed.
        shutil.rmtree(settings.run_folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
