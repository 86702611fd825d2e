"""Powers of two, softmax and sigmoid in integers: the twin of firmware/native/exponential.c."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

# Exponents have this many fraction bits.
FRACTION_BITS = 12
# 2^-x is below half a step of its 16 bits from here on.
LARGEST = 18 << FRACTION_BITS
# round(65536 · 2^(-i/64)) - 1, so that all fit 16 bits.
TABLE = np.rint(65536 * 2.0 ** (-np.arange(65) / 64)).astype(np.int64) - 1

IntegerArray = npt.NDArray[np.int64]


def exponent(sums: IntegerArray, log2_scale: int) -> IntegerArray:
    """Sums >= 0 with `log2_scale` fraction bits as exponents of FRACTION_BITS, LARGEST at most."""
    if log2_scale >= FRACTION_BITS:
        scaled = sums >> min(log2_scale - FRACTION_BITS, 62)
    else:
        scaled = np.minimum(sums, LARGEST) << min(FRACTION_BITS - log2_scale, 20)
    found: IntegerArray = np.minimum(scaled, LARGEST)
    return found


def negative_power(exponents: IntegerArray) -> IntegerArray:
    """65536 · 2^-x of exponents 0…LARGEST."""
    whole, step, rest = exponents >> 12, exponents >> 6 & 63, exponents & 63
    high, low = TABLE[step] + 1, TABLE[step + 1] + 1
    result: IntegerArray = (high - ((high - low) * rest >> 6)) >> whole
    return result


def softmax(exponents: IntegerArray) -> npt.NDArray[np.int16]:
    """Q15 shares of 2^-x, of each row."""
    powers = negative_power(exponents)
    inverse = 0xFFFFFFFF // powers.sum(axis=1, keepdims=True)
    return np.asarray((powers * inverse) >> 17, np.int16)


def sigmoid(sums: IntegerArray, log2_scale: int) -> IntegerArray:
    """Q15 of 1 / (1 + 2^-x), of sums with `log2_scale` fraction bits."""
    power = negative_power(exponent(np.abs(sums), log2_scale))
    large = (32767 << 16) // (65536 + power)
    return np.where(sums >= 0, large, 32767 - large)


def normalised(shares: IntegerArray) -> npt.NDArray[np.int16]:
    """Q15 shares of each row's sum; all the same if it is 0."""
    total = shares.sum(axis=1, keepdims=True)
    inverse: Any = np.where(total > 0, 0x7FFFFFFF // np.maximum(total, 1), 0)
    even = 32767 // shares.shape[1]
    return np.asarray(np.where(total > 0, np.minimum(shares * inverse >> 16, 32767), even), np.int16)
