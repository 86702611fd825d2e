"""Rows that show mistakes in models in double precision: few where a row takes long in emulation."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from . import range_probes
from .kernel import Kernel
from .linear import Linear
from .net import Net
from .precise import Inner, Precise
from .quadratic import Quadratic

# Multiplications in emulation before a build: a hundred instructions each.
PRODUCTS_OF_GOLDEN = 310_000
PRODUCTS_OF_PROBES = 100_000
LEAST_ROWS = 6

Int16Array = npt.NDArray[np.int16]


def products(ir: Precise | Quadratic) -> int:
    """Multiplications a row, roughly."""
    inner: Inner = ir.inner if isinstance(ir, Precise) else ir
    if isinstance(inner, Kernel):
        # The exponential is as many as its terms.
        return int(inner.vectors.size * 2 + 16 * len(inner.vectors))
    if isinstance(inner, Net):
        return int(sum(layer.weights.size for layer in inner.layers))
    if isinstance(inner, Linear):
        return int(inner.weights.size)
    return int(inner.maps.size if isinstance(inner, Quadratic) else 2 * inner.mean.size)


def most_golden(ir: Precise | Quadratic) -> int:
    """Golden rows that such a model can have."""
    return max(LEAST_ROWS, PRODUCTS_OF_GOLDEN // max(products(ir), 1))


def probes(ir: Precise | Quadratic, X: Int16Array, limit: int) -> Int16Array:
    """At most `limit` rows int16 (n, n_features), as `range_probes` makes them."""
    n_rows = max(LEAST_ROWS, PRODUCTS_OF_PROBES // max(products(ir), 1))
    return range_probes.probes(ir, X, min(limit, n_rows))
