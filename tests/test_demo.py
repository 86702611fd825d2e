"""The demo: the whole loop on a virtual board, held to its promises."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from midge import demo, reference_model
from midge.cli import main
from midge.recipe import Recipe

KEYS = {
    *("board", "micropython", "target", "windows", "agree", "recognised", "played", "false_events"),
    *("other_motion_minutes", "module_bytes", "ram_bytes", "stages"),
}


def test_shuffling_deals_out_the_same_labels_to_the_same_recordings() -> None:
    data = reference_model.training_data(Recipe.load("gesture"), 3, 1, times=1, other_s=3.0)
    dealt = demo.shuffled(data, 1)
    assert sorted(item.label for item in dealt.recordings) == sorted(item.label for item in data.recordings)
    assert [item.label for item in dealt.recordings] != [item.label for item in data.recordings]
    for one, other in zip(dealt.recordings, data.recordings, strict=True):
        assert np.array_equal(one.samples, other.samples) and one.group == other.group


def test_training_and_test_people_never_meet() -> None:
    from midge import simulate

    for seed in range(5):
        training = {person.seed for person in simulate.people(demo.TRAINING_PEOPLE, seed)}
        assert not training & {person.seed for person in simulate.people(demo.TEST_PEOPLE, seed, "stranger")}


@pytest.mark.check
@pytest.mark.parametrize("seed", [1, 2024])
def test_the_demo_keeps_its_promises(
    seed: int, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["demo", "gesture", "--seed", str(seed), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert set(found) >= KEYS
    assert found["played"] >= 40 and found["recognised"] >= 0.9 * found["played"]
    assert found["other_motion_minutes"] >= 5 and found["false_events"] <= 1
    assert found["agree"] == found["windows"] > 200
    assert not list(tmp_path.iterdir())


@pytest.mark.check
def test_with_shuffled_labels_the_demo_falls_to_chance() -> None:
    found = demo.run("gesture", seed=3, shuffle_labels=True)
    assert found.recognised <= 0.4 * found.played
    assert found.agree == found.windows
