"""Successive halving: many candidates on few rows, the better third on more, the best on everything.

Source: K. Jamieson, A. Talwalkar, "Non-stochastic Best Arm Identification and Hyperparameter Optimization",
AISTATS 2016. A candidate is promoted only if its real module is within the budget.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..progress import Advance
from ..recipe import Budget
from . import trial
from .space import Candidate

KEPT = 3  # one in so many goes on
RUNGS = ((0.25, 1), (0.5, 2), (1.0, 4))  # share of the rows, folds

# One job: (kind, candidate, rung) → its result, in the order of the jobs.
Job = tuple[str, Candidate, int]
Run = Callable[[Sequence[Job]], list[Any]]


@dataclass(frozen=True)
class Tried:
    """A candidate, how far it came, how it did there, and what its module costs."""

    candidate: Candidate
    rung: int
    accuracy: float
    costs: Mapping[str, Any]

    def to_json(self) -> dict[str, Any]:
        return {
            **self.candidate.to_json(),
            "rung": self.rung,
            "accuracy": round(self.accuracy, 4),
            **self.costs,
        }


def search(
    candidates: Sequence[Candidate], budget: Budget, run: Run, advance: Advance, width: int
) -> list[Tried]:
    """Everything tried whose costs are known, the best first; those of the last rung before all others.

    `width` modules are built at a time.
    """
    field = list(candidates)
    costs: dict[str, Mapping[str, Any]] = {}
    tried: dict[str, Tried] = {}
    for rung, (fraction, n_folds) in enumerate(RUNGS):
        advance(
            rung,
            len(RUNGS) + 1,
            f"{len(field)} candidates on {fraction:.0%} of the rows, {n_folds} fold{'s' * (n_folds > 1)}",
        )
        scores = run([("accuracy", one, rung) for one in field])
        # The order of the candidates breaks ties.
        order = sorted(range(len(field)), key=lambda i: -scores[i])
        ranked = [(field[i], scores[i]) for i in order]
        wanted = max(1, len(field) // KEPT) if rung + 1 < len(RUNGS) else len(field)
        field = []
        if rung == 0:
            # The best of each family is built, so that the table compares families.
            first = {one.family: one for one, _ in reversed(ranked)}
            for one, found in zip(
                first.values(), run([("cost", one, 0) for one in first.values()]), strict=True
            ):
                costs[one.name] = found
        for start in range(0, len(ranked), width):
            if len(field) >= wanted:
                break
            batch = ranked[start : start + width]
            unknown = [one for one, _ in batch if one.name not in costs]
            for one, found in zip(unknown, run([("cost", one, rung) for one in unknown]), strict=True):
                costs[one.name] = found
            for one, _ in batch:
                if len(field) < wanted and trial.excess(costs[one.name], budget) <= 1:
                    field.append(one)
        for one, score in ranked:
            if one.name in costs:
                tried[one.name] = Tried(one, rung, score, costs[one.name])
        if not field:
            break
    return sorted(tried.values(), key=lambda one: (-one.rung, -one.accuracy))
