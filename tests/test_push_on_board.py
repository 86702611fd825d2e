"""Push to a virtual board: it runs the new model, or goes back to the old one and says why."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from midge import flash, model_file, push, targets
from midge.compile import c99, golden, module_glue, toolchain
from midge.errors import BudgetExceeded, ParityError, TargetMismatch
from midge.model_file import Model
from midge.monitor import Monitor
from midge.session import connect
from midge.virtual import Scene, VirtualBoard

# The line that begins the body of midge_classify in generated C.
CLASSIFY = re.compile(r"int32_t midge_classify\([^)]*\)\s*\{")


@pytest.fixture(scope="session")
def models(make_model: Callable[..., Model]) -> tuple[Model, Model]:
    """An old model and a new one."""
    return make_model(1), make_model(2)


@pytest.fixture
def files(models: tuple[Model, Model], tmp_path: Path) -> tuple[str, str]:
    """Model files of both."""
    old, new = (
        str(model_file.save(model, tmp_path / name)) for model, name in zip(models, "ab", strict=True)
    )
    return old, new


@pytest.fixture(scope="session")
def parcels(models: tuple[Model, Model]) -> tuple[push.Package, push.Package]:
    """Both models, built."""
    old, new = (parcel(model) for model in models)
    return old, new


@pytest.fixture(scope="session")
def installed_with_old(installed: Path, parcels: tuple[push.Package, push.Package]) -> Iterator[Path]:
    """The file system of a board that runs the old model; copy it."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(installed, folder, dirs_exist_ok=True)
        with VirtualBoard(folder=folder) as board, connect(board.tty) as session:
            push.send(session, parcels[0])
            push.activate(session, parcels[0])
        yield Path(folder)


@pytest.fixture
def running(installed_with_old: Path) -> Iterator[VirtualBoard]:
    """A board that runs the old model."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(installed_with_old, folder, dirs_exist_ok=True)
        with VirtualBoard(folder=folder) as board:
            yield board


def parcel(model: Model, change: Callable[[str], str] = str) -> push.Package:
    """The model built for the virtual board; `change` spoils its generated C."""
    sources = {name: change(text) for name, text in c99.sources(model).items()}
    built = toolchain.build_module(sources, targets.get("x64"), name=model.name, exports=module_glue.MODEL)
    test = golden.test_blob(model.golden, model.n_features, model.n_scores)
    return push.Package(model.name, model.digest, "x64", built.mpy, test, 0)


def running_digest(board: VirtualBoard) -> str:
    with connect(board.tty) as session:
        assert session.welcome.model is not None
        return str(session.welcome.model["digest"])


def test_the_first_model(board: VirtualBoard, files: tuple[str, str], models: tuple[Model, Model]) -> None:
    done = push.push(board.tty, files[0])
    assert (done.digest, done.target, done.was_there) == (models[0].digest, "x64", False)
    assert done.sent_bytes >= done.module_bytes > 1000
    assert done.state_bytes > 0
    with connect(board.tty) as session:
        welcome = session.welcome
    assert welcome.model == {"name": "tester", "digest": models[0].digest, "labels": ["left", "right"]}
    assert welcome.slots[welcome.slots["active"]] == "confirmed"
    again = push.push(board.tty, files[0])
    assert again.was_there
    assert again.sent_bytes == 0


def test_the_next_model_keeps_the_old_one_in_the_other_slot(
    running: VirtualBoard, files: tuple[str, str], models: tuple[Model, Model]
) -> None:
    push.push(running.tty, files[1])
    with connect(running.tty) as session:
        welcome = session.welcome
    assert welcome.model is not None
    assert welcome.model["digest"] == models[1].digest
    assert (welcome.slots["a"], welcome.slots["b"]) == ("confirmed", "confirmed")
    running.cut_power()
    running.power_on()
    assert running_digest(running) == models[1].digest


def test_the_pushed_model_decides(running: VirtualBoard) -> None:
    tilt = np.zeros((400, 3))
    tilt[:200, 0], tilt[200:, 0] = -0.7, 0.7
    with connect(running.tty) as session:
        lines = Monitor(session).lines(scores=True)
        running.play(Scene(tilt, 100.0))
        labels = []
        for line in lines:
            if line["kind"] == "event" and line["label"] not in labels[-1:]:
                labels.append(line["label"])
            if labels[-2:] == ["left", "right"]:
                break
            assert line.get("ticks_ms", 0) < 600_000 or len(labels) < 3
    assert labels[-2:] == ["left", "right"]


def test_a_module_that_fails_its_test_is_rejected_and_the_old_one_runs_on(
    running: VirtualBoard, models: tuple[Model, Model], parcels: tuple[push.Package, push.Package]
) -> None:
    old = models[0]
    wrong = replace(parcels[1], test=parcels[0].test)
    with connect(running.tty) as session:
        push.send(session, wrong)
        with pytest.raises(ParityError, match=rf"rejected it \(.*self-test.*\) and runs tester {old.digest}"):
            push.activate(session, wrong)
    assert running_digest(running) == old.digest


def test_a_module_of_another_abi_is_rejected(running: VirtualBoard, models: tuple[Model, Model]) -> None:
    wrong = parcel(models[1], lambda text: text.replace("#define MIDGE_ABI 1", "#define MIDGE_ABI 9"))
    with connect(running.tty) as session:
        push.send(session, wrong)
        with pytest.raises(ParityError, match=r"rejected it \(.*module ABI: version 1 here, 9 there.*\)"):
            push.activate(session, wrong)
    assert running_digest(running) == models[0].digest


def test_a_module_that_crashes_the_board_is_rejected(
    running: VirtualBoard, models: tuple[Model, Model], parcels: tuple[push.Package, push.Package]
) -> None:
    """Its self-test never ends well: the board resets, finds the trial unfinished and goes back."""
    crash = "{ *(volatile int *)0 = 1;"
    wrong = parcel(models[1], lambda text: CLASSIFY.sub(lambda match: match[0][:-1] + crash, text))
    assert wrong.module != parcels[1].module
    with connect(running.tty) as session:
        push.send(session, wrong)
        with pytest.raises(ParityError, match="reset during its self-test"):
            push.activate(session, wrong)
        # After a rejection a good model goes through.
        push.send(session, parcels[1])
        push.activate(session, parcels[1])
    assert running_digest(running) == models[1].digest


def test_a_module_of_another_target_is_refused(
    running: VirtualBoard, models: tuple[Model, Model], parcels: tuple[push.Package, push.Package]
) -> None:
    # Byte 2 of the header holds the architecture: 4 is armv6m.
    module = parcels[1].module
    other = replace(parcels[1], module=module[:2] + bytes([module[2] & 3 | 4 << 2]) + module[3:])
    with connect(running.tty) as session, pytest.raises(TargetMismatch, match="armv6m"):
        push.send(session, other)
    assert running_digest(running) == models[0].digest


def test_a_power_cut_in_mid_push_is_taken_up_again(
    running: VirtualBoard, models: tuple[Model, Model], parcels: tuple[push.Package, push.Package]
) -> None:
    cuts: list[float] = []

    def cut(done: float, total: float | None = None, text: str = "") -> None:
        if done >= 1000 * (len(cuts) + 1) and len(cuts) < 2:
            cuts.append(done)
            running.cut_power()
            running.power_on()

    it = parcels[1]
    with connect(running.tty) as session:
        sent_bytes = push.send(session, it, on_progress=cut)
        push.activate(session, it)
    assert len(cuts) == 2
    assert running_digest(running) == models[1].digest
    # What was on flash by the cut is not sent again.
    assert sent_bytes < len(it.module) + len(it.test) + 2 * 600


def test_a_push_that_was_broken_off_is_resumed_by_the_next(
    running: VirtualBoard, models: tuple[Model, Model], parcels: tuple[push.Package, push.Package]
) -> None:
    def interrupt(done: float, total: float | None = None, text: str = "") -> None:
        if done >= 2000:
            raise KeyboardInterrupt

    it = parcels[1]
    with connect(running.tty) as session, pytest.raises(KeyboardInterrupt):
        push.send(session, it, on_progress=interrupt)
    assert running_digest(running) == models[0].digest
    with connect(running.tty) as session:
        sent_bytes = push.send(session, it)
        push.activate(session, it)
    assert sent_bytes <= len(it.module) + len(it.test) - 2000
    assert running_digest(running) == models[1].digest


def test_a_full_flash_is_told_and_the_old_model_runs_on(
    running: VirtualBoard, models: tuple[Model, Model], parcels: tuple[push.Package, push.Package]
) -> None:
    running.set_flash_bytes(1)
    with connect(running.tty) as session, pytest.raises(BudgetExceeded):
        push.send(session, parcels[1])
    running.set_flash_bytes(2 * 1024 * 1024)
    assert running_digest(running) == models[0].digest


def test_flash_takes_the_apps_model_along(
    board: VirtualBoard, make_app: Callable[..., Path], models: tuple[Model, Model]
) -> None:
    app = make_app()
    model_file.save(models[0], app / "build")
    first = flash.flash(str(app), board.tty)
    assert first.model == f"tester {models[0].digest}"
    assert running_digest(board) == models[0].digest
    again: Any = flash.flash(str(app), board.tty)
    assert (again.sent, again.sent_bytes) == ((), 0)
    model_file.save(models[1], app / "build")
    flash.flash(str(app), board.tty)
    assert running_digest(board) == models[1].digest
