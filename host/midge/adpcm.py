"""Blocks of IMA ADPCM as a board sends them → samples; the encoder is `midge_device/adpcm.py`.

Steps follow from the nibbles one by one; what they move the prediction by is then added up all at once.
"""

from __future__ import annotations

import struct
from itertools import accumulate

import numpy as np

from midge_device.adpcm import HEAD_BYTES, MOST_INDEX, STEPS

from .recording import Int16

_HEAD = struct.Struct("<hBB")
_LOWEST, _HIGHEST = -32768, 32767


def _change(step: int, nibble: int) -> int:
    size = (step >> 3) + sum(step >> 2 - bit for bit in range(3) if nibble >> bit & 1)
    return -size if nibble & 8 else size


def _next_index(index: int, nibble: int) -> int:
    size = nibble & 7
    following: int = min(max(index + (-1 if size < 4 else 2 * (size - 3)), 0), MOST_INDEX)
    return following


# [index][nibble]: how far the prediction moves, and the index after it.
_CHANGES = np.array([[_change(step, nibble) for nibble in range(16)] for step in STEPS], np.int32)
_NEXT = [[_next_index(index, nibble) for nibble in range(16)] for index in range(MOST_INDEX + 1)]


def decode(block: bytes, n: int) -> Int16:
    """The n samples of a block, int16 (n,); raises ValueError for a block that does not hold so many."""
    if n < 1 or len(block) != HEAD_BYTES + n // 2:
        raise ValueError(f"{len(block)} bytes of ADPCM are not {n} samples")
    first, index, _ = _HEAD.unpack_from(block)
    if index > MOST_INDEX:
        raise ValueError(f"step {index} of ADPCM, there are {MOST_INDEX + 1}")
    pairs = np.frombuffer(block, np.uint8, offset=HEAD_BYTES)
    nibbles = np.stack((pairs & 15, pairs >> 4), axis=1).ravel()[: n - 1]
    indices = list(accumulate(nibbles.tolist(), lambda at, nibble: _NEXT[at][nibble], initial=index))
    changes = _CHANGES[indices[:-1], nibbles]
    values = np.concatenate(([first], first + np.cumsum(changes, dtype=np.int64)))
    if values.min() < _LOWEST or values.max() > _HIGHEST:  # where it is cut off, what follows depends on it
        values = np.fromiter(accumulate(changes.tolist(), _add, initial=first), np.int64, n)
    return values.astype(np.int16)


def _add(value: int, change: int) -> int:
    return min(max(value + change, _LOWEST), _HIGHEST)
