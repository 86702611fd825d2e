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
from midge.errors import BudgetExceeded, DatasetError, MidgeError, RecipeError
from midge.recipe import Budget, Recipe, Train
from midge.search import effort, journal, running

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
    built = build(model_file.load(found.folder), "x64")
    assert built.layout == report["best"]["layout"]
    assert found.model.provenance["unit"] == "window"
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


def test_progress_says_how_many_jobs_of_a_stage_are_done(
    found: searching.Searched, data: Dataset, tmp_path: Path
) -> None:
    told: list[tuple[float, str]] = []
    lines = (found.folder / searching.JOURNAL_NAME).read_text().splitlines(keepends=True)
    # All but the last results are known.
    (tmp_path / searching.JOURNAL_NAME).write_text("".join(lines[:-2]))
    look(data, tmp_path, on_progress=lambda done, total=None, text="": told.append((done, text)))
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert any(text.endswith((": 1 of 1 validated", ": 2 of 2 validated")) for _, text in told)


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


def test_nothing_within_the_budget_names_the_nearest(data: Dataset, tmp_path: Path) -> None:
    with pytest.raises(BudgetExceeded, match=r"the nearest is \w+.* with module_bytes \d+"):
        look(data, tmp_path, Budget(module_bytes=900))


def test_a_search_needs_somebody_to_judge_by(data: Dataset, tmp_path: Path) -> None:
    alone = Dataset(data.folder, tuple(item for item in data.recordings if item.group in data.groups[:2]))
    with pytest.raises(DatasetError, match="three groups"):
        look(alone, tmp_path)


@pytest.mark.parametrize(
    ("asked", "word"),
    [
        ({"trials": 0}, "0 trials are no work"),
        ({"target": "foo"}, "no target 'foo'"),
        ({"jobs": 0}, "0 jobs do nothing"),
        ({"cluster": "nonsense"}, "no Dask scheduler answers at nonsense"),
    ],
)
def test_what_can_not_be_asked_for_is_refused_before_any_work(
    data: Dataset, tmp_path: Path, asked: dict[str, Any], word: str
) -> None:
    if "cluster" in asked:
        pytest.importorskip("dask.distributed")
    options = {"target": "x64", "budget": BUDGET, "trials": 5} | asked
    with pytest.raises(MidgeError, match=word):
        searching.search(SMALL, data, into=tmp_path, **options)
    left = tmp_path / searching.JOURNAL_NAME
    assert not left.exists() or left.read_text().count('"of"') == 0


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
