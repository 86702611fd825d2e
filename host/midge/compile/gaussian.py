"""One Gaussian a class with independent features: the IR and its float64 reference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from ..errors import ModelError
from . import verdict
from .ir import Answers, FloatArray, read_array
from .verdict import Verdict

# Variances from here on say nothing of a feature.
UNREAD = 1e100


@dataclass(frozen=True, eq=False)
class Gaussian:
    """values = constant - ½ Σ (x - mean)² / variance: log-likelihoods with the log of the prior.

    mean, variance : float64 (n_classes, n_features);  constant : float64 (n_classes,)
    low, high : float64 (n_features,), the range of the training rows; None if it is not known
    """

    kind: ClassVar[str] = "gaussian"

    mean: FloatArray
    variance: FloatArray
    constant: FloatArray
    verdict: Verdict
    low: FloatArray | None = None
    high: FloatArray | None = None

    @property
    def n_features(self) -> int:
        """Features a row."""
        return int(self.mean.shape[1])

    @property
    def n_scores(self) -> int:
        """Scores a row."""
        return self.verdict.n_scores

    def used_features(self) -> list[int]:
        """Indices of the features that have a variance, ascending."""
        return np.flatnonzero((self.variance < UNREAD).any(axis=0)).tolist()

    def select_features(self, kept: Sequence[int]) -> Gaussian:
        """The same model over the features `kept`."""
        columns = list(kept)
        low, high = (None if end is None else end[columns] for end in (self.low, self.high))
        return replace(
            self, mean=self.mean[:, columns], variance=self.variance[:, columns], low=low, high=high
        )

    def widened(self, n_features: int, columns: Sequence[int]) -> Gaussian:
        """The same model over n_features features, of which it reads `columns`."""
        mean = np.zeros((len(self.mean), n_features))
        variance = np.full((len(self.mean), n_features), 2 * UNREAD)
        mean[:, list(columns)], variance[:, list(columns)] = self.mean, self.variance
        return replace(self, mean=mean, variance=variance, low=None, high=None)

    def rescaled(self, step: FloatArray, offset: FloatArray) -> Gaussian:
        """The same model over z, where x = z * step + offset."""
        variance = np.where(self.variance < UNREAD, self.variance / step**2, self.variance)
        low, high = (None if end is None else (end - offset) / step for end in (self.low, self.high))
        return replace(self, mean=(self.mean - offset) / step, variance=variance, low=low, high=high)

    def calibrated(self, X: npt.NDArray[Any]) -> Gaussian:
        """The same model, with the range of X."""
        rows = np.asarray(X, np.float64)
        if not len(rows):
            return self
        return replace(self, low=rows.min(axis=0), high=rows.max(axis=0))

    def input_epsilon(self) -> float:
        """What an error of half a step in every feature can move the margin by, two sigmas out."""
        terms = 1.0 / np.sqrt(self.variance) + 0.125 / self.variance
        if self.low is not None and self.high is not None:
            # What is the same in all rows is where steps are counted from.
            terms = np.where(self.high > self.low, terms, 0.0)
        moved = np.sort(terms.sum(axis=1))
        return float(moved[-2:].sum())

    def to_json(self) -> dict[str, Any]:
        """As it stands in model.json."""
        names = ("mean", "variance", "constant", *(("low", "high") if self.low is not None else ()))
        arrays = {name: getattr(self, name).tolist() for name in names}
        return {
            "kind": self.kind,
            **self.verdict.to_json(),
            **arrays,
        }


def read(data: Mapping[str, Any]) -> Gaussian:
    """A Gaussian model out of its JSON; ModelError unless it is whole."""
    rule = verdict.read(data)
    mean, variance = (read_array(data, name, np.float64, 2, "ir") for name in ("mean", "variance"))
    constant = read_array(data, "constant", np.float64, 1, "ir")
    fits = mean.shape == variance.shape and len(mean) == len(constant) == rule.n_values
    if not fits or not 1 <= mean.shape[1] <= 32767 or not (variance > 0).all():
        raise ModelError("ir: mean, variance and constant don't fit each other; train the model again")
    if "low" not in data:
        return Gaussian(mean, variance, constant, rule)
    low, high = (read_array(data, name, np.float64, 1, "ir") for name in ("low", "high"))
    if not len(low) == len(high) == mean.shape[1]:
        raise ModelError("ir: low and high don't fit the features; train the model again")
    return Gaussian(mean, variance, constant, rule, low, high)


def values(ir: Gaussian, X: FloatArray) -> FloatArray:
    """Values (n_rows, n_classes) of rows of features."""
    made = np.empty((len(X), len(ir.mean)))
    for number, (mean, variance) in enumerate(zip(ir.mean, ir.variance, strict=True)):
        made[:, number] = ir.constant[number] - 0.5 * ((X - mean) ** 2 / variance).sum(axis=1)
    return made


def interpret(ir: Gaussian, X: FloatArray) -> Answers:
    """Scores, winners and margins (in values) of rows of features."""
    return ir.verdict.judge(values(ir, X))
