"""Nearest neighbours in integers: int16 points, distances that are exact for every row."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from . import neighbors_weights, verdict
from .ir import FloatArray
from .neighbors import Neighbors, count
from .verdict import SCORE_SCALE, Verdict

# Rows may lie this much further out than the training rows before they saturate.
HEADROOM = 2.0
INT16_LIMIT = 32767
INT32_LIMIT = 2**31 - 1
# A sum of targets, and its difference from others, fit int32.
TARGET_LIMIT = 2**30
FLOAT_SLACK = 1e-12

IntegerArray = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class NeighborsIntegers:
    """Nearest neighbours as the C computes them.

    y = x, or with factors ((x - centers) factors + half) >> factor_shift, saturated to ±32767.
    power 2 : closeness = 2 points · y - |point|², exact;  power 1 : -Σ |y - point|
    The n_neighbors points with the highest closeness are taken, the first ones among equals.

    narrow : where all |y| are at most this, closeness fits int32; 32768 means for every row
    targets : int64 (n_points,), classes, or shares of the sum of a regressor, which begins with `bias`
    """

    points: IntegerArray
    targets: IntegerArray
    n_neighbors: int
    power: int
    centers: IntegerArray | None
    factors: IntegerArray | None
    factor_shift: int
    narrow: int
    bias: int
    verdict: Verdict
    log2_scale: int
    epsilon: float
    by_distance: bool = False


def lower(ir: Neighbors) -> NeighborsIntegers:
    """Features on one scale; as they are if they have one already."""
    used = ir.metric > 0
    unit = float(ir.metric[used][0]) if used.any() else 1.0
    is_even = bool(np.allclose(ir.metric[used], unit, rtol=1e-9))
    centers = factors = None
    shift = 0
    # Where no point has a coordinate, a row's own moves it as far from one as from another: that is nothing
    # to an order, but much to weights.
    scale = np.where(used, 1.0, 0.0)
    middle = np.zeros(ir.n_features)
    if not is_even:
        middle = np.clip(np.rint((ir.low + ir.high) / 2), -32768, 32767)
        reach = HEADROOM * np.maximum(np.maximum(ir.high - middle, middle - ir.low), 1.0)
        widest = float((ir.metric * reach).max(initial=0.0))
        wanted = ir.metric * (INT16_LIMIT / widest) if widest else ir.metric * 0.0
        largest = float(wanted.max(initial=0.0))
        shift = int(np.clip(np.floor(np.log2(INT16_LIMIT / largest)), 0, 15)) if largest else 0
        factors = np.rint(wanted * 2.0**shift).astype(np.int64)
        centers = middle.astype(np.int64)
        scale = factors / 2.0**shift
        unit = float((scale * ir.metric).sum() / max(float((scale**2).sum()), 1e-300))
    elif ir.by_distance and not used.all():
        factors, centers = used.astype(np.int64), np.zeros(ir.n_features, np.int64)
    exact = (ir.points - middle) * scale
    points = np.clip(np.rint(exact), -INT16_LIMIT - 1, INT16_LIMIT).astype(np.int64)
    targets, bias, log2_scale = _targets(ir)
    error = _error(ir, exact - points, scale, unit, is_scaled=not is_even)
    return NeighborsIntegers(
        points,
        targets,
        ir.n_neighbors,
        ir.power,
        centers,
        factors,
        shift,
        _narrow(points, ir.power),
        bias,
        ir.verdict,
        log2_scale,
        error,
        ir.by_distance,
    )


def _error(ir: Neighbors, off: FloatArray, scale: FloatArray, unit: float, *, is_scaled: bool) -> float:
    """What the difference of two distances may be off by: triangle inequality."""

    def length(apart: FloatArray) -> float:
        sizes = (np.abs(apart) ** ir.power).sum(axis=-1) ** (1 / ir.power)
        return float(np.max(sizes, initial=0.0))

    moved = 2 * length(off * unit)
    reach = np.maximum(ir.high - ir.low, 1.0)
    # Factors that were rounded stretch distances.
    stretched = 2 * length(reach * (ir.metric - scale * unit))
    rounded = 2 * length(np.full(ir.n_features, 0.5 * unit)) if is_scaled else 0.0
    return moved + stretched + rounded + FLOAT_SLACK * length(reach * ir.metric)


def _targets(ir: Neighbors) -> tuple[IntegerArray, int, int]:
    """(targets, bias, log2 of the sums' scale over the grid)."""
    if ir.verdict.decide != "value":
        return ir.targets.astype(np.int64), 0, 0
    shares = (ir.targets - ir.verdict.center) / ir.n_neighbors
    grid = verdict.grid(ir.verdict)
    largest = float(np.abs(shares).max(initial=0.0)) * grid * ir.n_neighbors
    log2_scale = int(np.floor(np.log2(TARGET_LIMIT / largest))) if largest else 0
    log2_scale = min(log2_scale, 15)
    return np.rint(shares * grid * 2.0**log2_scale).astype(np.int64), 0, log2_scale


def _narrow(points: IntegerArray, power: int) -> int:
    if power == 1:
        return 32768
    sizes = np.abs(points).sum(axis=1)
    room = INT32_LIMIT - (points**2).sum(axis=1)
    return int(np.clip((room // np.maximum(2 * sizes, 1)).min(), 0, 32768))


def closeness(lowered: NeighborsIntegers, X: npt.NDArray[np.int16]) -> IntegerArray:
    """Exact closeness (n_rows, n_points)."""
    rows = scaled(lowered, X)
    if lowered.power == 2:
        found: IntegerArray = 2 * (rows @ lowered.points.T) - (lowered.points**2).sum(axis=1)
        return found
    made = np.empty((len(rows), len(lowered.points)), np.int64)
    for number, row in enumerate(rows):
        made[number] = -np.abs(row - lowered.points).sum(axis=1)
    return made


def scaled(lowered: NeighborsIntegers, X: npt.NDArray[np.int16]) -> IntegerArray:
    """Features on the one scale of the points, int64 (n_rows, n_features)."""
    rows = X.astype(np.int64)
    if lowered.factors is None or lowered.centers is None:
        return rows
    half = 1 << lowered.factor_shift >> 1
    rows = ((rows - lowered.centers) * lowered.factors + half) >> lowered.factor_shift
    return np.clip(rows, -INT16_LIMIT, INT16_LIMIT)


def predict(
    lowered: NeighborsIntegers, X: npt.NDArray[np.int16]
) -> tuple[npt.NDArray[np.int16], npt.NDArray[np.int32]]:
    """Scores int16 (n_rows, n_scores) and winners int32 (n_rows,), as the C must give them."""
    close = closeness(lowered, X)
    order = np.argsort(-close, axis=1, kind="stable")[:, : lowered.n_neighbors]
    near = lowered.targets[order]
    if lowered.by_distance:
        return _weighted(lowered, X, near, np.take_along_axis(close, order, axis=1))
    if lowered.verdict.decide == "value":
        sums = near.sum(axis=1)[:, None] + lowered.bias
        return verdict.judge_integers(lowered.verdict, sums, lowered.log2_scale)
    votes = count(near, lowered.verdict.n_classes)
    scores = votes * vote_worth(lowered.n_neighbors) >> 8
    return scores.astype(np.int16), np.argmax(votes, axis=1).astype(np.int32)


def _weighted(
    lowered: NeighborsIntegers, X: npt.NDArray[np.int16], near: IntegerArray, close: IntegerArray
) -> tuple[npt.NDArray[np.int16], npt.NDArray[np.int32]]:
    """Scores and winners of what the nearest stand for, and their closeness."""
    own = (scaled(lowered, X) ** 2).sum(axis=1)[:, None] if lowered.power == 2 else 0
    by = neighbors_weights.integer_weights(own - close, lowered.power)
    if lowered.verdict.decide == "value":
        sums = neighbors_weights.integer_sum(near, by)[:, None]
        return verdict.judge_integers(lowered.verdict, sums, lowered.log2_scale)
    votes, total = neighbors_weights.integer_shares(near, by, lowered.verdict.n_classes)
    scores = votes * SCORE_SCALE // total[:, None]
    return scores.astype(np.int16), np.argmax(votes, axis=1).astype(np.int32)


def vote_worth(n_neighbors: int) -> int:
    """Q15 score of a vote, with 8 more fraction bits."""
    return (SCORE_SCALE << 8) // n_neighbors
