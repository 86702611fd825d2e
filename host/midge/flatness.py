"""Whether a sensor moved at all while it was recorded: a wire that is off gives one number for ever."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

# Every sensor's noise is more than this.
LEAST_LSB = 1
# Less of a signal may be still by chance.
LEAST_SAMPLES = 50


class Flatness:
    """The range of each channel so far."""

    def __init__(self) -> None:
        self._low: npt.NDArray[np.int16] | None = None
        self._high: npt.NDArray[np.int16] | None = None
        self._n = 0

    def add(self, samples: npt.NDArray[np.int16]) -> None:
        """A block, int16 (n, channels)."""
        if not len(samples):
            return
        low, high = samples.min(axis=0), samples.max(axis=0)
        self._low = low if self._low is None else np.minimum(self._low, low)
        self._high = high if self._high is None else np.maximum(self._high, high)
        self._n += len(samples)

    def warning(self, channels: Sequence[str]) -> str:
        """Channels that never changed, and what to do; '' if there are none."""
        if self._low is None or self._high is None or self._n < LEAST_SAMPLES:
            return ""
        spread = self._high.astype(int) - self._low
        flat = [name for name, one in zip(channels, spread, strict=True) if one < LEAST_LSB]
        if not flat:
            return ""
        return f"{', '.join(flat)} never changes: a dead sensor; check its wiring and record again"
