"""Nearest neighbours: the IR and its float64 reference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from ..errors import ModelError
from . import neighbors_weights, verdict
from .ir import Answers, FloatArray, read_array
from .verdict import Verdict

MAX_POINTS = 65535
MAX_NEIGHBORS = 255
# Parts of the size of the training rows: within the one a row is as good as at a point, within the other a
# neighbour counts something beside a point that the row is at.
AT_A_POINT, NEAR_A_POINT = 1e-6, 3e-3
# Rows of a reference that are computed at once.
_BATCH = 64


@dataclass(frozen=True, eq=False)
class Neighbors:
    """Mean of what the `n_neighbors` nearest points stand for, all alike or by how near they are.

    points : float64 (n_points, n_features), in the order in which equally near ones are taken
    targets : float64 (n_points,), class indices, or numbers of a regressor
    power : 1 or 2, distance = (Σ (metric |x - point|)^power)^(1/power)
    metric : float64 (n_features,)
    by_distance : each counts 1 / its distance; where some lie at x itself, these alone
    """

    kind: ClassVar[str] = "neighbors"

    points: FloatArray
    targets: FloatArray
    n_neighbors: int
    power: int
    metric: FloatArray
    verdict: Verdict
    low: FloatArray
    high: FloatArray
    by_distance: bool = False

    @property
    def n_features(self) -> int:
        """Features a row."""
        return int(self.points.shape[1])

    @property
    def n_scores(self) -> int:
        """Scores a row."""
        return self.verdict.n_scores

    def used_features(self) -> list[int]:
        """Indices of the features that distances depend on, ascending."""
        return np.flatnonzero(self.metric > 0).tolist()

    def select_features(self, kept: Sequence[int]) -> Neighbors:
        """The same model over the features `kept` alone."""
        columns = list(kept)
        return replace(
            self,
            points=self.points[:, columns],
            metric=self.metric[columns],
            low=self.low[columns],
            high=self.high[columns],
        )

    def widened(self, n_features: int, columns: Sequence[int]) -> Neighbors:
        """The same model over n_features features, of which it reads `columns`."""

        def spread(values: FloatArray) -> FloatArray:
            made = np.zeros((*values.shape[:-1], n_features))
            made[..., list(columns)] = values
            return made

        return replace(
            self,
            points=spread(self.points),
            metric=spread(self.metric),
            low=spread(self.low),
            high=spread(self.high),
        )

    def rescaled(self, step: FloatArray, offset: FloatArray) -> Neighbors:
        """The same model over z, where x = z * step + offset."""
        return replace(
            self,
            points=(self.points - offset) / step,
            metric=self.metric * step,
            low=(self.low - offset) / step,
            high=(self.high - offset) / step,
        )

    def calibrated(self, X: npt.NDArray[Any]) -> Neighbors:
        """The same model with the range of X (n_rows, n_features) and a unit of scores."""
        rows = np.asarray(X, np.float64)
        if not len(rows):
            return self
        rule = self.verdict
        if rule.decide == "value":
            rule = rule.calibrated(self.targets)
        return replace(self, low=rows.min(axis=0), high=rows.max(axis=0), verdict=rule)

    def row_epsilon(self) -> float:
        """What half a step in each feature of a row can move the difference of two distances by."""
        return float((self.metric**self.power).sum() ** (1 / self.power))

    def input_epsilon(self) -> float:
        """The same where points are rounded as rows are."""
        return 2 * self.row_epsilon()

    def to_json(self) -> dict[str, Any]:
        """As it stands in model.json."""
        arrays = ("points", "targets", "metric", "low", "high")
        return {
            "kind": self.kind,
            **self.verdict.to_json(),
            "n_neighbors": self.n_neighbors,
            "power": self.power,
            # Left out where all are alike, as in files from before there was a choice.
            **({"by_distance": True} if self.by_distance else {}),
            **{name: getattr(self, name).tolist() for name in arrays},
        }


def read(data: Mapping[str, Any]) -> Neighbors:
    """Nearest neighbours out of their JSON; ModelError unless it is whole."""
    rule = verdict.read(data)
    points = read_array(data, "points", np.float64, 2, "ir")
    targets, metric, low, high = (
        read_array(data, name, np.float64, 1, "ir") for name in ("targets", "metric", "low", "high")
    )
    n_points, n_features = points.shape
    n_neighbors, power = data.get("n_neighbors"), data.get("power")
    if not isinstance(n_neighbors, int) or not 1 <= n_neighbors <= min(n_points, MAX_NEIGHBORS):
        raise ModelError(f"ir: {n_neighbors!r} neighbours; midge takes 1…{MAX_NEIGHBORS}")
    if power not in (1, 2) or not 1 <= n_features <= 32767 or n_points > MAX_POINTS:
        raise ModelError("ir: power, or the size of points, is not known; is this midge too old for it?")
    fits = len(targets) == n_points and len(metric) == len(low) == len(high) == n_features
    if not fits or (metric < 0).any() or (low > high).any() or rule.scores not in ("share", "value"):
        raise ModelError("ir: the arrays of the neighbours don't fit each other; train the model again")
    is_class = (targets == np.floor(targets)) & (targets >= 0) & (targets < rule.n_classes)
    if rule.decide != "value" and not is_class.all():
        raise ModelError("ir: targets are not classes; train the model again")
    by_distance = data.get("by_distance", False)
    if not isinstance(by_distance, bool):
        raise ModelError(f"ir: by_distance is {by_distance!r}, not true or false; train the model again")
    return Neighbors(points, targets, n_neighbors, int(power), metric, rule, low, high, by_distance)


def distances(ir: Neighbors, X: FloatArray) -> FloatArray:
    """Distances (n_rows, n_points), by differences: nothing cancels."""
    apart = np.abs(X[:, None, :] - ir.points) * ir.metric
    if ir.power == 1:
        return np.asarray(apart.sum(axis=2))
    return np.asarray(np.sqrt((apart**2).sum(axis=2)))


def interpret(ir: Neighbors, X: FloatArray) -> Answers:
    """Scores, winners and margins of rows: how far distances may move apart before another class may win."""
    scores = np.empty((len(X), ir.n_scores))
    margins = np.empty(len(X))
    for at in range(0, len(X), _BATCH):
        apart = distances(ir, X[at : at + _BATCH])
        order = np.argsort(apart, axis=1, kind="stable")
        near = order[:, : ir.n_neighbors]
        place = slice(at, at + len(apart))
        sorted_apart = np.take_along_axis(apart, order, axis=1)
        weights = neighbors_weights.weights(sorted_apart[:, : ir.n_neighbors])
        if ir.verdict.decide == "value":
            of_near = ir.targets[near]
            means = (
                (of_near * weights).sum(axis=1) / weights.sum(axis=1)
                if ir.by_distance
                else of_near.mean(axis=1)
            )
            scores[place] = ir.verdict.judge(means[:, None]).scores
            margins[place] = 1.0
            continue
        if ir.by_distance:
            classes = ir.targets[order].astype(np.int64)
            shares = neighbors_weights.shares(classes[:, : ir.n_neighbors], weights, ir.n_scores)
            scores[place] = shares
            margins[place] = neighbors_weights.margins(
                sorted_apart, classes, np.argmax(shares, axis=1), ir.n_neighbors, ir.n_scores
            )
            continue
        votes = count(ir.targets[near].astype(np.int64), ir.n_scores)
        scores[place] = votes / ir.n_neighbors
        margins[place] = _margins(sorted_apart, votes, ir.n_neighbors)
    winners = np.argmax(scores, axis=1) if ir.verdict.decide != "value" else np.zeros(len(X), np.intp)
    return Answers(scores, np.asarray(winners, np.intp), margins)


def undecided(ir: Neighbors, X: FloatArray, tolerance: float = 1e-9) -> npt.NDArray[np.bool_]:
    """Rows for which several points are the last of the nearest: which one is taken is anybody's choice."""
    size = float((ir.metric * np.maximum(ir.high - ir.low, 1e-300)).sum())
    found = np.asarray(gaps(ir, X) <= tolerance * size)
    return found | _is_blurred(ir, X, size) if ir.by_distance else found


def _is_blurred(ir: Neighbors, X: FloatArray, size: float) -> npt.NDArray[np.bool_]:
    """Rows at points that some algorithms of scikit-learn find at almost nothing, where it matters."""
    found = np.zeros(len(X), bool)
    for at in range(0, len(X), _BATCH):
        apart = distances(ir, X[at : at + _BATCH])
        nearest = apart.min(axis=1)
        next_one = np.where(apart > 0, apart, np.inf).min(axis=1)
        here = np.where(apart == 0, ir.targets, np.nan)
        differ = (nearest == 0) & (np.fmax.reduce(here, axis=1) > np.fmin.reduce(here, axis=1))
        close = np.where(nearest > 0, AT_A_POINT, NEAR_A_POINT) * size
        found[at : at + _BATCH] = differ | (next_one <= close)
    return found


def gaps(ir: Neighbors, X: FloatArray) -> FloatArray:
    """How much further than the last of the nearest the next one is, (n_rows,); infinite if none is."""
    found = np.full(len(X), np.inf)
    if ir.n_neighbors < len(ir.points):
        for at in range(0, len(X), _BATCH):
            apart = np.sort(distances(ir, X[at : at + _BATCH]), axis=1)
            found[at : at + _BATCH] = apart[:, ir.n_neighbors] - apart[:, ir.n_neighbors - 1]
    return found


def count(classes: npt.NDArray[np.int64], n_classes: int) -> npt.NDArray[np.int64]:
    """Votes (n_rows, n_classes) of the classes (n_rows, n_neighbors) of the nearest points."""
    votes = np.zeros((len(classes), n_classes), np.int64)
    np.add.at(votes, (np.arange(len(classes))[:, None], classes), 1)
    return votes


def _margins(apart: FloatArray, votes: npt.NDArray[np.int64], n_neighbors: int) -> FloatArray:
    """From sorted distances: one more neighbour exchanged moves two votes at most."""
    top = np.sort(votes, axis=1)[:, -2:]
    lead = top[:, 1] - top[:, 0]
    exchanged = np.maximum((lead + 1) // 2, 1)
    first_in, last_out = n_neighbors - exchanged, n_neighbors + exchanged - 1
    rows = np.arange(len(apart))
    possible = (first_in >= 0) & (last_out < apart.shape[1])
    gap = apart[rows, np.minimum(last_out, apart.shape[1] - 1)] - apart[rows, np.maximum(first_in, 0)]
    return np.where(possible, gap, np.inf)
