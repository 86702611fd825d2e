"""The front."""

from __future__ import annotations

from midge.search import pareto
from midge.search.halving import Tried
from midge.search.space import Candidate


def test_the_front_is_what_nothing_beats() -> None:
    def one(accuracy: float, n_bytes: int, instructions: int) -> Tried:
        costs = {"module_bytes": n_bytes, "instructions": instructions, "state_bytes": 0}
        return Tried(Candidate("linear", {}, "code"), 2, (accuracy,), costs)

    good, small, worse = one(0.9, 1000, 100), one(0.8, 500, 50), one(0.8, 600, 50)
    assert pareto.front([worse, small, good]) == [good, small]
