"""Models whose numbers span too much for int16 weights and kernels: the same IR, computed in float64."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy.typing as npt

from ..errors import ModelError
from . import kinds
from .gaussian import Gaussian
from .ir import Answers, FloatArray, from_json
from .kernel import Kernel
from .linear import Linear
from .net import Net
from .quadratic import Quadratic
from .verdict import Verdict

Inner = Linear | Kernel | Net | Gaussian | Quadratic
INNER_KINDS = ("linear", "kernel", "net", "gaussian", "quadratic")


@dataclass(frozen=True, eq=False)
class Precise:
    """What `inner` computes, in float64 on the board as well."""

    kind: ClassVar[str] = "precise"

    inner: Inner

    @property
    def verdict(self) -> Verdict:
        """What the values mean."""
        return self.inner.verdict

    @property
    def n_features(self) -> int:
        """Features a row."""
        return self.inner.n_features

    @property
    def n_scores(self) -> int:
        """Scores a row."""
        return self.inner.n_scores

    def used_features(self) -> list[int]:
        """Indices of the features that are read, ascending."""
        return self.inner.used_features()

    def select_features(self, kept: Sequence[int]) -> Precise:
        """The same model over the features `kept` alone."""
        return Precise(self.inner.select_features(kept))

    def calibrated(self, X: npt.NDArray[Any]) -> Precise:
        """The same model, told of the rows that it will meet."""
        return Precise(self.inner.calibrated(X))

    def input_epsilon(self) -> float:
        """What an error of half a step in every feature can move the margin by."""
        return self.inner.input_epsilon()

    def rescaled(self, step: FloatArray, offset: FloatArray) -> Precise:
        """The same model over z, where x = z * step + offset."""
        return Precise(self.inner.rescaled(step, offset))

    def to_json(self) -> dict[str, Any]:
        """As it stands in model.json."""
        return {"kind": self.kind, "inner": self.inner.to_json()}


def read(data: Mapping[str, Any]) -> Precise:
    """A model out of its JSON; ModelError unless it is whole."""
    part = data.get("inner")
    if not isinstance(part, dict) or part.get("kind") not in INNER_KINDS:
        raise ModelError("ir: the inner model is missing or not known; is this midge too old for it?")
    inner = from_json(part)
    assert isinstance(inner, Inner)
    return Precise(inner)


def interpret(ir: Precise, X: FloatArray) -> Answers:
    """Scores, winners and margins (in values) of rows of features."""
    answers: Answers = kinds.part(ir.inner.kind, "reference").interpret(ir.inner, X)
    return answers
