"""Nets with convolutions as tables that midge links: every layer, an arena, a front end before it."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from midge import build, model_file, targets
from midge.compile import conv_integer, link_kernels
from midge.compile.conv_layers import Window
from midge.compile.emulate import Emulator
from midge.model_file import Model, Sensor


def _load(name: str) -> ModuleType:
    path = Path(__file__).parent / name
    spec = importlib.util.spec_from_file_location(f"linked_{path.stem}", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


nets, models = _load("test_conv.py"), _load("xtensa/models.py")


def _framed() -> Model:
    """A net behind a front end, which writes its features into the arena."""
    frontend = models.motion().frontend
    windows = models.motion_windows(4, 40, 3)
    X = frontend.extract(windows)
    net = (
        nets.Maker((X.shape[1], 1, 1), 6)
        .weighted("conv", 4, Window((3, 1), (2, 1)))
        .weighted("dense", 3, wide=True)
        .net()
    )
    return model_file.create(
        net.calibrated(X), X, name="net", labels=["0", "1", "2"], frontend=frontend,
        sensor=Sensor(100.0, 4.0), windows=windows,
    )  # fmt: skip


@pytest.mark.parametrize("name", nets.NETS)
@pytest.mark.parametrize(
    "target_name",
    [
        name if name in ("armv7emsp", "xtensawin") else pytest.param(name, marks=pytest.mark.check)
        for name in targets.TARGETS
    ],
)
def test_it_gives_the_bits_of_the_integers(name: str, target_name: str) -> None:
    model = nets.made(nets.NETS[name])
    module = link_kernels.build_model(model, targets.get(target_name))
    board = Emulator(module.mpy, targets.get(target_name))
    rows = nets.inputs(nets.NETS[name], 30, 2)
    expected, winners = conv_integer.predict(conv_integer.lower(model.ir), rows)
    for row, scores, winner in zip(rows, expected, winners, strict=True):
        found, found_scores = board.classify(row)
        assert found == winner
        np.testing.assert_array_equal(found_scores, scores)


@pytest.mark.parametrize("target_name", ["armv6m", "xtensawin"])
def test_behind_a_front_end(target_name: str) -> None:
    built = build.build(_framed(), target_name)
    assert (built.layout, built.windows) == ("table", 8)
    assert "model_predict/arena" in built.symbols
