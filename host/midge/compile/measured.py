"""What integers are off by, measured: proofs add up what never comes together, by tens and hundreds.

Measured on the training rows, on rows between two of them and on rows around them; twice the largest that was
found is declared, and never more than what is proven.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from . import kernel, kinds, net
from .ir import FloatArray, Node
from .kernel import Kernel
from .net import Net
from .projected import Projected, project
from .verdict import Verdict

# Of the largest that was found.
SAFETY = 2.0
# Classes further than so many times their error behind the winner don't count.
REACH = 8.0
# Training rows that are looked at.
MOST_ROWS = 512
# Rows of each sort beside the training rows.
OTHERS = 256
# Spread of rows around them, in ranges of the features.
AROUND = 0.1

Int16Array = npt.NDArray[np.int16]


def epsilon(ir: Node, X: Int16Array) -> float:
    """How far off the numbers that decide may be in integers, for training rows X (n_rows, n_features)."""
    lowered: Any = kinds.part(ir.kind, "lowering").lower(ir)
    proven = float(lowered.epsilon)
    inner, rows = ir, X
    if isinstance(ir, Projected):
        inner, lowered = ir.inner, lowered.inner
        rows = project(ir, X.astype(np.float64)).astype(np.int16)
    if not isinstance(inner, Kernel | Net) or not len(rows):
        return proven
    seen = _like(rows)
    exact = _exact(inner, seen.astype(np.float64)) - inner.verdict.center
    found = kinds.part(inner.kind, "lowering").values(lowered, seen)
    # What is left is of the projection.
    return min(proven, proven - float(lowered.epsilon) + SAFETY * _most(inner.verdict, exact, found - exact))


def _exact(ir: Kernel | Net, rows: FloatArray) -> FloatArray:
    return net.activations(ir, rows)[-1] if isinstance(ir, Net) else kernel.values(ir, rows)


def _like(X: Int16Array) -> Int16Array:
    """Training rows, rows between two of them and rows around them; the same for the same X."""
    source = np.random.default_rng(len(X))
    rows = X.astype(np.float64)
    one, other = rows[source.integers(len(X), size=OTHERS)], rows[source.integers(len(X), size=OTHERS)]
    between = one + source.random((OTHERS, 1)) * (other - one)
    low, high = rows.min(axis=0), rows.max(axis=0)
    around = np.clip(one + AROUND * (high - low) * source.normal(size=one.shape), low, high)
    made: Int16Array = np.rint(np.concatenate([_few(rows), between, around])).astype(np.int16)
    return made


def _few(X: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """MOST_ROWS of X, evenly."""
    found: npt.NDArray[Any] = X[np.unique(np.linspace(0, len(X) - 1, MOST_ROWS).astype(int))]
    return found


def _most(rule: Verdict, usual: FloatArray, off: FloatArray) -> float:
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
