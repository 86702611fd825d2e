"""A net with convolutions on a real MicroPython: tensors in the state, the bits of the integers."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from midge import feature_sets, model_file
from midge.build import BuiltModule, build
from midge.compile import conv_integer
from midge.compile.conv_layers import Window
from midge.model_file import FrontEnd, Sensor
from midge.virtual import VirtualBoard

from .conftest import run

_PATH = Path(__file__).parents[1] / "compile" / "random_nets.py"
LENGTH, PARTS = 48, 24
NAMES = tuple(f"{row}.course@{part}/{PARTS}" for part in range(1, PARTS + 1) for row in "xyz")

CLASSIFY = """
from array import array
import sys
sys.path.append('/midge')
import a
state = bytearray(a.STATE_BYTES)
features, scores = array('h', bytes(2 * a.N_FEATURES)), array('h', bytes(2 * a.N_SCORES))
with open('/rows', 'rb') as rows, open('/answers', 'wb') as answers:
    while rows.readinto(features):
        winner = a.classify(features, scores, state)
        answers.write(scores)
        answers.write(bytes((winner,)))
try:
    a.classify(features, scores)
except TypeError as error:
    print(error)
"""


@pytest.fixture(scope="module")
def built() -> BuiltModule:
    spec = importlib.util.spec_from_file_location(_PATH.stem, _PATH)
    assert spec is not None and spec.loader is not None
    nets: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(nets)
    same = Window((5, 1), (2, 1), same=True)
    net = (
        nets.Maker((PARTS, 1, 3), 5)
        .weighted("conv", 8, same)
        .weighted("depthwise", window=Window((3, 1), same=True))
        .weighted("conv", 8, relu=False)
        .residual(2)
        .weighted("dense", 4, wide=True)
        .net()
    )
    source = np.random.default_rng(3)
    windows = source.integers(-3000, 3000, (20, LENGTH, 3)).astype(np.int16)
    frontend = FrontEnd("motion", ("x", "y", "z"), LENGTH, 16, NAMES, (1.0,) * len(NAMES))
    model = model_file.create(
        net,
        frontend.extract(windows),
        name="net",
        labels=["a", "b", "c", "d"],
        frontend=frontend,
        sensor=Sensor(100.0, 4),
        windows=windows,
    )
    return build(model, "x64")


def test_a_thousand_rows_are_those_of_the_integers(board: VirtualBoard, built: BuiltModule) -> None:
    source = np.random.default_rng(4)
    rows = source.integers(-3000, 3000, (1000, built.model.n_features)).astype(np.int16)
    rows[:200] = source.integers(-32768, 32768, (200, built.model.n_features))
    rows[:5] = np.array([-32768, -1, 0, 1, 32767])[:, None]
    (board.folder / "midge").mkdir(exist_ok=True)
    (board.folder / "midge" / "a.mpy").write_bytes(built.mpy)
    (board.folder / "rows").write_bytes(rows.tobytes())
    assert "needs its state" in run(board, CLASSIFY)
    found = np.frombuffer((board.folder / "answers").read_bytes(), [("scores", "<i2", 4), ("winner", "u1")])
    scores, winners = conv_integer.predict(conv_integer.lower(built.model.ir), rows)
    np.testing.assert_array_equal(found["scores"], scores)
    np.testing.assert_array_equal(found["winner"], winners)
    assert len(np.unique(scores, axis=0)) > 100


def test_its_self_test_runs_rows_and_a_window(board: VirtualBoard, built: BuiltModule) -> None:
    (board.folder / "midge").mkdir(exist_ok=True)
    (board.folder / "midge" / "a.mpy").write_bytes(built.mpy)
    (board.folder / "test").write_bytes(built.test_blob)
    said = run(
        board,
        "from midge_device.model import Model\n"
        "with open('/test', 'rb') as file:\n    print(Model('/midge', 'a').self_test(file.read()))\n",
    )
    assert int(said) >= 2


def test_the_courses_are_as_the_set_names_them() -> None:
    assert feature_sets.names(feature_sets.COURSES, ("x", "y", "z"), 100.0, PARTS) == NAMES
