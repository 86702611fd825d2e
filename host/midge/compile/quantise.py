"""How an estimator's features become int16, and what that does to its thresholds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import CompileError, ModelError
from .additive import Additive
from .conv import Conv
from .ir import FloatArray, Forest, IntArray, Node, Tree
from .kernel import Kernel
from .linear import Linear
from .neighbors import Neighbors
from .net import Net
from .projected import Projected
from .quadratic import Quadratic
from .reference import leaves

INT16_MIN, INT16_MAX = -32768, 32767
# Decimals beyond these are none, and how many steps apart two neighbouring ones must be.
MOST_DIGITS = 8
STEPS_A_DECIMAL = 2.0
# Where features go on and on: least and most room, in ranges of the training rows.
ROOM = 2.0, 4.0
# Exponent of a Gaussian half a step from its middle in every feature, from which on that matters.
STEEP = 1e-4
Int16Array = npt.NDArray[np.int16]


@dataclass(frozen=True)
class Quantisation:
    """How an estimator's features become int16.

    kind 'none': they are whole numbers in the int16 range already.
    kind 'affine': q = round((x - offset) * scale), limited to int16; one offset and scale a feature;
    x is rounded to float32 first, as scikit-learn's trees have it.
    kind 'affine64': the same without that rounding, for every other family.
    kind 'ranks': q = how many of the feature's edges, a forest's thresholds in ascending order, are below x;
    exact for every x where a scale can't be, because few values are far from all others. 'ranks64': without
    rounding x to float32 first.
    collisions : training rows that some tree can't tell apart as the estimator does any more
    """

    kind: str = "none"
    offset: tuple[float, ...] = ()
    scale: tuple[float, ...] = ()
    collisions: int = 0
    edges: tuple[tuple[float, ...], ...] = ()

    def apply(self, X: npt.ArrayLike) -> Int16Array:
        """Features (n_rows, n_features) as the model reads them.

        Raises
        ------
        ModelError
            values that are missing (NaN), or not whole numbers in the int16 range for kind 'none'
        """
        given: npt.NDArray[Any] = np.asarray(X)
        if self.kind == "none" and given.dtype == np.int16:
            return given.astype(np.int16, copy=False)
        values = np.asarray(given, np.float64)
        if values.ndim != 2:
            raise ModelError(f"features have the shape {values.shape}; it must be (rows, features)")
        _complain(values, np.isnan(values), "is missing (NaN); fill it first")
        if self.kind == "none":
            is_whole = (values == np.floor(values)) & (values >= INT16_MIN) & (values <= INT16_MAX)
            _complain(
                values, ~is_whole, "is no whole number from -32768 to 32767, as the model was trained on"
            )
            return values.astype(np.int16)
        if self.kind.startswith("ranks"):
            return self._ranks(values)
        return self._affine(values)

    def _ranks(self, values: FloatArray) -> Int16Array:
        if self.kind == "ranks":
            values = values.astype(np.float32).astype(np.float64)
        ranks = np.zeros(values.shape, np.int16)
        for column, edges in enumerate(self.edges):
            ranks[:, column] = np.searchsorted(edges, values[:, column])
        return ranks

    def _affine(self, values: FloatArray) -> Int16Array:
        if self.kind == "affine":
            values = values.astype(np.float32).astype(np.float64)
        scaled = (values - np.array(self.offset)) * np.array(self.scale)
        rounded: Int16Array = np.clip(np.rint(scaled), INT16_MIN, INT16_MAX).astype(np.int16)
        return rounded

    def saturates(self, X: npt.ArrayLike) -> npt.NDArray[np.bool_]:
        """Rows (n_rows,) with a feature beyond what int16 covers: the last that is covered stands for it."""
        if not self.kind.startswith("affine"):
            return np.zeros(len(np.asarray(X)), bool)
        scaled = (np.asarray(X, np.float64) - np.array(self.offset)) * np.array(self.scale)
        return np.asarray((np.abs(scaled) > INT16_MAX + 1).any(axis=1))


def _complain(values: FloatArray, bad: npt.NDArray[np.bool_], problem: str) -> None:
    """ModelError naming the first bad value, if there is one."""
    if bad.any():
        row, column = np.argwhere(bad)[0]
        raise ModelError(f"row {row}, feature {column} ({values[row, column]}) {problem}")


def learn(X: npt.ArrayLike, ir: Node | None = None, *, single: bool = True) -> Quantisation:
    """The quantisation that suits X (n_rows, n_features): none if it is whole numbers already.

    Trees (and `ir` None) get all of int16 for the range of X; other models half of it, because they go on
    beyond the training rows; those that grow without end a quarter, so that rows one and a half ranges beyond
    either end are as they are, and an eighth of features with heavy tails. `single`: the trees see float32 of
    X itself.

    Raises
    ------
    CompileError
        X is empty, not a table of numbers, or has values that are not finite
    """
    try:
        values = np.asarray(X, np.float64)
    except (TypeError, ValueError) as error:
        raise CompileError(f"X is not a table of numbers ({error}); encode categories as numbers") from None
    if values.ndim != 2 or not values.size:
        raise CompileError(f"X has the shape {values.shape}; it must be (n_samples, n_features), not empty")
    if ir is not None and values.shape[1] != ir.n_features:
        raise CompileError(f"X has {values.shape[1]} features, the estimator was fitted on {ir.n_features}")
    bad = np.argwhere(~np.isfinite(values))
    if len(bad):
        raise CompileError(
            f"X has a value that is not finite (row {bad[0][0]}, feature {bad[0][1]}); fill it first"
        )
    if ((values == np.floor(values)) & (values >= INT16_MIN) & (values <= INT16_MAX)).all():
        return Quantisation()
    is_forest = ir is None or isinstance(ir, Forest | Additive)
    if is_forest and single:
        values = values.astype(np.float32).astype(np.float64)
    low, high = values.min(axis=0), values.max(axis=0)
    if isinstance(ir, Forest | Additive):
        low, high = _asked(ir, values, low, high)
    if isinstance(ir, Conv):
        # Its kernels move over all features.
        low, high = np.full(len(low), low.min()), np.full(len(high), high.max())
    width = np.where(high > low, high - low, 1.0)
    if _goes_on(ir):
        width = width * _room(values, width)
    steps = 2.0 * INT16_MAX if is_forest else 1.0 * INT16_MAX
    kind = "affine" if is_forest and single else "affine64"
    if isinstance(ir, Neighbors):
        # One scale for all features, as their distances have it.
        weights = np.where(ir.metric > 0, ir.metric, 1.0 / width)
        width = (width * weights).max() / weights
    return Quantisation(kind, tuple(((low + high) / 2).tolist()), tuple((steps / width).tolist()))


def _goes_on(ir: Node | None) -> bool:
    """True if sums of features decide: one of them saturated is another answer, however far out it is."""
    return isinstance(ir, Linear | Net | Projected | Quadratic) or (
        isinstance(ir, Kernel) and ir.function == "poly"
    )


def _room(values: FloatArray, width: FloatArray) -> FloatArray:
    """How much more than the training rows need: by how far their extremes are from most of them."""
    most = np.subtract(*np.quantile(values, [0.95, 0.05], axis=0))
    return np.asarray(np.clip(width / np.maximum(most, 1e-300), *ROOM), np.float64)


def _asked(
    ir: Forest | Additive, X: FloatArray, low: FloatArray, high: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """The range of each feature in which its thresholds lie: values beyond it may saturate."""
    low, high = low.copy(), high.copy()
    features = np.concatenate([tree.feature for tree in ir.trees]) if ir.trees else np.zeros(0, np.int32)
    limits = np.concatenate([tree.threshold for tree in ir.trees]) if ir.trees else np.zeros(0)
    for feature in np.unique(features).tolist():
        mine, values = limits[features == feature], X[:, feature]
        below, above = values[values <= mine.min()], values[values > mine.max()]
        if len(below) and len(above):
            low[feature], high[feature] = below.max(), above.min()
    return low, high


def quantise(ir: Node, X: npt.ArrayLike, by: Quantisation) -> tuple[Node, Quantisation]:
    """The model over int16 features, and `by` with the collisions of a forest counted."""
    if by.kind == "none":
        return ir, by
    if isinstance(ir, Forest | Additive):
        return _quantise_forest(ir, X, by)
    return over_whole(ir.rescaled(1.0 / np.array(by.scale), np.array(by.offset))), by


def over_whole(ir: Node) -> Node:
    """The model over whole numbers: points are rounded as rows are, so that a row at a point stays there."""
    if isinstance(ir, Kernel) and ir.function == "rbf" and ir.gamma * float(ir.metric.sum()) / 4 > STEEP:
        return replace(ir, vectors=np.rint(ir.vectors))
    return replace(ir, points=np.rint(ir.points)) if isinstance(ir, Neighbors) else ir


def by_ranks(forest: Forest | Additive, *, single: bool) -> tuple[Forest | Additive, Quantisation]:
    """The forest over ranks of its features: what it answers is the same for every row.

    single : the trees see float32 of their features

    Raises
    ------
    CompileError
        a feature has more thresholds than int16 has numbers
    """
    features = np.concatenate([tree.feature for tree in forest.trees])
    limits = np.concatenate([tree.threshold for tree in forest.trees])
    edges = [np.unique(limits[features == feature]) for feature in range(forest.n_features)]
    if max(map(len, edges)) > INT16_MAX:
        raise CompileError(f"a feature has more than {INT16_MAX} thresholds; train fewer or smaller trees")
    trees = []
    for tree in forest.trees:
        ranks = [np.searchsorted(edges[f], t) for f, t in zip(tree.feature, tree.threshold, strict=True)]
        trees.append(replace(tree, threshold=np.array(ranks, np.float64)))
    made = Quantisation("ranks" if single else "ranks64", edges=tuple(tuple(own.tolist()) for own in edges))
    return replace(forest, trees=tuple(trees)), made


def _quantise_forest(
    forest: Forest | Additive, X: npt.ArrayLike, by: Quantisation
) -> tuple[Forest | Additive, Quantisation]:
    """A threshold lands wherever it parts the rows of X that reach its node as it did before.

    Where int16 values collide on both of its sides: nearest to where it was.
    """
    values = np.asarray(X, np.float64)
    if by.kind == "affine":
        values = values.astype(np.float32).astype(np.float64)
    rows = by.apply(X)
    digits = _resolved(by, X)
    trees = tuple(placed(tree, values, rows, _in_steps(tree, by, digits)) for tree in forest.trees)
    collides = np.zeros(len(rows), bool)
    for before, after in zip(forest.trees, trees, strict=True):
        collides |= leaves(before, values) != leaves(after, rows.astype(np.float64))
    return replace(forest, trees=trees), replace(by, collisions=int(collides.sum()))


def _digits(values: FloatArray, float_type: Any) -> IntArray:
    """Decimals a feature, one more than its values have, as their means do; -1 if it is no decimal."""
    found = np.full(values.shape[1], -1, np.int32)
    seen = values.astype(float_type)
    for digits in range(MOST_DIGITS, -1, -1):
        found[(np.round(values, digits).astype(float_type) == seen).all(axis=0)] = digits + 1
    return found


def _resolved(by: Quantisation, X: npt.ArrayLike) -> IntArray:
    """Decimals a feature up to which steps of `by` tell all values apart; -1 where they don't."""
    digits = _digits(np.asarray(X, np.float64), _float_type(by))
    is_fine = (digits >= 0) & (np.array(by.scale) * 10.0**-digits >= STEPS_A_DECIMAL)
    return np.where(is_fine, digits, -1).astype(np.int32)


def _float_type(by: Quantisation) -> Any:
    """What the estimator sees features in."""
    return np.float32 if by.kind == "affine" else np.float64


def is_exact(forest: Forest | Additive, X: npt.ArrayLike, by: Quantisation) -> bool:
    """True if a scale answers as the estimator for every row of such decimals as those of X."""
    return by.kind == "none" or bool((_resolved(by, X)[forest.used_features()] >= 0).all())


def _in_steps(tree: Tree, by: Quantisation, digits: IntArray) -> FloatArray:
    """Thresholds as features are rounded: of few decimals the largest one that goes left."""
    offset, scale = np.array(by.offset)[tree.feature], np.array(by.scale)[tree.feature]
    power = 10.0 ** np.maximum(digits[tree.feature], 0)
    below = np.floor(tree.threshold * power)
    largest = (below - 1) / power
    for more in (0, 1):
        # As the estimator sees it, which may round it to either side.
        seen = ((below + more) / power).astype(_float_type(by)).astype(np.float64)
        largest = np.where(seen <= tree.threshold, seen, largest)
    at = np.where(digits[tree.feature] >= 0, largest, tree.threshold)
    return np.asarray(np.rint((at - offset) * scale), np.float64)


def placed(tree: Tree, values: FloatArray, rows: Int16Array, steps: FloatArray) -> Tree:
    """The tree over `rows`, int16, with thresholds near `steps` that part them as `values` were parted."""
    threshold = np.clip(steps, INT16_MIN, INT16_MAX)
    waiting = [(0, np.arange(len(rows)))] if len(tree.feature) else []
    while waiting:
        node, reached = waiting.pop()
        feature = tree.feature[node]
        goes_left = values[reached, feature] <= tree.threshold[node]
        left, right = reached[goes_left], reached[~goes_left]
        if len(left) and len(right):
            least = int(rows[left, feature].max())
            most = int(rows[right, feature].min()) - 1
            if least <= most:
                threshold[node] = min(max(threshold[node], least), most)
        for child, below in ((tree.left[node], left), (tree.right[node], right)):
            if child >= 0:
                waiting.append((int(child), below))
    return Tree(tree.feature, threshold, tree.left, tree.right, tree.value)
