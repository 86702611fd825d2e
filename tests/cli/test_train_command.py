"""What `midge train` prints of a search: short names, and which candidates failed and why."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from midge import cli, search, simulate, storing
from midge.cli.train import _priced
from midge.recipe import Recipe

RECIPE = Recipe.load("gesture")


def tried(title: str, **costs: Any) -> dict[str, Any]:
    params = {"trees": 10, "depth": 5, "leaf": 3, "features": 20, "bootstrap": 0}
    about = {"family": "extra-trees", "params": params, "layout": "table", "title": f"{title}, table"}
    return {**about, "accuracy": 0.9, **costs}


@pytest.fixture
def recordings(tmp_path: Path) -> Path:
    item = simulate.recorded(simulate.take(simulate.people(1, 1)[0], "circle", times=1), RECIPE, "circle")
    storing.write(tmp_path, "circle_001", item, item.samples, item.gaps)
    return tmp_path


def test_a_search_that_is_interrupted_says_how_to_go_on(
    recordings: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stop(*_args: Any, **_more: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(search, "search", stop)
    assert cli.main(["train", "gesture", "--search", "--data", str(recordings)]) == 130
    assert "the same command goes on from here" in capsys.readouterr().err


def test_what_candidates_cost_is_told_where_it_decided() -> None:
    assert _priced({"module_bytes": 900, "instructions": 40}) == " (900 B, 40 instructions)"
    # Not as good as the best, or without a module.
    assert _priced(None) == ""


def test_a_search_names_its_candidates_shortly_and_those_that_failed(
    recordings: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    costs = {"module_bytes": 9000, "state_bytes": 600, "instructions": 700}
    built = tried("extra-trees trees 10", **costs)
    failed = [tried(f"net hidden {n}", refused="its rows differ") for n in (8, 16, 32, 64)]
    report = {
        "warnings": [], "front": [built], "beside": [tried("svm", **costs)], "tried": [built, *failed],
        "trials": 5, "target": "armv6m",
        "held_out": {"accuracy": 0.9, "macro_f1": 0.9, "n": 10, "groups": ["ann"]},
        "built": {"module_bytes": 9000, "instructions_max": 700}, "best": built,
    }  # fmt: skip
    done = search.Searched(None, recordings, report)  # type: ignore[arg-type]
    monkeypatch.setattr(search, "search", lambda *_args, **_more: done)
    assert cli.main(["train", "gesture", "--search", "--data", str(recordings)]) == 0
    said = capsys.readouterr()
    assert "1 of 5 candidates built for armv6m" in said.out
    assert "extra-trees trees 10  table" in said.out and "bootstrap" not in said.out
    assert "best of other families" in said.out and "svm" in said.out
    names = "net hidden 8, table; net hidden 16, table; net hidden 32, table and 1 more"
    assert f"not built: {names}: its rows differ" in said.err
