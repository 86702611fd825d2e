"""Support-vector machines with a kernel: the IR and its float64 reference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from ..errors import ModelError
from . import verdict
from .ir import Answers, FloatArray, IntArray, read_array
from .verdict import BEYOND, Verdict

FUNCTIONS = ("rbf", "poly")
# Sizes that rows to come may have more of than the training rows.
ROWS_TO_COME = 1.5
_SIZES = ("weighed", "kernels", "slope", "stretch")
# Rows of a reference that are computed at once.
_BATCH = 256


@dataclass(frozen=True, eq=False)
class Kernel:
    """values = Σ coefficients · K(x, vectors) + bias.

    rbf : K = exp(-gamma Σ metric (x - v)²);  poly : K = (gamma (x · v + offset) + coef0)^degree
    vectors : float64 (n_vectors, n_features), class after class: `counts` (n_groups,)
    coefficients : float64 (n_rows, n_vectors); with classes i < j, value (i, j) adds row j - 1 over
        the vectors of i and row i over those of j, as libsvm has it; with one group, row 0
    metric : float64 (n_features,);  offsets : float64 (n_vectors,)
    reach : largest |gamma (x · v + offset) + coef0| of the training rows, 0 if not known
    weighed, kernels : largest Σ |coefficient · K| and Σ |K| of a value and a training row, 0 if not known
    slope, stretch : the same of |coefficient| times what K changes by with the distance (half of it) or the
        argument; with a factor on the squared distance
    """

    kind: ClassVar[str] = "kernel"

    function: str
    gamma: float
    coef0: float
    degree: int
    vectors: FloatArray
    coefficients: FloatArray
    counts: IntArray
    bias: FloatArray
    metric: FloatArray
    offsets: FloatArray
    verdict: Verdict
    low: FloatArray
    high: FloatArray
    reach: float = 0.0
    weighed: float = 0.0
    kernels: float = 0.0
    slope: float = 0.0
    stretch: float = 0.0

    @property
    def n_features(self) -> int:
        """Features a row."""
        return int(self.vectors.shape[1])

    @property
    def n_scores(self) -> int:
        """Scores a row."""
        return self.verdict.n_scores

    def used_features(self) -> list[int]:
        """Indices of the features that are read, ascending."""
        is_used = self.metric > 0 if self.function == "rbf" else self.vectors.any(axis=0)
        return np.flatnonzero(is_used).tolist()

    def select_features(self, kept: Sequence[int]) -> Kernel:
        """The same model over the features `kept` alone."""
        columns = list(kept)
        return replace(
            self,
            vectors=self.vectors[:, columns],
            metric=self.metric[columns],
            low=self.low[columns],
            high=self.high[columns],
        )

    def rescaled(self, step: FloatArray, offset: FloatArray) -> Kernel:
        """The same model over z, where x = z * step + offset."""
        low, high = (self.low - offset) / step, (self.high - offset) / step
        if self.function == "rbf":
            return replace(
                self,
                vectors=(self.vectors - offset) / step,
                metric=self.metric * step**2,
                low=low,
                high=high,
            )
        return replace(
            self,
            vectors=self.vectors * step,
            offsets=self.offsets + self.vectors @ offset,
            low=low,
            high=high,
        )

    def widened(self, n_features: int, columns: Sequence[int]) -> Kernel:
        """The same model over n_features features, of which it reads `columns`."""

        def spread(values: FloatArray) -> FloatArray:
            made = np.zeros((*values.shape[:-1], n_features))
            made[..., list(columns)] = values
            return made

        return replace(
            self,
            vectors=spread(self.vectors),
            metric=spread(self.metric),
            low=spread(self.low),
            high=spread(self.high),
        )

    def calibrated(self, X: npt.NDArray[Any]) -> Kernel:
        """The same model with the range of X (n_rows, n_features) and a unit of scores."""
        rows = np.asarray(X, np.float64)
        if not len(rows):
            return self
        is_poly = self.function == "poly"
        reach = float(np.abs(self.arguments(rows)).max()) if is_poly else 0.0
        weighed, kernels, slope, stretch = _sizes(self, rows)
        return replace(
            self,
            low=rows.min(axis=0),
            high=rows.max(axis=0),
            verdict=self.verdict.calibrated(values(self, rows), BEYOND if is_poly else 1.0),
            reach=reach,
            weighed=weighed,
            kernels=kernels,
            slope=slope,
            stretch=stretch,
        )

    def input_epsilon(self) -> float:
        """What an error of half a step in every feature can move the margin by, near the training rows."""
        if self.function == "rbf":
            # |dK| = 2 gamma K |apart · dx|, and Cauchy's inequality; or the steepest place of a Gaussian.
            metric = float(self.metric.sum())
            moved = ROWS_TO_COME * (self.slope * np.sqrt(metric) + self.weighed * self.gamma * metric / 2)
            worst = np.sqrt(2 * self.gamma / np.e * metric / 4) * self.largest_weight()
        else:
            apart = self.gamma * float((np.abs(self.vectors).sum(axis=1) * 0.5).max(initial=0.0))
            moved = ROWS_TO_COME * self.slope * apart
            worst = self.degree * self.reach ** (self.degree - 1) * apart * self.largest_weight()
        return float(min(moved, worst) if self.weighed else worst)

    def arguments(self, X: FloatArray) -> FloatArray:
        """What the polynomial is of: (n_rows, n_vectors)."""
        return np.asarray(self.gamma * (X @ self.vectors.T + self.offsets) + self.coef0, np.float64)

    def values_matrix(self) -> FloatArray:
        """Coefficients as (n_values, n_vectors): most are 0 with more than two classes."""
        ends = np.cumsum(self.counts)
        starts = ends - self.counts
        made = np.zeros((self.verdict.n_values, len(self.vectors)))
        if len(self.counts) == 1:
            made[0] = self.coefficients[0]
            return made
        for number, (i, j) in enumerate(verdict.pairs(len(self.counts))):
            made[number, starts[i] : ends[i]] = self.coefficients[j - 1, starts[i] : ends[i]]
            made[number, starts[j] : ends[j]] = self.coefficients[i, starts[j] : ends[j]]
        return made

    def largest_weight(self) -> float:
        """Σ |coefficient| of the value with the most of it."""
        return float(np.abs(self.values_matrix()).sum(axis=1).max(initial=0.0))

    def to_json(self) -> dict[str, Any]:
        """As it stands in model.json."""
        plain = ("function", "gamma", "coef0", "degree", "reach", *_SIZES)
        arrays = ("vectors", "coefficients", "counts", "bias", "metric", "offsets", "low", "high")
        return {
            "kind": self.kind,
            **self.verdict.to_json(),
            **{name: getattr(self, name) for name in plain},
            **{name: getattr(self, name).tolist() for name in arrays},
        }


def read(data: Mapping[str, Any]) -> Kernel:
    """A support-vector machine out of its JSON; ModelError unless it is whole."""
    rule = verdict.read(data)
    numbers = {name: data.get(name) for name in ("gamma", "coef0", "degree", "reach")}
    # Files from before have none.
    numbers |= {name: data.get(name, 0.0) for name in _SIZES}
    function = data.get("function")
    is_number = all(isinstance(x, int | float) and abs(x) < 1e300 for x in numbers.values())
    if function not in FUNCTIONS or not is_number or numbers["degree"] not in range(9):
        raise ModelError("ir: the kernel is not known or has no numbers; train the model again")
    vectors, coefficients = (
        read_array(data, name, np.float64, 2, "ir") for name in ("vectors", "coefficients")
    )
    counts = read_array(data, "counts", np.int32, 1, "ir")
    bias, metric, offsets, low, high = (
        read_array(data, name, np.float64, 1, "ir") for name in ("bias", "metric", "offsets", "low", "high")
    )
    n_vectors, n_features = vectors.shape
    groups = rule.n_classes if rule.decide.startswith("duels") else 1
    fits = (
        coefficients.shape == (max(groups - 1, 1), n_vectors)
        and len(counts) == groups
        and (counts >= 0).all()
        and counts.sum() == n_vectors == len(offsets)
        and len(bias) == rule.n_values
        and len(metric) == len(low) == len(high) == n_features <= 32767
        and (metric >= 0).all()
        and (low <= high).all()
    )
    if not fits:
        raise ModelError("ir: the arrays of the kernel machine don't fit each other; train the model again")
    return Kernel(
        str(function),
        float(numbers["gamma"] or 0),
        float(numbers["coef0"] or 0),
        int(numbers["degree"] or 0),
        vectors,
        coefficients,
        counts,
        bias,
        metric,
        offsets,
        rule,
        low,
        high,
        float(numbers["reach"] or 0),
        **{name: float(numbers[name] or 0) for name in _SIZES},
    )


def values(ir: Kernel, X: FloatArray) -> FloatArray:
    """Values (n_rows, n_values) of rows of features."""
    weights = ir.values_matrix().T
    parts = [similarities(ir, X[at : at + _BATCH]) @ weights + ir.bias for at in range(0, len(X), _BATCH)]
    return np.concatenate(parts) if parts else np.zeros((0, ir.verdict.n_values))


def _sizes(ir: Kernel, X: FloatArray) -> list[float]:
    """`weighed`, `kernels`, `slope` and `stretch` of rows X (n_rows, n_features)."""
    weights = np.abs(ir.values_matrix()).T
    made = [0.0] * len(_SIZES)
    for at in range(0, len(X), _BATCH):
        rows = X[at : at + _BATCH]
        size = np.abs(similarities(ir, rows))
        if ir.function == "rbf":
            exponent = -np.log(np.maximum(size, 1e-300))
            # gamma K times the distance.
            steep, stretched = size * np.sqrt(ir.gamma * exponent), size * exponent
        else:
            steep, stretched = ir.degree * np.abs(ir.arguments(rows)) ** (ir.degree - 1), 0 * size
        parts = (size @ weights, size @ (weights > 0), steep @ weights, stretched @ weights)
        made = [max(most, float(part.max(initial=0.0))) for most, part in zip(made, parts, strict=True)]
    return made


def similarities(ir: Kernel, X: FloatArray) -> FloatArray:
    """K of rows of features and all vectors: (n_rows, n_vectors)."""
    if ir.function == "poly":
        return np.asarray(ir.arguments(X) ** ir.degree, np.float64)
    # Around the vectors' middle, so that little cancels.
    root, middle = np.sqrt(ir.metric), ir.vectors.mean(axis=0)
    rows, vectors = (X - middle) * root, (ir.vectors - middle) * root
    squares = (rows**2).sum(axis=1)[:, None] + (vectors**2).sum(axis=1)
    return np.asarray(np.exp(-ir.gamma * np.maximum(squares - 2 * rows @ vectors.T, 0)), np.float64)


def interpret(ir: Kernel, X: FloatArray) -> Answers:
    """Scores, winners and margins (in values) of rows of features."""
    return ir.verdict.judge(values(ir, X))
