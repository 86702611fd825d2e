"""Squares after a linear map: Gaussians with full covariance, elliptic envelopes; the IR, the reference."""

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


@dataclass(frozen=True, eq=False)
class Quadratic:
    """values[v] = constant[v] - ½ |maps[v] · x + offsets[v]|².

    maps : float64 (n_values, n_rows, n_features);  offsets : float64 (n_values, n_rows)
    constant : float64 (n_values,)
    reach : largest |value| of the training rows, 0 if not known
    """

    kind: ClassVar[str] = "quadratic"

    maps: FloatArray
    offsets: FloatArray
    constant: FloatArray
    verdict: Verdict
    reach: float = 0.0

    @property
    def n_features(self) -> int:
        """Features a row."""
        return int(self.maps.shape[2])

    @property
    def n_scores(self) -> int:
        """Scores a row."""
        return self.verdict.n_scores

    def used_features(self) -> list[int]:
        """Indices of the features that some map reads, ascending."""
        return np.flatnonzero(self.maps.any(axis=(0, 1))).tolist()

    def select_features(self, kept: Sequence[int]) -> Quadratic:
        """The same model over the features `kept` alone."""
        return replace(self, maps=self.maps[:, :, list(kept)])

    def widened(self, n_features: int, columns: Sequence[int]) -> Quadratic:
        """The same model over n_features features, of which it reads `columns`."""
        made = np.zeros((*self.maps.shape[:2], n_features))
        made[:, :, list(columns)] = self.maps
        return replace(self, maps=made)

    def mapped(self, matrix: FloatArray, offset: FloatArray) -> Quadratic:
        """The same model over z, where x = matrix · z + offset: matrix (n_features, n_new)."""
        return replace(self, maps=self.maps @ matrix, offsets=self.offsets + self.maps @ offset)

    def rescaled(self, step: FloatArray, offset: FloatArray) -> Quadratic:
        """The same model over z, where x = z * step + offset."""
        return replace(self, maps=self.maps * step, offsets=self.offsets + self.maps @ offset)

    def calibrated(self, X: npt.NDArray[Any]) -> Quadratic:
        """The same model with a unit of scores that suits the rows of X."""
        rows = np.asarray(X, np.float64)
        if not len(rows):
            return self
        found = values(self, rows)
        return replace(
            self,
            verdict=self.verdict.calibrated(found),
            reach=float(np.abs(found).max()),
        )

    def input_epsilon(self) -> float:
        """What an error of half a step in every feature can move the margin by, two sigmas out."""
        moved = np.abs(self.maps).sum(axis=2) * 0.5
        each = np.sort((2 * moved + 0.5 * moved**2).sum(axis=1))
        return float(each[-2:].sum())

    def to_json(self) -> dict[str, Any]:
        """As it stands in model.json."""
        n_values, n_rows, n_features = self.maps.shape
        return {
            "kind": self.kind,
            **self.verdict.to_json(),
            "maps": self.maps.reshape(n_values * n_rows, n_features).tolist(),
            "offsets": self.offsets.tolist(),
            "constant": self.constant.tolist(),
            "reach": self.reach,
        }


def read(data: Mapping[str, Any]) -> Quadratic:
    """A quadratic model out of its JSON; ModelError unless it is whole."""
    rule = verdict.read(data)
    maps, offsets = (read_array(data, name, np.float64, 2, "ir") for name in ("maps", "offsets"))
    constant = read_array(data, "constant", np.float64, 1, "ir")
    fits = len(constant) == len(offsets) == rule.n_values and offsets.size == len(maps)
    if not fits or not 1 <= maps.shape[1] <= 32767 or rule.decide.startswith("duels"):
        raise ModelError("ir: maps, offsets and constant don't fit each other; train the model again")
    reach = data.get("reach")
    if not isinstance(reach, int | float) or not 0 <= reach < 1e300:
        raise ModelError("ir: reach is not a number; train the model again")
    return Quadratic(maps.reshape(*offsets.shape, maps.shape[1]), offsets, constant, rule, float(reach))


def values(ir: Quadratic, X: FloatArray) -> FloatArray:
    """Values (n_rows, n_values) of rows of features."""
    made = np.empty((len(X), len(ir.constant)))
    for number, (part, offset) in enumerate(zip(ir.maps, ir.offsets, strict=True)):
        made[:, number] = ir.constant[number] - 0.5 * ((X @ part.T + offset) ** 2).sum(axis=1)
    return made


def interpret(ir: Quadratic, X: FloatArray) -> Answers:
    """Scores, winners and margins (in values) of rows of features."""
    return ir.verdict.judge(values(ir, X))
