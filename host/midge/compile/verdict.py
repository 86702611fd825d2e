"""From the numbers that a model computes to its winner and scores: the rule, in float64 and in integers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import ModelError
from . import exponential
from .ir import Answers, FloatArray

SCORE_SCALE = 32767
MAX_CLASSES = 255
LOG2_E = 1.4426950408889634
# Values closer than this part of themselves are one and the same.
FLOAT_NOISE = 1e-12
# Numbers of regressors that go on beyond the training rows: so many spans from the middle of theirs.
BEYOND = 4.0
# Duels of rows and classes that are looked at together.
DUELS_AT_ONCE = 1_000_000
# Exponent from which on a sigmoid is taken for a power.
VANISHING = 8 << exponential.FRACTION_BITS
# How a winner comes out of the values of a row.
#   highest    : one value a class; the highest wins, the lowest index at a tie
#   sign       : one value; class 1 if it is above 0, else class 0
#   at-least   : one value; class 1 if it is 0 or above, else class 0
#   duels      : one value a pair of classes i < j; above 0 is a vote for i, else for j; most votes win, the
#                lowest index at a tie (libsvm)
#   duels-sum  : the same, but a tie goes to the higher sum of values (scikit-learn's break_ties)
#   value      : no classes; the value is the answer
DECIDES = ("highest", "sign", "at-least", "duels", "duels-sum", "value")
SIGNS = ("sign", "at-least")
# What the scores are.
#   softmax, sigmoid : probabilities (sigmoid: of each class against the rest, divided by their sum)
#   decision         : values, 1.0 = `unit`; with one value, of class 0 its negative
#   votes            : share of the duels that a class won
#   share            : the values, which are probabilities
#   value            : (value - center) / unit
SCORES = ("softmax", "sigmoid", "decision", "votes", "share", "value")
_FITTING = {
    "highest": ("softmax", "sigmoid", "decision", "share"),
    "sign": ("sigmoid", "decision"),
    "at-least": ("sigmoid", "decision"),
    "duels": ("votes", "decision"),
    "duels-sum": ("votes",),
    "value": ("value",),
}

IntegerArray = npt.NDArray[np.int64]
Int16Array = npt.NDArray[np.int16]


@dataclass(frozen=True)
class Verdict:
    """How values become an answer.

    n_classes : 0 for 'value'
    unit, center : what a score of 1.0 and of 0 stand for, where scores are 'decision' or 'value'; a unit of 0
        is not known yet
    """

    decide: str
    scores: str
    n_classes: int
    unit: float = 0.0
    center: float = 0.0

    @property
    def n_values(self) -> int:
        """Values a row."""
        if self.decide == "highest":
            return self.n_classes
        return self.n_classes * (self.n_classes - 1) // 2 if self.decide.startswith("duels") else 1

    @property
    def n_scores(self) -> int:
        """Scores a row."""
        return self.n_classes or 1

    def calibrated(self, values: FloatArray, beyond: float = 1.0) -> Verdict:
        """The same, with a unit that covers `values` (n_rows, n_values) if there is none yet.

        beyond : numbers of a regressor may lie so many spans of `values` from their middle
        """
        if self.unit or self.scores not in ("decision", "value") or not values.size:
            return self
        low, high = float(values.min()), float(values.max())
        if self.scores == "value":
            # What float64 rounds off a constant is no span.
            span = high - low if high - low > FLOAT_NOISE * max(abs(low), abs(high)) else 0.0
            return replace(self, center=(low + high) / 2, unit=beyond * span or abs(high) or 1.0)
        return replace(self, unit=max(abs(low), abs(high)) or 1.0)

    def judge(self, values: FloatArray) -> Answers:
        """Answers for rows of values (n_rows, n_values)."""
        winners, margins = self._decide(values)
        return Answers(self._scores(values), winners, margins)

    def _decide(self, values: FloatArray) -> tuple[npt.NDArray[np.intp], FloatArray]:
        if self.decide == "highest":
            top = np.partition(values, -2, axis=1) if self.n_classes > 1 else values
            margins = top[:, -1] - top[:, -2] if self.n_classes > 1 else np.ones(len(values))
            return np.argmax(values, axis=1), margins
        if self.decide == "sign":
            return (values[:, 0] > 0).astype(np.intp), np.abs(values[:, 0])
        if self.decide == "at-least":
            return (values[:, 0] >= 0).astype(np.intp), np.abs(values[:, 0])
        if self.decide == "value":
            return np.zeros(len(values), np.intp), np.ones(len(values))
        votes = count_votes(values, self.n_classes)
        if self.decide == "duels-sum":
            sums = duel_sums(values, self.n_classes)
            leads = votes == votes.max(axis=1, keepdims=True)
            winners = np.argmax(np.where(leads, sums, -np.inf), axis=1)
            return winners, duel_margins(values, votes, winners, sums)
        winners = np.argmax(votes, axis=1)
        return winners, duel_margins(values, votes, winners)

    def _scores(self, values: FloatArray) -> FloatArray:  # noqa: PLR0911
        if self.scores == "softmax":
            powers = np.exp(values - values.max(axis=1, keepdims=True))
            return np.asarray(powers / powers.sum(axis=1, keepdims=True), np.float64)
        if self.scores == "sigmoid":
            share = np.exp(-np.logaddexp(0.0, -values))
            if self.decide in SIGNS:
                return np.hstack([1.0 - share, share])
            total = share.sum(axis=1, keepdims=True)
            return np.where(total > 0, share / np.where(total > 0, total, 1.0), 1.0 / self.n_classes)
        if self.scores == "share":
            return values
        if self.scores == "votes":
            return np.asarray(count_votes(values, self.n_classes) / max(self.n_classes - 1, 1), np.float64)
        part = np.clip((values - self.center) / (self.unit or 1.0), -1.0, 1.0)
        if self.decide in SIGNS:
            return np.hstack([-part, part])
        return np.hstack([part, -part]) if self.decide == "duels" else part

    def to_json(self) -> dict[str, Any]:
        """As it stands in model.json, among the keys of the IR."""
        return {
            "decide": self.decide,
            "scores": self.scores,
            "n_classes": self.n_classes,
            "unit": self.unit,
            "center": self.center,
        }


def read(data: Mapping[str, Any]) -> Verdict:
    """The verdict among the keys of an IR's JSON; ModelError unless it is whole."""
    decide, scores, n_classes = data.get("decide"), data.get("scores"), data.get("n_classes")
    unit, center = data.get("unit", ""), data.get("center", "")
    if decide not in DECIDES or scores not in _FITTING[decide]:
        raise ModelError(f"ir: {decide!r} with scores {scores!r} is not known; is this midge too old for it?")
    if not isinstance(n_classes, int) or not (
        n_classes == 0 if decide == "value" else 2 <= n_classes <= MAX_CLASSES
    ):
        raise ModelError(f"ir: {n_classes!r} classes; midge takes 2…{MAX_CLASSES}")
    if not all(isinstance(x, int | float) and abs(x) < 1e300 for x in (unit, center)) or unit < 0:
        raise ModelError("ir: unit or center is not a number; train the model again")
    if scores == "decision" and decide == "duels" and n_classes != 2:
        raise ModelError("ir: decision scores of duels are for two classes; train the model again")
    return Verdict(decide, scores, n_classes, float(unit), float(center))


def pairs(n_classes: int) -> list[tuple[int, int]]:
    """The duels in the order of their values."""
    return [(i, j) for i in range(n_classes) for j in range(i + 1, n_classes)]


def count_votes(values: npt.NDArray[Any], n_classes: int) -> IntegerArray:
    """Duels won, int64 (n_rows, n_classes)."""
    votes = np.zeros((len(values), n_classes), np.int64)
    for column, (i, j) in enumerate(pairs(n_classes)):
        wins = values[:, column] > 0
        votes[:, i] += wins
        votes[:, j] += ~wins
    return votes


def duel_margins(
    values: FloatArray,
    votes: IntegerArray,
    winners: npt.NDArray[np.intp],
    sums: FloatArray | None = None,
) -> FloatArray:
    """How far each value may move before another class may win: (n_rows,).

    A rival needs as many duels as the winner leads by, of those that it lost and those that the winner won
    (the one between both counts twice), and then the tie: the lower index has it or, with `sums`, the
    higher sum.
    """
    n_rows, n_classes = votes.shape
    margins = np.full(n_rows, np.inf)
    batch = max(1, DUELS_AT_ONCE // n_classes**2)
    for at in range(0, n_rows, batch):
        own = slice(at, at + batch)
        leader, rows = winners[own], np.arange(len(winners[own]))
        size, wins = _duel_table(values[own], n_classes)
        won = np.where(wins[rows, leader], size[rows, leader], np.inf)
        for rival in range(n_classes):
            lost = np.where(wins[:, rival], np.inf, size[:, rival])
            moves = np.sort(np.concatenate([np.zeros((len(rows), 1)), won, lost], axis=1), axis=1)
            behind = votes[own][rows, leader] - votes[own, rival]
            if sums is None:
                found = moves[rows, behind + (leader < rival)]
            else:
                # Each sum is of n_classes - 1 values.
                gap = (sums[own][rows, leader] - sums[own, rival]) / (2 * (n_classes - 1))
                found = np.minimum(moves[rows, behind + 1], np.maximum(moves[rows, behind], gap))
            margins[own] = np.minimum(margins[own], np.where(leader == rival, np.inf, found))
    return margins


def _duel_table(values: FloatArray, n_classes: int) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
    """|value| of class i against j, infinite of a class against itself, and whether i wins."""
    size = np.full((len(values), n_classes, n_classes), np.inf)
    wins = np.zeros(size.shape, bool)
    for column, (i, j) in enumerate(pairs(n_classes)):
        size[:, i, j] = size[:, j, i] = np.abs(values[:, column])
        wins[:, i, j] = values[:, column] > 0
        wins[:, j, i] = ~wins[:, i, j]
    return size, wins


def duel_sums(values: npt.NDArray[Any], n_classes: int) -> npt.NDArray[Any]:
    """Sums of a class's values, those of its lost duels negative: (n_rows, n_classes)."""
    sums = np.zeros((len(values), n_classes), values.dtype)
    for column, (i, j) in enumerate(pairs(n_classes)):
        sums[:, i] += values[:, column]
        sums[:, j] -= values[:, column]
    return sums


def grid(verdict: Verdict) -> float:
    """Integer steps per unit of value, times a power of two: scores then come from sums by shifts alone."""
    if verdict.scores in ("softmax", "sigmoid"):
        return LOG2_E
    if verdict.scores in ("decision", "value"):
        return SCORE_SCALE / (verdict.unit or 1.0)
    return 1.0


def judge_integers(
    verdict: Verdict, sums: IntegerArray, log2_scale: int
) -> tuple[Int16Array, npt.NDArray[np.int32]]:
    """Scores int16 and winners int32 of exact sums (n_rows, n_values): what the C computes.

    sums : values times grid(verdict) times 2^log2_scale; of a 'value', less its center
    """
    decide, n_classes = verdict.decide, verdict.n_classes
    if decide == "highest":
        winners = np.argmax(sums, axis=1)
    elif decide == "sign":
        winners = (sums[:, 0] > 0).astype(np.intp)
    elif decide == "at-least":
        winners = (sums[:, 0] >= 0).astype(np.intp)
    elif decide == "value":
        winners = np.zeros(len(sums), np.intp)
    else:
        votes = count_votes(sums, n_classes)
        if decide == "duels-sum":
            leads = votes == votes.max(axis=1, keepdims=True)
            votes = np.where(leads, duel_sums(sums, n_classes), np.iinfo(np.int64).min)
        winners = np.argmax(votes, axis=1)
    return _integer_scores(verdict, sums, log2_scale), winners.astype(np.int32)


def _integer_scores(verdict: Verdict, sums: IntegerArray, log2_scale: int) -> Int16Array:
    if verdict.scores == "votes":
        worth = SCORE_SCALE // max(verdict.n_classes - 1, 1)
        return (count_votes(sums, verdict.n_classes) * worth).astype(np.int16)
    if verdict.scores == "softmax":
        best = sums.max(axis=1, keepdims=True)
        return exponential.softmax(exponential.exponent(best - sums, log2_scale))
    if verdict.scores == "sigmoid":
        shares = exponential.sigmoid(sums, log2_scale)
        if verdict.decide in SIGNS:
            return np.hstack([SCORE_SCALE - shares, shares]).astype(np.int16)
        best = sums.max(axis=1, keepdims=True)
        # Far below 0 all shares vanish, and their ratios are those of the powers.
        vanish = exponential.exponent(np.maximum(-best, 0), log2_scale) > VANISHING
        powers = exponential.softmax(exponential.exponent(best - sums, log2_scale))
        return np.where(vanish, powers, exponential.normalised(shares))
    part = np.clip(_shift_right(sums, log2_scale), -SCORE_SCALE, SCORE_SCALE)
    if verdict.decide in SIGNS:
        part = np.hstack([-part, part])
    elif verdict.decide == "duels":
        part = np.hstack([part, -part])
    return part.astype(np.int16)


def _shift_right(values: IntegerArray, count: int) -> IntegerArray:
    if count >= 0:
        return values >> min(count, 62)
    # Beyond full scale anyway: clipped first, so that the shift can't overflow.
    return np.clip(values, -SCORE_SCALE, SCORE_SCALE) << min(-count, 16)
