"""Rows that show mistakes in arithmetic: extremes, single features pushed to the edge, and noise."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .ir import Node

# More of them find nothing else, and large models take long in emulation.
MOST_ROWS = 64

Int16Array = npt.NDArray[np.int16]


def probes(ir: Node, X: Int16Array, limit: int) -> Int16Array:
    """At most `limit` rows int16 (n, n_features); the same for the same model and X."""
    n_rows = min(limit, MOST_ROWS)
    source = np.random.default_rng(n_rows + ir.n_features)
    base = X[np.arange(n_rows) % len(X)].copy() if len(X) else np.zeros((n_rows, ir.n_features), np.int16)
    for number in range(n_rows):
        if number % 4 == 0:
            base[number, number // 4 % ir.n_features] = (-32768, 32767)[number // 4 % 2]
        elif number % 4 == 1:
            base[number] = source.integers(-32768, 32768, ir.n_features)
        elif number % 4 == 2 and len(X):
            base[number] = (X[source.integers(len(X))].astype(np.int32) + base[number]) // 2
    return base
