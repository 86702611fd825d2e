"""One file of motion, as a scene takes it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from midge.errors import DatasetError
from midge.virtual.scene import Scene


def test_anybodys_csv_is_a_scene(tmp_path: Path) -> None:
    lines = [f"{n * 20};{n % 5},5;0,0;9,81" for n in range(100)]
    (tmp_path / "a.csv").write_text("\n".join(["time_ms;ax;ay;az", *lines]) + "\n")
    scene = Scene.load(tmp_path / "a.csv")
    assert scene.rate_hz == 50.0 and len(scene.samples_g) == 100
    assert scene.samples_g[:5, 2] == pytest.approx(1.0, abs=0.001)
    assert scene.samples_g[3, 0] == pytest.approx(3.5 / 9.80665)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("x,y,z\n0,0,1\n0,0,1\n", "it has no time column; make a recording"),
        ("t,x,y,z\n0,0,0,1\n", "all samples are of one time"),
        ("t,x,y,z\n0,0,0,77\n1,0,0,77\n", "which unit"),
        ("", "it is empty"),
    ],
)
def test_what_is_no_scene_says_what_to_do(text: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(DatasetError, match=says):
        Scene.load(tmp_path / "a.csv")


def test_a_npz_is_one_as_before(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", samples_g=np.zeros((5, 3)), rate_hz=50.0)
    assert Scene.load(tmp_path / "a.npz").rate_hz == 50.0
