"""The room around a word that was cut out closely: noise like its quietest moment, never digital silence."""

from __future__ import annotations

import zlib

import numpy as np
import numpy.typing as npt

# A moment in samples: 20 ms at 16 kHz.
MOMENT = 320
# The quietest moment of a word cut out closely is part of the word: a room is 40 dB below its peak at most.
MOST_SHARE = 0.01
LEAST_LSB = 1.0

Int16 = npt.NDArray[np.int16]


def level_lsb(samples: Int16, most_share: float = MOST_SHARE) -> float:
    """Standard deviation of the room of `samples` (n, 1), as far as they tell; `most_share` of their peak."""
    sound = samples.astype(np.float64).ravel()
    whole = len(sound) // MOMENT
    most = max(LEAST_LSB, most_share * float(np.abs(sound).max(initial=0.0)))
    if not whole:
        return most
    quietest = float(sound[: whole * MOMENT].reshape(whole, MOMENT).std(axis=1).min())
    return min(most, max(LEAST_LSB, quietest))


def around(samples: Int16, before: int, length: int, most_share: float = MOST_SHARE) -> Int16:
    """`samples` (n, 1) after `before` rows of their room, `length` rows in all; the same room each time.

    What lies outside is cut off: `before` may be below 0.
    """
    rng = np.random.default_rng(zlib.crc32(np.ascontiguousarray(samples).tobytes()))
    padded = np.rint(rng.normal(0.0, level_lsb(samples, most_share), (length, samples.shape[1]))).astype(
        np.int16
    )
    first, last = max(0, before), min(length, before + len(samples))
    if last > first:
        padded[first:last] = samples[first - before : last - before]
    return padded
