"""Linear models in integers: int16 weights, sums that are exact for every row, and their bound of error."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from . import verdict
from .ir import FloatArray
from .linear import Linear, spread
from .verdict import Verdict

WEIGHT_LIMIT = 32767
INT32_LIMIT = 2**31 - 1
# Rows may lie this much further out than the training rows before sums need 64 bits.
HEADROOM = 2.0
FLOAT_SLACK = 1e-12

IntegerArray = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class LinearIntegers:
    """A linear model as the C computes it: sums = weights · x + bias, exact; then `verdict.judge_integers`.

    weights : int64 (n_values, n_features), within int16;  bias : int64 (n_values,), within int32
    log2_scale : sums are values · grid(verdict) · 2^log2_scale
    limit : sums fit int32 for rows within ±limit; 32768 means for every row
    epsilon : rows in the range of the training rows with a larger margin have the same winner as the IR
    """

    weights: IntegerArray
    bias: IntegerArray
    verdict: Verdict
    log2_scale: int
    limit: int
    epsilon: float


def lower(ir: Linear) -> LinearIntegers:
    """The weights as large as int16, and sums of rows like the training rows as large as int32, allow."""
    rule = ir.verdict
    # Sums of a 'value' are less its center, so that a score is a sum shifted.
    bias = ir.bias - rule.center
    grid = verdict.grid(rule)
    reach = HEADROOM * np.maximum(np.abs(ir.low), np.abs(ir.high))
    anywhere = _log2_scale(ir.weights * grid, bias * grid, np.full(ir.n_features, 32768.0))
    nearby = _log2_scale(ir.weights * grid, bias * grid, np.minimum(reach, 32768.0))
    log2_scale = anywhere if anywhere >= nearby - 1 else nearby
    scale = grid * 2.0**log2_scale
    weights = np.rint(ir.weights * scale).astype(np.int64)
    whole_bias = np.rint(bias * scale).astype(np.int64)
    off = np.column_stack([ir.weights - weights / scale, bias - whole_bias / scale])
    size = np.append(np.maximum(np.abs(ir.low), np.abs(ir.high)), 1.0)
    values = np.abs(np.column_stack([ir.weights, bias])) @ size
    epsilon = spread(off, size, rule) + FLOAT_SLACK * (1 + float(values.max(initial=0.0)))
    return LinearIntegers(weights, whole_bias, rule, log2_scale, _limit(weights, whole_bias), epsilon)


def _log2_scale(weights: FloatArray, bias: FloatArray, reach: FloatArray) -> int:
    """The largest power of two by which weights and bias can be multiplied, and be rounded."""
    # Rounding adds half a step a weight.
    room = INT32_LIMIT - 0.5 * float(reach.sum()) - 1
    largest_sum = float((np.abs(weights) @ reach + np.abs(bias)).max(initial=0.0))
    largest_weight = float(np.abs(weights).max(initial=0.0))
    scales = [2.0**30]
    if largest_sum > 0:
        scales.append(max(room, INT32_LIMIT / 4) / largest_sum)
    if largest_weight > 0:
        scales.append((WEIGHT_LIMIT + 0.49) / largest_weight)
    return int(np.floor(np.log2(min(scales))))


def _limit(weights: IntegerArray, bias: IntegerArray) -> int:
    room = INT32_LIMIT - np.abs(bias)
    return int(min(32768, (room // np.maximum(np.abs(weights).sum(axis=1), 1)).min()))


def predict(
    lowered: LinearIntegers, X: npt.NDArray[np.int16]
) -> tuple[npt.NDArray[np.int16], npt.NDArray[np.int32]]:
    """Scores int16 (n_rows, n_scores) and winners int32 (n_rows,), as the C must give them."""
    return verdict.judge_integers(lowered.verdict, sums(lowered, X), lowered.log2_scale)


def values(lowered: LinearIntegers, X: npt.NDArray[np.int16]) -> FloatArray:
    """What the sums stand for, float64 (n_rows, n_values), less the verdict's center."""
    return sums(lowered, X) / (verdict.grid(lowered.verdict) * 2.0**lowered.log2_scale)


def sums(lowered: LinearIntegers, X: npt.NDArray[np.int16]) -> IntegerArray:
    """Exact sums int64 (n_rows, n_values)."""
    found: IntegerArray = X.astype(np.int64) @ lowered.weights.T + lowered.bias
    return found
