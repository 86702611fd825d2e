"""A recipe for recordings that are there: whole takes, events, activities and machines are told apart."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from midge import dataset, evaluate, reference_model, robustness, segmenting, storing, suggest, train
from midge.cli import main
from midge.dataset import Dataset
from midge.errors import DatasetError
from midge.recipe import Recipe
from midge.recording import Recording
from midge.take import save

GESTURE = Recipe.load("gesture")


def cut_takes(people: int, seed: int) -> Dataset:
    """One gesture a recording, of another length each, as somebody records who presses a button."""
    takes = []
    for item in reference_model.training_data(GESTURE, people, seed, times=3, other_s=3.0).recordings:
        if item.label != "other":
            for start, stop in segmenting.performances(item.samples, 100.0, 8192.0):
                takes.append(replace(item, samples=item.samples[max(0, start - 10) : stop + 10], gaps=()))
    return Dataset(Path("takes"), tuple(takes))


def recipe_of(data: Dataset, tmp_path: Path, window_s: float | None = None) -> Recipe:
    (tmp_path / "app.toml").write_text(suggest.recipe_text("mine", data, window_s).text)
    return Recipe.load(tmp_path)


@pytest.fixture(scope="module")
def takes() -> Dataset:
    return cut_takes(3, 3)


def test_short_takes_are_examples_as_a_whole(takes: Dataset, tmp_path: Path) -> None:
    recipe = recipe_of(takes, tmp_path)
    assert recipe.train.windows == "take" and recipe.features.segment
    recipe = replace(
        recipe.with_family("linear"), train=replace(recipe.with_family("linear").train, search=False)
    )
    trained = train.train(recipe, takes, into=tmp_path / "build")
    assert trained.report["unit"] == "take" and trained.report["n"] == len(takes.recordings)
    assert trained.report["accuracy"] > 0.8
    strangers = cut_takes(2, 77)
    done = evaluate.evaluate(recipe, trained.model, strangers)
    assert done.unit == "take" and done.examples == len(strangers.recordings)
    assert done.accuracy > 0.8 and done.known == 0 and done.agree_c_reference == done.n
    found = robustness.measure(
        evaluate.judged(recipe, done.unit), evaluate.compiled(trained.model), strangers
    )
    assert found.plain == done.accuracy
    by_trouble = {row[0]: [one[3] for one in found.rows if one[0] == row[0]] for row in found.rows}
    assert set(by_trouble) == {trouble.name for trouble in robustness.TROUBLES}
    assert by_trouble["rotation"][0] >= by_trouble["rotation"][-1]
    assert by_trouble["noise"][0] > 0.7
    robustness.draw(found, tmp_path / "picture.png", "title")
    assert (tmp_path / "picture.png").read_bytes().startswith(b"\x89PNG")


def test_a_whole_take_is_padded_with_rest_or_cut_to_its_motion() -> None:
    samples = np.arange(60, dtype=np.int16).reshape(20, 3)
    item = Recording("a", ("x", "y", "z"), 100.0, 8192.0, samples=samples)
    window, start = dataset.whole_take(item, samples, 30)
    assert start == -5 and (window[:5] == samples[0]).all() and (window[25:] == samples[-1]).all()
    assert np.array_equal(window[5:25], samples)
    long = np.zeros((200, 3), np.int16)
    long[120:150, 0] = np.tile([3000, -3000], 15)
    window, start = dataset.whole_take(replace(item, samples=long), long, 40)
    assert start <= 120 and start + 40 >= 150


def test_rest_gesture_rest_is_found_by_the_share_of_motion(tmp_path: Path) -> None:
    data = reference_model.training_data(GESTURE, 2, 5, times=4, other_s=20.0)
    recipe = recipe_of(data, tmp_path)
    assert recipe.background == "other" and recipe.train.windows == "event"
    assert recipe_of(data, tmp_path, 0.5).window.length == 50
    for name in ("Other", "NULL", "Sonstiges"):
        items = tuple(
            replace(item, label=name if item.label == "other" else item.label) for item in data.recordings
        )
        recipe = recipe_of(Dataset(data.folder, items), tmp_path)
        assert recipe.background == name and recipe.train.windows == "event"


def test_a_machine_is_told_by_a_sensor_that_never_turns(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    items = []
    for label, strength in (("on", 300), ("off", 20)):
        for _ in range(3):
            samples = rng.normal((0, 0, 8192), strength, (3000, 3))
            items.append(Recording(label, ("x", "y", "z"), 200.0, 8192.0, samples=samples.astype(np.int16)))
    recipe = recipe_of(Dataset(Path("fans"), tuple(items)), tmp_path)
    assert recipe.train.windows == "all" and recipe.background is None
    assert not any(
        name.split(".")[1].split("@")[0] in ("mean", "min", "max") for name in recipe.features.names
    )
    # A mean that was moved changes no feature: another mounting is the same machine.
    moved = [replace(item, samples=item.samples + np.int16(200)) for item in items]
    from midge import features

    rows = [
        features.extract(
            recipe.features.names,
            dataset.windows(Dataset(Path(), tuple(some)), recipe).windows,
            sampling=recipe.sensor.sampling,
        ).astype(int)
        for some in (items, moved)
    ]
    assert np.abs(rows[0] - rows[1]).max() <= 2


def test_mixed_rates_and_single_labels_are_refused(takes: Dataset) -> None:
    mixed = (*takes.recordings, replace(takes.recordings[0], rate_hz=50.0))
    with pytest.raises(DatasetError, match="several rates"):
        suggest.recipe_text("mine", Dataset(Path("d"), mixed))
    alone = tuple(item for item in takes.recordings if item.label == "chop")
    with pytest.raises(DatasetError, match="one label only"):
        suggest.recipe_text("mine", Dataset(Path("d"), alone))


def test_new_with_data_makes_an_app_that_trains(
    takes: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for number, item in enumerate(takes.recordings[:6]):
        save(item, tmp_path / "data", f"take_{number}")
    assert main(["new", "mine", "--data", "data"]) == 0
    assert Recipe.load(tmp_path / "mine").name == "mine"
    assert (tmp_path / "mine" / "main.py").is_file()
    assert main(["new", "other", "--window", "1"]) == 1
    assert "--window goes with --data" in capsys.readouterr().err


def test_the_readme_of_an_app_of_takes_says_what_a_board_hears(takes: Dataset, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    for number, item in enumerate(takes.recordings):
        storing.write(tmp_path / "data", f"take_{number}", item, item.samples, item.gaps)
    assert main(["new", "mine", "--data", str(tmp_path / "data"), "--into", str(tmp_path)]) == 0
    said = " ".join((tmp_path / "mine" / "README.md").read_text().split())
    assert "one performance a take" in said and "unless one of them is `background`" in said


def test_postures_that_hold_still_are_told_by_their_direction(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    items = []
    for label, gravity in (("sit", (0, 0, 8192)), ("lie", (8192, 0, 0))):
        for group in ("ann", "bo"):
            samples = rng.normal(gravity, 30, (3000, 3)).astype(np.int16)
            items.append(Recording(label, ("x", "y", "z"), 50.0, 8192.0, group=group, samples=samples))
    data = Dataset(Path("rest"), tuple(items))
    assert any(name.endswith(".mean") for name in recipe_of(data, tmp_path).features.names)
    assert not any("screwed" in reason for reason in suggest.recipe_text("mine", data).reasons)
