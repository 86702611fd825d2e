"""Gaussian models of features with few whole values: each class a polynomial of them, in exact sums."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from .gaussian import Gaussian
from .verdict import LOG2_E, Verdict

# A row is near within the training range and this part of it on both sides.
ROOM = 1 / 8
_INT32_LIMIT = 2**31 - 1
# Sums of near rows fit int32; polynomials of any row, and what is taken off for fixed features, these bits.
_FAR_BITS, _APART_BITS = 61, 61
# Bits of z of any row.
_Z_BITS = 17
# What a class loses by a feature that it never had otherwise: more than near sums can differ.
_LEAST_WEIGHT = 2**33
# As exponential.h shifts.
_MOST_LOG2_SCALE = 44
# Bits of a mask of classes.
_MOST_FIXED_CLASSES = 32
# Of a class that is out, where another is not.
EXCLUDED = -(2**61)

IntegerArray = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class NearIntegers:
    """sums = constants - Σ (square · z + slope) · z - weight · apart, with z = x - low.

    squares, slopes, constants : int64 (n_classes, n_features) and (n_classes,)
    low, span : int64 (n_features,); rows with 0 <= z <= span are near
    fixed : bool (n_classes, n_features), where a class has only seen `value`; squares and slopes are 0 there
    value : int64 (n_classes, n_features)
    apart = Σ (x - value)² over what is fixed, less the least of all classes, `most_apart` at most
    """

    squares: IntegerArray
    slopes: IntegerArray
    constants: IntegerArray
    low: IntegerArray
    span: IntegerArray
    fixed: npt.NDArray[np.bool_]
    value: IntegerArray
    weight: int
    most_apart: int
    verdict: Verdict
    log2_scale: int
    epsilon: float


def lower(ir: Gaussian) -> NearIntegers | None:
    """Coefficients as fine as int32 allows for near rows; None if nothing is known of the rows."""
    if ir.low is None or ir.high is None:
        return None
    more = (ir.high - ir.low) * ROOM
    low = np.clip(np.floor(ir.low - more), -32768, 32767)
    span = np.clip(np.ceil(ir.high + more), -32768, 32767) - low
    fixed, weight = _fixed(ir)
    made = _polynomials(ir, low, span, fixed)
    if made is None or (fixed.any() and _scaled(weight, made.log2_scale) < _LEAST_WEIGHT):
        fixed[:] = False
        made = _polynomials(ir, low, span, fixed)
    if made is None or not fixed.any():
        return made
    scaled = _scaled(weight, made.log2_scale)
    values = np.where(fixed, np.rint(ir.mean), 0).astype(np.int64)
    most_apart = min(2**_APART_BITS // scaled, _INT32_LIMIT)
    return replace(made, fixed=fixed, value=values, weight=scaled, most_apart=most_apart)


def _fixed(ir: Gaussian) -> tuple[npt.NDArray[np.bool_], float]:
    """Where a class has seen one whole value alone: the least variance there is; and 1 / (2 · variance)."""
    least = float(ir.variance.min())
    is_fixed = (ir.variance == least) & (ir.mean == np.rint(ir.mean)) & (np.abs(ir.mean) <= 32768)
    if len(ir.mean) > _MOST_FIXED_CLASSES:
        is_fixed[:] = False
    return is_fixed, 0.5 / least


def _scaled(weight: float, log2_scale: int) -> int:
    return min(int(weight * LOG2_E * 2.0**log2_scale), int(2 ** (_APART_BITS - 1)))


def _polynomials(
    ir: Gaussian,
    low: npt.NDArray[np.float64],
    span: npt.NDArray[np.float64],
    fixed: npt.NDArray[np.bool_],
) -> NearIntegers | None:
    """Without what is fixed; None if the coefficients don't fit."""
    half = np.where(fixed, 0.0, 0.5 / ir.variance)
    mean = np.where(fixed, 0.0, ir.mean - low)
    square, slope = half, -2 * half * mean
    constant = ir.constant - (half * mean**2).sum(axis=1)
    furthest = (half * np.maximum(mean**2, (span - mean) ** 2)).sum(axis=1) + np.abs(ir.constant)
    far = (square * 2.0 ** (2 * _Z_BITS) + np.abs(slope) * 2.0**_Z_BITS).sum(axis=1) + np.abs(constant)
    largest = max(float(square.max()), float(np.abs(slope).max()), float(furthest.max()), 1e-300)
    limit = min(_INT32_LIMIT / largest, 2.0**_FAR_BITS / max(float(far.max()), 1e-300))
    most = int(np.floor(np.log2(limit / LOG2_E)))
    for log2_scale in (most, most - 1):
        if not 0 <= log2_scale <= _MOST_LOG2_SCALE:
            return None
        scale = LOG2_E * 2.0**log2_scale
        squares, slopes = np.rint(square * scale), np.rint(slope * scale)
        off = np.abs(squares - square * scale) * span**2 + np.abs(slopes - slope * scale) * span
        error = np.sort(off.sum(axis=1) + 0.5)
        if float(furthest.max()) * scale + error[-1] < _INT32_LIMIT:
            break
    else:
        return None
    return NearIntegers(
        squares.astype(np.int64),
        slopes.astype(np.int64),
        np.rint(constant * scale).astype(np.int64),
        low.astype(np.int64),
        span.astype(np.int64),
        fixed,
        np.zeros(fixed.shape, np.int64),
        0,
        0,
        ir.verdict,
        log2_scale,
        float(error[-2:].sum() / scale),
    )


def sums(lowered: NearIntegers, X: IntegerArray) -> IntegerArray:
    """Sums (n_rows, n_classes) of whole numbers in the int16 range."""
    z = X - lowered.low
    made = np.empty((len(X), len(lowered.constants)), np.int64)
    for number in range(len(lowered.constants)):
        terms = (lowered.squares[number] * z + lowered.slopes[number]) * z
        made[:, number] = lowered.constants[number] - terms.sum(axis=1)
    if not lowered.fixed.any():
        return made
    apart = np.empty_like(made)
    for number, (columns, value) in enumerate(zip(lowered.fixed, lowered.value, strict=True)):
        apart[:, number] = ((X[:, columns] - value[columns]) ** 2).sum(axis=1)
    is_near = ((z >= 0) & (z <= lowered.span)).all(axis=1) & (apart == 0).any(axis=1)
    beyond = apart - apart.min(axis=1, keepdims=True)
    far = made - np.minimum(beyond, lowered.most_apart) * lowered.weight
    return np.where(is_near[:, None], np.where(apart > 0, EXCLUDED, made), far)
