"""Successive halving: the better go on, families stay while in doubt, what is too large does not."""

from __future__ import annotations

from typing import Any

from midge.recipe import Budget
from midge.search import effort, halving, trial
from midge.search.space import Candidate


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

    plan = effort.Plan(work=40, screened=12, promoted=3, finalists=2)
    tried = halving.search(there, Budget(module_bytes=1000), plan, run, lambda *_: None, width=2)
    assert [one.candidate.params["c"] for one in tried[:3]] == [10, 9, 8] and tried[2].rung == effort.LAST
    assert [rung for kind, rung in asked if kind == "scores"] == 12 * [effort.RUNGS[0]] + 3 * [
        effort.RUNGS[1]
    ]
    assert trial.excess({"refused": "x"}, Budget()) == float("inf")


def test_what_is_too_large_is_tried_smaller() -> None:
    there = [Candidate("svm", {"c": 1.0}, "code"), Candidate("linear", {"c": 1.0}, "code")]

    def run(jobs: Any) -> list[Any]:
        return [
            [0.9 if one.family == "svm" else 0.8] * 4
            if kind == "scores"
            else {"module_bytes": 2000 * one.left if one.family == "svm" else 300}
            for kind, one, _ in jobs
        ]

    plan = effort.Plan(work=40, screened=2, promoted=2, finalists=0)
    budget = Budget(module_bytes=1000)
    tried = halving.search(there, budget, plan, run, lambda *_: None, width=2)
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
