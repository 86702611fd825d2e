"""The plan: no more work than so many trials."""

from __future__ import annotations

import pytest

from midge.search import effort


@pytest.mark.parametrize("trials", [5, 30, 200])
def test_a_plan_spends_no_more_than_so_many_trials(trials: int) -> None:
    plan = effort.plan(trials, 7)
    spent = (plan.drawn + plan.explored) * effort.RUNGS[0].work + plan.promoted * effort.RUNGS[
        effort.LAST
    ].work
    built = plan.promoted + 7
    n_new = plan.neighbours(spent + built)
    total = spent + built + n_new * (effort.RUNGS[effort.LAST].work + 1) + plan.finalists * effort.FINAL.work
    # Seven families are more than five trials can look at.
    assert trials == 5 or total <= trials * effort.FOLDS
    assert trials == 5 or n_new > 0
