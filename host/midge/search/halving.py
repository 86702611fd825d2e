"""Successive halving: many candidates learn from a quarter of the rows, the best of them from all.

Some of the many are neighbours of those that were the best so far.

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
# Around so many of the best is looked, so many times.
LEADERS = 4
ROUNDS = 2


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


@dataclass
class _Field:
    """Candidates of the lowest rung with their scores, and what modules of some cost."""

    budget: Budget
    run: Run
    scores: dict[str, Sequence[float]]
    costs: dict[str, Mapping[str, Any]]
    ranked: list[Candidate]

    def screen(self, candidates: Sequence[Candidate]) -> None:
        """Judge them on the lowest rung; the order of the candidates breaks ties."""
        found = self.run([("scores", one, RUNGS[0]) for one in candidates])
        self.scores |= {one.name: score for one, score in zip(candidates, found, strict=True)}
        self.ranked = sorted([*self.ranked, *candidates], key=lambda one: -mean(self.scores[one.name]))

    def build(self, candidates: Sequence[Candidate]) -> None:
        """Know the costs of all of them."""
        unknown = [one for one in candidates if one.name not in self.costs]
        found = self.run([("cost", one, None) for one in unknown])
        self.costs |= {one.name: cost for one, cost in zip(unknown, found, strict=True)}

    def excess(self, candidate: Candidate) -> float:
        return trial.excess(self.costs[candidate.name], self.budget)


def search(
    candidates: Sequence[Candidate],
    budget: Budget,
    plan: Plan,
    run: Run,
    advance: Advance,
    *,
    n_features: int,
    seed: int,
    width: int,
) -> list[Tried]:
    """Everything tried whose costs are known, the best first; those of the last rung before all others.

    `width` modules are built at a time.
    """
    field = _Field(budget, run, {}, {}, [])
    advance(0, LAST + 3, f"{len(candidates)} candidates on {RUNGS[0].share:.0%} of the rows")
    field.screen(candidates)
    # The best of each family is built, so that the table compares families.
    field.build(list({one.family: one for one in reversed(field.ranked)}.values()))
    for turn in range(ROUNDS):
        n_turn = plan.explored // ROUNDS + (turn < plan.explored % ROUNDS)
        if not n_turn:
            break
        leaders = field.ranked[:LEADERS]
        field.build(leaders)
        around = [_near(one, field.excess(one) <= 1, n_features) for one in leaders]
        near = space.in_turns(around, field.scores, seed + turn)[:n_turn]
        advance(0, LAST + 3, f"{len(near)} neighbours of the best {len(leaders)}")
        field.screen(near)
    promoted, smaller = _promoted(field, plan.promoted, width)
    advance(LAST, LAST + 3, f"the best {len(promoted)} on all rows")
    found = run([("scores", one, RUNGS[LAST]) for one in promoted])
    last = {one.name: score for one, score in zip(promoted, found, strict=True)}
    tried = []
    for one in [*field.ranked, *(one for one in smaller if one.name in last)]:
        if one.name in field.costs:
            rung, there = (LAST, last[one.name]) if one.name in last else (0, field.scores[one.name])
            tried.append(Tried(one, rung, tuple(there), field.costs[one.name]))
    return best_first(tried)


def _near(candidate: Candidate, is_within: bool, n_features: int) -> list[Candidate]:
    """Neighbours that are other fits; of what is too large those that read less."""
    there = (space.neighbours if is_within else space.with_fewer_features)(candidate, n_features)
    return [one for one in there if one.layout == candidate.layout]


def _promoted(field: _Field, most: int, width: int) -> tuple[list[Candidate], list[Candidate]]:
    """The best that are within the budget, in work as `most` fits; and what was made smaller to be so."""
    promoted, smaller = list[Candidate](), list[Candidate]()
    waiting = in_turn(field.ranked, field.scores)
    # One in two layouts is one fit.
    fits: dict[str, int] = {}
    while waiting and sum(fits.values()) < most:
        batch, waiting = waiting[:width], waiting[width:]
        field.build(batch)
        made: list[Candidate] = []
        for one in batch:
            if field.excess(one) <= 1:
                if one.fit_name in fits or sum(fits.values()) + one.fits <= most:
                    fits[one.fit_name] = one.fits
                    promoted.append(one)
            elif len(smaller) + len(made) < most // 2:
                less = space.compressed(one, field.excess(one))
                made += [less] if less is not None else []
        smaller, waiting = smaller + made, made + waiting
    return promoted, smaller


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
