"""Trees whose leaves are added up: boosting, regression and isolation forests; the IR and its reference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from ..errors import ModelError
from . import verdict
from .ir import Answers, FloatArray, IntArray, Tree, read_array, read_tree
from .reference import leaves
from .verdict import BEYOND, Verdict

MAX_TREES = 65535
# Margins below this are ties.
FLOAT_NOISE = 1e-9
# Rounding of log-odds from which on sums are wide.
MOST_LOG_ODDS = 0.01


@dataclass(frozen=True, eq=False)
class Additive:
    """values[v] = bias[v] + Σ value of the leaf of each tree that adds to v.

    trees : `Tree.value` is float64 (n_leaves, 1)
    adds_to : int32 (n_trees,), index of the value that each tree adds to
    bias : float64 (n_values,)
    """

    kind: ClassVar[str] = "additive"

    n_features: int
    trees: tuple[Tree, ...]
    adds_to: IntArray
    bias: FloatArray
    verdict: Verdict
    # Width of the sums in the C, 32 or 64: part of the model, as its scores depend on it.
    sum_bits: int = 32

    @property
    def n_scores(self) -> int:
        """Scores a row."""
        return self.verdict.n_scores

    def used_features(self) -> list[int]:
        """Indices of the features that some node reads, ascending."""
        return sorted({int(feature) for tree in self.trees for feature in tree.feature})

    def select_features(self, kept: Sequence[int]) -> Additive:
        """The same model over the features `kept` alone."""
        renumber = np.full(self.n_features, -1, np.int32)
        renumber[list(kept)] = np.arange(len(kept))
        trees = tuple(replace(tree, feature=renumber[tree.feature]) for tree in self.trees)
        return replace(self, n_features=len(kept), trees=trees)

    def rescaled(self, step: FloatArray, offset: FloatArray) -> Additive:
        """The same model over z, where x = z * step + offset."""
        trees = tuple(
            replace(tree, threshold=(tree.threshold - offset[tree.feature]) / step[tree.feature])
            for tree in self.trees
        )
        return replace(self, trees=trees)

    def calibrated(self, X: npt.NDArray[Any]) -> Additive:
        """The same model with a unit of scores, and sums as wide as the rows of X need."""
        from . import additive_integer

        found = values(self, np.asarray(X, np.float64))
        made = replace(self, verdict=self.verdict.calibrated(found, self._beyond(found)), sum_bits=32)
        margins = np.sort(made.verdict.judge(found).margins)
        epsilon = additive_integer.lower(made).epsilon
        # Not those that stand at 0 by design.
        is_lost = (margins <= epsilon).any() and (margins[margins <= epsilon] > FLOAT_NOISE).any()
        # Rows to come may have smaller margins than all of these.
        is_lost |= self.verdict.scores in ("softmax", "sigmoid") and epsilon > MOST_LOG_ODDS
        return replace(made, sum_bits=64) if is_lost else made

    def _beyond(self, found: FloatArray) -> float:
        """How many spans of the values `found` a sum may lie from their middle: steps of boosting add up."""
        span = float(np.ptp(found)) if found.size else 0.0
        if self.verdict.decide != "value" or not span:
            return 1.0
        low = float(self.bias.sum()) + sum(float(tree.value.min()) for tree in self.trees)
        high = float(self.bias.sum()) + sum(float(tree.value.max()) for tree in self.trees)
        middle = float(found.min() + found.max()) / 2
        return float(np.clip(max(high - middle, middle - low) / span, 1.0, BEYOND))

    def input_epsilon(self) -> float:
        """0: thresholds have been moved to where rounded features part as the exact ones did."""
        return 0.0

    def to_json(self) -> dict[str, Any]:
        """As it stands in model.json."""
        return {
            "kind": self.kind,
            **self.verdict.to_json(),
            "n_features": self.n_features,
            "adds_to": self.adds_to.tolist(),
            "bias": self.bias.tolist(),
            "sum_bits": self.sum_bits,
            "trees": [tree.to_json() for tree in self.trees],
        }


def read(data: Mapping[str, Any]) -> Additive:
    """A sum of trees out of its JSON; ModelError unless it is whole and safe."""
    rule = verdict.read(data)
    n_features, parts = data.get("n_features"), data.get("trees")
    if not isinstance(n_features, int) or not 1 <= n_features <= 32767:
        raise ModelError(f"ir: {n_features!r} features; midge takes 1…32767")
    if not isinstance(parts, list) or len(parts) > MAX_TREES:
        raise ModelError(f"ir: trees are missing, or more than {MAX_TREES}; train the model again")
    trees = tuple(read_tree(part, n_features, 1, f"ir: tree {i}") for i, part in enumerate(parts))
    adds_to = read_array(data, "adds_to", np.int32, 1, "ir")
    bias = read_array(data, "bias", np.float64, 1, "ir")
    if len(bias) != rule.n_values or rule.decide.startswith("duels"):
        raise ModelError("ir: bias does not fit the classes; train the model again")
    if len(adds_to) != len(trees) or (adds_to < 0).any() or (adds_to >= len(bias)).any():
        raise ModelError("ir: adds_to does not fit the trees; train the model again")
    if data.get("sum_bits") not in (32, 64):
        raise ModelError(f"ir: sum_bits is {data.get('sum_bits')!r}, not 32 or 64; train the model again")
    return Additive(n_features, trees, adds_to, bias, rule, int(data["sum_bits"]))


def values(ir: Additive, X: FloatArray) -> FloatArray:
    """Values (n_rows, n_values) of rows of features; trees are added in their order, as scikit-learn does."""
    made = np.tile(ir.bias, (len(X), 1))
    for tree, column in zip(ir.trees, ir.adds_to.tolist(), strict=True):
        made[:, column] += tree.value[leaves(tree, X), 0]
    return made


def interpret(ir: Additive, X: FloatArray) -> Answers:
    """Scores, winners and margins (in values) of rows of features."""
    return ir.verdict.judge(values(ir, X))
