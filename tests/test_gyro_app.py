"""A gyroscope from somebody's files to a model, by the commands: what only it can see is told apart."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from midge import build, cli, dataset, model_file
from midge.features import GYRO_CHANNELS, MOTION_CHANNELS
from midge.recipe import Recipe

RATE_HZ = 50
# About the vertical axis: gravity stays where it is.
TURNING = {"still": 0.0, "left": 1.2, "right": -1.2}


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four people who turn on the spot, and a model of it."""
    folder = tmp_path_factory.mktemp("turning")
    for person in range(4):
        for label, rad_per_s in TURNING.items():
            rng = np.random.default_rng([person, *label.encode()])
            n = 12 * RATE_HZ
            acceleration = rng.normal([0.0, 0.0, 9.81], 0.4, (n, 3))
            turning = rng.normal(0, 0.1, (n, 3))
            turning[:, 2] += rad_per_s * rng.uniform(0.7, 1.3)
            path = folder / "files" / f"p{person}" / f"{label}.csv"
            path.parent.mkdir(parents=True, exist_ok=True)
            table = np.column_stack([np.arange(n) / RATE_HZ, acceleration, turning])
            header = "time,ax,ay,az,gx (rad/s),gy (rad/s),gz (rad/s)"
            np.savetxt(path, table, delimiter=",", header=header, comments="", fmt="%.5f")
    source, data = str(folder / "files"), str(folder / "data")
    assert cli.main(["import", source, "--into", data, "--pattern", "{group}/{label}.csv"]) == 0
    assert cli.main(["new", "turning", "--data", data, "--into", str(folder)]) == 0
    assert cli.main(["train", str(folder / "turning"), "--data", data, "--family", "linear"]) == 0
    return folder / "turning"


def test_recipe_and_recordings_have_six_channels(app: Path) -> None:
    recipe = Recipe.load(app)
    assert recipe.sensor.channels == (*MOTION_CHANNELS, *GYRO_CHANNELS)
    assert {item.channels for item in dataset.load(app.parent / "data").recordings} == {
        recipe.sensor.channels
    }


def test_what_only_a_gyroscope_sees_is_told_apart(app: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["evaluate", str(app), "--data", str(app.parent / "data"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["accuracy"] == 1.0 and found["agree_c_reference"] == found["n"]
    report = json.loads((app / "build" / "report.json").read_text(encoding="utf-8"))
    assert report["accuracy"] > 0.95 and report["folds"] == 4


def test_its_module_answers_as_the_host_does(app: Path) -> None:
    model = model_file.load(app / "build")
    assert any(name[0] in "gw" for name in model.frontend.features) if model.frontend else False
    built = build.build(model, "armv6m")
    assert built.windows > 0 and built.rows > 0


def test_without_its_channels_the_same_recordings_do(app: Path, tmp_path: Path) -> None:
    text = (app / "app.toml").read_text(encoding="utf-8")
    six = '["x", "y", "z", "gx", "gy", "gz"]'
    assert six in text
    (tmp_path / "app.toml").write_text(text.replace(six, '["x", "y", "z"]'), encoding="utf-8")
    data = dataset.load(app.parent / "data")
    cut = dataset.windows(data, Recipe.load(tmp_path))
    assert cut.windows.shape[2] == 3
    assert abs(float(cut.windows[..., 2].mean()) / 8192 - 1) < 0.02
