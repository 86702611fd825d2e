"""The room around a word that was cut out closely: quiet noise, as no microphone gives digital silence."""

from __future__ import annotations

import zlib

import numpy as np
import numpy.typing as npt

# Standard deviation in LSB: a quiet room, 80 dB below full scale; less if the word itself is quieter.
ROOM_LSB = 3.0

Int16 = npt.NDArray[np.int16]


def around(samples: Int16, before: int, length: int) -> Int16:
    """`samples` (n, 1) after `before` rows of a quiet room, `length` rows in all; the same room each time."""
    rng = np.random.default_rng(zlib.crc32(np.ascontiguousarray(samples).tobytes()))
    level = min(ROOM_LSB, 0.02 * float(np.abs(samples.astype(np.float64)).max(initial=0.0)))
    padded = np.rint(rng.normal(0.0, level, (length, samples.shape[1]))).astype(np.int16)
    padded[before : before + len(samples)] = samples
    return padded
