"""Activations in integers: the twin of firmware/native/activation.c."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

# Arguments of tanh and logistic have this many fraction bits.
FRACTION_BITS = 12
# tanh of i / 32, Q15; 1 from 8 on.
TABLE = np.rint(32767 * np.tanh(np.arange(257) / 32)).astype(np.int64)
# Linear interpolation, the step of the arguments and rounding.
ERROR = 1e-4 + 2.0**-FRACTION_BITS + 2.0**-14

IntegerArray = npt.NDArray[np.int64]


def apply(activation: str, sums: IntegerArray, shift: int) -> IntegerArray:
    """int16 activations of sums; for tanh and logistic sums >> shift have FRACTION_BITS fraction bits."""
    if activation == "relu":
        return np.asarray(np.clip(sums >> shift, 0, 32767), np.int64)
    if activation == "identity":
        return np.asarray(np.clip(sums >> shift, -32768, 32767), np.int64)
    arguments = np.clip(_shifted(sums, shift), -(1 << 16), 1 << 16)
    if activation == "tanh":
        return tanh_q15(arguments)
    return (tanh_q15(arguments >> 1) + 32767) >> 1


def _shifted(sums: IntegerArray, shift: int) -> IntegerArray:
    if shift >= 0:
        return sums >> min(shift, 31)
    return np.clip(sums, -(1 << 16), 1 << 16) << min(-shift, 14)


def tanh_q15(arguments: IntegerArray) -> IntegerArray:
    """tanh of arguments with FRACTION_BITS fraction bits."""
    size = np.minimum(np.abs(arguments), (8 << FRACTION_BITS) - 1)
    step, rest = size >> 7, size & 127
    value = TABLE[step] + ((TABLE[step + 1] - TABLE[step]) * rest >> 7)
    return np.asarray(np.where(arguments < 0, -value, value), np.int64)
