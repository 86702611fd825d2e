"""Distillation: a small student learns what a large teacher says, with its doubts, instead of bare labels.

Source: G. Hinton, O. Vinyals, J. Dean, "Distilling the Knowledge in a Neural Network", 2015.
"""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import numpy as np

from ..compile import reference
from ..compile.ir import FloatArray, Forest, Tree
from ..compile.net import Layer, Net
from ..validation import Rows
from . import tune

TEACHER_TREES = 200
# Share of the truth in what a student learns.
TRUTH = 0.3
STUDENT_DEPTH = 8
# A student's leaf holds at least one row in so many.
ROWS_A_LEAF = 400


def teach(ir: Any, rows: Rows, seed: int) -> FloatArray:
    """What 200 trees say of their own rows, each by those that had not seen it, and the truth."""
    from sklearn.ensemble import ExtraTreesClassifier

    teacher = ExtraTreesClassifier(
        TEACHER_TREES,
        bootstrap=True,
        oob_score=True,
        class_weight="balanced",
        max_features=0.3,
        random_state=seed,
        n_jobs=2,
    ).fit(rows.X, rows.y)
    truth = np.eye(ir.n_scores)[rows.y]
    said = np.zeros_like(truth)
    said[:, teacher.classes_] = np.nan_to_num(teacher.oob_decision_function_)
    return TRUTH * truth + (1 - TRUTH) * said


def forest(ir: Forest, rows: Rows, share: float, seed: int) -> Forest:
    """A forest with `share` of the trees, fitted to the teacher's probabilities."""
    from sklearn.ensemble import RandomForestRegressor

    student = RandomForestRegressor(
        max(1, round(share * len(ir.trees))),
        max_depth=STUDENT_DEPTH,
        min_samples_leaf=max(2, len(rows) // ROWS_A_LEAF),
        max_features=0.5,
        random_state=seed,
    ).fit(rows.X, teach(ir, rows, seed))
    return replace(ir, trees=tuple(_tree(one.tree_) for one in student.estimators_))


def _tree(found: Any) -> Tree:
    """scikit-learn's arrays as the IR's: leaves apart from nodes, numbered in their order."""
    is_leaf = found.children_left < 0
    place = np.where(is_leaf, ~(np.cumsum(is_leaf) - 1), np.cumsum(~is_leaf) - 1).astype(np.int32)
    inner = ~is_leaf
    value = np.clip(found.value[is_leaf][:, :, 0], 0.0, 1.0)
    return Tree(
        found.feature[inner].astype(np.int32),
        found.threshold[inner].astype(np.float64),
        place[found.children_left[inner]],
        place[found.children_right[inner]],
        value / value.sum(axis=1, keepdims=True),
    )


def net(ir: Net, rows: Rows, share: float, seed: int) -> Net | None:
    """A net with `share` of the hidden neurons, begun anew and taught by teacher and former net together."""
    if len(ir.layers) < 2:
        return None
    rng = np.random.default_rng(seed)
    made = tune.standardised(ir, rows.X)
    sizes = [max(2, round(share * len(layer.bias))) for layer in ir.layers[:-1]]
    sizes = [ir.n_features, *sizes, len(ir.layers[-1].bias)]
    layers = tuple(
        Layer(rng.normal(size=(n_out, n_in)) * np.sqrt(2 / n_in), np.zeros(n_out))
        for n_in, n_out in itertools.pairwise(sizes)
    )
    wanted = teach(ir, rows, seed)
    if ir.verdict.scores == "softmax":
        wanted = (wanted + reference.predict(ir, rows.X)) / 2
    return tune.restored(tune.tune(replace(made, layers=layers), rows.X, wanted, seed), rows.X)
