"""One trial: how accurate a candidate is on groups it has not seen, and what its module really costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import build as builder
from .. import train, validation
from ..compile import c99
from ..errors import CompileError, ModelError
from ..model_file import Model
from ..recipe import Budget, Recipe
from ..train import Examples
from ..validation import Fitted, Rows
from .space import Candidate

LIMITS = ("module_bytes", "state_bytes", "instructions")


@dataclass(frozen=True)
class Task:
    """What all trials of a search share."""

    recipe: Recipe
    examples: Examples
    target: str
    budget: Budget
    seed: int


def accuracy(task: Task, candidate: Candidate, fraction: float, n_folds: int) -> float:
    """Mean over folds by group of accuracy and mean recall, on a fraction of the rows.

    0 if it can't be fitted; why is told when its module is to be built.
    """
    rows = _part(task.examples.rows, fraction, task.seed)
    more = _part(task.examples.more, fraction, task.seed)
    scores = []
    masks = validation.folds(rows.y, rows.keys, max(2, n_folds), task.seed, [])
    for mask in masks[:n_folds]:
        learning = rows.where(~mask)
        learning = learning + more.where(~np.isin(more.keys, rows.keys[mask]))
        if len(np.unique(learning.y)) < 2:
            continue
        try:
            fitted = validation.fit(candidate.family, candidate.params, learning, task.seed)
        except ValueError:
            return 0.0
        scores.append(validation.balanced(rows.y[mask], fitted.predict(rows.X[mask])))
    return float(np.mean(scores)) if scores else 0.0


def fit(task: Task, candidate: Candidate) -> tuple[Fitted, Model]:
    """The candidate fitted on all rows of the task, as a model."""
    found = task.examples
    rows = found.rows + found.more
    fitted = validation.fit(candidate.family, candidate.params, rows, task.seed)
    about = {"family": candidate.family, "params": dict(candidate.params)}
    model = train.model_of(task.recipe, fitted, rows.X, windows=found.cut.windows, provenance=about)
    return fitted, model


def cost(task: Task, candidate: Candidate) -> dict[str, Any]:
    """Bytes and instructions of the built module, or {'refused': why} if there is none.

    Outside the budget in its own layout, it may have another.
    """
    found: list[dict[str, Any]] = []
    try:
        _, model = fit(task, candidate)
        there = [layout for layout, _ in c99.candidates(model)]
        for layout in sorted(there, key=lambda one: one != candidate.layout):
            found.append(_costs(builder.build(model, task.target, layout=layout)))
            if excess(found[-1], task.budget) <= 1:
                return found[-1]
    except (CompileError, ModelError, ValueError) as error:
        found.append({"refused": str(error)})
    return min(found, key=lambda one: excess(one, task.budget))


def _costs(built: builder.BuiltModule) -> dict[str, Any]:
    return {
        "module_bytes": built.module_bytes,
        "state_bytes": built.state_bytes,
        "stack_bytes": built.stack_bytes,
        "instructions": built.instructions_max,
        "layout": built.layout,
    }


def excess(costs: Mapping[str, Any], budget: Budget) -> float:
    """The largest share of a limit that is used: within the budget up to 1; infinite if nothing was built."""
    if "refused" in costs:
        return float("inf")
    shares = [costs[name] / limit for name in LIMITS if (limit := getattr(budget, name)) is not None]
    return max(shares, default=0.0)


def _part(rows: Rows, fraction: float, seed: int) -> Rows:
    if fraction >= 1 or not len(rows):
        return rows
    kept = np.random.default_rng(seed).permutation(len(rows))[: max(1, round(fraction * len(rows)))]
    return rows.where(np.sort(kept))
