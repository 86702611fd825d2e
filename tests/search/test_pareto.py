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


def test_beside_the_front_is_the_best_of_each_other_family() -> None:
    def one(family: str, accuracy: float, rung: int, n_bytes: int = 500) -> Tried:
        costs = {"module_bytes": n_bytes, "instructions": n_bytes, "state_bytes": 0}
        return Tried(Candidate(family, {}, "code"), rung, (accuracy,), costs)

    best = one("linear", 0.9, 1)
    far, luckier = one("forest", 0.7, 1, 600), one("forest", 0.8, 0, 600)
    refused = Tried(Candidate("svm", {}, "code"), 0, (0.9,), {"refused": "why"})
    small = one("gaussian", 0.6, 0, 600)
    assert pareto.beside([luckier, refused, best, small, far]) == [far, small]
