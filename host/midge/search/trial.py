"""One trial: how accurate a candidate is on groups it has not seen, and what its module really costs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import build as builder
from .. import train, validation
from ..compile import c99
from ..compile.ir import Node
from ..compress import app as compress_app
from ..compress import plan
from ..errors import CompileError, MidgeError, ModelError
from ..model_file import Model
from ..recipe import Budget, Recipe
from ..train import Examples
from ..validation import Fitted, Int16, Labels, Rows
from . import space
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
    for mask in _masks(rows, rung, task.seed):
        learning = thinned(rows.where(~mask), rung.share)
        learning = learning + thinned(more.where(~np.isin(more.keys, rows.keys[mask])), rung.share)
        try:
            fitted = validation.fit(candidate.family, params, learning, task.seed)
            smaller = compressed(task, candidate, fitted, learning)
        except (ValueError, MidgeError):
            return []
        found.append(validation.balanced(rows.y[mask], predict(fitted, smaller, rows.X[mask])))
    return found


def _masks(rows: Rows, rung: Rung, seed: int) -> list[npt.NDArray[np.bool_]]:
    """Rows to hold out; another split is drawn at random, as balanced folds come out the same again."""
    if rung.split == 0:
        return validation.folds(rows.y, rows.keys, rung.folds, seed, [])
    groups = np.random.default_rng([seed, rung.split]).permutation(np.unique(rows.keys))
    masks = [np.isin(rows.keys, part) for part in np.array_split(groups, min(rung.folds, len(groups)))]
    return [mask for mask in masks if len(np.unique(rows.y[~mask])) > 1]


def fit(
    task: Task, candidate: Candidate, provenance: Mapping[str, Any] | None = None
) -> tuple[Model, Callable[[Int16], Labels]]:
    """The candidate fitted on all rows of the task: the model, and what it answers to rows of all columns.

    Raises ModelError if it is not its estimator's, or can't be compressed so.
    """
    found = task.examples
    rows = found.rows + found.more
    fitted = validation.fit(candidate.family, candidate.params, rows, task.seed)
    smaller = compressed(task, candidate, fitted, rows)
    about = {"family": candidate.family, "params": dict(candidate.params), **(provenance or {})}
    if smaller is not None:
        about["compressed"] = [[space.TECHNIQUES[candidate.family], candidate.left]]
    windows = found.cut.windows
    model = train.model_of(task.recipe, fitted, rows.X, windows=windows, provenance=about, ir=smaller)
    return model, lambda X: predict(fitted, smaller, X)


def compressed(task: Task, candidate: Candidate, fitted: Fitted, learning: Rows) -> Node | None:
    """The fit's IR after the candidate's compression, if it has one; ModelError if that does not suit it."""
    if candidate.left == 1:
        return None
    case = compress_app.case_of(fitted, learning, learning.where(np.zeros(len(learning), bool)))
    done = plan.apply(space.TECHNIQUES[candidate.family], case, candidate.left, task.seed)
    if done is None:
        raise ModelError(f"{candidate.title} can't be made smaller so; choose another share")
    return done.ir.calibrated(case.learning.X)


def predict(fitted: Fitted, smaller: Node | None, X: Int16) -> Labels:
    """Labels of rows of all columns: the estimator's, or of what it became."""
    return fitted.predict(X) if smaller is None else plan.answers(smaller, X[:, fitted.columns])


def cost(task: Task, candidate: Candidate) -> dict[str, Any]:
    """Bytes and instructions of the built module, or {'refused': why} if there is none.

    Outside the budget in its own layout, it may have another.
    """
    found: list[dict[str, Any]] = []
    try:
        model, _ = fit(task, candidate)
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
