"""Rows that show mistakes in a net with convolutions: few of them, as one row may take millions of steps."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from . import range_probes
from .conv import Conv

# Rows that are run in emulation before a build, in multiplications: more would take minutes.
MACS_OF_GOLDEN = 6_000_000
MACS_OF_PROBES = 3_000_000

Int16Array = npt.NDArray[np.int16]


def most_golden(ir: Conv) -> int:
    """Golden rows that such a net can have."""
    return max(2, MACS_OF_GOLDEN // max(ir.macs, 1))


def probes(ir: Conv, X: Int16Array, limit: int) -> Int16Array:
    """At most `limit` rows int16 (n, n_features), as `range_probes` makes them."""
    n_rows = max(2, MACS_OF_PROBES // max(ir.macs, 1))
    return range_probes.probes(ir, X, min(limit, n_rows))
