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
from .effort import Rung
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


def scores(task: Task, candidate: Candidate, rung: Rung) -> list[float]:
    """Mean of accuracy and mean recall on each fold by group; empty if it can't be fitted anywhere.

    A rung's share is of the rows learnt from: all rows of a fold are asked. Why a candidate can't be fitted
    is told when its module is to be built.
    """
    rows, more = task.examples.rows, task.examples.more
    params = dict(candidate.params)
    if rung.share < 1 and "members" in params:
        # A committee is as good as its kind of member, to begin with.
        params["members"] = 1
    found = []
    for mask in validation.folds(rows.y, rows.keys, rung.folds, task.seed + rung.split, []):
        learning = thinned(rows.where(~mask), rung.share)
        learning = learning + thinned(more.where(~np.isin(more.keys, rows.keys[mask])), rung.share)
        try:
            fitted = validation.fit(candidate.family, params, learning, task.seed)
        except ValueError:
            return []
        found.append(validation.balanced(rows.y[mask], fitted.predict(rows.X[mask])))
    return found


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


def thinned(rows: Rows, share: float) -> Rows:
    """Every so many-th row of each label of each group, so that none goes missing."""
    if share >= 1:
        return rows
    step = round(1 / share)
    order = np.lexsort((rows.y, rows.keys))
    same = (rows.keys[order][1:] == rows.keys[order][:-1]) & (rows.y[order][1:] == rows.y[order][:-1])
    first = np.flatnonzero(np.concatenate([[True], ~same])) if len(rows) else np.zeros(0, int)
    place = np.arange(len(rows)) - np.repeat(first, np.diff([*first, len(rows)]))
    return rows.where(np.sort(order[place % step == 0]))
