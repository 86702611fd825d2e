"""A virtual board with the device library of this tree, and a model small enough to be checked by eye."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from midge import assets, targets
from midge.build import BuiltModule, build
from midge.compile import golden
from midge.compile.ir import Forest, Tree
from midge.model_file import Decision, FrontEnd, Model, Sensor
from midge.mpremote_link import RawRepl
from midge.virtual import VirtualBoard

APP = """from midge_device.pipeline import Pipeline

def told(label, score):
    with open("/events.txt", "a") as file:
        file.write("%s %.3f\\n" % (label, score))

Pipeline(on_event=told).run()
"""


def install(folder: Path, app: str = "") -> None:
    """What `midge flash` brings, without a model; with an app it starts at the next reset."""
    library = folder / "lib" / "midge_device"
    shutil.copytree(assets.device_library(), library, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "midge").mkdir()
    (folder / "midge" / "config.json").write_text(json.dumps({"board": "virtual", "app": "test"}))
    if app:
        shutil.copy(assets.board_main(), folder / "main.py")
        (folder / "app.py").write_text(app)


@pytest.fixture(scope="module")
def board() -> Iterator[VirtualBoard]:
    """Library, no app: it stands at its prompt. Each `run` starts with an empty heap."""
    with VirtualBoard() as virtual:
        install(virtual.folder)
        yield virtual


@pytest.fixture
def app_board() -> Iterator[VirtualBoard]:
    """Runs an app that writes its events to /events.txt; no model."""
    with VirtualBoard() as virtual:
        install(virtual.folder, APP)
        virtual.reset("hard")
        yield virtual


@pytest.fixture(scope="module")
def shared_board() -> Iterator[VirtualBoard]:
    """The same for tests that leave it as it was."""
    with VirtualBoard() as virtual:
        install(virtual.folder, APP)
        virtual.reset("hard")
        yield virtual


def run(board: VirtualBoard, code: str) -> str:
    """What `code` prints on the board."""
    with RawRepl("serial:" + board.tty) as repl:
        return repl.run(code).strip()


def values(board: VirtualBoard, code: str) -> list[Any]:
    """What `code` prints on the board, line by line as values."""
    return [json.loads(line.replace("'", '"')) for line in run(board, code).splitlines()]


Build = Callable[..., BuiltModule]


@pytest.fixture(scope="session")
def build_model() -> Build:
    """A built model of one node: 'tilt' while the mean of x is above `threshold_lsb`, else 'flat'."""

    def tilt(
        threshold_lsb: float = 4096.5,
        *,
        name: str = "tilt",
        rate_hz: float = 100.0,
        channels: tuple[str, ...] = ("x", "y", "z"),
    ) -> BuiltModule:
        tree = Tree(
            feature=np.array([0], np.int32),
            threshold=np.array([threshold_lsb]),
            left=np.array([-1], np.int32),
            right=np.array([-2], np.int32),
            value=np.array([[1.0, 0.0], [0.1, 0.9]]),
        )
        model = Model(
            name=name,
            labels=("flat", "tilt"),
            background="flat",
            frontend=FrontEnd("motion", channels, 64, 16, ("x.mean",), (8192.0,)),
            sensor=Sensor(rate_hz, 4),
            decision=Decision(0.6, 1, 200),
            ir=Forest(1, 2, (tree,)),
            epsilon=1e-4,
        )
        rows = np.array([[0], [4096], [4097], [8192]], np.int16)
        windows = np.zeros((2, 64, len(channels)), np.int16)
        windows[1, :, 0] = 8000
        model = Model(**{**vars(model), "golden": golden.choose(model, rows, windows)})
        return build(model, targets.get("x64"))

    return tilt


def put_model(folder: Path, built: BuiltModule, slot: str = "a", *, test: bytes | None = None) -> None:
    """A module and its self-test into a slot, past the protocol."""
    (folder / "midge" / f"{slot}.mpy").write_bytes(built.mpy)
    (folder / "midge" / f"{slot}.test").write_bytes(built.test_blob if test is None else test)
