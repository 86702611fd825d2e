"""A program that asks for nothing: how long it computes, or whether it only waits for an interrupt."""

from __future__ import annotations

import time
from collections.abc import Callable

# A program that computes this long without asking for anything is taken to wait for an interrupt. Processor
# time, not the time on the wall: a machine under load must not change what a board does.
SUSPECT_AFTER_CPU_S = 1.0
LOOK_S = 0.05
COMPUTING_LOOK_S = 0.004


class BusyLoop:
    """Suspicion, from the number of calls so far and the processor time used."""

    def __init__(self) -> None:
        self._looked_s = 0.0
        self._quiet_since: tuple[int, float] | None = None  # (calls, processor time in s)

    def is_suspected(self, n_calls: int, cpu_s: Callable[[], float]) -> bool:
        """True once the program has made no call for long; `cpu_s` is asked only now and then."""
        if self._quiet_since is not None and self._quiet_since[0] != n_calls:
            self._quiet_since = None
        now_s = time.monotonic()
        if now_s - self._looked_s < LOOK_S:
            return False
        self._looked_s = now_s
        used_s = cpu_s()
        if self._quiet_since is None:
            self._quiet_since = (n_calls, used_s)
        return used_s - self._quiet_since[1] > SUSPECT_AFTER_CPU_S


class Computation:
    """How much processor time went into computing, from the number of calls so far."""

    def __init__(self) -> None:
        self._looked_s = 0.0
        self._before: tuple[int, float] | None = None  # (calls, processor time in s)

    def used_us(self, n_calls: int, cpu_s: Callable[[], float]) -> int:
        """Processor time since the last look, if no call came in between; `cpu_s` is asked now and then."""
        if self._before is not None and self._before[0] != n_calls:
            self._before = None
        now_s = time.monotonic()
        if now_s - self._looked_s < COMPUTING_LOOK_S:
            return 0
        self._looked_s = now_s
        used_s = cpu_s()
        before_s = used_s if self._before is None else self._before[1]
        self._before = (n_calls, used_s)
        return int((used_s - before_s) * 1e6)
