"""Rows that stand on both sides of the thresholds of a sum of trees."""

from __future__ import annotations

from . import additive_integer, forest_probes
from .additive import Additive
from .forest_probes import Int16Array


def probes(ir: Additive, X: Int16Array, limit: int) -> Int16Array:
    """As `forest_probes.probes`."""
    trees = [tree for group in additive_integer.lower(ir).groups for tree in group]
    return forest_probes.around(trees, ir.n_features, X, limit)
