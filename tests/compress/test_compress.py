"""`midge compress`: smaller for real, no worse than allowed, and judged by groups that decided nothing."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from midge import cli, model_file, reference_model
from midge.build import build
from midge.compress import app, plan
from midge.dataset import Dataset
from midge.errors import CompileError, DatasetError, RecipeError
from midge.recipe import Compress, Recipe
from midge.train import train
from midge.validation import Rows

RECIPE = Recipe.load("gesture")
SMALL = replace(RECIPE, train=replace(RECIPE.train, family="forest", folds=2, windows="event", augment=0))


@pytest.fixture(scope="module")
def data() -> Dataset:
    return reference_model.training_data(SMALL, 3, 4, times=2, other_s=10.0)


def smaller(data: Dataset, into: Path, loss: float = 0.02) -> app.Compressed:
    return app.compress_app(SMALL, data, target="x64", loss=loss, steps=("drop", "leaves"), into=into)


@pytest.fixture(scope="module")
def done(data: Dataset, tmp_path_factory: pytest.TempPathFactory) -> app.Compressed:
    return smaller(data, tmp_path_factory.mktemp("compressed"))


def test_the_module_is_smaller_and_within_the_loss(done: app.Compressed) -> None:
    report = done.report
    built = build(model_file.load(done.folder), "x64", optimise="size")
    assert report["module_bytes"][1] == built.module_bytes < report["module_bytes"][0]
    assert report["validated"][1] >= report["validated"][0] - 0.02
    taken = [line for line in report["steps"] if line["accepted"]]
    assert taken
    for one, other in itertools.pairwise(taken):
        assert one["after"] == other["before"]
    steps = [{"step": one["step"], "strength": one["strength"]} for one in taken]
    assert done.model.provenance["compressed"] == steps


def test_groups_that_judge_taught_nothing(done: app.Compressed, data: Dataset) -> None:
    aside = done.report["held_out"]["groups"]
    assert aside == done.model.provenance["put_aside"]
    assert set(aside) < set(data.groups)


def test_it_comes_out_the_same_again(done: app.Compressed, data: Dataset, tmp_path: Path) -> None:
    again = smaller(data, tmp_path)
    assert (again.folder / "model.json").read_bytes() == (done.folder / "model.json").read_bytes()
    assert again.report == done.report


def test_a_model_file_is_compressed_by_what_it_tells_of_itself(
    done: app.Compressed, data: Dataset, tmp_path: Path
) -> None:
    options = {"target": "x64", "loss": 0.1, "steps": ("prune",)}
    again = app.compress_model(done.model, data, into=tmp_path, **options)  # type: ignore[arg-type]
    assert "may have learnt from" in again.report["warnings"][0]
    assert not any("flattered" in warning for warning in again.report["warnings"])
    assert again.report["held_out"]["groups"] == done.report["held_out"]["groups"]
    assert again.report["held_out"]["accuracy"][0] == done.report["held_out"]["accuracy"][1]
    assert again.report["module_bytes"][0] == done.report["module_bytes"][1]
    assert again.model.provenance["of"] == done.model.digest
    unsure = replace(done.model, provenance={"unit": "window"})
    told = app.compress_model(unsure, data, into=tmp_path, **options)  # type: ignore[arg-type]
    assert "flattered" in told.report["warnings"][1]


def test_a_recipe_has_training_make_its_model_smaller(data: Dataset, tmp_path: Path) -> None:
    plain = train(SMALL, data, into=tmp_path / "plain")
    asked = replace(SMALL, compress=Compress(("leaves",), 0.05, "x64"))
    done = train(asked, data, into=tmp_path / "small")
    found = done.report["compression"]
    assert done.model.provenance["compressed"] == [
        {"step": "leaves", "strength": found["steps"][0]["strength"]}
    ]
    assert found["module_bytes"][1] < found["module_bytes"][0]
    sizes = [build(one.model, "x64", optimise="size").module_bytes for one in (plain, done)]
    assert sizes[1] < sizes[0]
    assert plain.report["compression"] is None and "compressed" not in plain.model.provenance


def test_the_recipe_is_read(tmp_path: Path) -> None:
    text = (RECIPE.folder / "app.toml").read_text()
    path = tmp_path / "app.toml"
    path.write_text(text + '\n[compress]\nsteps = ["drop", "leaves"]\nloss = 0.02\n')
    assert Recipe.load(path).compress == Compress(("drop", "leaves"), 0.02, "armv6m")
    path.write_text(text + '\n[compress]\nsteps = ["leafs"]\n')
    with pytest.raises(RecipeError, match=r"'leafs' is not one of .*did you mean 'leaves'"):
        Recipe.load(path)
    assert RECIPE.compress is None


def test_a_loss_on_groups_put_aside_is_told() -> None:
    costs = plan.Costs(1000, 100, "code"), plan.Costs(500, 50, "code")
    line = plan.Line("drop", 0.5, True, *costs, (0.95, 0.95), (0.95, 0.90))
    case: Any = plan.Case(None, plan.NO_ROWS)  # type: ignore[arg-type]
    done = plan.Plan(case.ir, (line,))
    assert "fell by 0.050, more than 0.01" in app.report(done, "x64", 0.01, case, [])["warnings"][0]
    assert app.report(done, "x64", 0.06, case, [])["warnings"] == []


def test_two_groups_are_too_few() -> None:
    rows = Rows(np.zeros((4, 1), np.int16), np.array([0, 1, 0, 1]), np.array(["ann", "ann", "ben", "ben"]))
    with pytest.raises(DatasetError, match="three groups"):
        app.put_aside(rows, 1)


def test_the_command_refuses_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["compress", "gesture", "--loss", "3"]) == 1
    assert "--loss 3 is no share" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("asked", "word"),
    [({"target": "foo"}, "no target 'foo'"), ({"steps": ("leafs",)}, "no technique 'leafs'")],
)
def test_what_there_is_not_is_told_before_any_fit(tmp_path: Path, asked: dict[str, Any], word: str) -> None:
    nothing = Dataset(tmp_path, ())
    with pytest.raises(CompileError, match=word):
        app.compress_app(SMALL, nothing, **{"target": "x64", "loss": 0.1} | asked)
