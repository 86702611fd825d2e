"""Scenes: shapes, files, and motion between samples."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from midge.errors import DatasetError
from midge.virtual.motion import Motion
from midge.virtual.scene import Scene

RAMP = np.arange(5)[:, None] * np.ones(3)


def felt(scene: Scene, times_s: list[float]) -> list[float]:
    motion = Motion()
    motion.play(scene, 1_000_000)
    times_us = np.round(1e6 * (1 + np.array(times_s))).astype(np.int64)
    return [float(x) for x in motion.acceleration_g(times_us)[:, 0]]


def test_straight_lines_between_samples_and_the_last_one_holds() -> None:
    assert felt(Scene(RAMP, 10.0), [0, 0.05, 0.1, 0.25, 0.4, 7]) == pytest.approx([0, 0.5, 1, 2.5, 4, 4])


def test_before_its_start_a_scene_is_at_its_first_sample() -> None:
    assert felt(Scene(RAMP + 1, 10.0), [-0.5]) == [1]


def test_a_loop_leads_from_the_last_sample_to_the_first() -> None:
    assert felt(Scene(RAMP, 10.0, loop=True), [0.45, 0.5, 0.6]) == pytest.approx([2, 0, 1])


def test_still_and_raw() -> None:
    assert Scene.still().samples_g.tolist() == [[0, 0, 1]]
    motion = Motion()
    motion.play(Scene.raw(lambda number: 2 * number, n=4), 0)
    assert motion.raw_counts(2, 4)[:, 1].tolist() == [4, 6, 0, 2]
    assert Scene.raw([[1, 2, 3]]).raw_counts is not None


@pytest.mark.parametrize("samples", [np.zeros((3, 2)), np.zeros(3), np.zeros((0, 3))])
def test_wrong_shapes(samples: np.ndarray) -> None:
    with pytest.raises(DatasetError, match=r"shape \(n, 3\)"):
        Scene(samples, 10.0)


def test_wrong_rates() -> None:
    with pytest.raises(DatasetError, match="above 0"):
        Scene(RAMP, 0.0)


def test_through_a_message_and_back() -> None:
    for scene in (Scene(RAMP, 12.5, loop=True), Scene.raw(RAMP)):
        back = Scene.from_message(json.loads(json.dumps(scene.to_message())))
        assert (back.rate_hz, back.loop) == (scene.rate_hz, scene.loop)
        assert np.array_equal(back.samples_g, scene.samples_g)
        assert (back.raw_counts is None) == (scene.raw_counts is None)


def test_from_a_recording(tmp_path: Path) -> None:
    (tmp_path / "take.csv").write_text("t,z,y,x\n0,8192,0,-4096\n1,8192,4096,0\n")
    (tmp_path / "take.json").write_text(
        json.dumps({"rate_hz": 100, "measured_rate_hz": 101.5, "scale": 8192})
    )
    scene = Scene.load(tmp_path / "take.csv")
    assert scene.rate_hz == 101.5
    assert scene.samples_g.tolist() == [[-0.5, 0, 1], [0, 0.5, 1]]


@pytest.mark.parametrize("name", ["none.npz", "none.csv", "take.wav", "bad.csv"])
def test_files_that_are_no_scene(tmp_path: Path, name: str) -> None:
    (tmp_path / "bad.csv").write_text("a,b\n1,2\n")
    (tmp_path / "bad.json").write_text("{}")
    with pytest.raises(DatasetError, match=name):
        Scene.load(tmp_path / name)
