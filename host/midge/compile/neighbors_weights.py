"""Nearest neighbours that count by how near they are: weights, shares and margins; the same in integers."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .ir import FloatArray

# As in firmware/native/distance_weights.c.
ROOT_BITS, WEIGHT_BITS = 31, 15
# What a weight of WEIGHT_BITS may be off by, as a part of the largest.
WEIGHT_ERROR = 2.0 ** (1 - WEIGHT_BITS)
# Points beyond the nearest that margins know of, and halvings of the distance that is looked for.
_FURTHER, _HALVINGS = 16, 40

IntegerArray = npt.NDArray[np.int64]


def weights(apart: FloatArray) -> FloatArray:
    """Weights (n_rows, n_neighbors) of distances: 1 / distance; where some are 0, 1 for these and 0 else."""
    at_a_point = apart == 0
    with np.errstate(divide="ignore"):
        made = 1.0 / apart
    return np.asarray(np.where(at_a_point.any(axis=1, keepdims=True), at_a_point, made), np.float64)


def shares(classes: IntegerArray, by: FloatArray, n_classes: int) -> FloatArray:
    """Part of the weights (n_rows, n_neighbors) that each class has: (n_rows, n_classes)."""
    votes = np.zeros((len(classes), n_classes))
    np.add.at(votes, (np.arange(len(classes))[:, None], classes), by)
    return np.asarray(votes / by.sum(axis=1, keepdims=True), np.float64)


def margins(
    apart: FloatArray,
    classes: IntegerArray,
    winners: npt.NDArray[np.intp],
    n_neighbors: int,
    n_classes: int,
) -> FloatArray:
    """How far two distances may move apart before another class may win.

    apart, classes : of all points, (n_rows, n_points), by ascending distance
    """
    last = apart[:, n_neighbors - 1]
    known = min(apart.shape[1], 2 * n_neighbors + _FURTHER)
    # Beyond these points nothing is known.
    most = (apart[:, known - 1] - last) / 2 if known < apart.shape[1] else np.full(len(apart), np.inf)
    most = np.minimum(most, last + 1.0)
    apart, classes = apart[:, :known], classes[:, :known]
    first_out = apart[:, n_neighbors] if known > n_neighbors else np.full(len(apart), np.inf)
    low, high = np.zeros(len(apart)), most
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        is_safe = _lead(apart, classes, winners, (last, first_out), middle, n_classes) > 0
        low, high = np.where(is_safe, middle, low), np.where(is_safe, high, middle)
    return 2 * low


def _lead(
    apart: FloatArray,
    classes: IntegerArray,
    winners: npt.NDArray[np.intp],
    border: tuple[FloatArray, FloatArray],
    moved: FloatArray,
    n_classes: int,
) -> FloatArray:
    """Least weight of the winner less the most of another, where each distance may move by `moved`."""
    last, first_out = border
    off = moved[:, None]
    is_winner = classes == winners[:, None]
    is_sure = (apart <= last[:, None]) & (apart + 2 * off < first_out[:, None])
    least = np.where(is_winner & is_sure, 1.0 / np.maximum(apart + off, 1e-300), 0.0)
    may_be = ~is_winner & (apart <= last[:, None] + 2 * off)
    most = np.where(may_be, 1.0 / np.maximum(apart - off, 1e-300), 0.0)
    others = np.zeros((len(apart), n_classes))
    np.add.at(others, (np.arange(len(apart))[:, None], classes), most)
    rounding = WEIGHT_ERROR * apart.shape[1] / np.maximum(apart[:, 0], 1e-300)
    rounding = np.where(apart[:, 0] > 0, rounding, 0.0)
    return np.asarray(least.sum(axis=1) - others.max(axis=1) - rounding, np.float64)


def integer_weights(apart: IntegerArray, power: int) -> IntegerArray:
    """Weights (n_rows, n_neighbors) of exact distances in ascending order, squared if power is 2."""
    made = np.empty_like(apart)
    for number, row in enumerate(apart.tolist()):
        made[number] = _row_weights(row, power)
    return made


def _row_weights(apart: list[int], power: int) -> list[int]:
    if apart[0] == 0:
        return [(1 << WEIGHT_BITS) * (value == 0) for value in apart]
    bits = ROOT_BITS * power
    shift = max(bits - apart[-1].bit_length(), 0)
    if power == 2:
        roots = [_root(value << (shift & ~1)) for value in apart]
    else:
        roots = [value << shift for value in apart]
    return [(roots[0] << WEIGHT_BITS) // root for root in roots]


def _root(value: int) -> int:
    """floor(sqrt(value)), below 2^62."""
    root = int(np.sqrt(float(value)))
    while root * root > value:
        root -= 1
    while (root + 1) * (root + 1) <= value:
        root += 1
    return root


def integer_shares(
    classes: IntegerArray, by: IntegerArray, n_classes: int
) -> tuple[IntegerArray, IntegerArray]:
    """Sums of weights (n_rows, n_classes), and of all of a row (n_rows,)."""
    votes = np.zeros((len(classes), n_classes), np.int64)
    np.add.at(votes, (np.arange(len(classes))[:, None], classes), by)
    return votes, by.sum(axis=1)


def integer_sum(values: IntegerArray, by: IntegerArray) -> IntegerArray:
    """n_neighbors times the weighted mean of values, rounded towards 0: (n_rows,)."""
    sums = (values * by).sum(axis=1) * values.shape[1]
    return np.asarray(np.sign(sums) * (np.abs(sums) // by.sum(axis=1)), np.int64)
