"""Modules for targets: right on every row that is checked, and refused as soon as one is not."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC

from midge import assets, families, features, model_file, targets
from midge import build as builder
from midge.build import BuiltModule, build, build_sources
from midge.cli import main
from midge.compile import c99, golden, toolchain
from midge.errors import (
    BudgetExceeded,
    CompileError,
    ModelError,
    ModelNotFound,
    ParityError,
    TargetMismatch,
    UnsupportedModel,
)
from midge.model_file import Decision, FrontEnd, Model, Sensor
from midge.recipe import Budget

NAMES = ("x.mean", "x.std", "y.jerk", "z.mc", "m.range@1/2")


@cache
def _model() -> Model:
    rng = np.random.default_rng(0)
    loud = rng.integers(1, 4000, (120, 1, 1))
    windows = (rng.standard_normal((120, 16, 3)) * loud).astype(np.int16)
    X = features.extract(NAMES, windows)
    fitted = RandomForestClassifier(3, max_depth=3, random_state=0).fit(X, loud.ravel() // 1000)
    return model_file.create(
        families.to_ir(fitted),
        X,
        name="probe",
        labels=["calm", "slow", "fast", "wild"],
        background="calm",
        frontend=FrontEnd("motion", ("x", "y", "z"), 16, 4, NAMES, tuple(features.scales(NAMES, 8192))),
        sensor=Sensor(100, 4),
        decision=Decision(0.6, 2, 1000),
        windows=windows,
        expected=fitted.predict_proba(X),
    )


@pytest.mark.parametrize("layout", ["code", "table"])
@pytest.mark.parametrize("target", ["x64", "armv6m", "armv7m", "armv7emsp", "armv7emdp", "rv32imc"])
def test_every_target_gives_the_models_answers(target: str, layout: str) -> None:
    built = build(_model(), target, layout=layout)
    assert built.windows == golden.MAX_WINDOWS
    assert built.rows > len(_model().golden.features)
    assert built.module_bytes == len(built.mpy)
    assert built.state_bytes == c99.state_bytes(_model())
    assert built.instructions_mean <= built.instructions_max
    assert built.emulator().info() == c99.info(_model())


def test_emlearns_trees_give_the_same_answers() -> None:
    assert build(_model(), "armv6m", backend="emlearn").backend == "emlearn"


def test_the_same_model_gives_the_same_bytes() -> None:
    assert build(_model(), "armv6m").mpy == build(_model(), "armv6m").mpy


def test_auto_takes_the_fastest_that_fits() -> None:
    code, table = (build(_model(), "armv6m", layout=layout) for layout in ("code", "table"))
    assert code.instructions_mean < table.instructions_mean
    assert build(_model(), "armv6m").layout == "code"
    small = min(code, table, key=lambda built: built.module_bytes)
    assert build(_model(), "armv6m", optimise="size").layout == small.layout
    only_table = Budget(instructions=table.instructions_max, module_bytes=table.module_bytes)
    if table.module_bytes < code.module_bytes:
        assert build(_model(), "armv6m", budget=only_table).layout == "table"


@cache
def _of_level(family: str, level: str) -> BuiltModule:
    target = targets.get("armv7emsp")
    sources = c99.sources(_dense(family), layout="code")
    return builder.build_sources(_dense(family), target, sources, level=level)


@pytest.mark.parametrize("family", ["linear", "svm", "net", "bayes"])
def test_speed_is_the_level_that_executes_fewer_instructions(family: str) -> None:
    levels = [_of_level(family, level) for level in (toolchain.SMALL, toolchain.FAST)]
    assert levels[0].mpy != levels[1].mpy
    fastest = min(levels, key=lambda built: built.instructions_mean)
    assert build(_dense(family), "armv7emsp", optimise="speed").mpy == fastest.mpy
    assert build(_dense(family), "armv7emsp").mpy == levels[0].mpy
    assert build(_dense(family), "armv7emsp", optimise="size").module_bytes <= levels[0].module_bytes


def test_auto_optimises_for_speed_where_the_budget_asks_for_it() -> None:
    small, fast = (_of_level("net", level) for level in (toolchain.SMALL, toolchain.FAST))
    assert fast.instructions_max < small.instructions_max
    asked = Budget(instructions=fast.instructions_max)
    assert build(_dense("net"), "armv7emsp", budget=asked).level == toolchain.FAST
    assert (
        build(_dense("net"), "armv7emsp", budget=Budget(instructions=small.instructions_max)).level == "-Os"
    )


@pytest.mark.parametrize(
    ("budget", "word"),
    [
        (Budget(module_bytes=1000), "module"),
        (Budget(state_bytes=16), "state"),
        (Budget(instructions=5), "instructions"),
    ],
)
def test_a_budget_that_is_exceeded_is_named(budget: Budget, word: str) -> None:
    with pytest.raises(BudgetExceeded, match=word):
        build(_model(), "armv6m", budget=budget)


def _sabotage(sources: dict[str, str], pattern: str, change: int, which: int) -> dict[str, str]:
    """The generated C with one number of it changed."""
    found = list(re.finditer(pattern, sources["model.c"]))
    number = found[which % len(found)]
    text = sources["model.c"]
    changed = text[: number.start(1)] + str(int(number[1]) + change) + text[number.end(1) :]
    return {**sources, "model.c": changed}


@pytest.mark.parametrize("which", range(0, 18, 3))
@pytest.mark.parametrize("change", [1, -1])
def test_one_changed_threshold_is_found(which: int, change: int) -> None:
    sources = _sabotage(c99.sources(_model(), layout="code"), r"FOREST_LIMIT\((-?\d+)\)", change, which)
    with pytest.raises(ParityError, match="armv6m"):
        build_sources(_model(), targets.get("armv6m"), sources)


@pytest.mark.parametrize("which", range(0, 20, 5))
def test_one_changed_vote_is_found(which: int) -> None:
    sources = _sabotage(c99.sources(_model(), layout="code"), r"sums?_\d \+= (\d+)u", 500, which)
    with pytest.raises(ParityError, match="armv6m"):
        build_sources(_model(), targets.get("armv6m"), sources)


def test_one_changed_word_of_a_table_is_found() -> None:
    sources = _sabotage(c99.sources(_model(), layout="table"), r"forest_nodes\[\] = \{\s+\d+, (\d+)", 1, 0)
    with pytest.raises(ParityError, match="x64"):
        build_sources(_model(), targets.get("x64"), sources, layout="table")


@cache
def _dense(family: str) -> Model:
    rng = np.random.default_rng(3)
    X = rng.integers(-3000, 3000, (200, 4)).astype(np.int16)
    y = (X[:, 0] + X[:, 1] > 0).astype(int) + (X[:, 2] > 1000)
    estimator = {
        "linear": LinearSVC(),
        "svm": SVC(),
        "net": MLPClassifier((6,), max_iter=400, random_state=0),
        "bayes": GaussianNB(),
    }[family]
    fitted = make_pipeline(StandardScaler(), estimator).fit(X, y)
    return model_file.create(families.to_ir(fitted), X, name="probe", labels=["a", "b", "c"])


@pytest.mark.parametrize("which", range(0, 12, 3))
@pytest.mark.parametrize(
    ("family", "array"),
    [
        ("linear", "weights"),
        ("svm", "vectors"),
        ("net", "weights_0"),
        ("net", "weights_1"),
        ("bayes", "terms"),
    ],
)
def test_one_changed_weight_is_found(family: str, array: str, which: int) -> None:
    """Its sign, or what stands for it: a weight that is one digit off may change no answer."""
    sources = c99.sources(_dense(family), layout="table" if family == "net" else "auto")
    text = sources["model.c"]
    start = re.search(rf"{array}\[\][^=]*= {{", text)
    assert start is not None
    numbers = list(re.finditer(r"-?\d+", text[start.end() : text.index(";", start.end())]))
    number = max(numbers[which : which + 3], key=lambda found: abs(int(found[0])))
    begin, end = (start.end() + at for at in number.span())
    changed = {**sources, "model.c": f"{text[:begin]}{-int(number[0])}{text[end:]}"}
    build_sources(_dense(family), targets.get("armv6m"), sources)
    with pytest.raises(ParityError, match="armv6m"):
        build_sources(_dense(family), targets.get("armv6m"), changed)


@pytest.mark.parametrize("which", range(0, 12, 4))
@pytest.mark.parametrize("layer", [0, 1])
def test_one_changed_weight_in_the_code_is_found(layer: int, which: int) -> None:
    """The same of nets whose weights are constants of instructions."""
    sources = c99.sources(_dense("net"), layout="code")
    text = sources["model.c"]
    start = text.index(f"void layer_{layer}(")
    weights = list(re.finditer(r"ldr r3, =(-?\d+)", text[start : text.index(");\n}", start)]))
    weight = max(weights[which : which + 4], key=lambda found: abs(int(found[1])))
    begin, end = (start + at for at in weight.span(1))
    changed = {**sources, "model.c": f"{text[:begin]}{-int(weight[1])}{text[end:]}"}
    with pytest.raises(ParityError, match="armv6m"):
        build_sources(_dense("net"), targets.get("armv6m"), changed)


def test_another_statistic_in_the_front_end_is_found() -> None:
    sources = c99.sources(_model())
    swapped = {**sources, "model.c": sources["model.c"].replace("motion_jerk(", "motion_std(")}
    assert swapped != sources
    with pytest.raises(ParityError, match="golden window"):
        build_sources(_model(), targets.get("x64"), swapped)


def test_golden_rows_that_were_changed_are_found() -> None:
    scores = _model().golden.scores.copy()
    scores[3, 0] ^= 64
    wrong = replace(_model(), golden=replace(_model().golden, scores=scores))
    with pytest.raises(ParityError, match=r"golden\.npz"):
        build(wrong, "x64")


def test_a_model_without_golden_rows_is_refused() -> None:
    with pytest.raises(ModelError, match="no golden rows"):
        build(replace(_model(), golden=golden.Golden.of()), "x64")


def test_targets_that_can_not_be_built_say_why() -> None:
    with pytest.raises(CompileError, match="armv6m"):
        build(_model(), "armv5")
    with pytest.raises(UnsupportedModel, match="--layout table"):
        build(_model(), "xtensawin", layout="code")


def test_a_module_runs_on_boards_that_accept_it_and_on_no_other() -> None:
    from midge.compile.emulate import Emulator

    built = build(_model(), "armv6m")
    row = _model().golden.features[0]
    expected = built.emulator().classify(row)
    found = Emulator(built.mpy, targets.get("armv7emsp")).classify(row)
    assert found[0] == expected[0]
    assert np.array_equal(found[1], expected[1])
    with pytest.raises(TargetMismatch):
        Emulator(built.mpy, targets.get("rv32imc"))


def test_the_command_writes_module_and_self_test(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model_file.save(_model(), tmp_path)
    out = tmp_path / "made" / "probe.mpy"
    assert main(["build", str(tmp_path), "--target", "armv6m", "--out", str(out), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["module_bytes"] == len(out.read_bytes())
    assert said["digest"] == _model().digest
    assert out.with_suffix(".test").read_bytes()[:4] == b"MGT1"
    assert main(["build", str(tmp_path), "--target", "armv6m", "--out", str(out)]) == 0
    assert str(said["module_bytes"]) in capsys.readouterr().out


def test_the_command_writes_c(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = model_file.save(_model(), tmp_path)
    assert main(["build", str(path), "--target", "x64", "--emit", "c", "--out", str(tmp_path / "c")]) == 0
    written = {file.name for file in (tmp_path / "c").iterdir()}
    assert {"model.c", "model_config.h", "midge_model.h", "motion_statistics.c", "window.c"} <= written


def test_the_command_says_what_is_wrong_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model_file.save(_model(), tmp_path)
    assert main(["build", str(tmp_path), "--target", "z80"]) == 1
    assert capsys.readouterr().err.count("\n") == 1
    assert main(["build", str(tmp_path / "nothing"), "--target", "x64"]) == 1
    assert "nothing" in capsys.readouterr().err


def test_an_app_without_a_model_says_how_to_train_it(tmp_path: Path) -> None:
    # An own app, though it has the name of a shipped one: that one's model knows other gestures.
    (tmp_path / "app.toml").write_text((assets.apps_folder() / "gesture" / "app.toml").read_text())
    with pytest.raises(ModelNotFound, match="midge train"):
        builder.find(tmp_path)
    with pytest.raises(ModelError, match="no model file"):
        builder.find(tmp_path / "model.json")


def test_a_shipped_app_has_a_shipped_model() -> None:
    shipped = model_file.load(assets.models_folder() / "gesture")
    assert builder.find(assets.models_folder() / "gesture").model.digest == shipped.digest
    assert builder.find("gesture").model.name == "gesture"
