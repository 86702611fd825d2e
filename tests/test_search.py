"""Search: within the budget, honest about who was put aside, the same again after an interruption."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from midge import model_file, reference_model
from midge import search as searching
from midge.build import build
from midge.dataset import Dataset
from midge.errors import BudgetExceeded, DatasetError, RecipeError
from midge.recipe import Budget, Recipe, Train
from midge.search import halving, journal, pareto, running, space, trial
from midge.search.halving import Tried
from midge.search.space import Candidate

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
    assert json.loads((found.folder / "search.json").read_text())["trials"] == 5


def test_interrupted_it_goes_on_to_the_same_result(
    found: searching.Searched, data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(done: float, total: float | None = None, text: str = "") -> None:
        if done == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        look(data, tmp_path, on_progress=stop)
    known = (tmp_path / searching.JOURNAL_NAME).read_text()
    with (tmp_path / searching.JOURNAL_NAME).open("a") as file:
        file.write('{"of": "torn')
    n_known = known.count('"of"')
    assert n_known >= 5
    computed = []
    job = running.compute
    monkeypatch.setattr(running, "compute", lambda *one: (computed.append(one), job(*one))[1])
    again = look(data, tmp_path)
    assert (again.folder / "model.json").read_bytes() == (found.folder / "model.json").read_bytes()
    assert again.report == found.report
    assert len(computed) == (found.folder / searching.JOURNAL_NAME).read_text().count('"of"') - n_known


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
    asked: list[tuple[str, int]] = []

    def run(jobs: Any) -> list[Any]:
        asked.extend((kind, rung) for kind, _, rung in jobs)
        return [
            one.params["c"]
            if kind == "accuracy"
            else {"module_bytes": 2000 if one.params["c"] == 11 else 500, "state_bytes": 0, "instructions": 9}
            for kind, one, _ in jobs
        ]

    tried = halving.search(there, Budget(module_bytes=1000), run, lambda *_: None, width=2)
    assert tried[0].candidate.params["c"] == 10 and tried[0].rung == 2
    assert [kind for kind, _ in asked].count("accuracy") == 12 + 4 + 1
    assert trial.excess({"refused": "x"}, Budget()) == float("inf")


def test_the_front_is_what_nothing_beats() -> None:
    def one(accuracy: float, n_bytes: int, instructions: int) -> Tried:
        costs = {"module_bytes": n_bytes, "instructions": instructions, "state_bytes": 0}
        return Tried(Candidate("linear", {}, "code"), 2, accuracy, costs)

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
