"""Projected models over int16: how fine a projection is, and thresholds where it parts the training rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from .additive import Additive
from .ir import FloatArray, Forest, Tree
from .neighbors import Neighbors
from .projected import FINE_BITS, INT16_MAX, INT16_MIN, Projected, project, shifts
from .quantise import Quantisation, learn, over_whole, placed
from .reference import leaves

# Steps that weights of one half may move what is read.
COARSE_STEPS = 0.5


def quantise(ir: Projected, X: npt.ArrayLike, by: Quantisation) -> tuple[Projected, Quantisation]:
    """The model over int16 features whose inner model reads int16, and `by` with collisions counted.

    ir : over the features X (n_rows, n_features) themselves;  by : how these become int16
    """
    values = np.asarray(X, np.float64)
    Z = project(ir, values)
    rows = by.apply(values).astype(np.float64)
    if by.kind != "none":
        ir = ir.rescaled(1.0 / np.array(by.scale), np.array(by.offset))
    kept = ir.inner.used_features() or [0]
    ir = replace(
        ir, matrix=ir.matrix[kept], offset=ir.offset[kept], inner=ir.inner.select_features(kept), slack=None
    )
    Z = Z[:, kept]
    offset, scale = _steps(ir, Z)
    exact = replace(ir, matrix=ir.matrix * scale[:, None], offset=(ir.offset - offset) * scale)
    rounded, slack = _rounded(exact, rows, is_whole=by.kind == "none")
    if not isinstance(ir.inner, Forest | Additive):
        return replace(rounded, inner=over_whole(ir.inner.rescaled(1.0 / scale, offset)), slack=slack), by
    read = project(replace(rounded, slack=slack), rows)
    inner, moved, collides = _over_steps(ir.inner, Z, read, offset, scale)
    made = replace(rounded, inner=inner, slack=slack + moved)
    return made, replace(by, collisions=int(collides.sum()))


def _steps(ir: Projected, Z: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Offset and scale of what the inner model reads, int16 = (z - offset) * scale."""
    own = learn(Z, ir.inner, single=False)
    n_inner = Z.shape[1]
    offset = np.array(own.offset) if own.kind != "none" else np.zeros(n_inner)
    scale = np.array(own.scale) if own.kind != "none" else np.ones(n_inner)
    # Weights are int16.
    room = INT16_MAX / np.maximum(np.abs(ir.matrix * scale[:, None]).max(axis=1), 1.0)
    # Distances have one scale.
    return offset, scale * np.minimum(room.min() if isinstance(ir.inner, Neighbors) else room, 1.0)


def _rounded(exact: Projected, rows: FloatArray, *, is_whole: bool) -> tuple[Projected, FloatArray]:
    """The matrix whole over powers of two, and how far off it is for rows like the training rows."""
    # With room for what moves nothing in the middle of the rows.
    bits = shifts(exact.matrix, 1.01 * np.abs(exact.offset))
    made, off = _over_powers(exact, rows, bits)
    # Where thresholds lie close together, steps are finer than features are.
    span = np.maximum(np.ptp(project(made, rows), axis=0) / (INT16_MAX - INT16_MIN), 1.0)
    if (off > COARSE_STEPS * span).any():
        made, off = _over_powers(exact, rows, bits + FINE_BITS)
    slack = 0.5 + off
    if not is_whole:
        slack = slack + 0.5 * np.abs(exact.matrix).sum(axis=1)
    return made, slack


def _over_powers(
    exact: Projected, rows: FloatArray, bits: npt.NDArray[np.int64]
) -> tuple[Projected, FloatArray]:
    """With so many fraction bits a row, and what that moves at most."""
    factor = 2.0**bits
    matrix = np.rint(exact.matrix * factor[:, None]) / factor[:, None]
    off = exact.matrix - matrix
    low, high = rows.min(axis=0), rows.max(axis=0)
    # Nothing is lost in the middle of the rows.
    offset = np.rint((exact.offset + off @ ((low + high) / 2)) * factor) / factor
    return replace(exact, matrix=matrix, offset=offset), np.abs(off) @ ((high - low) / 2) + 0.5 / factor


def _over_steps(
    forest: Forest | Additive, Z: FloatArray, read: FloatArray, offset: FloatArray, scale: FloatArray
) -> tuple[Forest | Additive, FloatArray, npt.NDArray[np.bool_]]:
    """The trees over steps, how many steps thresholds of each feature moved, rows that still differ."""
    whole = read.astype(np.int16)
    moved = np.zeros(Z.shape[1])
    collides = np.zeros(len(Z), bool)
    trees: list[Tree] = []
    for tree in forest.trees:
        steps = (tree.threshold - offset[tree.feature]) * scale[tree.feature]
        made = placed(tree, Z, whole, np.clip(np.floor(steps), INT16_MIN, INT16_MAX))
        np.maximum.at(moved, tree.feature, np.abs(made.threshold + 0.5 - steps))
        collides |= leaves(tree, Z) != leaves(made, read)
        trees.append(made)
    return replace(forest, trees=tuple(trees)), moved, collides
