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
# Classes further than so many times their error behind the winner don't count.
REACH = 8.0
# Training rows that are looked at, and how often their features are moved.
MOST_ROWS, TRIES = 512, 4


def measured(rule: Verdict, values: Callable[[FloatArray], FloatArray], X: FloatArray) -> float:
    """Twice what up to half a step in each feature of rows X moved the numbers that decide by, at most."""
    source = np.random.default_rng(len(X))
    rows = few(X)
    usual = values(rows)
    # What is the same in all rows is where steps are counted from.
    half = 0.5 * (np.ptp(X, axis=0) > 0)
    moved = (values(rows + source.uniform(-half, half, rows.shape)) - usual for _ in range(TRIES))
    return SAFETY * max(most(rule, usual, off) for off in moved)


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


def most(rule: Verdict, usual: FloatArray, off: FloatArray) -> float:
    """What errors `off` of `usual` values, each (n_rows, n_values), can move the margin by.

    Of classes the next to the winner counts, and each that REACH times its error would let win.
    """
    if not off.size or rule.decide != "highest":
        return float(np.abs(off).max(initial=0.0))
    best = usual.argmax(axis=1, keepdims=True)
    gaps = np.take_along_axis(usual, best, axis=1) - usual
    apart = np.abs(off - np.take_along_axis(off, best, axis=1))
    np.put_along_axis(gaps, best, np.inf, axis=1)
    counts = (gaps == gaps.min(axis=1, keepdims=True)) | (gaps <= REACH * apart)
    return float(np.where(counts, apart, 0.0).max())
