"""Linear models: the IR and its float64 reference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from ..errors import ModelError
from . import verdict
from .ir import Answers, FloatArray, read_array
from .verdict import BEYOND, Verdict


@dataclass(frozen=True, eq=False)
class Linear:
    """values = weights · x + bias, and what the verdict makes of them.

    weights : float64 (n_values, n_features);  bias : float64 (n_values,)
    low, high : float64 (n_features,), range of the training rows
    """

    kind: ClassVar[str] = "linear"

    weights: FloatArray
    bias: FloatArray
    verdict: Verdict
    low: FloatArray
    high: FloatArray

    @property
    def n_features(self) -> int:
        """Features a row."""
        return int(self.weights.shape[1])

    @property
    def n_scores(self) -> int:
        """Scores a row."""
        return self.verdict.n_scores

    def used_features(self) -> list[int]:
        """Indices of the features with a weight, ascending."""
        return np.flatnonzero(self.weights.any(axis=0)).tolist()

    def select_features(self, kept: Sequence[int]) -> Linear:
        """The same model over the features `kept` alone."""
        columns = list(kept)
        return replace(self, weights=self.weights[:, columns], low=self.low[columns], high=self.high[columns])

    def mapped(self, matrix: FloatArray, offset: FloatArray) -> Linear:
        """The same model over z, where x = matrix · z + offset: matrix (n_features, n_new)."""
        unknown = np.zeros(matrix.shape[1])
        return Linear(
            self.weights @ matrix, self.bias + self.weights @ offset, self.verdict, unknown, unknown
        )

    def widened(self, n_features: int, columns: Sequence[int]) -> Linear:
        """The same model over n_features features, of which it reads `columns`."""
        matrix = np.zeros((self.n_features, n_features))
        matrix[np.arange(self.n_features), list(columns)] = 1.0
        return self.mapped(matrix, np.zeros(self.n_features))

    def rescaled(self, step: FloatArray, offset: FloatArray) -> Linear:
        """The same model over z, where x = z * step + offset."""
        return Linear(
            self.weights * step,
            self.bias + self.weights @ offset,
            self.verdict,
            (self.low - offset) / step,
            (self.high - offset) / step,
        )

    def calibrated(self, X: npt.NDArray[Any]) -> Linear:
        """The same model with the range of X (n_rows, n_features) and a unit of scores."""
        rows = np.asarray(X, np.float64)
        if not len(rows):
            return self
        return replace(
            self,
            low=rows.min(axis=0),
            high=rows.max(axis=0),
            verdict=self.verdict.calibrated(values(self, rows), BEYOND),
        )

    def largest_terms(self) -> float:
        """Σ |terms| of a value, for rows in the range of the training rows: what float64 rounds."""
        size = np.maximum(np.abs(self.low), np.abs(self.high))
        return float((np.abs(self.weights) @ size + np.abs(self.bias)).max())

    def input_epsilon(self) -> float:
        """What an error of half a step in every feature can move the margin by."""
        return spread(self.weights, np.full(self.n_features, 0.5), self.verdict)

    def to_json(self) -> dict[str, Any]:
        """As it stands in model.json."""
        return {
            "kind": self.kind,
            **self.verdict.to_json(),
            "weights": self.weights.tolist(),
            "bias": self.bias.tolist(),
            "low": self.low.tolist(),
            "high": self.high.tolist(),
        }


def spread(weights: FloatArray, errors: FloatArray, rule: Verdict) -> float:
    """Bound of what errors (n_features,) of the features, or 1 of a bias column, move the margin by."""
    if rule.decide == "highest":
        if len(weights) > 64:
            totals = np.sort(np.abs(weights) @ errors)
            return float(totals[-2:].sum())
        return max(float((np.abs(weights - row) @ errors).max()) for row in weights)
    return float((np.abs(weights) @ errors).max(initial=0.0))


def read(data: Mapping[str, Any]) -> Linear:
    """A linear model out of its JSON; ModelError unless it is whole."""
    rule = verdict.read(data)
    weights = read_array(data, "weights", np.float64, 2, "ir")
    bias = read_array(data, "bias", np.float64, 1, "ir")
    low, high = (read_array(data, key, np.float64, 1, "ir") for key in ("low", "high"))
    n_features = weights.shape[1]
    if weights.shape[0] != rule.n_values or len(bias) != rule.n_values or not 1 <= n_features <= 32767:
        raise ModelError("ir: weights or bias don't fit the classes; train the model again")
    if len(low) != n_features or len(high) != n_features or (low > high).any():
        raise ModelError("ir: low and high don't fit the features; train the model again")
    return Linear(weights, bias, rule, low, high)


def values(ir: Linear, X: FloatArray) -> FloatArray:
    """Values (n_rows, n_values) of rows of features."""
    return np.asarray(X @ ir.weights.T + ir.bias, np.float64)


def interpret(ir: Linear, X: FloatArray) -> Answers:
    """Scores, winners and margins (in values) of rows of features."""
    return ir.verdict.judge(values(ir, X))
