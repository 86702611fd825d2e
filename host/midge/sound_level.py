"""How loud a recording is while it is made: a meter, and whether it was clipped."""

from __future__ import annotations

import math

import numpy as np

from .recording import FULL_SCALE, Int16

FLOOR_DBFS = -60.0
BAR = 12
# So near to full scale a sample is cut off; one alone may be chance.
CLIPPED_LSB = 32760
CLIPPED_SHARE = 1e-4


class Level:
    """Peaks of the blocks that came.

    Attributes
    ----------
    peak : int
        largest so far, LSB
    clipped, samples : int
        samples at full scale, and all
    """

    def __init__(self) -> None:
        self.peak = 0
        self.clipped = 0
        self.samples = 0
        self._now = 0

    def add(self, samples: Int16) -> None:
        """A block, int16 (n, channels)."""
        sizes = np.abs(samples.astype(np.int32))
        self._now = int(sizes.max(initial=0))
        self.peak = max(self.peak, self._now)
        self.clipped += int((sizes >= CLIPPED_LSB).sum())
        self.samples += len(samples)

    @property
    def peak_dbfs(self) -> float:
        """The largest sample so far, dB of full scale."""
        return _dbfs(self.peak)

    @property
    def warning(self) -> str:
        """What is wrong with the level, '' if nothing."""
        if self.clipped > CLIPPED_SHARE * self.samples:
            return f"{self.clipped} samples are clipped: speak softer or further away, and record again"
        if self.samples and self.peak_dbfs <= FLOOR_DBFS:
            return f"it peaks at {self.peak_dbfs:.0f} dBFS, which is silence: check the microphone's wiring"
        return ""

    def bar(self) -> str:
        """The last block's peak as a bar, and in dBFS; '!' when it is clipped."""
        level = _dbfs(self._now)
        full = round(BAR * (1 - level / FLOOR_DBFS))
        clipped = " clipped!" if self._now >= CLIPPED_LSB else ""
        return f"{'#' * full}{'.' * (BAR - full)} {level:.0f} dBFS{clipped}"


def _dbfs(size: int) -> float:
    return max(FLOOR_DBFS, 20 * math.log10(size / FULL_SCALE)) if size else FLOOR_DBFS
