"""Search: within the budget, honest about who was put aside, the same again after an interruption."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from midge import model_file, reference_model
from midge import search as searching
from midge.build import build
from midge.dataset import Dataset
from midge.errors import BudgetExceeded, DatasetError, RecipeError
from midge.recipe import Budget, Recipe, Train
from midge.search import effort, halving, journal, pareto, refining, running, space, trial
from midge.search.halving import Tried
from midge.search.space import Candidate
from midge.validation import Rows

RECIPE = Recipe.load("gesture")
SMALL = replace(RECIPE, train=Train("forest", seed=1, folds=2, windows="event", params=RECIPE.train.params))
FAMILIES = ("forest", "linear", "gaussian")
BUDGET = Budget(module_bytes=12_000, state_bytes=4_000, instructions=20_000)


@pytest.fixture(scope="module")
def data() -> Dataset:
    return reference_model.training_data(SMALL, 3, 4, times=1, other_s=6.0)


def look(data: Dataset, into: Path, budget: Budget = BUDGET, **more: Any) -> searching.Searched:
    return searching.search(
        SMALL, data, target="x64", budget=budget, trials=5, families=FAMILIES, into=into, **more
    )


@pytest.fixture(scope="module")
def found(data: Dataset, tmp_path_factory: pytest.TempPathFactory) -> searching.Searched:
    return look(data, tmp_path_factory.mktemp("search"))


def test_the_model_is_within_the_budget_and_judged_by_strangers(
    found: searching.Searched, data: Dataset
) -> None:
    report = found.report
    built = build(model_file.load(found.folder), "x64", layout=report["best"]["layout"])
    assert built.module_bytes == report["built"]["module_bytes"] <= 12_000
    assert built.instructions_max <= 20_000
    aside = set(report["held_out"]["groups"])
    assert aside and aside < set(data.groups)
    assert found.model.provenance["put_aside"] == sorted(aside)
    assert report["held_out"]["accuracy"] > 0.7
    assert {one["family"] for one in report["tried"]} == set(FAMILIES)
    assert (found.folder / "search.png").read_bytes().startswith(b"\x89PNG")
    written = json.loads((found.folder / "search.json").read_text())
    # As much work as five candidates on everything, on more than five.
    assert written["trials"] > 5 and written["fits"] <= 5 * effort.FOLDS
    assert written["best"]["rung"] == effort.LAST


def test_interrupted_anywhere_it_goes_on_to_the_same_result(
    found: searching.Searched, data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / searching.JOURNAL_NAME
    n_results = (found.folder / searching.JOURNAL_NAME).read_text().count('"of"')
    computed = []
    compute, add = running.compute, journal.Journal.add
    monkeypatch.setattr(running, "compute", lambda *one: (computed.append(one), compute(*one))[1])
    for point in sorted(np.random.default_rng(5).choice(np.arange(1, n_results), 3, replace=False)):

        def stop(self: journal.Journal, name: str, result: Any, at: int = int(point)) -> None:
            add(self, name, result)
            if len(self.results) == at:
                raise KeyboardInterrupt

        monkeypatch.setattr(journal.Journal, "add", stop)
        with pytest.raises(KeyboardInterrupt):
            look(data, tmp_path)
        with path.open("a") as file:
            file.write('{"of": "torn')
    monkeypatch.setattr(journal.Journal, "add", add)
    again = look(data, tmp_path)
    assert (again.folder / "model.json").read_bytes() == (found.folder / "model.json").read_bytes()
    assert again.report == found.report
    assert path.read_bytes() == (found.folder / searching.JOURNAL_NAME).read_bytes()
    # Nothing was computed twice.
    assert len(computed) == n_results


_KILLED = """
import os, signal, sys
sys.path[:0] = [{folder!r}]
import test_search
from midge.search import journal
add, left = journal.Journal.add, {after}
def stop(self, name, result):
    global left
    left -= 1
    if left < 0:
        with self.path.open("a") as file:
            file.write('{{"of": "to')
            file.flush()
            os.kill(os.getpid(), signal.SIGKILL)
    add(self, name, result)
journal.Journal.add = stop
data = test_search.reference_model.training_data(test_search.SMALL, 3, 4, times=1, other_s=6.0)
test_search.look(data, test_search.Path({into!r}))
"""


@pytest.mark.check
def test_killed_at_random_moments_it_goes_on_to_the_same_result(
    found: searching.Searched, tmp_path: Path
) -> None:
    into, codes = tmp_path / "search", []
    for after in np.random.default_rng(6).integers(0, 6, 40):
        script = _KILLED.format(folder=str(Path(__file__).parent), after=int(after), into=str(into))
        codes.append(subprocess.run([sys.executable, "-c", script], check=False).returncode)
        if codes[-1] == 0:
            break
    assert set(codes[:-1]) == {-signal.SIGKILL} and codes[-1] == 0
    for name in ("model.json", searching.REPORT_NAME, searching.JOURNAL_NAME):
        assert (into / name).read_bytes() == (found.folder / name).read_bytes()


def test_another_search_begins_anew(tmp_path: Path) -> None:
    path = tmp_path / "search.jsonl"
    journal.Journal(path, "a").add("x", 1)
    assert journal.Journal(path, "a").results == {"x": 1}
    assert journal.Journal(path, "b").results == {}


def test_nothing_within_the_budget_names_the_nearest(data: Dataset, tmp_path: Path) -> None:
    with pytest.raises(BudgetExceeded, match=r"the nearest is \w+.* with module_bytes \d+"):
        look(data, tmp_path, Budget(module_bytes=900))


def test_a_search_needs_somebody_to_judge_by(data: Dataset, tmp_path: Path) -> None:
    alone = Dataset(data.folder, tuple(item for item in data.recordings if item.group in data.groups[:2]))
    with pytest.raises(DatasetError, match="three groups"):
        look(alone, tmp_path)


def test_candidates_differ_and_begin_with_the_usual() -> None:
    there = space.sample(FAMILIES, 40, 20, 1)
    assert len({one.name for one in there}) == len(there) == 20
    assert [one.family for one in there[:3]] == list(FAMILIES)
    assert there == space.sample(FAMILIES, 40, 20, 1)


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


@pytest.mark.parametrize("trials", [5, 30, 200])
def test_a_plan_spends_no_more_than_so_many_trials(trials: int) -> None:
    plan = effort.plan(trials, 7)
    spent = plan.screened * effort.RUNGS[0].work + plan.promoted * effort.RUNGS[effort.LAST].work
    built = plan.promoted + 7
    n_new = plan.neighbours(spent + built)
    total = spent + built + n_new * (effort.RUNGS[effort.LAST].work + 1) + plan.finalists * effort.FINAL.work
    # Seven families are more than five trials can look at.
    assert trials == 5 or total <= trials * effort.FOLDS
    assert trials == 5 or n_new > 0


def test_thinned_rows_keep_every_label_of_every_group() -> None:
    rng = np.random.default_rng(3)
    y, keys = rng.integers(0, 3, 200), rng.choice(["ann", "ben", "cem"], 200)
    y[7], keys[7] = 3, "dan"
    rows = Rows(np.arange(200, dtype=np.int16)[:, None], y, keys)
    few = trial.thinned(rows, 0.25)
    assert set(zip(few.y.tolist(), few.keys.tolist(), strict=True)) == set(
        zip(y.tolist(), keys.tolist(), strict=True)
    )
    assert 50 <= len(few) <= 60 and (np.diff(few.X[:, 0]) > 0).all()
    assert trial.thinned(rows, 1.0) is rows and len(trial.thinned(rows.where(np.zeros(200, bool)), 0.25)) == 0


def test_neighbours_differ_in_one_thing() -> None:
    here = Candidate("boosting", {**space.learners.LEARNERS["boosting"].defaults(), "features": 0}, "code")
    around = space.neighbours(here, 40)
    assert len({one.name for one in around}) == len(around)
    for one in around:
        changed = [key for key in here.params if one.params[key] != here.params[key]]
        assert len(changed) + (one.layout != here.layout) == 1
    values = {
        (key, one.params[key]) for one in around for key in here.params if one.params[key] != here.params[key]
    }
    # One step each way of what is tried; of 40 features, all are above 32.
    assert values == {
        *(("rounds", 40), ("rounds", 80), ("depth", 2), ("depth", 4), ("rate", 0.1), ("rate", 0.2)),
        ("features", 32),
    }


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


def test_the_front_is_what_nothing_beats() -> None:
    def one(accuracy: float, n_bytes: int, instructions: int) -> Tried:
        costs = {"module_bytes": n_bytes, "instructions": instructions, "state_bytes": 0}
        return Tried(Candidate("linear", {}, "code"), 2, (accuracy,), costs)

    good, small, worse = one(0.9, 1000, 100), one(0.8, 500, 50), one(0.8, 600, 50)
    assert pareto.front([worse, small, good]) == [good, small]


@pytest.mark.parametrize(
    ("text", "budget"),
    [
        ("module=16k,state=2k,instructions=20k", Budget(16_000, 2_000, 20_000)),
        ("instructions = 1.5M", Budget(instructions=1_500_000)),
    ],
)
def test_a_budget_on_the_command_line(text: str, budget: Budget) -> None:
    assert Budget.parse(text) == budget


@pytest.mark.parametrize("text", ["", "ram=3k", "module=", "module=3q", "module"])
def test_a_budget_that_is_none_is_told(text: str) -> None:
    with pytest.raises(RecipeError, match="module=16k"):
        Budget.parse(text)
