"""Around the best: neighbours that are worth it, and finals by another split."""

from __future__ import annotations

from typing import Any

import pytest

from midge.recipe import Budget
from midge.search import effort, refining
from midge.search.halving import Tried
from midge.search.space import Candidate


def test_finals_are_by_another_split_and_one_fit_is_one_finalist() -> None:
    costs = {"module_bytes": 500, "state_bytes": 0, "instructions": 9}
    there = [
        Tried(Candidate("linear", {"c": c}, layout), effort.LAST, (score,), costs)
        for c, layout, score in ((1, "code", 0.9), (1, "table", 0.9), (2, "code", 0.8), (3, "code", 0.7))
    ]
    asked = []

    def run(jobs: Any) -> list[Any]:
        asked.extend(jobs)
        return [[0.5] if one.params["c"] == 1 else [1.0] for _, one, _ in jobs]

    tried = refining.judge_again(there, Budget(), run, lambda *_: None, finalists=2)
    assert {rung for _, _, rung in asked} == {effort.FINAL}
    assert [(one.candidate.params["c"], one.rung - effort.LAST) for one in tried] == [
        *((2, 1), (1, 1), (1, 1), (3, 0))
    ]
    assert tried[0].accuracy == pytest.approx(0.9)
    assert refining.judge_again(there, Budget(), run, lambda *_: None, finalists=0) == there


def test_the_best_are_walked_around_and_what_is_worse_is_not_built() -> None:
    def params(c: float) -> dict[str, float]:
        return {"c": c, "features": 8}

    costs = {"module_bytes": 500, "state_bytes": 0, "instructions": 9}
    last = effort.LAST
    first = [Tried(Candidate("linear", params(c), "code"), last, (c,), costs) for c in (0.01, 0.1)]
    too_large = {**costs, "module_bytes": 5000}
    first.append(Tried(Candidate("linear", params(10.0), "code"), last, (10.0,), too_large))
    built = []

    def run(jobs: Any) -> list[Any]:
        built.extend(one for kind, one, _ in jobs if kind == "cost")
        assert all(rung in (None, effort.RUNGS[last]) for _, _, rung in jobs)
        return [[one.params["c"]] if kind == "scores" else costs for kind, one, _ in jobs]

    tried = refining.refine(
        first, Budget(module_bytes=1000), run, lambda *_: None, n_new=60, n_features=12, seed=1
    )
    # From 0.1 by way of 1 to 10, with 4, 8 or all features; around what is too large, nothing.
    assert tried[0].accuracy == 10 and {one.params["c"] for one in built} <= {0.01, 0.1, 1.0, 10.0}
    assert len({one.candidate.name for one in tried}) == len(tried)
    assert refining.refine(
        first, Budget(module_bytes=1), run, lambda *_: None, n_new=6, n_features=12, seed=1
    ) == sorted(first, key=lambda one: -one.accuracy)
