"""`midge new`: an own app that loads, under its own name, and never over anything."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from midge.cli import main
from midge.errors import RecipeError
from midge.new import new
from midge.recipe import Recipe


def test_a_new_app_is_the_old_one_under_another_name(tmp_path: Path) -> None:
    folder = new("taps", "gesture", tmp_path)
    made, source = Recipe.load(folder), Recipe.load("gesture")
    assert made == replace(source, name="taps", folder=folder)
    assert (folder / "main.py").read_bytes() == (source.folder / "main.py").read_bytes()
    names = sorted(path.name for path in folder.iterdir())
    assert names == [".gitignore", "README.md", "app.toml", "main.py"]
    assert {"/build/", "/recordings/"} <= set((folder / ".gitignore").read_text().splitlines())
    assert f"midge train {folder}" in (folder / "README.md").read_text()
    assert Recipe.load(new("own", str(folder), tmp_path)).name == "own"


@pytest.mark.parametrize("name", ["", "Taps", "a/b", "../x", "1st", "a" * 40])
def test_names_that_are_none(name: str, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="can't be an app's name"):
        new(name, "gesture", tmp_path)
    assert not list(tmp_path.iterdir())


def test_what_is_there_is_kept(tmp_path: Path) -> None:
    (tmp_path / "taps").mkdir()
    with pytest.raises(RecipeError, match="there already"):
        new("taps", "gesture", tmp_path)
    assert not list((tmp_path / "taps").iterdir())


def test_the_command_says_what_to_do_next(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["new", "taps", "--from", "gesture"]) == 0
    assert "app.toml" in capsys.readouterr().out
    assert main(["new", "taps", "--from", "gestrue"]) == 1
    assert "did you mean 'gesture'" in capsys.readouterr().err
