"""Successive halving: many candidates learn from a quarter of the rows, the best of them from all.

Source: K. Jamieson, A. Talwalkar, "Non-stochastic Best Arm Identification and Hyperparameter Optimization",
AISTATS 2016. A candidate is promoted only if its real module is within the budget.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..progress import Advance
from ..recipe import Budget
from . import space, trial
from .effort import LAST, RUNGS, Plan, Rung
from .space import Candidate

# One job: (kind, candidate, rung) → its result, in the order of the jobs; a cost has no rung.
Job = tuple[str, Candidate, Rung | None]
Run = Callable[[Sequence[Job]], list[Any]]
Scores = Mapping[str, Sequence[float]]
# A family whose best is worse by more standard errors than this is not promoted for being another family.
DOUBT = 2.0


@dataclass(frozen=True)
class Tried:
    """A candidate, how far it came, its score on each fold there, and what its module costs."""

    candidate: Candidate
    rung: int
    scores: tuple[float, ...]
    costs: Mapping[str, Any]

    @property
    def accuracy(self) -> float:
        """Mean over the folds; 0 if it could not be fitted."""
        return mean(self.scores)

    def to_json(self) -> dict[str, Any]:
        return {
            **self.candidate.to_json(),
            "rung": self.rung,
            "accuracy": round(self.accuracy, 4),
            **self.costs,
        }


def mean(scores: Sequence[float]) -> float:
    """Of a candidate's folds; 0 if there are none."""
    return float(np.mean(scores)) if len(scores) else 0.0


def search(
    candidates: Sequence[Candidate], budget: Budget, plan: Plan, run: Run, advance: Advance, width: int
) -> list[Tried]:
    """Everything tried whose costs are known, the best first; those of the last rung before all others.

    `width` modules are built at a time.
    """
    advance(0, LAST + 3, f"{len(candidates)} candidates on {RUNGS[0].share:.0%} of the rows")
    found = run([("scores", one, RUNGS[0]) for one in candidates])
    scores = {one.name: score for one, score in zip(candidates, found, strict=True)}
    # The order of the candidates breaks ties.
    ranked = sorted(candidates, key=lambda one: -mean(scores[one.name]))
    # The best of each family is built, so that the table compares families.
    first = list({one.family: one for one in reversed(ranked)}.values())
    costs = dict(zip((one.name for one in first), run([("cost", one, None) for one in first]), strict=True))
    promoted: list[Candidate] = []
    waiting, smaller = in_turn(ranked, scores), list[Candidate]()
    while waiting and len({one.fit_name for one in promoted}) < plan.promoted:
        batch, waiting = waiting[:width], waiting[width:]
        unknown = [one for one in batch if one.name not in costs]
        for one, cost in zip(unknown, run([("cost", one, None) for one in unknown]), strict=True):
            costs[one.name] = cost
        for one in batch:
            # One in two layouts is one fit.
            fits = {other.fit_name for other in promoted}
            has_place = len(fits) < plan.promoted or one.fit_name in fits
            excess = trial.excess(costs[one.name], budget)
            if excess > 1 and len(smaller) < plan.promoted:
                made = space.compressed(one, excess)
                smaller += [made] if made is not None else []
                waiting = [*([made] if made is not None else []), *waiting]
            elif has_place and excess <= 1:
                promoted.append(one)
    advance(LAST, LAST + 3, f"the best {len(promoted)} on all rows")
    last = dict(
        zip(
            (one.name for one in promoted),
            run([("scores", one, RUNGS[LAST]) for one in promoted]),
            strict=True,
        )
    )
    tried = []
    for one in [*ranked, *(one for one in smaller if one.name in last)]:
        if one.name in costs:
            rung, there = (LAST, last[one.name]) if one.name in last else (0, scores[one.name])
            tried.append(Tried(one, rung, tuple(there), costs[one.name]))
    return best_first(tried)


def best_first(tried: Sequence[Tried]) -> list[Tried]:
    """Those of the last rung before all others, the more accurate first."""
    return sorted(tried, key=lambda one: (-one.rung, -one.accuracy))


def in_turn(ranked: Sequence[Candidate], scores: Scores) -> list[Candidate]:
    """First the best of each family that may be the best of all, then the others as they are ranked."""
    leader = scores[ranked[0].name]
    first: dict[str, Candidate] = {}
    for one in ranked:
        first.setdefault(one.family, one)
    chosen = [one for one in first.values() if not is_worse(scores[one.name], leader)]
    return [*chosen, *(one for one in ranked if one not in chosen)]


def is_worse(scores: Sequence[float], best: Sequence[float]) -> bool:
    """Whether the difference over the same folds is more than `DOUBT` standard errors."""
    if len(scores) != len(best) or len(best) < 2:
        return mean(scores) < mean(best)
    difference = np.subtract(best, scores)
    return bool(difference.mean() > DOUBT * difference.std(ddof=1) / np.sqrt(len(difference)))
