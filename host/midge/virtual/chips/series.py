"""The samples of a chip that runs: made ahead in blocks, due at exact instants of the chip's own period."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from ..motion import Motion

Sample = tuple[int, int, int]
Quantise = Callable[[NDArray[np.float64]], NDArray[np.int64]]

_AHEAD = 256  # samples made at once: numpy pays for blocks


class Series:
    """Numbered samples of `motion` from a start on; the first is due one period after it.

    Parameters
    ----------
    motion : Motion
        what the chip feels; a raw scene's numbers pass through as they are
    quantise : callable
        acceleration in g, shape (n, 3) → output numbers of the chip, shape (n, 3)
    """

    def __init__(self, motion: Motion, quantise: Quantise) -> None:
        self._motion = motion
        self._quantise = quantise
        self.rate_mhz = 0
        self.start(0, 0)

    def start(self, now_us: int, rate_mhz: int) -> None:
        """Begin a new series at `now_us` with this rate; 0 stops."""
        self.rate_mhz = rate_mhz
        self._started_us = now_us
        self._n_made = 0
        self._raw_offset = 0
        self._version = -1
        self.forget()

    def forget(self) -> None:
        """Throw away what was made ahead: range or mode have changed."""
        self._ahead: deque[Sample] = deque()

    def instant_us(self, ahead: int = 1) -> int:
        """Board time of the next sample, or of the `ahead`-th from now; exact however long the series."""
        return self._started_us + (self._n_made + ahead) * 1_000_000_000 // self.rate_mhz

    def due(self, now_us: int) -> Iterator[Sample]:
        """The samples whose instants have come, oldest first."""
        while self.rate_mhz and self.instant_us() <= now_us:
            if not self._ahead or self._version != self._motion.version:
                self._make()
            self._n_made += 1
            yield self._ahead.popleft()

    def _make(self) -> None:
        motion = self._motion
        if self._version != motion.version:
            self._version = motion.version
            self._raw_offset = self._n_made
        if motion.is_raw:
            counts = motion.raw_counts(self._n_made - self._raw_offset, _AHEAD).astype(np.int64)
        else:
            numbers = np.arange(self._n_made + 1, self._n_made + 1 + _AHEAD)
            times_us = self._started_us + numbers * 1_000_000_000 // self.rate_mhz
            counts = self._quantise(motion.acceleration_g(times_us))
        self._ahead = deque((int(x), int(y), int(z)) for x, y, z in counts)
