"""The same content in two takes, wherever it begins in them: fingerprints of runs of samples.

Every run of `RUN` rows has a polynomial hash; the runs whose hash ends in zeros are the anchors (as of
Manber, 'Finding similar files in a large file system', 1994). Copies share anchors however they were cut.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

RUN = 24
ANCHOR_BITS = 2
_PRIME = np.uint64(0x9E3779B97F4A7C15)
# A run says something if it is not nearly constant: quiet sensors repeat themselves.
_LEAST_VALUES = 8


@dataclass(frozen=True)
class Shared:
    """Takes `first` and `second` have about `share` (0…1, of the shorter) of their content in common."""

    first: int
    second: int
    share: float


def digest(samples: npt.NDArray[np.int16]) -> bytes:
    """Equal for equal samples."""
    return hashlib.sha256(np.ascontiguousarray(samples).tobytes()).digest()


def anchors(samples: npt.NDArray[np.int16]) -> npt.NDArray[np.uint64]:
    """Distinct hashes of the anchors of one take, wherever they are in it."""
    n = len(samples)
    if n < RUN:
        return np.zeros(0, np.uint64)
    rows = np.zeros(n, np.uint64)
    with np.errstate(over="ignore"):
        for channel in samples.T:
            rows = rows * np.uint64(1_000_003) + channel.astype(np.uint16).astype(np.uint64) + np.uint64(1)
        rows = rows * _PRIME
        rows ^= rows >> np.uint64(29)
        hashes = np.zeros(n - RUN + 1, np.uint64)
        for k in range(RUN):
            hashes = hashes * np.uint64(6_364_136_223_846_793_005) + rows[k : n - RUN + 1 + k]
        mixed = hashes ^ (hashes >> np.uint64(31))
        mixed *= _PRIME
        mixed ^= mixed >> np.uint64(32)
    at = np.flatnonzero((mixed & np.uint64((1 << ANCHOR_BITS) - 1)) == 0)
    # Rows that differ from the one before: a cheap count of distinct values in a run.
    changes = np.concatenate([[0], np.cumsum(np.any(samples[1:] != samples[:-1], axis=1))])
    lively = changes[at + RUN - 1] - changes[at] >= _LEAST_VALUES
    return np.unique(mixed[at[lively]])


def shared(of_takes: list[npt.NDArray[np.uint64]], least: float = 0.2) -> Iterator[Shared]:
    """Pairs of takes with so much in common. What is in many takes is silence or padding: no sign."""
    owners: dict[int, list[int]] = defaultdict(list)
    for number, hashes in enumerate(of_takes):
        for value in hashes.tolist():
            owners[value].append(number)
    common: dict[tuple[int, int], int] = defaultdict(int)
    for members in owners.values():
        if 2 <= len(members) <= 8:
            for place, first in enumerate(members):
                for second in members[place + 1 :]:
                    common[first, second] += 1
    for (first, second), n in sorted(common.items()):
        share = n / max(1, min(len(of_takes[first]), len(of_takes[second])))
        if share >= least and n >= 2:
            yield Shared(first, second, min(1.0, share))
