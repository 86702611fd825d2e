"""Gaussian models in integers: deviations in 16 bits, or polynomials where ranges are small; exact sums."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from . import gaussian_near, verdict
from .gaussian import Gaussian
from .gaussian_near import NearIntegers
from .verdict import LOG2_E, Verdict

# Sums are values · log2(e) · 2^this; 14 makes a deviation of one sigma 108.7, and the largest 301 sigmas.
LEAST_LOG2_SCALE, MOST_LOG2_SCALE = 14, 24
# Deviations may be this much larger than those of the training rows before they saturate.
HEADROOM = 4.0
FACTOR_LIMIT = 16383
_CONSTANT_LIMIT = 2**31 - 1

IntegerArray = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class GaussianIntegers:
    """deviation = (x factor + offset) >> shift, saturated to int16; sums = constant - Σ deviation², exact.

    factors, offsets, shifts : int64 (n_classes, n_features), within int16, int32 and 0…31
    """

    factors: IntegerArray
    offsets: IntegerArray
    shifts: IntegerArray
    constants: IntegerArray
    verdict: Verdict
    log2_scale: int
    epsilon: float


def lower(ir: Gaussian) -> GaussianIntegers | NearIntegers:
    """The closer of the two forms."""
    far, near = _deviations(ir), gaussian_near.lower(ir)
    return far if near is None or near.epsilon >= far.epsilon else near


def _deviations(ir: Gaussian) -> GaussianIntegers:
    """Factors as large as keeps products in int32."""
    log2_scale = _log2_scale(ir)
    one_sigma = (2.0**log2_scale * LOG2_E / 2) ** 0.5
    wanted = one_sigma / np.sqrt(ir.variance)
    # The mean is limited too: the product of both must fit.
    room = np.minimum(FACTOR_LIMIT, 2.0**30 / np.maximum(np.abs(ir.mean), 1.0))
    shifts = np.clip(np.floor(np.log2(room / wanted)), 0, 31).astype(np.int64)
    factors = np.minimum(np.rint(wanted * 2.0**shifts), np.floor(room)).astype(np.int64)
    half = (1 << shifts) >> 1
    offsets = np.rint(-ir.mean * factors).astype(np.int64) + half
    scaled = np.rint(ir.constant * LOG2_E * 2.0**log2_scale)
    constants = np.clip(scaled, -_CONSTANT_LIMIT, _CONSTANT_LIMIT).astype(np.int64)
    # Each deviation is off by half a step, at two sigmas.
    epsilon = 2 * ir.n_features * (2 * one_sigma + 0.5) / (LOG2_E * 2.0**log2_scale)
    return GaussianIntegers(factors, offsets, shifts, constants, ir.verdict, log2_scale, float(epsilon))


def _log2_scale(ir: Gaussian) -> int:
    """As fine as keeps the deviations of the training rows in 16 bits, with room, and constants in 32."""
    if ir.low is None or ir.high is None:
        return LEAST_LOG2_SCALE
    furthest = np.maximum(np.abs(ir.low - ir.mean), np.abs(ir.high - ir.mean)) / np.sqrt(ir.variance)
    room = 32767 / (HEADROOM * max(float(furthest.max()), 1.0))
    largest = max(float(np.abs(ir.constant).max()), 1.0)
    most = min(2 * room**2 / LOG2_E, _CONSTANT_LIMIT / (largest * LOG2_E))
    return int(np.clip(np.floor(np.log2(most)), LEAST_LOG2_SCALE, MOST_LOG2_SCALE))


def predict(
    lowered: GaussianIntegers | NearIntegers, X: npt.NDArray[np.int16]
) -> tuple[npt.NDArray[np.int16], npt.NDArray[np.int32]]:
    """Scores int16 (n_rows, n_scores) and winners int32 (n_rows,), as the C must give them."""
    rows = X.astype(np.int64)
    if isinstance(lowered, NearIntegers):
        return verdict.judge_integers(lowered.verdict, gaussian_near.sums(lowered, rows), lowered.log2_scale)
    sums = np.empty((len(rows), len(lowered.constants)), np.int64)
    for number in range(len(lowered.constants)):
        deviations = (rows * lowered.factors[number] + lowered.offsets[number]) >> lowered.shifts[number]
        squares = np.clip(deviations, -32768, 32767) ** 2
        sums[:, number] = lowered.constants[number] - squares.sum(axis=1)
    return verdict.judge_integers(lowered.verdict, sums, lowered.log2_scale)
