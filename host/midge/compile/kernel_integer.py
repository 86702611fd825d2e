"""Support-vector machines with a kernel in integers: int16 vectors and coefficients, Q15 kernels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from . import exponential, verdict
from .ir import FloatArray, IntArray
from .kernel import Kernel
from .verdict import LOG2_E, Verdict

HEADROOM = 2.0
# Beyond the training rows, arguments of a polynomial may grow by this much.
POLY_HEADROOM = 1.25
NORM_BITS = 16
_HALF = 2**30

IntegerArray = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class KernelIntegers:
    """A kernel machine as the C computes it.

    dots = vectors · x + bases, exact; for rbf: exponent = (norm - dots) >> (log2_dots - 12), with norm =
    (Σ norms x²) >> norm_shift, and K = 2^-exponent; for poly: K = (dots >> 15 / 32768)^degree. K is Q15.
    sums = Σ coefficients K + bias, as `Kernel.coefficients` has it.

    limit : where all |x| <= limit, dots (and for rbf norm - dots) fit int32
    """

    function: str
    degree: int
    vectors: IntegerArray
    bases: IntegerArray
    norms: IntegerArray
    norm_shift: int
    log2_dots: int
    coefficients: IntegerArray
    counts: IntArray
    bias: IntegerArray
    verdict: Verdict
    log2_scale: int
    limit: int
    epsilon: float


def lower(ir: Kernel) -> KernelIntegers:
    """Vectors, coefficients and bias as large as int16 and the sums allow."""
    size = np.maximum(np.abs(ir.low), np.abs(ir.high))
    reach = np.minimum(HEADROOM * size, 32768.0)
    if ir.function == "rbf":
        factor = ir.gamma * LOG2_E
        weights = 2 * factor * ir.metric * ir.vectors
        bases = -factor * (ir.metric * ir.vectors**2).sum(axis=1)
        norm = factor * ir.metric
        worth = 1.0
    else:
        largest = POLY_HEADROOM * ir.reach or 1.0
        weights = ir.gamma * ir.vectors / largest
        bases = (ir.gamma * ir.offsets + ir.coef0) / largest
        norm = np.zeros(ir.n_features)
        worth = largest**ir.degree
    log2_dots = _log2_dots(weights, bases, norm, reach) if ir.function == "rbf" else 30
    scale = 2.0**log2_dots
    if ir.function == "poly":
        # Dots are shifted to Q15 by 15 bits; large weights lose bits instead.
        weight = float(np.abs(weights).max(initial=0.0))
        log2_dots = min(30, int(np.floor(np.log2(32767 / weight)))) if weight else 30
        scale = 2.0**log2_dots
    whole, whole_bases = _round(weights * scale), _round(bases * scale)
    norm_scale = _norm_scale(norm)
    matrix = ir.values_matrix()
    log2_scale, coefficient_scale = _coefficient_scale(
        matrix * worth, ir.bias - ir.verdict.center, ir.verdict
    )
    coefficients = _round(ir.coefficients * worth * coefficient_scale)
    rule_scale = verdict.grid(ir.verdict) * 2.0**log2_scale
    bias = _round((ir.bias - ir.verdict.center) * rule_scale)
    room = _HALF - np.abs(whole_bases)
    limit = int(np.clip((room // np.maximum(np.abs(whole).sum(axis=1), 1)).min(initial=32768), 0, 32768))
    error = _kernel_error(ir, size, log2_dots)
    epsilon = float(np.abs(matrix).sum(axis=1).max(initial=0.0)) * worth * error
    used = np.count_nonzero(matrix, axis=1).max(initial=0)
    epsilon += float(used * 0.5 / coefficient_scale + 1.0 / rule_scale)
    return KernelIntegers(
        ir.function,
        ir.degree,
        whole,
        whole_bases,
        _round(norm * 2.0**norm_scale),
        norm_scale - log2_dots,
        log2_dots,
        coefficients,
        ir.counts,
        bias,
        ir.verdict,
        log2_scale,
        limit,
        epsilon,
    )


def _round(values: FloatArray) -> IntegerArray:
    return np.rint(values).astype(np.int64)


def _log2_dots(weights: FloatArray, bases: FloatArray, norm: FloatArray, reach: FloatArray) -> int:
    """The largest power of two by which dots and norms can be multiplied."""
    largest = max(
        float((np.abs(weights) @ reach + np.abs(bases)).max(initial=0.0)), float(norm @ reach**2), 1e-6
    )
    weight = float(np.abs(weights).max(initial=0.0))
    room = max(_HALF - float(reach.sum()), _HALF / 4)
    scales = [2.0**28, room / largest]
    if weight:
        scales.append((32767 + 0.49) / weight)
    return int(np.floor(np.log2(min(scales))))


def _norm_scale(norm: FloatArray) -> int:
    """Bits that the factors of the squares are shifted by: the largest one gets NORM_BITS."""
    largest = float(norm.max(initial=0.0))
    return int(np.floor(np.log2((2.0**NORM_BITS - 1) / largest))) if largest else 0


def _coefficient_scale(matrix: FloatArray, bias: FloatArray, rule: Verdict) -> tuple[int, float]:
    """(log2 of the sums' scale over the grid, factor of the coefficients)."""
    # The final sum lies between all positive and all negative coefficients, and only it must fit.
    bound = np.maximum(np.clip(matrix, 0, None).sum(axis=1), np.clip(-matrix, 0, None).sum(axis=1)) + np.abs(
        bias
    )
    largest = max(float(bound.max(initial=0.0)), 1e-30)
    grid = verdict.grid(rule)
    scales = [(2.0**31 - 1 - 2.0**15 * (matrix.shape[1] + 2)) / largest, 2.0**40]
    coefficient = float(np.abs(matrix).max(initial=0.0))
    if coefficient:
        scales.append(32767.49 * 32768 / coefficient)
    log2_scale = int(np.floor(np.log2(min(scales) / grid)))
    return log2_scale, grid * 2.0**log2_scale / 32768


def _kernel_error(ir: Kernel, size: FloatArray, log2_dots: int) -> float:
    """Bound of the error of K, in rows like the training rows; K up to 1."""
    dots = (0.5 * float(size.sum()) + 1.0) / 2.0**log2_dots
    if ir.function == "poly":
        return float(ir.degree * (dots + 2.0**-14) + ir.degree * 2.0**-15)
    norm = float(ir.gamma * LOG2_E * (ir.metric @ size**2)) * 2.0**-NORM_BITS + 2.0**-log2_dots
    return float((dots + norm + 2.0**-exponential.FRACTION_BITS) * np.log(2) + 3 * 2.0**-16)


def predict(
    lowered: KernelIntegers, X: npt.NDArray[np.int16]
) -> tuple[npt.NDArray[np.int16], npt.NDArray[np.int32]]:
    """Scores int16 (n_rows, n_scores) and winners int32 (n_rows,), as the C must give them."""
    rows = X.astype(np.int64)
    dots = rows @ lowered.vectors.T + lowered.bases
    if lowered.function == "rbf":
        norm = _shifted(rows**2 @ lowered.norms, lowered.norm_shift)
        kernels = _power_q15(np.maximum(norm[:, None] - dots, 0), lowered.log2_dots)
    else:
        shift = lowered.log2_dots - 15
        kernels = _polynomial_q15(np.clip(_shifted(dots, shift), -32767, 32767), lowered.degree)
    sums = kernels @ _matrix(lowered).T + lowered.bias
    return verdict.judge_integers(lowered.verdict, sums, lowered.log2_scale)


def _shifted(values: IntegerArray, shift: int) -> IntegerArray:
    return values >> min(shift, 62) if shift >= 0 else values << min(-shift, 15)


def _power_q15(distances: IntegerArray, log2_dots: int) -> IntegerArray:
    power = exponential.negative_power(exponential.exponent(distances, log2_dots))
    return (power - (power >> 16)) >> 1


def _polynomial_q15(arguments: IntegerArray, degree: int) -> IntegerArray:
    power = arguments
    for _ in range(degree - 1):
        power = (power * arguments + (1 << 14)) >> 15
    return power


def _matrix(lowered: KernelIntegers) -> IntegerArray:
    """Coefficients as (n_values, n_vectors)."""
    ends = np.cumsum(lowered.counts)
    starts = ends - lowered.counts
    made = np.zeros((lowered.verdict.n_values, len(lowered.vectors)), np.int64)
    if len(lowered.counts) == 1:
        made[0] = lowered.coefficients[0]
        return made
    for number, (i, j) in enumerate(verdict.pairs(len(lowered.counts))):
        made[number, starts[i] : ends[i]] = lowered.coefficients[j - 1, starts[i] : ends[i]]
        made[number, starts[j] : ends[j]] = lowered.coefficients[i, starts[j] : ends[j]]
    return made
