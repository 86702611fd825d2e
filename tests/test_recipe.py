"""The recipe: what is read, and that every mistake in it names file, key and the way out."""

from __future__ import annotations

from pathlib import Path

import pytest

from midge import assets, validation
from midge.errors import RecipeError
from midge.recipe import FEATURE_SETS, Recipe

MINIMAL = """
[app]
name = "taps"
[sensor]
kind = "motion"
rate_hz = 50
[window]
length = 64
hop = 16
[features]
names = ["x.std", "m.mean@2/4"]
[labels]
names = ["tap", "other"]
background = "other"
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "app.toml"
    path.write_text(text)
    return path


def test_a_minimal_recipe_gets_the_documented_defaults(tmp_path: Path) -> None:
    write(tmp_path, MINIMAL)
    recipe = Recipe.load(tmp_path)
    assert recipe == Recipe.load(tmp_path / "app.toml")
    assert (recipe.name, recipe.folder, recipe.build_folder) == ("taps", tmp_path, tmp_path / "build")
    assert recipe.sensor.range_g == 4 and recipe.sensor.channels == ("x", "y", "z")
    assert recipe.sensor.rate_tolerance == 0.05
    assert recipe.features.names == ("x.std", "m.mean@2/4")
    assert (recipe.decision.threshold, recipe.decision.smooth, recipe.decision.cooldown_ms) == (0.6, 2, 1000)
    assert recipe.train.family == "forest" and recipe.train.params["trees"] == 10
    assert recipe.budget.module_bytes is None


@pytest.mark.parametrize("name", ["gesture", "apps/gesture"])
def test_a_built_in_app_is_found_from_any_folder(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    recipe = Recipe.load(name)
    assert recipe.folder == assets.apps_folder() / "gesture"
    assert set(recipe.features.names) <= set(FEATURE_SETS["motion-gesture"])


@pytest.mark.parametrize(
    ("find", "replace", "says"),
    [
        ("hop = 16", "hopp = 16", r"\[window\] hop: missing.*'hopp' is there"),
        ("hop = 16", "hop = 16\nlenght = 3", r"\[window\] lenght: unknown key; did you mean 'length'\?"),
        ("hop = 16", "hop = 65", r"\[window\] hop: 65 is longer than the window"),
        ("rate_hz = 50", "rate_hz = true", r"\[sensor\] rate_hz: True is not a whole number"),
        ("rate_hz = 50", "rate_hz = 50\nrange_g = 3", r"\[sensor\] range_g: 3 is not 2, 4, 8 or 16"),
        (
            '"motion"',
            '"motoin"',
            r"\[sensor\] kind: 'motoin' is not one of motion, sound; did you mean 'motion'",
        ),
        ('"x.std"', '"w.std"', r"\[features\] names: .*'w.std': no channel"),
        ('"x.std"', '"x.std@5/4"', r"\[features\] names: .*no part 5 of 4"),
        ('"x.std"', '"x.sdt"', r"names: .*did you mean 'std'"),
        ('"x.std"', '"x.std", "x.std"', r"\[features\] names: 'x.std' is there twice"),
        ('background = "other"', 'background = "othr"', r"did you mean 'other'\?"),
        ('["tap", "other"]', '["a/b", "other"]', r"\[labels\] names: 'a/b' must be"),
        ('["tap", "other"]', f'["{32 * "a"}", "other"]', r"\[labels\] names: 'a+' must be at most 31"),
        ('["tap", "other"]', '["tap ", "other"]', r"\[labels\] names: 'tap ' must be"),
        ("[labels]", "[train.forest]\ntree = 3\n[labels]", r"\[train.forest\] tree: .*did you mean 'trees'"),
        ("[labels]", "[decison]\n[labels]", r"decison: unknown key; did you mean 'decision'\?"),
        ('background = "other"', '[train]\nwindows = "event"', r"\[train\] windows: .* background label"),
        ("[window]", "[window", "not valid TOML"),
        ("[window]", "deep = " + "[" * 5000 + "\n[window]", "not valid TOML"),
    ],
)
def test_a_mistake_names_file_and_key(tmp_path: Path, find: str, replace: str, says: str) -> None:
    assert find in MINIMAL
    path = write(tmp_path, MINIMAL.replace(find, replace, 1))
    with pytest.raises(RecipeError, match=says) as caught:
        Recipe.load(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_labels_are_words_of_any_language(tmp_path: Path) -> None:
    labels = ("Schütteln links", "42", "2 Schritte (Treppe)", "आराम", "坐")
    path = write(tmp_path, MINIMAL.replace('"tap", "other"', ", ".join(f'"{label}"' for label in labels))
                 .replace('background = "other"', ""))  # fmt: skip
    assert Recipe.load(path).labels == labels


def test_an_unknown_app_names_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="did you mean 'gesture'"):
        Recipe.load("gestrue")
    with pytest.raises(RecipeError, match="midge new"):
        Recipe.load(tmp_path)


def test_a_file_of_another_kind_is_told_what_was_meant(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("# not a recipe\n")
    with pytest.raises(RecipeError, match="neither a recipe nor a model: name an app"):
        Recipe.load(tmp_path / "README.md")


def test_auto_compares_families_as_their_tables_say(tmp_path: Path) -> None:
    text = MINIMAL + '\n[train]\nfamily = "auto"\n\n[train.net]\nhidden = 24\n'
    recipe = Recipe.load(write(tmp_path, text))
    tried = validation.candidates(recipe.train)
    assert [params["hidden"] for family, params in tried if family == "net"] == [24]
    assert len([family for family, _ in tried if family == "linear"]) > 1
    with pytest.raises(RecipeError, match="hiden"):
        Recipe.load(write(tmp_path, text.replace("hidden", "hiden")))
