"""A linear map in front of a model that can't take it in, as PCA before trees: the IR and its reference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from ..errors import ModelError
from . import kinds
from .additive import Additive
from .ir import Answers, FloatArray, Forest, Node, Tree, from_json, read_array
from .neighbors import Neighbors
from .verdict import Verdict

INNER_KINDS = ("forest", "additive", "kernel", "neighbors", "precise")
MOST_SHIFT = 30
# Half a step is added to it, and the sum is int32.
MOST_BIAS = 2.0**30
# More fraction bits of weights in two halves.
FINE_BITS = 15
INT16_MIN, INT16_MAX = -32768, 32767


@dataclass(frozen=True, eq=False)
class Projected:
    """inner(matrix · x + offset).

    matrix : float64 (n_inner, n_features);  offset : float64 (n_inner,)
    slack : float64 (n_inner,), how far off the numbers that `inner` reads may be: it reads them rounded to
        int16, and each row of the matrix is whole over a power of two; None: real numbers, as they are
    """

    kind: ClassVar[str] = "projected"

    matrix: FloatArray
    offset: FloatArray
    inner: Node
    slack: FloatArray | None = None

    @property
    def n_features(self) -> int:
        """Features a row."""
        return int(self.matrix.shape[1])

    @property
    def n_scores(self) -> int:
        """Scores a row."""
        return self.inner.n_scores

    @property
    def verdict(self) -> Verdict | None:
        """What the values of the inner model mean; a forest's mean probabilities as they are."""
        return getattr(self.inner, "verdict", None)

    def used_features(self) -> list[int]:
        """Indices of the features that are read, ascending."""
        return np.flatnonzero(self.matrix.any(axis=0)).tolist()

    def select_features(self, kept: Sequence[int]) -> Projected:
        """The same model over the features `kept` alone."""
        return replace(self, matrix=self.matrix[:, list(kept)])

    def widened(self, n_features: int, columns: Sequence[int]) -> Projected:
        """The same model over n_features features, of which it reads `columns`."""
        made = np.zeros((len(self.matrix), n_features))
        made[:, list(columns)] = self.matrix
        return replace(self, matrix=made)

    def mapped(self, matrix: FloatArray, offset: FloatArray) -> Projected:
        """The same model over z, where x = matrix · z + offset: matrix (n_features, n_new)."""
        return replace(self, matrix=self.matrix @ matrix, offset=self.offset + self.matrix @ offset)

    def rescaled(self, step: FloatArray, offset: FloatArray) -> Projected:
        """The same model over z, where x = z * step + offset."""
        return replace(self, matrix=self.matrix * step, offset=self.offset + self.matrix @ offset)

    def calibrated(self, X: npt.NDArray[Any]) -> Projected:
        """The same model, told of the rows that it will meet."""
        return replace(self, inner=self.inner.calibrated(project(self, np.asarray(X, np.float64))))

    def input_epsilon(self) -> float:
        """0: what rounded features move is in `slack`."""
        return 0.0

    def slack_epsilon(self) -> float:
        """What `slack` can move the margin of the inner model by; trees have it in their margins."""
        widest = 0.0 if self.slack is None else float(self.slack.max(initial=0.0))
        # Points are exact here: only the row is rounded.
        inner = self.inner
        moves = inner.row_epsilon() if isinstance(inner, Neighbors) else inner.input_epsilon()
        return 2 * widest * moves

    def to_json(self) -> dict[str, Any]:
        """As it stands in model.json."""
        slack = np.zeros(len(self.matrix)) if self.slack is None else self.slack
        return {
            "kind": self.kind,
            "matrix": self.matrix.tolist(),
            "offset": self.offset.tolist(),
            "slack": slack.tolist(),
            "inner": self.inner.to_json(),
        }


def read(data: Mapping[str, Any]) -> Projected:
    """A projected model out of its JSON; ModelError unless it is whole."""
    matrix = read_array(data, "matrix", np.float64, 2, "ir")
    offset, slack = (read_array(data, name, np.float64, 1, "ir") for name in ("offset", "slack"))
    part = data.get("inner")
    if not isinstance(part, dict) or part.get("kind") not in INNER_KINDS:
        raise ModelError("ir: the inner model is missing or not known; is this midge too old for it?")
    inner = from_json(part)
    fits = len(matrix) == len(offset) == len(slack) == inner.n_features and 1 <= matrix.shape[1] <= 32767
    if not fits or (slack < 0).any():
        raise ModelError("ir: matrix, offset and slack don't fit each other; train the model again")
    bits, _ = fraction_bits(matrix, offset)
    weights = matrix * 2.0 ** bits[:, None]
    if np.abs(matrix).max(initial=0.0) > INT16_MAX or (weights != np.rint(weights)).any():
        raise ModelError("ir: the matrix is not whole over powers of two; train the model again")
    return Projected(matrix, offset, inner, slack)


def shifts(matrix: FloatArray, offset: FloatArray) -> npt.NDArray[np.int64]:
    """Fraction bits of the int16 weights of each row, as many as the row and an int32 offset allow."""
    size = np.maximum(np.abs(matrix).max(axis=1, initial=0.0) / INT16_MAX, np.abs(offset) / MOST_BIAS)
    bits = np.floor(-np.log2(np.maximum(size, 2.0**-MOST_SHIFT)))
    return np.asarray(np.clip(bits, 0, MOST_SHIFT), np.int64)


def fraction_bits(matrix: FloatArray, offset: FloatArray) -> tuple[npt.NDArray[np.int64], bool]:
    """Fraction bits of each row as it stands in the IR, and whether weights have a second, finer half."""
    bits = shifts(matrix, offset)
    weights = matrix * 2.0 ** bits[:, None]
    is_fine = bool((weights != np.rint(weights)).any())
    return bits + FINE_BITS * is_fine, is_fine


def project(ir: Projected, X: FloatArray) -> FloatArray:
    """What the inner model reads of rows (n_rows, n_features): (n_rows, n_inner)."""
    found: FloatArray = X @ ir.matrix.T + ir.offset
    return found if ir.slack is None else np.clip(np.floor(found + 0.5), INT16_MIN, INT16_MAX)


def interpret(ir: Projected, X: FloatArray) -> Answers:
    """Scores, winners and margins of rows; a comparison of a tree within `slack` leaves no margin."""
    Z = project(ir, X)
    answers: Answers = kinds.part(ir.inner.kind, "reference").interpret(ir.inner, Z)
    if ir.slack is None or not isinstance(ir.inner, Forest | Additive):
        return answers
    return replace(
        answers, margins=np.minimum(answers.margins, least_margins(ir.inner, Z, ir.slack, is_whole=True))
    )


def least_margins(
    inner: Forest | Additive, Z: FloatArray, slack: FloatArray, *, is_whole: bool = False
) -> FloatArray:
    """How far ahead the winner stays, whichever way the comparisons of Z (n_rows, n_inner) within `slack` go.

    is_whole : Z is rounded, so what is at a threshold is as near to it as what is one above
    """
    if is_whole:
        inner = replace(
            inner,
            trees=tuple(replace(tree, threshold=np.floor(tree.threshold) + 0.5) for tree in inner.trees),
        )
    if isinstance(inner, Forest):
        low = np.zeros((len(Z), inner.n_classes))
        high = low.copy()
        for tree in inner.trees:
            least, most = _bounds(tree, Z, slack)
            low += least / len(inner.trees)
            high += most / len(inner.trees)
        return _lead(low, high, np.argmax((low + high) / 2, axis=1))
    low = np.tile(inner.bias, (len(Z), 1))
    high = low.copy()
    for tree, value in zip(inner.trees, inner.adds_to.tolist(), strict=True):
        least, most = _bounds(tree, Z, slack)
        low[:, value] += least[:, 0]
        high[:, value] += most[:, 0]
    if inner.verdict.decide == "highest":
        return _lead(low, high, np.argmax((low + high) / 2, axis=1))
    if inner.verdict.decide == "value":
        return np.where((high == low).all(axis=1), 1.0, 0.0)
    is_sure = low[:, 0] * high[:, 0] > 0
    return np.where(is_sure, np.minimum(np.abs(low[:, 0]), np.abs(high[:, 0])), 0.0)


def _lead(low: FloatArray, high: FloatArray, winners: npt.NDArray[np.intp]) -> FloatArray:
    """Least of the winner's value less the most of any other, at least 0."""
    rows = np.arange(len(low))
    others = high.copy()
    others[rows, winners] = -np.inf
    rest = others.max(axis=1) if high.shape[1] > 1 else np.full(len(low), -1.0)
    return np.asarray(np.maximum(low[rows, winners] - rest, 0.0), np.float64)


def _bounds(tree: Tree, Z: FloatArray, slack: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Least and most of each value among the leaves that rows may reach, (n_rows, n_values) each."""
    if tree.root < 0:
        alone = np.tile(tree.value[0], (len(Z), 1))
        return alone, alone
    least = np.full((len(Z), tree.value.shape[1]), np.inf)
    most = -least
    waiting = [(tree.root, np.arange(len(Z)))]
    while waiting:
        node, reached = waiting.pop()
        if node < 0:
            least[reached] = np.minimum(least[reached], tree.value[~node])
            most[reached] = np.maximum(most[reached], tree.value[~node])
            continue
        apart = Z[reached, tree.feature[node]] - tree.threshold[node]
        near = np.abs(apart) <= slack[tree.feature[node]]
        for child, goes in ((tree.left[node], apart <= 0), (tree.right[node], apart > 0)):
            rows = reached[goes | near]
            if len(rows):
                waiting.append((int(child), rows))
    return least, most
