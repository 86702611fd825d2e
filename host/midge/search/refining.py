"""Around the best: what differs from them in one step; and the finals, judged by another split as well.

Among the best, few rows can't tell neighbours apart, so these learn from all at once. The best of many by one
split is partly the luckiest of them, so the last word is of a second one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..progress import Advance
from ..recipe import Budget
from . import space, trial
from .effort import FINAL, LAST, RUNGS
from .halving import Run, Tried, best_first, mean

ROUNDS = 2
LEADERS = 3


def refine(
    tried: Sequence[Tried],
    budget: Budget,
    run: Run,
    advance: Advance,
    *,
    n_new: int,
    n_features: int,
    seed: int,
) -> list[Tried]:
    """All that was tried and `n_new` neighbours of the best within the budget, in `ROUNDS` rounds."""
    found = list(tried)
    for turn in range(ROUNDS):
        n_turn = n_new // ROUNDS + (turn < n_new % ROUNDS)
        leaders = _leaders(found, budget, LEADERS)
        known = {one.candidate.name for one in found}
        around = [space.neighbours(one.candidate, n_features) for one in leaders]
        chosen = space.in_turns(around, known, seed + turn)[:n_turn]
        if not chosen:
            break
        advance(LAST + 1, LAST + 3, f"{len(chosen)} neighbours of the best {len(leaders)}")
        scores = run([("scores", one, RUNGS[LAST]) for one in chosen])
        # What is worse than all leaders need not be built.
        bar = leaders[-1].accuracy
        good = [(one, score) for one, score in zip(chosen, scores, strict=True) if mean(score) >= bar]
        costs = run([("cost", one, None) for one, _ in good])
        built = zip(good, costs, strict=True)
        found += [Tried(one, LAST, tuple(score), cost) for (one, score), cost in built]
    return best_first(found)


def judge_again(
    tried: Sequence[Tried], budget: Budget, run: Run, advance: Advance, *, finalists: int
) -> list[Tried]:
    """All that was tried; the best `finalists` within the budget are a rung further, by both splits."""
    best: list[Tried] = []
    for number in range(1, finalists + 1):
        more = _leaders(tried, budget, number)
        # A second one there must be, whatever it takes.
        if (
            number <= 2
            or sum({one.candidate.fit_name: one.candidate.fits for one in more}.values()) <= finalists
        ):
            best = more
    if not best:
        return list(tried)
    advance(LAST + 2, LAST + 3, f"the best {len(best)} by another split")
    scores = run([("scores", one.candidate, FINAL) for one in best])
    both = zip(best, scores, strict=True)
    again = [replace(one, rung=LAST + 1, scores=(*one.scores, *more)) for one, more in both]
    return best_first([*again, *(one for one in tried if one not in best)])


def _leaders(tried: Sequence[Tried], budget: Budget, most: int) -> list[Tried]:
    """The `most` best fits of the last rung within the budget; one in two layouts is one fit."""
    there = [one for one in tried if one.rung == LAST and trial.excess(one.costs, budget) <= 1]
    there.sort(key=lambda one: -one.accuracy)
    fits = list(dict.fromkeys(one.candidate.fit_name for one in there))[:most]
    return [one for one in there if one.candidate.fit_name in fits]
