"""The small language between estimators and C: what a fitted model computes, not where it came from.

One frozen dataclass a kind; kinds.py names the files that know it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Protocol, Self

import numpy as np
import numpy.typing as npt

from ..errors import ModelError
from . import kinds

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int32]
# Narrower sums leave the votes of one tree too few steps for its probabilities.
MAX_NARROW_TREES = 255


@dataclass(frozen=True, eq=False)
class Answers:
    """What a model says of some rows.

    scores : float64 (n_rows, n_scores);  winners : (n_rows,)
    margins : float64 (n_rows,), how far the numbers that decide may move before another class may win
    """

    scores: FloatArray
    winners: npt.NDArray[np.intp]
    margins: FloatArray


class Node(Protocol):
    """What every kind of IR has."""

    @property
    def kind(self) -> str:
        """Row in `kinds.KINDS`."""

    @property
    def n_features(self) -> int:
        """Features a row."""

    @property
    def n_scores(self) -> int:
        """Scores a row."""

    def used_features(self) -> list[int]:
        """Indices of the features that are read, ascending."""

    def select_features(self, kept: Sequence[int]) -> Self:
        """The same model over the features `kept` alone; every feature that is read must be among them."""

    def calibrated(self, X: npt.NDArray[Any]) -> Self:
        """The same model, told of the rows that it will meet: X (n_rows, n_features) as it reads them."""

    def input_epsilon(self) -> float:
        """What an error of half a step in every feature can move the margin by."""

    def rescaled(self, step: FloatArray, offset: FloatArray) -> Self:
        """The same model over z, where x = z * step + offset, each (n_features,); step is above 0."""

    def to_json(self) -> dict[str, Any]:
        """As it stands in model.json."""


@dataclass(frozen=True, eq=False)
class Tree:
    """A binary decision tree: at node i go left if x[feature[i]] <= threshold[i], else right.

    A child c >= 0 is node c; a child c < 0 is leaf ~c. Node 0 is the root; a tree without nodes is leaf 0.

    feature, left, right : int32 (n_nodes,);  threshold : float64 (n_nodes,)
    value : float64 (n_leaves, n_classes), probabilities
    """

    feature: IntArray
    threshold: FloatArray
    left: IntArray
    right: IntArray
    value: FloatArray

    @property
    def root(self) -> int:
        """Where to begin: node 0, or leaf 0 in the form of a child."""
        return 0 if len(self.feature) else ~0

    def to_json(self) -> dict[str, Any]:
        """As it stands in model.json; floats print at their shortest round trip."""
        return {
            "feature": self.feature.tolist(),
            "threshold": self.threshold.tolist(),
            "left": self.left.tolist(),
            "right": self.right.tolist(),
            "value": self.value.tolist(),
        }


@dataclass(frozen=True, eq=False)
class Forest:
    """Mean of the class probabilities of trees; the highest wins, the lowest index at a tie."""

    kind: ClassVar[str] = "forest"

    n_features: int
    n_classes: int
    trees: tuple[Tree, ...]
    # Width of a class's sum of votes in the C, 16 or 32: part of the model, as its scores depend on it.
    vote_bits: int = 32

    @property
    def n_scores(self) -> int:
        """Scores a row: one a class."""
        return self.n_classes

    def used_features(self) -> list[int]:
        """Indices of the features that some node reads, ascending."""
        return sorted({int(feature) for tree in self.trees for feature in tree.feature})

    def select_features(self, kept: Sequence[int]) -> Forest:
        """The same forest over the features `kept` alone; every feature that is read must be among them."""
        renumber = np.full(self.n_features, -1, np.int32)
        renumber[list(kept)] = np.arange(len(kept))
        trees = tuple(
            Tree(renumber[tree.feature], tree.threshold, tree.left, tree.right, tree.value)
            for tree in self.trees
        )
        return replace(self, n_features=len(kept), trees=trees)

    def calibrated(self, X: npt.NDArray[Any]) -> Forest:
        """With sums of votes as wide as the rows of X need."""
        from . import votes

        return replace(self, vote_bits=votes.choose_bits(self, X))

    def rescaled(self, step: FloatArray, offset: FloatArray) -> Forest:
        """The same forest over z, where x = z * step + offset."""
        trees = tuple(
            replace(tree, threshold=(tree.threshold - offset[tree.feature]) / step[tree.feature])
            for tree in self.trees
        )
        return replace(self, trees=trees)

    def input_epsilon(self) -> float:
        """0: thresholds have been moved to where rounded features part as the exact ones did."""
        return 0.0

    def to_json(self) -> dict[str, Any]:
        """As it stands in model.json."""
        return {
            "kind": self.kind,
            "n_features": self.n_features,
            "n_classes": self.n_classes,
            # Left out where it is 32, as in files from before there was a choice.
            **({} if self.vote_bits == 32 else {"vote_bits": self.vote_bits}),
            "trees": [tree.to_json() for tree in self.trees],
        }


def n_nodes(ir: Node) -> int:
    """Inner nodes of all trees of a model, 0 if it has none."""
    trees: Sequence[Tree] = getattr(getattr(ir, "inner", ir), "trees", ())
    return sum(len(tree.feature) for tree in trees)


def read_array(data: Mapping[str, Any], key: str, dtype: Any, n_dims: int, where: str) -> npt.NDArray[Any]:
    """An array of finite numbers out of JSON, with nothing lost."""
    try:
        loose = np.asarray(data[key], np.float64)
    except (KeyError, TypeError, ValueError, OverflowError):
        raise ModelError(f"{where}: {key} is missing or not numbers; train the model again") from None
    if loose.size == 0 and n_dims == 1:
        loose = loose.reshape(0)
    if loose.ndim != n_dims or not np.isfinite(loose).all():
        raise ModelError(f"{where}: {key} has a wrong shape or is not finite; train the model again")
    if dtype is np.int32 and not ((np.abs(loose) < 2**31) & (loose == np.floor(loose))).all():
        raise ModelError(f"{where}: {key} holds a number that is no index; train the model again")
    return loose.astype(dtype)


def read_tree(data: Any, n_features: int, n_values: int, where: str) -> Tree:
    """A tree with `n_values` numbers a leaf out of its JSON; ModelError unless it is whole and safe."""
    if not isinstance(data, dict):
        raise ModelError(f"{where} is not an object; train the model again")
    feature = read_array(data, "feature", np.int32, 1, where)
    threshold = read_array(data, "threshold", np.float64, 1, where)
    left = read_array(data, "left", np.int32, 1, where)
    right = read_array(data, "right", np.int32, 1, where)
    value = read_array(data, "value", np.float64, 2, where)
    tree = Tree(feature, threshold, left, right, value)
    n_nodes, n_leaves = len(feature), len(value)
    if not (len(threshold) == len(left) == len(right) == n_nodes and n_leaves == n_nodes + 1):
        raise ModelError(f"{where}: its arrays don't fit each other; train the model again")
    if value.shape[1] != n_values:
        raise ModelError(f"{where}: value is not {n_values} numbers a leaf; train the model again")
    if n_nodes and (feature.min() < 0 or feature.max() >= n_features):
        raise ModelError(f"{where}: reads a feature outside 0…{n_features - 1}; train the model again")
    # Every node and leaf but the root is the child of exactly one node, and children come after parents:
    # so the walk ends, and stays inside.
    children = np.concatenate([left, right])
    expected = np.concatenate([np.arange(1, n_nodes), ~np.arange(n_leaves)]) if n_nodes else children
    parents = np.concatenate([np.arange(n_nodes)] * 2)
    inner = children >= 0
    if not np.array_equal(np.sort(children), np.sort(expected)) or (children[inner] <= parents[inner]).any():
        raise ModelError(f"{where}: its nodes are no tree; train the model again")
    return tree


def _voting_tree(data: Any, n_features: int, n_classes: int, where: str) -> Tree:
    tree = read_tree(data, n_features, n_classes, where)
    if (tree.value < 0).any() or (tree.value > 1 + 1e-9).any():
        raise ModelError(f"{where}: value is not {n_classes} probabilities a leaf; train the model again")
    return tree


def read(data: Mapping[str, Any]) -> Forest:
    """A forest out of its JSON; raises ModelError unless it is whole and safe."""
    vote_bits = data.get("vote_bits", 32)
    n_features, n_classes, trees = data.get("n_features"), data.get("n_classes"), data.get("trees")
    if not isinstance(n_features, int) or not isinstance(n_classes, int) or not isinstance(trees, list):
        raise ModelError("ir: a forest needs n_features, n_classes and trees; train the model again")
    if not (1 <= n_features <= 32767 and 1 <= n_classes <= 255 and 1 <= len(trees) <= 65535):
        raise ModelError(
            f"ir: {n_features} features, {n_classes} classes, {len(trees)} trees: "
            "midge takes 1…32767, 1…255 and 1…65535"
        )
    if vote_bits not in (16, 32) or (vote_bits == 16 and len(trees) > MAX_NARROW_TREES):
        raise ModelError(f"ir: vote_bits is {vote_bits!r}, not 16 or 32; train the model again")
    return Forest(
        n_features,
        n_classes,
        tuple(_voting_tree(tree, n_features, n_classes, f"ir: tree {i}") for i, tree in enumerate(trees)),
        vote_bits,
    )


def from_json(data: Any) -> Node:
    """The IR in the `ir` part of a model.json; raises ModelError on anything that is not whole and safe."""
    if not isinstance(data, dict) or data.get("kind") not in tuple(kinds.KINDS):
        kind = data.get("kind") if isinstance(data, dict) else data
        raise ModelError(
            f"ir: kind {kind!r} is not one of {', '.join(kinds.KINDS)}; is this midge too old for the model?"
        )
    node: Node = kinds.part(data["kind"], "ir").read(data)
    return node
