"""Successive halving: the better go on, families stay while in doubt, what is too large does not."""

from __future__ import annotations

from typing import Any

from midge import learners
from midge.recipe import Budget
from midge.search import effort, halving, trial
from midge.search.space import Candidate

SPACE: dict[str, Any] = {"n_features": 40, "seed": 1, "width": 2}


def test_the_better_go_on_and_what_is_too_large_does_not() -> None:
    there = [Candidate("linear", {"c": float(n)}, "code") for n in range(12)]
    asked: list[tuple[str, Any]] = []

    def run(jobs: Any) -> list[Any]:
        asked.extend((kind, rung) for kind, _, rung in jobs)
        return [
            [one.params["c"]] * 4
            if kind == "scores"
            else {"module_bytes": 2000 if one.params["c"] == 11 else 500, "state_bytes": 0, "instructions": 9}
            for kind, one, _ in jobs
        ]

    plan = effort.Plan(work=40, drawn=12, explored=0, promoted=3, finalists=2)
    tried = halving.search(there, Budget(module_bytes=1000), plan, run, lambda *_: None, **SPACE)
    assert [one.candidate.params["c"] for one in tried[:3]] == [10, 9, 8] and tried[2].rung == effort.LAST
    assert [rung for kind, rung in asked if kind == "scores"] == 12 * [effort.RUNGS[0]] + 3 * [
        effort.RUNGS[1]
    ]
    assert trial.excess({"refused": "x"}, Budget()) == float("inf")


def test_around_the_best_is_looked_and_around_what_is_too_large_with_fewer_features() -> None:
    params = {**learners.LEARNERS["svm"].defaults(), "features": 16}
    there = [Candidate("svm", {**params, "c": 1.0, "features": n}, "code") for n in (8, 16)]
    screened: list[Candidate] = []

    def run(jobs: Any) -> list[Any]:
        screened.extend(one for kind, one, rung in jobs if rung == effort.RUNGS[0])
        # The more features and the larger c, the better and the larger.
        return [
            [0.5 + one.params["features"] / 100 + one.params["c"] / 1000] * 4
            if kind == "scores"
            else {"module_bytes": 100 * one.params["features"]}
            for kind, one, _ in jobs
        ]

    plan = effort.Plan(work=40, drawn=2, explored=8, promoted=2, finalists=0)
    budget = Budget(module_bytes=1000)
    tried = halving.search(there, budget, plan, run, lambda *_: None, **SPACE)
    near = screened[2:]
    assert len({one.name for one in screened}) == len(screened) == 10
    # Nothing is looked at above 16 features, which are too many already.
    assert {one.params["features"] for one in near} <= {4, 8, 16} and len({one.layout for one in near}) == 1
    within = [one for one in tried if one.rung == effort.LAST and one.candidate.left == 1]
    assert within[0].candidate.params["c"] > 1


def test_what_is_too_large_is_tried_smaller() -> None:
    there = [Candidate("svm", {"c": 1.0}, "code"), Candidate("linear", {"c": 1.0}, "code")]

    def run(jobs: Any) -> list[Any]:
        return [
            [0.9 if one.family == "svm" else 0.8] * 4
            if kind == "scores"
            else {"module_bytes": 2000 * one.left if one.family == "svm" else 300}
            for kind, one, _ in jobs
        ]

    plan = effort.Plan(work=40, drawn=2, explored=0, promoted=3, finalists=0)
    budget = Budget(module_bytes=1000)
    tried = halving.search(there, budget, plan, run, lambda *_: None, **SPACE)
    assert [(one.candidate.family, one.candidate.left, one.rung) for one in tried] == [
        *(("svm", 0.45, effort.LAST), ("linear", 1.0, effort.LAST), ("svm", 1.0, 0))
    ]


def test_another_family_goes_on_unless_it_is_clearly_worse() -> None:
    names = {"a": "linear", "b": "linear", "c": "gaussian", "d": "forest"}
    ranked = [Candidate(family, {}, name) for name, family in names.items()]
    folds = ([0.9, 0.8, 0.9, 0.7], [0.9, 0.8, 0.8, 0.7], [0.7, 0.9, 0.7, 0.8], [0.7, 0.6, 0.7, 0.5])
    scores = {one.name: values for one, values in zip(ranked, folds, strict=True)}
    # By a fifth on every fold is clear; once more, once less is not.
    assert [one.family for one in halving.in_turn(ranked, scores)] == [
        "linear",
        "gaussian",
        "linear",
        "forest",
    ]
