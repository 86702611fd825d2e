"""Forests through emlearn: it writes the C of the trees, votes and verdict are midge's own.

emlearn's own output would compare `feature < threshold` where scikit-learn has `<=`, and vote by class or
by eight-bit shares. So it is given thresholds one higher, and leaves that are numbers of rows in a table of
votes: then its trees part every int16 row as the model does, and the scores are those of the other layouts,
bit for bit.
Needs the training extra.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import ToolchainMissing, UnsupportedModel
from .c99_table import table
from .votes import VotingForest, VotingTree

_NAME = "emlearn_forest"
_MAX_FEATURES = 10000


@dataclass(frozen=True)
class _Grown:
    """A tree in the form that emlearn reads, scikit-learn's: node 0 is the root, a leaf has children -1."""

    children_left: npt.NDArray[np.int64]
    children_right: npt.NDArray[np.int64]
    feature: npt.NDArray[np.int64]
    threshold: npt.NDArray[np.int64]
    value: npt.NDArray[np.float64]

    @property
    def node_count(self) -> int:
        return len(self.value)


def _emlearn_trees() -> Any:
    """emlearn's tree module; ToolchainMissing if it is not installed."""
    # Its import makes every numpy warning of the process an error.
    before = np.geterr()
    try:
        return importlib.import_module("emlearn.trees")
    except ImportError as error:
        raise ToolchainMissing(
            f"emlearn is not installed ({error}): pip install 'midge[train]', or use --backend midge"
        ) from None
    finally:
        np.seterr(**before)


def code(forest: VotingForest) -> str:
    """C of midge_classify() for a forest, its trees written by emlearn.

    Raises ToolchainMissing without emlearn, UnsupportedModel for more features than it takes.
    """
    trees = _emlearn_trees()
    if forest.n_features > _MAX_FEATURES:
        raise UnsupportedModel(f"emlearn takes {_MAX_FEATURES} features at most; use --backend midge")
    rows: dict[bytes, int] = {}
    votes: list[npt.NDArray[np.int64]] = []
    grown = [_grown(tree, rows, votes) for tree in forest.trees]
    written: str = trees.generate_c_inlined(
        trees.flatten_forest(grown, leaf="value"),
        name=_NAME,
        n_features=forest.n_features,
        n_classes=len(votes),
        dtype="int16_t",
        include_proba=False,
    )
    # Behind the trees comes emlearn's majority vote, which has no use for numbers of rows.
    of_trees = written.split(f"int32_t {_NAME}_predict(", maxsplit=1)[0]
    n = forest.n_classes
    lines = [
        of_trees[of_trees.index("static inline") :].rstrip(),
        "",
        table("votes", "uint32_t", np.array(votes, np.int64)),
        "",
        "static void votes_add(int32_t row, uint32_t *sums)",
        "{",
        f"    for (int32_t c = 0; c < {n}; c++) {{",
        f"        sums[c] += votes[{n} * row + c];",
        "    }",
        "}",
        "",
        "int32_t midge_classify(const int16_t *features, int16_t *scores)",
        "{",
        f"    uint32_t sums[{n}];",
        "    int32_t winner = 0;",
        "",
        f"    for (int32_t c = 0; c < {n}; c++) {{",
        f"        sums[c] = {forest.half}u;",
        "    }",
        *(
            f"    votes_add({_NAME}_tree_{t}(features, {forest.n_features}), sums);"
            for t in range(len(grown))
        ),
        f"    for (int32_t c = 0; c < {n}; c++) {{",
        "        if (sums[c] > sums[winner]) {",
        "            winner = c;",
        "        }",
        f"        scores[c] = (int16_t)(sums[c] >> {forest.shift});",
        "    }",
        "    return winner;",
        "}",
        "",
    ]
    return "\n".join(lines)


def _grown(tree: VotingTree, rows: dict[bytes, int], votes: list[npt.NDArray[np.int64]]) -> _Grown:
    """The tree for emlearn; its leaves' votes are added to `votes`, equal ones once."""
    # In preorder, inner nodes and leaves mixed, as scikit-learn numbers them: emlearn counts on it.
    order: list[int] = []
    waiting = [tree.root]
    while waiting:
        child = waiting.pop()
        order.append(child)
        if child >= 0:
            waiting += [int(tree.right[child]), int(tree.left[child])]
    place = {child: number for number, child in enumerate(order)}
    left, right, feature, threshold, value = [], [], [], [], []
    for child in order:
        if child >= 0:
            left.append(place[int(tree.left[child])])
            right.append(place[int(tree.right[child])])
            feature.append(int(tree.feature[child]))
            threshold.append(int(tree.threshold[child]) + 1)
            value.append(0)
        else:
            of_leaf = tree.votes[~child]
            if of_leaf.tobytes() not in rows:
                rows[of_leaf.tobytes()] = len(votes)
                votes.append(of_leaf)
            left.append(-1)
            right.append(-1)
            feature.append(-2)
            threshold.append(-2)
            value.append(rows[of_leaf.tobytes()])
    return _Grown(
        np.array(left),
        np.array(right),
        np.array(feature),
        np.array(threshold),
        np.array(value, np.float64).reshape(-1, 1, 1),
    )
