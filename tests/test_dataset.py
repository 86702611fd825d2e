"""Datasets and windows: never across a gap, labelled as the recipe says, canonical at any scale."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from midge import dataset, recording, segmenting, simulate
from midge.dataset import Dataset
from midge.errors import DatasetError
from midge.recipe import Recipe
from midge.recording import Gap, Recording

RECIPE = Recipe.load("gesture")
LENGTH = RECIPE.window.length


def ramp(n: int, label: str = "other", **changes: object) -> Recording:
    """Sample number i is (i, -i, i // 2): a window tells where it was cut."""
    at = np.arange(n, dtype=np.int16)
    item = Recording(
        label=label,
        channels=("x", "y", "z"),
        rate_hz=100.0,
        scale=8192.0,
        samples=np.stack([at, -at, at // 2], axis=1),
    )
    return replace(item, **changes)


def test_windows_never_straddle_a_gap() -> None:
    gaps = (Gap(0, 3), Gap(200, 5), Gap(300, 1), Gap(400, 2))
    cut = dataset.windows(Dataset(Path(), (ramp(700, gaps=gaps),)), RECIPE, hop=1)
    assert np.array_equal(cut.windows[:, 0, 0], cut.start)
    assert (np.diff(cut.windows[:, :, 0], axis=1) == 1).all()
    inside = [(0, 200), (200, 300), (300, 400), (400, 700)]
    expected = [s for a, b in inside for s in range(a, b - LENGTH + 1)]
    assert cut.start.tolist() == expected


def test_a_recording_without_a_group_is_a_group_of_its_own() -> None:
    items = (ramp(200), ramp(200, group="ann"), ramp(200), ramp(200, group="ann"))
    cut = dataset.windows(Dataset(Path(), items), RECIPE)
    groups = {int(n): set(cut.groups[cut.recording == n]) for n in range(4)}
    assert groups[1] == groups[3] == {"ann"}
    assert len(groups[0] | groups[2] | groups[1]) == 3


def test_other_scales_are_made_canonical_and_saturate() -> None:
    item = ramp(0, samples=np.array([[4096, -4096, 30000]], np.int16), scale=2048.0)
    assert dataset.canonical(item, RECIPE).tolist() == [[16384, -16384, 32767]]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"rate_hz": 80.0}, "80 Hz.*needs 100 Hz.*import it again"),
        ({"unit": "m/s^2"}, "not in g"),
        ({"channels": ("z", "y", "x")}, "channels z,y,x"),
        ({"label": "hop"}, "labelled 'hop'.*knows circle"),
        ({"samples": np.zeros((5, 3), np.int16)}, "no stretch of 128 samples"),
    ],
)
def test_recordings_that_do_not_fit_are_told(changes: dict[str, object], says: str) -> None:
    with pytest.raises(DatasetError, match=says):
        dataset.windows(Dataset(Path("d"), (ramp(200, **changes),)), RECIPE)


def test_performances_are_found_where_they_were_played() -> None:
    for person in simulate.people(5, 3):
        for label in simulate.GESTURES:
            shown = simulate.take(person, label, times=4)
            item = simulate.recorded(shown, RECIPE, label)
            found = segmenting.performances(item.samples, 100, 8192)
            assert len(found) == 4, (person, label)
            for (start, stop), played in zip(found, shown.played, strict=True):
                assert played.start_s - 0.3 < start / 100 < stop / 100 < played.end_s + 0.3


def test_windows_of_a_take_are_the_gesture_the_background_or_nothing() -> None:
    person = simulate.people(1, 4)[0]
    shown = simulate.take(person, "shake", times=3)
    item = simulate.recorded(shown, RECIPE, "shake")
    cut = dataset.windows(Dataset(Path(), (item,)), RECIPE)
    found = segmenting.performances(item.samples, 100, 8192)
    shares = segmenting.shown(cut.start, LENGTH, found)
    names = np.array(RECIPE.labels)[cut.labels]
    assert set(names) == {"shake", "other"}
    assert (shares[names == "shake"] >= segmenting.SHOWS).all()
    assert (shares[names == "other"] <= segmenting.SHOWS_NOT).all()
    every = range(0, len(item.samples) - LENGTH + 1, RECIPE.window.hop // dataset.STEPS_PER_HOP)
    assert len(cut.start) < len(every)


def test_no_motion_is_no_performance() -> None:
    rest = np.random.default_rng(0).normal([0, 0, 8192], 80, (800, 3)).astype(np.int16)
    assert segmenting.performances(rest, 100, 8192) == []


def test_load_reads_recordings_and_only_those(tmp_path: Path) -> None:
    item = ramp(150, label="chop", group="bo")
    (tmp_path / "sub").mkdir()
    lines = ["x,y,z", *(",".join(map(str, row)) for row in item.samples.tolist())]
    (tmp_path / "sub" / "a.csv").write_text("\n".join(lines) + "\n")
    (tmp_path / "sub" / "a.json").write_text(json.dumps(recording.sidecar(item, 150, ())))
    (tmp_path / "notes.json").write_text("{}")
    data = dataset.load(tmp_path)
    assert (data.labels, data.groups, len(data.recordings)) == (("chop",), ("bo",), 1)
    assert np.array_equal(data.recordings[0].samples, item.samples)


def test_an_empty_or_missing_folder_says_how_to_record(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "none"):
        with pytest.raises(DatasetError, match="midge record"):
            dataset.load(folder)
