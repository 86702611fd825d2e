"""Linear maps in front of models in integers: int16 weights, sums that are exact for every row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from . import kinds
from .projected import FINE_BITS, INT16_MAX, INT16_MIN, Projected, fraction_bits

IntegerArray = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Rows:
    """weights · x + bias, exact.

    weights : int64 (n_inner, n_features), within int16;  bias : int64 (n_inner,), within int32
    limit : sums fit int32 for rows within ±limit
    """

    weights: IntegerArray
    bias: IntegerArray

    @property
    def limit(self) -> int:
        """Sums fit int32 for rows within ±limit."""
        room = (2**31 - 1 - np.abs(self.bias)) // np.maximum(np.abs(self.weights).sum(axis=1), 1)
        return int(np.clip(room.min(), 0, 32768))


@dataclass(frozen=True, eq=False)
class ProjectedIntegers:
    """A projected model as the C computes it: inner(sums >> shift), saturated to int16.

    rows : sums, half a step included
    fine : the same of lower halves, if there are: sums = (rows << FINE_BITS) + fine
    shift : int64 (n_inner,)
    kind, inner : the inner model's kind of IR, and it lowered
    """

    rows: Rows
    fine: Rows | None
    shift: IntegerArray
    kind: str
    inner: Any
    epsilon: float


def lower(ir: Projected) -> ProjectedIntegers:
    """The matrix as it stands in the IR, and the inner model as its own kind is lowered."""
    shift, is_fine = fraction_bits(ir.matrix, ir.offset)
    weights = np.rint(ir.matrix * 2.0 ** shift[:, None]).astype(np.int64)
    half = np.where(shift > 0, np.int64(1) << np.maximum(shift - 1, 0), 0)
    bias = np.rint(ir.offset * 2.0**shift).astype(np.int64) + half
    rows, fine = Rows(weights, bias), None
    if is_fine:
        upper = (weights + (1 << FINE_BITS >> 1)) >> FINE_BITS
        upper_bias = bias >> FINE_BITS
        rows = Rows(upper, upper_bias)
        fine = Rows(weights - (upper << FINE_BITS), bias - (upper_bias << FINE_BITS))
    inner = kinds.part(ir.inner.kind, "lowering").lower(ir.inner)
    return ProjectedIntegers(rows, fine, shift, ir.inner.kind, inner, inner.epsilon + ir.slack_epsilon())


def project(lowered: ProjectedIntegers, X: npt.NDArray[np.int16]) -> npt.NDArray[np.int16]:
    """What the inner model reads, int16 (n_rows, n_inner)."""
    values = X.astype(np.int64)
    sums = values @ lowered.rows.weights.T + lowered.rows.bias
    if lowered.fine is not None:
        sums = (sums << FINE_BITS) + values @ lowered.fine.weights.T + lowered.fine.bias
    found: npt.NDArray[np.int16] = np.clip(sums >> lowered.shift, INT16_MIN, INT16_MAX).astype(np.int16)
    return found


def predict(
    lowered: ProjectedIntegers, X: npt.NDArray[np.int16]
) -> tuple[npt.NDArray[np.int16], npt.NDArray[np.int32]]:
    """Scores int16 (n_rows, n_scores) and winners int32 (n_rows,), as the C must give them."""
    lowering = kinds.part(lowered.kind, "lowering")
    scores, winners = lowering.predict(lowered.inner, project(lowered, X))
    return scores, winners
