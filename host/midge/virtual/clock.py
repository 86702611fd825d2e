"""The board's clock: discrete-event, real, or stalled; and the timers that run on it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

MODES = ("free", "real", "stalled")
CALL_US = 2  # what one call to a peripheral or the clock costs
# How far the interpreter may run on without asking: short, so that time is nearly exact here.
LEASE_US = 1000


def monotonic_us() -> int:
    """The wall clock, in µs from any moment."""
    return time.monotonic_ns() // 1000


class Clock:
    """Board time in µs; only `advance` moves it, and `limit_us` says how far it may go now.

    In `real` mode that limit is the wall clock, less the time that this machine held the board up: the board
    waits as long as a real one, and a loaded machine is never mistaken for a board that sleeps at work.
    """

    def __init__(self, mode: str = "free", wall_us: Callable[[], int] = monotonic_us) -> None:
        self.mode = mode
        self._wall_us = wall_us
        self._now_us = 0
        self._wall_start_us = wall_us()
        self.allowed_us = 0  # how far a stalled clock may go

    def now_us(self) -> int:
        """Board time, in µs since power-on of the board object."""
        return self._now_us

    def set_mode(self, mode: str) -> None:
        """Change the mode; time goes on from where it is."""
        self.mode = mode
        self.allowed_us = self._now_us
        self._wall_start_us = self._wall_us() - self._now_us

    def limit_us(self) -> int | None:
        """How far time may go; None: as far as it likes."""
        if self.mode == "stalled":
            return self.allowed_us
        if self.mode == "real":
            return self._wall_us() - self._wall_start_us
        return None

    def forgive(self, most_us: int) -> None:
        """Let a real clock be at most `most_us` behind the wall: what is more is not caught up."""
        behind_us = self._wall_us() - self._wall_start_us - self._now_us
        if behind_us > most_us:
            self._wall_start_us += behind_us - most_us

    def advance(self, to_us: int) -> None:
        """Move on to `to_us`; never back."""
        self._now_us = max(self._now_us, to_us)


@dataclass
class _Timer:
    due_us: int
    period_us: int
    periodic: bool


class Timers:
    """The board's hardware timers, by slot."""

    def __init__(self) -> None:
        self._timers: dict[int, _Timer] = {}

    def set(self, slot: int, now_us: int, period_us: int, periodic: bool) -> None:
        """Start timer `slot`; a period of 0 stops it."""
        self._timers.pop(slot, None)
        if period_us > 0:
            self._timers[slot] = _Timer(now_us + period_us, period_us, periodic)

    def next_us(self) -> int | None:
        """When the next one is due, or None."""
        return min((timer.due_us for timer in self._timers.values()), default=None)

    def fire(self, now_us: int) -> int:
        """Bits of the slots that are due by `now_us`."""
        fired = 0
        for slot, timer in list(self._timers.items()):
            if timer.due_us <= now_us:
                fired |= 1 << slot
                if timer.periodic:
                    late = (now_us - timer.due_us) // timer.period_us
                    timer.due_us += (late + 1) * timer.period_us
                else:
                    del self._timers[slot]
        return fired
