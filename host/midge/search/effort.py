"""What a search's work is spent on, counted in fits on all rows: what so many random trials would take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

FOLDS = 4


class Rung(NamedTuple):
    """How thoroughly candidates are judged: share of the rows learnt from, folds by group, and which split.

    Another `split` has other groups together in a fold.
    """

    share: float
    folds: int = FOLDS
    split: int = 0

    @property
    def work(self) -> float:
        """In fits on all rows."""
        return self.share * self.folds


# Windows of one person are much alike, so a quarter of them tells nearly as much as all; one person fewer to
# judge by does not: all groups are held out on every rung.
RUNGS = (Rung(0.25), Rung(1.0))
LAST = len(RUNGS) - 1
FINAL = Rung(1.0, split=1)


@dataclass(frozen=True)
class Plan:
    """Candidates a stage. What is left of `work` after the stages before it goes to neighbours of the best.

    drawn
        at random, judged on the lowest rung
    explored
        around the best of these, judged there as well
    promoted
        of them, judged on the last one as well
    finalists
        judged again, by another split into folds
    """

    work: float
    drawn: int
    explored: int
    promoted: int
    finalists: int

    def neighbours(self, spent: float) -> int:
        """How many more can be judged on the last rung and built after so much work, with finals to come."""
        left = self.work - spent - self.finalists * FINAL.work
        return max(0, int(left / (RUNGS[LAST].work + 1)))


def plan(trials: int, n_families: int) -> Plan:
    """As much work as `trials` candidates on the last rung; every family is seen."""
    work = trials * RUNGS[LAST].work
    finalists = round(0.1 * work / FINAL.work)
    return Plan(
        work=work,
        drawn=max(n_families, round(0.2 * work / RUNGS[0].work)),
        explored=round(0.1 * work / RUNGS[0].work),
        promoted=max(2, round(0.3 * work / RUNGS[LAST].work)),
        # Among one there is nothing to decide.
        finalists=finalists if finalists > 1 else 0,
    )
