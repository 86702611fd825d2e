"""The supervisor of one virtual board: one loop that serves the interpreter, the line and the clock.

The interpreter asks (see `runtime/opcodes.py`), this end answers; a WAIT unanswered is the board asleep.
"""

from __future__ import annotations

import errno
import time
from pathlib import Path

from . import loop
from .busy_loop import COMPUTING_LOOK_S, LOOK_S, BusyLoop, Computation
from .calls import Calls
from .clock import CALL_US, Clock
from .console import Console
from .flash import Flash, PowerCutError
from .interpreter import Interpreter
from .line import LOOK_FOR_CLIENT_S, Line
from .microphone import Sound
from .peripherals import Peripherals
from .process import Process, Request
from .runtime import opcodes
from .scene import Scene
from .settings import Settings

# While a program owns the line it may not run further past the last byte from its host: however slow the host
# is, heartbeats come in time.
LINE_LEAD_US = 1_000_000 - 1

_BUSY_STEP_US = 1000

# A real clock catches up with the wall when the interpreter was a little late, and no more than this: a board
# that was held up for long would otherwise live through seconds without a chance to hear its host.
_MOST_BEHIND_US = 250_000
_REAL_STEP_S = 0.1
_QUESTION_US = 50

# After so many deaths in a row, each within the time, the board stays off.
_MOST_DEATHS = 5
_QUICK_DEATH_S = 2.0

_CAUSES = {"power": 1, "hard": 2, "soft": 5}


class Supervisor:
    """One board; `turn` is one round of its loop."""

    def __init__(self, settings: Settings, interpreter: Interpreter) -> None:
        self._settings = settings
        self._interpreter = interpreter
        self.clock = Clock(settings.clock)
        self.peripherals = Peripherals(self.clock, settings.has_sensor, settings.chip)
        if settings.ble:
            from .ble.radio import Radio

            self.peripherals.radio = Radio(settings.name, self.clock, settings.ble_packets)
        if settings.scene is not None:
            self.peripherals.motion.play(Scene.from_message(settings.scene), 0)
        if settings.sound is not None:
            self.peripherals.microphone.play(Sound.from_message(settings.sound), 0)
        self.flash = Flash(Path(settings.flash_folder), settings.flash_bytes)
        self.console = Console(Path(settings.run_folder) / "tty")
        self._line = Line(self.console, self.clock)
        self.loop = loop.Loop()
        self._calls = Calls(self.peripherals, self.flash).table
        self._process: Process | None = None
        self._waiting: Request | None = None  # a call that is not answered yet
        self._has_settled = False
        self._n_calls = 0
        self._busy_loop = BusyLoop()
        self._computation = Computation()
        self._is_busy = False
        self._n_deaths = 0
        self._born_s = 0.0
        self.start("power")

    # --- Life of the interpreter ---------------------------------------------------------------------------

    @property
    def is_on(self) -> bool:
        """True while the board has power and its interpreter runs."""
        return self._process is not None

    @property
    def is_idle(self) -> bool:
        """True while no program runs: the board has prompted, or is off."""
        waits = self._waiting is not None and self._waiting.op == opcodes.WAIT
        return self._process is None or (waits and not self._line.runs_program)

    def start(self, cause: str, mode: str = "friendly") -> None:
        """Start the interpreter anew; what ran before ends at once."""
        self.end()
        self._line.restart()
        self._has_settled = False
        self._born_s = time.monotonic()
        self._process = Process(
            self._interpreter,
            self._settings.heap_bytes,
            {
                "name": self._settings.name,
                "folder": self._settings.flash_folder,
                "cause": _CAUSES[cause],
                "mode": mode,
                "native": self._settings.native,
                "ble": self._settings.ble,
                "unique_id": list(self._settings.unique_id),
            },
        )

    def end(self) -> int:
        """End the interpreter at once, whatever it does; returns its exit code."""
        self._waiting = None
        process, self._process = self._process, None
        if process is None:
            return 0
        self.loop.drop(process.channel.fileno())
        self.loop.drop(process.printed_fd)
        return process.end()

    def reset(self, kind: int) -> None:
        """A reset of the processor: one of RESET_…; chips and the line stay."""
        self.peripherals.reset()
        if kind == opcodes.RESET_HARD:
            self.start("hard")
        else:
            self.start("soft", "raw" if kind == opcodes.RESET_SOFT_RAW else "friendly")

    def cut_power(self) -> None:
        """The board goes dark in the middle of whatever it does; the line goes with it."""
        self.end()
        if self.peripherals.radio is not None:
            self.peripherals.radio.reset()
        self.loop.drop(self.console.fd)
        self.console.close()

    def power_on(self) -> None:
        """Power comes back; nothing happens if it is there."""
        if self._process is None:
            self._n_deaths = 0
            self.cut_power()
            self.console.reopen()
            self.peripherals.power_on()
            self.start("power")

    def _died(self) -> None:
        """The interpreter ended by itself: native code crashed. A board's fault handler would restart it."""
        self._forward_printed()
        code = self.end()
        quick = time.monotonic() - self._born_s < _QUICK_DEATH_S
        self._n_deaths = self._n_deaths + 1 if quick else 1
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        then = "restarts" if self._n_deaths < _MOST_DEATHS else "stays off"
        self.console.send(f"\r\nvirtual board: the interpreter crashed ({how}); it {then}\r\n".encode())
        if self._n_deaths < _MOST_DEATHS:
            self.reset(opcodes.RESET_HARD)

    # --- The loop ------------------------------------------------------------------------------------------

    def turn(self) -> None:
        """Wait for something to happen, and deal with it."""
        process, console = self._process, self.console
        if process is not None:
            if console.is_congested:
                self.loop.drop(process.channel.fileno())
                self.loop.drop(process.printed_fd)
            else:
                self.loop.watch(process.channel.fileno(), loop.READ, self._on_call)
                self.loop.watch(process.printed_fd, loop.READ, self._on_printed)
        if console.has_client:
            events = (loop.READ if console.wants_input else 0) | (loop.WRITE if console.has_backlog else 0)
            self.loop.watch(console.fd, events, self._line.on_ready)
        elif console.fd >= 0:
            self.loop.drop(console.fd)
        radio = self.peripherals.radio
        if radio is not None and radio.is_gone:
            self.loop.drop(radio.fd)
        elif radio is not None:
            self.loop.watch(radio.fd, loop.READ, radio.on_readable)
        self.loop.turn(self._timeout_ms())
        self._line.look_for_client()
        self.catch_up()
        if self._process is not None and self._waiting is None:
            self._look_after_computation()

    def catch_up(self) -> None:
        """Let happen what the clock allows by now."""
        if self.clock.mode == "real":
            self.clock.forgive(_MOST_BEHIND_US)
        if self._waiting is not None:
            self._try_waiting()
        elif self._process is None and self.clock.mode == "real":
            self.peripherals.advance(self._limit_us() or 0)

    def _timeout_ms(self) -> int:
        timeout_s = 60.0
        if not self.console.has_client:
            timeout_s = LOOK_FOR_CLIENT_S
        if self.peripherals.radio is not None:
            timeout_s = min(timeout_s, self.peripherals.radio.patience_s())
        is_real = self.clock.mode == "real"
        if self._waiting is None and self._process is not None:
            look_s = _BUSY_STEP_US / 1e6 if self._is_busy else LOOK_S
            timeout_s = min(timeout_s, COMPUTING_LOOK_S if is_real else look_s)
        elif is_real:
            timeout_s = min(timeout_s, _REAL_STEP_S, self._until_due_s())
        return int(timeout_s * 1000 + 0.999)

    def _until_due_s(self) -> float:
        """With a real clock: how long until the call that waits may be answered or an event is due."""
        times_us = [self.peripherals.next_event_us()]
        if self._waiting is not None and self._waiting.op == opcodes.CLOCK:
            times_us = [self.clock.now_us() + CALL_US]
        elif self._waiting is not None and self._waiting.a >= 0:
            times_us.append(self._waiting.a)
        limit_us = self._limit_us() or 0
        return max(
            0.0, min((due_us - limit_us for due_us in times_us if due_us is not None), default=1e9) / 1e6
        )

    # --- Calls ---------------------------------------------------------------------------------------------

    def _on_printed(self, _fd: int) -> None:
        if not self._forward_printed():
            self._died()

    def _forward_printed(self) -> bool:
        """Pass on all that native code has printed; False at its end. It writes bare line ends."""
        assert self._process is not None
        while printed := self._process.printed():
            self.console.send(printed.replace(b"\n", b"\r\n"))
        return printed is not None

    def _on_call(self, _fd: int) -> None:
        process = self._process
        assert process is not None
        request = process.receive()
        if request is None:
            self._died()
            return
        self._n_calls += 1
        self._is_busy = False
        self.peripherals.advance(request.now_us)
        # In real time a transfer takes its time, and the wait after it is the longer.
        limit_us = None if self.clock.mode == "real" else self._limit_us()
        operation = self._calls.get(request.op)
        if operation is not None:
            try:
                result, payload = operation(request, limit_us)
            except PowerCutError:
                self.cut_power()
                return
            self._reply(request, result, payload)
            return
        # All others come after what was printed before them.
        if not self._forward_printed():
            self._died()
            return
        if request.op == opcodes.WRITE:
            self.console.send(request.payload)
            self._reply(request, len(request.payload))
        elif request.op == opcodes.READ:
            data = bytes(self.console.received[: request.a])
            del self.console.received[: request.a]
            self._reply(request, len(data), data)
        elif request.op == opcodes.RUNNING:
            self._line.begin(bool(request.a))
            self._reply(request, 0)
        elif request.op == opcodes.KBD_INTR:
            self._line.interrupt_by(request.a)
            self._reply(request, 0)
        elif request.op == opcodes.RESET:
            self.reset(request.a)
        elif request.op in (opcodes.WAIT, opcodes.CLOCK):
            self._waiting = request
            self._try_waiting()
        else:
            self._reply(request, -errno.EINVAL)

    def _reply(self, request: Request, result: int, payload: bytes = b"") -> None:
        assert self._process is not None
        self._waiting = None
        self._has_settled = False
        lines = self.peripherals.take_lines()
        # A real clock moves while the interpreter computes, so it asks each time.
        now_us, limit_us = self.clock.now_us(), self._limit_us()
        horizon_us = now_us if self.clock.mode == "real" else self.peripherals.horizon_us(limit_us)
        self._process.reply((request.sequence, result, now_us, horizon_us, lines), payload)

    # --- Time ----------------------------------------------------------------------------------------------

    def _limit_us(self) -> int | None:
        """How far the clock may go now; None: as far as it likes."""
        if self.clock.mode != "free":
            return self.clock.limit_us()
        if self._line.is_taken:
            return self._line.heard_us + LINE_LEAD_US
        radio = self.peripherals.radio
        return radio.limit_us() if radio is not None else None

    def _try_waiting(self) -> None:
        """Answer the call that waits, if its time has come or can be made to come."""
        request = self._waiting
        assert request is not None and self._process is not None
        if self._process.is_interrupted:
            # Its ^C is on the way to the virtual machine, which looks for it when the call returns.
            self._reply(request, 0)
        elif self._line.wants_interrupt:
            self._line.wants_interrupt = False
            self._reply(request, -errno.EINTR)
        elif request.op == opcodes.CLOCK:
            self._try_clock(request)
        else:
            self._try_wait(request)

    def _try_clock(self, request: Request) -> None:
        limit_us = self._limit_us()
        is_stalled = self.clock.mode == "stalled"  # a loop on the clock goes on: it sees time stand
        if not is_stalled and limit_us is not None and self.clock.now_us() + CALL_US > limit_us:
            return
        # A loop on a real clock takes the time that a question takes where nothing else runs.
        took_us = (
            min(limit_us - self.clock.now_us(), _QUESTION_US) if self.clock.mode == "real" and limit_us else 0
        )
        self.peripherals.spend(max(0, took_us - CALL_US), limit_us)
        stands = is_stalled and self.clock.now_us() >= self.clock.allowed_us
        self._reply(request, 0)
        self._has_settled = stands

    def _try_wait(self, request: Request) -> None:
        deadline_us = request.a if request.a >= 0 else None
        limit_us = self._limit_us()
        is_free = self.clock.mode == "free"
        while True:
            woke = 0
            if request.b & opcodes.WAKE_ON_INPUT and self.console.received:
                woke |= opcodes.WOKE_BY_INPUT
            if self.peripherals.has_lines():
                woke |= opcodes.WOKE_BY_LINE
            if deadline_us is not None and self.clock.now_us() >= deadline_us:
                woke |= opcodes.WOKE_BY_DEADLINE
            if woke:
                self._reply(request, woke)
                return
            if self.console.has_backlog and self.clock.mode != "real":
                return
            times_us = [deadline_us, self.peripherals.next_event_us()]
            to_us = min((time_us for time_us in times_us if time_us is not None), default=None)
            if to_us is not None and (limit_us is None or to_us <= limit_us):
                self.peripherals.advance(to_us)
                continue
            if limit_us is not None and not (is_free and to_us is None):
                self.peripherals.advance(limit_us)
                self._has_settled = True
            return

    @property
    def has_settled(self) -> bool:
        """With a stalled clock: time has come to where it may go, and the program has seen it or waits."""
        return self._process is None or (self._has_settled and self.clock.now_us() >= self.clock.allowed_us)

    def _look_after_computation(self) -> None:
        """The interpreter computes: deliver ^C and interrupts, and see whether it only waits for one."""
        process = self._process
        assert process is not None
        if self._line.wants_interrupt and process.interrupt():
            self._line.wants_interrupt = False
        if self.clock.mode == "free":
            self._advance_busy_loop(process)
        elif self.clock.mode == "real":
            self._advance_computation(process)
        if self.peripherals.has_lines():
            process.nudge()

    def _advance_busy_loop(self, process: Process) -> None:
        """With a free clock nothing moves time while a program computes: a busy loop would never end."""
        if not self._is_busy:
            self._is_busy = self._busy_loop.is_suspected(self._n_calls, process.cpu_s)
        if self._is_busy and self.peripherals.next_event_us() is not None:
            limit_us = self._limit_us()
            to_us = self.clock.now_us() + _BUSY_STEP_US
            self.peripherals.advance(to_us if limit_us is None else min(to_us, limit_us))

    def _advance_computation(self, process: Process) -> None:
        """With a real clock computing takes the processor time that it takes, whatever the load."""
        computed_us = self._computation.used_us(self._n_calls, process.cpu_s)
        self.peripherals.advance(min(self.clock.now_us() + computed_us, self._limit_us() or 0))
