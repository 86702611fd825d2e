"""Once more around the best: what differs from them in one step, judged on everything at once.

Few rows and folds can't tell neighbours apart, so these don't begin on the lower rungs.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from ..progress import Advance
from ..recipe import Budget
from . import halving, space, trial
from .halving import Run, Tried
from .space import Candidate

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
    last = len(halving.RUNGS) - 1
    for turn in range(ROUNDS):
        n_turn = n_new // ROUNDS + (turn < n_new % ROUNDS)
        leaders = [one for one in found if one.rung == last and trial.excess(one.costs, budget) <= 1]
        leaders = sorted(leaders, key=lambda one: -one.accuracy)[:LEADERS]
        chosen = _around([one.candidate for one in leaders], found, n_features, seed + turn)[:n_turn]
        if not chosen:
            break
        advance(last + 1, len(halving.RUNGS) + 1, f"{len(chosen)} neighbours of the best {len(leaders)}")
        scores = run([("accuracy", one, last) for one in chosen])
        # What is worse than all leaders need not be built.
        bar = leaders[-1].accuracy
        good = [(one, score) for one, score in zip(chosen, scores, strict=True) if score >= bar]
        costs = run([("cost", one, last) for one, _ in good])
        found += [Tried(one, last, score, cost) for (one, score), cost in zip(good, costs, strict=True)]
    return sorted(found, key=lambda one: (-one.rung, -one.accuracy))


def _around(
    leaders: Sequence[Candidate], tried: Sequence[Tried], n_features: int, seed: int
) -> list[Candidate]:
    """New neighbours in random order; leaders take turns."""
    rng = np.random.default_rng(seed)
    known = {one.candidate.name for one in tried}
    lists = []
    for leader in leaders:
        there = [one for one in space.neighbours(leader, n_features) if one.name not in known]
        lists.append([there[place] for place in rng.permutation(len(there))])
    turns = itertools.chain.from_iterable(itertools.zip_longest(*lists))
    return list({one.name: one for one in turns if one is not None}.values())
