"""Bench: figures that follow from each other, accuracy from the training's report, picture, command."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from midge import assets, bench, build, chips, cli, model_file, simulate, storing, targets
from midge.bench import Bench, Refused
from midge.errors import ModelError
from midge.model_file import Model
from midge.recipe import Recipe


@pytest.fixture(scope="module")
def model() -> Model:
    return model_file.load(assets.models_folder() / "gesture")


@pytest.fixture(scope="module")
def measured(model: Model) -> Bench:
    (found,) = bench.bench(model, ["armv6m"], accuracy=0.9)
    assert isinstance(found, Bench)
    return found


def test_figures_are_those_of_the_build(model: Model, measured: Bench) -> None:
    built = build.build(model, "armv6m")
    assert (measured.instructions_mean, measured.instructions_max) == (
        built.instructions_mean,
        built.instructions_max,
    )
    assert (measured.module_bytes, measured.state_bytes) == (built.module_bytes, built.state_bytes)
    # 128 samples of three axes are looked at several times for 16 features.
    assert measured.features_instructions > 3 * 128 * 5


def test_time_and_load_follow_from_cycles_and_clock(model: Model, measured: Bench) -> None:
    assert measured.cycles is not None and model.sensor is not None and model.frontend is not None
    instructions = measured.instructions_mean + measured.features_instructions
    assert instructions < measured.cycles[0] < measured.cycles[1] < 2 * instructions
    (chip,) = measured.on_chips
    assert (chip.chip, chip.clock_hz) == ("RP2040", 125_000_000)
    assert chip.high_us == pytest.approx(measured.cycles[1] / 125, rel=1e-3)
    hops_a_second = model.sensor.rate_hz / model.frontend.hop
    assert chip.load_percent == pytest.approx(chip.high_us * 1e-6 * hops_a_second * 100)
    assert chip.energy_uj is None


def test_every_board_target_has_a_chip_and_cycles() -> None:
    assert {chip.target for chip in chips.CHIPS} <= set(targets.TARGETS)
    for target in bench.ALL:
        low, high = chips.CYCLES[target]
        assert 0 < low < high
    assert len({chip.name for chip in chips.CHIPS}) == len(chips.CHIPS)
    assert all(chip.source for chip in chips.CHIPS)


def test_a_target_that_can_not_be_built_is_told(model: Model) -> None:
    (found,) = bench.bench(model, ["xtensawin"], layout="code")
    assert isinstance(found, Refused)
    assert (found.target, "no compiler for xtensawin" in found.why) == ("xtensawin", True)


def test_accuracy_is_that_of_the_very_model(model: Model, tmp_path: Path) -> None:
    assert bench.accuracy_of(tmp_path, model) is None
    report = {"accuracy": 0.87, "model": {"digest": model.digest}}
    (tmp_path / "report.json").write_text(json.dumps(report))
    assert bench.accuracy_of(tmp_path, model) == 0.87
    (tmp_path / "report.json").write_text(json.dumps(report | {"model": {"digest": "another"}}))
    assert bench.accuracy_of(tmp_path, model) is None
    (tmp_path / "report.json").write_text("{")
    assert bench.accuracy_of(tmp_path, model) is None


def test_the_picture_needs_an_accuracy(measured: Bench, tmp_path: Path) -> None:
    path = tmp_path / "cost.png"
    with pytest.raises(ModelError, match="accuracy of gesture is not known"):
        bench.draw([measured, replace(measured, accuracy=None)], path, "both")
    bench.draw([measured, replace(measured, name="other", accuracy=0.7)], path, "both")
    assert path.read_bytes().startswith(b"\x89PNG")
    with pytest.raises(ModelError, match=r"choose \.png"):
        bench.draw([measured], tmp_path / "cost.abc", "one")


def test_recordings_judge_a_model_file_without_its_recipe(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(assets.models_folder() / "gesture", tmp_path / "somewhere")
    (tmp_path / "data").mkdir()
    person = simulate.people(1, 77)[0]
    for label in ("circle", "chop"):
        # The same motion under two names: one of them is wrong.
        take = simulate.recorded(simulate.other_motion(person, 12.0), Recipe.load("gesture"), label, "")
        storing.write(tmp_path / "data", label, take, take.samples, take.gaps)
    words = ["bench", str(tmp_path / "somewhere" / "model.json"), "--target", "armv6m"]
    picture = tmp_path / "cost.svg"
    assert cli.main([*words, "--data", str(tmp_path / "data"), "--picture", str(picture), "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)["benches"]
    assert 0 <= found["accuracy"] <= 0.5
    assert "accuracy on data, %" in picture.read_text()


def test_the_command(model: Model, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "gesture"
    shutil.copytree(assets.models_folder() / "gesture", folder)
    report = {"accuracy": 0.87, "model": {"digest": model.digest}}
    (folder / "report.json").write_text(json.dumps(report))
    picture = tmp_path / "cost.svg"
    words = ["bench", str(folder), "--target", "armv6m", "--picture", str(picture), "--json"]
    assert cli.main(words) == 0
    (found,) = json.loads(capsys.readouterr().out)["benches"]
    assert (found["target"], found["accuracy"], found["on_chips"][0]["chip"]) == ("armv6m", 0.87, "RP2040")
    assert "<svg" in picture.read_text()
    (folder / "report.json").unlink()
    assert cli.main(words) == 1
    assert "name recordings with --data" in " ".join(capsys.readouterr().err.split())
    assert cli.main(words[:4]) == 0
    assert "RP2040" in capsys.readouterr().out
