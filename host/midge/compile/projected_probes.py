"""Rows that show mistakes in a projected model: as many as what is behind the projection can have."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from . import kinds, range_probes
from .golden import MAX_ROWS
from .projected import Projected

Int16Array = npt.NDArray[np.int16]


def most_golden(ir: Projected) -> int:
    """Golden rows that such a model can have."""
    limit = getattr(kinds.part(ir.inner.kind, "probes"), "most_golden", None)
    return MAX_ROWS if limit is None else int(limit(ir.inner))


def probes(ir: Projected, X: Int16Array, limit: int) -> Int16Array:
    """At most `limit` rows int16 (n, n_features), as `range_probes` makes them."""
    return range_probes.probes(ir, X, min(limit, most_golden(ir)))
