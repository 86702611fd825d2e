"""Pipelines of scikit-learn → IR: scalers, selections and projections in front are folded into the model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ..compile.additive import Additive
from ..compile.gaussian import Gaussian
from ..compile.ir import FloatArray, Forest, Node
from ..compile.kernel import Kernel
from ..compile.linear import Linear
from ..compile.neighbors import Neighbors
from ..compile.net import Net
from ..compile.projected import INNER_KINDS, Projected
from ..compile.quadratic import Quadratic
from ..errors import UnsupportedModel

_AFFINE = ("StandardScaler", "MinMaxScaler", "MaxAbsScaler", "RobustScaler")
_PROJECTIONS = ("PCA", "TruncatedSVD")
# What is left of the products of rows of a rotation.
ROUNDED = 1e-9


def to_ir(estimator: Any, given: npt.DTypeLike = np.float64) -> Node:
    """The last step's IR over what goes into the first step, which comes as `given`.

    Raises
    ------
    UnsupportedModel
        a step, or an option of it, that can't be folded into this model; names it
    """
    from . import reads_single
    from . import to_ir as step_to_ir

    steps = _steps(estimator)
    if not steps:
        raise UnsupportedModel("Pipeline without a last estimator can't be compiled")
    ir = step_to_ir(steps[-1][1])
    if isinstance(ir, Forest | Additive) and reads_single(steps[-1][1]):
        # Its trees see float32 of what the steps before them give in float64.
        plain = np.ones(ir.n_features), np.zeros(ir.n_features)
        ir = _forest_behind(ir, *plain, lambda X: X.astype(np.float32))
    for name, step in reversed(steps[:-1]):
        ir = _folded(ir, name, step, given)
    return ir


def answers(estimator: Any, ir: Node, X: npt.ArrayLike) -> tuple[FloatArray, npt.NDArray[np.intp]]:
    """Scores (n_rows, n_scores) and winners (n_rows,) of the pipeline itself."""
    from . import answers as step_answers

    steps = _steps(estimator)
    for _, step in steps[:-1]:
        X = step.transform(X)
    return step_answers(steps[-1][1], ir.inner if isinstance(ir, Projected) else ir, X)


def _steps(estimator: Any) -> list[tuple[str, Any]]:
    """All that do something; those of pipelines inside are steps of this one."""
    found = []
    for name, step in estimator.steps:
        if hasattr(step, "steps"):
            found += _steps(step)
        elif step is not None and step != "passthrough":
            found.append((name, step))
    return found


def _folded(ir: Node, name: str, step: Any, given: npt.DTypeLike) -> Node:
    kind = type(step).__name__
    where = f"step {name!r} ({kind})"
    if not hasattr(step, "n_features_in_"):
        raise UnsupportedModel(f"{where} is not fitted; call fit(X, y) first")
    if kind in _AFFINE:
        if getattr(step, "clip", False):
            raise UnsupportedModel(f"{where} with clip=True can't be folded into a model; use clip=False")
        return _rescaled(ir, step, given)
    if hasattr(step, "get_support"):
        columns = np.flatnonzero(step.get_support())
        return _widened(ir, int(step.n_features_in_), columns, where)
    if kind in _PROJECTIONS:
        if isinstance(ir, Gaussian):
            ir = _as_quadratic(ir)
        if isinstance(ir, Kernel) and ir.function == "poly":
            # x · v of what the projection makes of x is x · (its transpose of v).
            matrix, offset = _projection(step)
            unknown = np.zeros(matrix.shape[1])
            return replace(
                ir,
                vectors=ir.vectors @ matrix,
                offsets=ir.offsets + ir.vectors @ offset,
                metric=np.ones(matrix.shape[1]),
                low=unknown,
                high=unknown,
            )
        return _projected(ir, *_projection(step), where)
    raise UnsupportedModel(
        f"{where} can't be folded into a model; midge folds {', '.join(_AFFINE)}, selections and PCA"
    )


def _projected(ir: Node, matrix: FloatArray, offset: FloatArray, where: str) -> Node:
    """The model over x of one over matrix · x + offset: folded in where it can be, else a step of its own."""
    if isinstance(ir, Linear | Net | Quadratic | Projected):
        return ir.mapped(matrix, offset)
    if ir.kind not in INNER_KINDS:
        raise UnsupportedModel(f"{where} in front of a {ir.kind} model can't be folded; leave it out")
    if isinstance(ir, Forest | Additive):
        ir = _lifted(ir, offset)
    return _turned(ir, matrix, offset) or Projected(matrix, offset, ir)


def _lifted(forest: Forest | Additive, offset: FloatArray) -> Forest | Additive:
    """With thresholds a little higher: training rows stand exactly at many, but for what float64 rounds."""
    size = np.abs(offset)
    for tree in forest.trees:
        np.maximum.at(size, tree.feature, np.abs(tree.threshold))
    trees = (replace(tree, threshold=tree.threshold + ROUNDED * size[tree.feature]) for tree in forest.trees)
    return replace(forest, trees=tuple(trees))


def _turned(ir: Node, matrix: FloatArray, offset: FloatArray) -> Node | None:
    """A model of Euclidean distances behind a mere rotation: what it knows, turned back."""
    is_kernel = isinstance(ir, Kernel) and ir.function == "rbf"
    if not is_kernel and not (isinstance(ir, Neighbors) and ir.power == 2):
        return None
    assert isinstance(ir, Kernel | Neighbors)
    is_square = len(matrix) == matrix.shape[1]
    if not is_square or not np.allclose(matrix @ matrix.T, np.eye(len(matrix)), rtol=0, atol=ROUNDED):
        return None
    if (ir.metric != ir.metric[0]).any():
        return None
    if isinstance(ir, Kernel):
        return replace(ir, vectors=(ir.vectors - offset) @ matrix)
    return replace(ir, points=(ir.points - offset) @ matrix)


def _projection(step: Any) -> tuple[FloatArray, FloatArray]:
    """(matrix, offset) with z = matrix · x + offset."""
    matrix = np.asarray(step.components_, np.float64)
    offset = -matrix @ step.mean_ if getattr(step, "mean_", None) is not None else np.zeros(len(matrix))
    if getattr(step, "whiten", False):
        scale = np.sqrt(step.explained_variance_)
        scale = np.maximum(scale, np.finfo(scale.dtype).eps)
        matrix, offset = matrix / scale[:, None], offset / scale
    return matrix, offset


def _as_quadratic(ir: Gaussian) -> Quadratic:
    root = 1 / np.sqrt(ir.variance)
    return Quadratic(root[:, :, None] * np.eye(ir.n_features), -ir.mean * root, ir.constant, ir.verdict)


def _affine(step: Any) -> tuple[FloatArray, FloatArray]:
    """(factor, offset) with z = x * factor + offset."""
    n_features = int(step.n_features_in_)
    if type(step).__name__ == "MinMaxScaler":
        return np.asarray(step.scale_, np.float64), np.asarray(step.min_, np.float64)
    center = (
        getattr(step, "mean_", None)
        if type(step).__name__ == "StandardScaler"
        else getattr(step, "center_", None)
    )
    if type(step).__name__ == "StandardScaler" and not step.with_mean:
        center = None
    scale = getattr(step, "scale_", None)
    factor = np.ones(n_features) if scale is None else 1.0 / np.asarray(scale, np.float64)
    offset = np.zeros(n_features) if center is None else -np.asarray(center, np.float64) * factor
    return factor, offset


def _rescaled(ir: Node, step: Any, given: npt.DTypeLike) -> Node:
    factor, offset = _affine(step)
    if isinstance(ir, Forest | Additive):
        return _forest_behind(ir, factor, offset, lambda X: np.asarray(step.transform(X.astype(given))))
    return ir.rescaled(factor, offset)


def _forest_behind(
    forest: Forest | Additive,
    factor: FloatArray,
    offset: FloatArray,
    transform: Callable[[FloatArray], FloatArray],
) -> Forest | Additive:
    """The forest over x: a threshold is the largest x that `transform` keeps at or below the old one."""
    # One column a feature with its different thresholds: all are looked for at once.
    columns: list[list[float]] = [[] for _ in range(forest.n_features)]
    for feature, threshold in sorted(
        {
            pair
            for tree in forest.trees
            for pair in zip(tree.feature.tolist(), tree.threshold.tolist(), strict=True)
        }
    ):
        columns[feature].append(threshold)
    wanted = np.zeros((max(map(len, columns)), forest.n_features))
    for column, thresholds in enumerate(columns):
        wanted[: len(thresholds), column] = thresholds
    guess = (wanted - offset) / factor
    reach = 1e-5 * (np.abs(guess) + np.abs(offset / factor) + 1 / np.abs(factor))
    low, high = guess - reach, guess + reach
    for _ in range(80 if len(wanted) else 0):
        middle = low + (high - low) / 2
        goes_left = transform(middle) <= wanted
        low, high = np.where(goes_left, middle, low), np.where(goes_left, high, middle)
    found = [
        dict(zip(thresholds, low[:, column].tolist(), strict=False))
        for column, thresholds in enumerate(columns)
    ]
    return replace(
        forest,
        trees=tuple(
            replace(
                tree,
                threshold=np.array(
                    [found[f][t] for f, t in zip(tree.feature.tolist(), tree.threshold.tolist(), strict=True)]
                ),
            )
            for tree in forest.trees
        ),
    )


def _widened(ir: Node, n_features: int, columns: npt.NDArray[np.intp], where: str) -> Node:
    if isinstance(ir, Forest | Additive):
        trees = tuple(replace(tree, feature=columns[tree.feature].astype(np.int32)) for tree in ir.trees)
        return replace(ir, n_features=n_features, trees=trees)
    if not hasattr(ir, "widened"):
        raise UnsupportedModel(f"{where} in front of a {ir.kind} model can't be folded")
    made: Node = ir.widened(n_features, columns.tolist())
    return made
