"""Leaf merging: probabilities of leaves in few steps, so that neighbours that answer alike become one leaf.

A leaf of one class alone is a byte in tables and a count in code.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ..compile.ir import FloatArray, Forest, Tree
from .prune import merge_equal


def merge(ir: Forest, steps: int) -> Forest:
    """The forest with probabilities that are multiples of 1/`steps`; with 1, every leaf is of one class."""
    return replace(ir, trees=tuple(_merged(tree, steps) for tree in ir.trees))


def _merged(tree: Tree, steps: int) -> Tree:
    return merge_equal(replace(tree, value=_rounded(tree.value, steps)))


def _rounded(value: FloatArray, steps: int) -> FloatArray:
    """Rounded so that each row still adds up to 1: what is left goes to the largest remainders."""
    scaled = value * steps
    floor = np.floor(scaled + 1e-9)
    rest = steps - floor.sum(axis=1)
    rank: Any = np.argsort(np.argsort(floor - scaled, axis=1, kind="stable"), axis=1, kind="stable")
    return np.asarray((floor + (rank < rest[:, None])) / steps, np.float64)
