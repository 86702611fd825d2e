"""Support-vector machines with a kernel in integers: int16 vectors and coefficients, Q15 kernels."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from . import exponential, kernel, verdict
from .ir import FloatArray, IntArray
from .kernel import ROWS_TO_COME, Kernel
from .verdict import LOG2_E, Verdict

# Features may lie this much further from the middle of the training rows before they saturate.
HEADROOM = 2.0
# Beyond the training rows, arguments of a polynomial may grow by this much.
POLY_HEADROOM = 1.25
NORM_BITS = 16
# Norms below this, and vectors' own, leave room for all that is added to them.
_NORM_LIMIT = 2**28
# Vectors at which sums are held against the machine itself.
_MOST_CENTERS = 128

IntegerArray = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class KernelIntegers:
    """A kernel machine as the C computes it.

    y = ((x - centers) factors + half) >> factor_shift, saturated to ±32767.
    dots = vectors · y + bases, exact.
    rbf : exponent = ((Σ y² norm_factor) >> norm_shift) - dots, log2_dots fraction bits, and K = 2^-exponent
    poly : K = (dots / 2^log2_dots)^degree, its argument saturated
    K is Q15; sums = Σ coefficients K + bias, as `Kernel.coefficients` has it.

    narrow : where the norm (poly: Σ |y|) is below this, dots fit int32
    """

    function: str
    degree: int
    centers: IntegerArray
    factors: IntegerArray
    factor_shift: int
    vectors: IntegerArray
    bases: IntegerArray
    norm_factor: int
    norm_shift: int
    log2_dots: int
    narrow: int
    coefficients: IntegerArray
    counts: IntArray
    bias: IntegerArray
    verdict: Verdict
    log2_scale: int
    epsilon: float


@dataclass(frozen=True, eq=False)
class _Dots:
    """Vectors and bases of the dots in real numbers of y, and how far off a sum of K may be."""

    vectors: IntegerArray
    bases: IntegerArray
    log2_dots: int
    norm_factor: int
    norm_shift: int
    narrow: int
    worth: float
    error: float


def lower(ir: Kernel) -> KernelIntegers:
    """Features, vectors, coefficients and bias as large as int16 and the sums allow."""
    centers = np.clip(np.rint((ir.low + ir.high) / 2), -32768, 32767)
    if ir.function == "rbf":
        weight = np.sqrt(ir.metric)
    else:
        # Half of the dynamic range to the features, half to the vectors.
        size = np.maximum(np.maximum(ir.high - centers, centers - ir.low), 0.5)
        weight = np.sqrt(np.abs(ir.vectors).max(axis=0, initial=0.0) / size)
    factors, factor_shift = _factors(ir, centers, weight)
    scale = factors / 2.0**factor_shift
    dots = _rbf(ir, centers, scale, weight) if ir.function == "rbf" else _poly(ir, centers, scale)
    matrix = ir.values_matrix()
    bias = ir.bias - ir.verdict.center
    log2_scale, coefficient_scale = _coefficient_scale(
        matrix * dots.worth, bias, ir.verdict, is_signed=ir.function == "poly"
    )
    rule_scale = verdict.grid(ir.verdict) * 2.0**log2_scale
    used = np.count_nonzero(matrix, axis=1).max(initial=0)
    known = ROWS_TO_COME * ir.kernels if ir.kernels else used * dots.worth
    epsilon = dots.error + min(known / dots.worth, used) / coefficient_scale + 1 / rule_scale
    made = KernelIntegers(
        ir.function,
        ir.degree,
        centers.astype(np.int64),
        factors,
        factor_shift,
        dots.vectors,
        dots.bases,
        dots.norm_factor,
        dots.norm_shift,
        dots.log2_dots,
        dots.narrow,
        _evenly_rounded(ir.coefficients * dots.worth * coefficient_scale, ir.counts),
        ir.counts,
        _round(bias * rule_scale),
        ir.verdict,
        log2_scale,
        float(epsilon),
    )
    return _centered(made, ir, rule_scale) if ir.function == "rbf" else made


def _centered(lowered: KernelIntegers, ir: Kernel, rule_scale: float) -> KernelIntegers:
    """With a bias that takes back what the sums are off by at the vectors, on average."""
    few = np.unique(np.linspace(0, len(ir.vectors) - 1, _MOST_CENTERS).astype(int))
    rows = np.clip(np.rint(ir.vectors[few]), -32768, 32767)
    off = values(lowered, rows.astype(np.int16)) - (kernel.values(ir, rows) - ir.verdict.center)
    moved = np.clip(np.rint(off.mean(axis=0) * rule_scale), -(2**15), 2**15).astype(np.int64)
    epsilon = lowered.epsilon + float(np.abs(moved).max()) / rule_scale
    return replace(lowered, bias=lowered.bias - moved, epsilon=epsilon)


def _factors(ir: Kernel, centers: FloatArray, weight: FloatArray) -> tuple[IntegerArray, int]:
    """What to multiply the features by, proportional to `weight`, and the shift that goes with it."""
    reach = HEADROOM * np.maximum(ir.high - centers, centers - ir.low)
    widest = float((weight * np.maximum(reach, 1.0)).max(initial=0.0))
    wanted = weight * (32767 / widest) if widest else weight
    largest = float(wanted.max(initial=0.0))
    shift = int(np.clip(np.floor(np.log2(32767 / largest)), 0, 24)) if largest else 0
    return _round(wanted * 2.0**shift), shift


def _rbf(ir: Kernel, centers: FloatArray, scale: FloatArray, weight: FloatArray) -> _Dots:
    placed = (ir.vectors - centers) * scale
    unit = float((scale * weight).sum() / max((weight**2).sum(), 1e-300)) or 1.0
    # Of a squared distance in y.
    factor = ir.gamma * LOG2_E / unit**2
    squares = (placed**2).sum(axis=1)
    farthest = max(float(squares.max(initial=0.0)), 1.0)
    longest = max(float(np.abs(placed).max(initial=0.0)), 1e-9)
    log2_dots = int(
        np.floor(
            np.log2(min(_NORM_LIMIT / (HEADROOM * farthest * factor), 32767.49 / (2 * factor * longest)))
        )
    )
    log2_dots = min(log2_dots, 30)
    steps = factor * 2.0**log2_dots
    norm_shift = int(np.floor(np.log2((2.0**NORM_BITS - 1) / steps)))
    radius = np.sqrt(HEADROOM * farthest)
    # Rounded vectors against y, then the rounded bases, the exponent's step, the table of powers.
    relative = (
        0.5 * np.sqrt(ir.n_features) * radius + 2
    ) / 2.0**log2_dots + factor * radius**2 * 2.0**-NORM_BITS
    relative = np.log(2) * (relative + 2.0**-exponential.FRACTION_BITS)
    rounded = np.sqrt(ir.n_features) / unit
    each = 3 * 2.0**-16
    total = ir.largest_weight()
    error = total * (relative + each + np.sqrt(2 * ir.gamma / np.e) * rounded)
    if ir.weighed:
        # Factors that were rounded stretch squared distances.
        is_used = ir.metric > 0
        off = np.abs((scale[is_used] / unit) ** 2 / ir.metric[is_used] - 1).max(initial=0.0)
        moved = 2 * ir.slope * rounded + ir.weighed * (relative + ir.gamma * rounded**2) + off * ir.stretch
        error = ROWS_TO_COME * moved + total * each
    vectors = _round(2 * steps * placed)
    # What rounded vectors are usually off by, and half a step of what is rounded down.
    usual = (vectors - 2 * steps * placed) @ placed.mean(axis=0)
    half = 2.0 ** (log2_dots - exponential.FRACTION_BITS - 1)
    return _Dots(
        vectors,
        _round(-steps * squares - usual - half),
        log2_dots,
        round(steps * 2.0**norm_shift),
        norm_shift,
        _NORM_LIMIT,
        1.0,
        float(error),
    )


def _poly(ir: Kernel, centers: FloatArray, scale: FloatArray) -> _Dots:
    largest = POLY_HEADROOM * ir.reach or 1.0
    vectors = ir.gamma * ir.vectors / np.where(scale > 0, scale, 1.0) / largest
    bases = (ir.gamma * (ir.offsets + ir.vectors @ centers) + ir.coef0) / largest
    longest = max(float(np.abs(vectors).max(initial=0.0)), 1e-9)
    base = max(float(np.abs(bases).max(initial=0.0)), 1e-9)
    log2_dots = int(np.floor(np.log2(min(2.0**28, 32767.49 / longest, _NORM_LIMIT / base))))
    whole = _round(vectors * 2.0**log2_dots)
    narrow = _NORM_LIMIT * 4 // max(int(np.abs(whole).max(initial=0)), 1)
    reach = np.maximum(ir.high - centers, centers - ir.low) * scale
    off = (0.5 * float(reach.sum()) + 1 + float(np.abs(whole).sum(axis=1).max(initial=0.0))) / 2.0**log2_dots
    off += 2.0**-14
    worth = largest**ir.degree
    # A product is rounded as often as it is multiplied.
    each = worth * ir.degree * 2.0**-15
    steep = ROWS_TO_COME * ir.slope * largest if ir.weighed else ir.degree * worth * ir.largest_weight()
    error = steep * off + ir.largest_weight() * each
    return _Dots(whole, _round(bases * 2.0**log2_dots), log2_dots, 0, 0, narrow, worth, error)


def _round(values: FloatArray) -> IntegerArray:
    return np.rint(values).astype(np.int64)


def _evenly_rounded(coefficients: FloatArray, counts: IntArray) -> IntegerArray:
    """Rounded so that those of a group lose next to nothing together: many are all the same, at C."""
    made = np.zeros(coefficients.shape, np.int64)
    ends = np.cumsum(counts)
    for start, end in zip(ends - counts, ends, strict=True):
        for row, exact in enumerate(coefficients[:, start:end]):
            order = np.argsort(exact, kind="stable")
            so_far = np.rint(np.cumsum(exact[order]))
            made[row, start + order] = np.diff(so_far, prepend=0.0)
    return made


def _coefficient_scale(
    matrix: FloatArray, bias: FloatArray, rule: Verdict, *, is_signed: bool
) -> tuple[int, float]:
    """(log2 of the sums' scale over the grid, factor of the coefficients)."""
    # Where kernels are positive, the sum lies between all positive and all negative coefficients; only it,
    # not what it is on the way, must fit.
    bound = np.maximum(np.clip(matrix, 0, None).sum(axis=1), np.clip(-matrix, 0, None).sum(axis=1))
    bound = (np.abs(matrix).sum(axis=1) if is_signed else bound) + np.abs(bias)
    largest = max(float(bound.max(initial=0.0)), 1e-30)
    grid = verdict.grid(rule)
    scales = [(2.0**31 - 1 - 2.0**15 * (matrix.shape[1] + 2)) / largest, 2.0**40]
    coefficient = float(np.abs(matrix).max(initial=0.0))
    if coefficient:
        scales.append(32767.49 * 32768 / coefficient)
    log2_scale = int(np.floor(np.log2(min(scales) / grid)))
    return log2_scale, grid * 2.0**log2_scale / 32768


def predict(
    lowered: KernelIntegers, X: npt.NDArray[np.int16]
) -> tuple[npt.NDArray[np.int16], npt.NDArray[np.int32]]:
    """Scores int16 (n_rows, n_scores) and winners int32 (n_rows,), as the C must give them."""
    return verdict.judge_integers(lowered.verdict, sums(lowered, X), lowered.log2_scale)


def values(lowered: KernelIntegers, X: npt.NDArray[np.int16]) -> FloatArray:
    """What the sums stand for, float64 (n_rows, n_values), less the verdict's center."""
    return sums(lowered, X) / (verdict.grid(lowered.verdict) * 2.0**lowered.log2_scale)


def sums(lowered: KernelIntegers, X: npt.NDArray[np.int16]) -> IntegerArray:
    """Exact sums int64 (n_rows, n_values)."""
    half = 1 << lowered.factor_shift >> 1
    rows = ((X.astype(np.int64) - lowered.centers) * lowered.factors + half) >> lowered.factor_shift
    rows = np.clip(rows, -32767, 32767)
    dots = rows @ lowered.vectors.T + lowered.bases
    if lowered.function == "rbf":
        norm = _shifted((rows**2).sum(axis=1) * lowered.norm_factor, lowered.norm_shift)
        kernels = _power_q15(np.maximum(norm[:, None] - dots, 0), lowered.log2_dots)
    else:
        shift = lowered.log2_dots - 15
        kernels = _polynomial_q15(np.clip(_shifted(dots, shift), -32767, 32767), lowered.degree)
    found: IntegerArray = kernels @ _matrix(lowered).T + lowered.bias
    return found


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
