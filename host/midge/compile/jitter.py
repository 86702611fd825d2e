"""What rounded features move, measured on the training rows: proofs add up what never comes together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import ModelError
from .ir import FloatArray
from .verdict import Verdict

# Of the largest that was found.
SAFETY = 2.0
# Training rows that are looked at, and how often their features are moved.
MOST_ROWS, TRIES = 512, 4


def measured(rule: Verdict, values: Callable[[FloatArray], FloatArray], X: FloatArray) -> float:
    """Twice what up to half a step in each feature of rows X moved the numbers that decide by, at most."""
    source = np.random.default_rng(len(X))
    rows = few(X)
    usual = values(rows)
    moved = (values(rows + source.uniform(-0.5, 0.5, rows.shape)) - usual for _ in range(TRIES))
    return SAFETY * max(most(rule, off) for off in moved)


def read(data: Mapping[str, Any]) -> float:
    """It out of an IR's JSON, 0 in files from before; ModelError unless it is a number."""
    found = data.get("jitter", 0.0)
    if not isinstance(found, int | float) or not 0 <= found < 1e300:
        raise ModelError("ir: jitter is not a number; train the model again")
    return float(found)


def few(X: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """MOST_ROWS of X, evenly."""
    found: npt.NDArray[Any] = X[np.unique(np.linspace(0, len(X) - 1, MOST_ROWS).astype(int))]
    return found


def most(rule: Verdict, off: FloatArray) -> float:
    """What values that are `off` (n_rows, n_values) can move the margin by."""
    if rule.decide == "highest":
        return float(np.ptp(off, axis=1).max(initial=0.0))
    return float(np.abs(off).max(initial=0.0))
