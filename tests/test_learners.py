"""Families and choices: each one trains, compiles and answers alike; what is held out chooses nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from midge import build, evaluate, feature_sets, learners, reference_model, train, validation
from midge.dataset import Dataset
from midge.errors import BudgetExceeded, RecipeError
from midge.recipe import Budget, Recipe, Train
from midge.validation import Rows

GESTURE = Recipe.load("gesture")
FEW = (
    "x.std",
    "y.std",
    "z.std",
    "m.range",
    "m.jerk",
    "x.course@1/4",
    "y.course@3/4",
    "z.band:2-6",
    "xy.corr",
)
COURSE = feature_sets.names(feature_sets.COURSES, ("x", "y", "z"), 100.0, 32)
SMALL = replace(
    GESTURE,
    features=replace(GESTURE.features, names=FEW),
    train=Train("forest", seed=1, folds=2, windows="event", params=GESTURE.train.params),
)


@pytest.fixture(scope="module")
def data() -> Dataset:
    return reference_model.training_data(SMALL, 2, 5, times=2, other_s=12.0)


@pytest.mark.parametrize(
    "family",
    [
        pytest.param(family, marks=() if family in ("linear", "extra-trees") else pytest.mark.check)
        for family in learners.LEARNERS
    ],
)
def test_every_family_answers_on_the_board_as_it_was_validated(
    family: str, data: Dataset, tmp_path: Path
) -> None:
    small = SMALL
    if "times" in learners.LEARNERS[family].parameters:
        if family != "conv":
            pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'midge[nets]'")
        small = replace(SMALL, features=replace(SMALL.features, names=COURSE))
    recipe = small.with_family(family)
    params = {**recipe.train.params, **({"epochs": 60} if "epochs" in recipe.train.params else {})}
    recipe = replace(recipe, train=replace(recipe.train, search=False, params=params))
    trained = train.train(recipe, data, into=tmp_path)
    assert trained.report["model"]["family"] == family
    assert trained.report["accuracy"] > 0.6
    done = evaluate.evaluate(recipe, trained.model, data)
    assert done.agree_c_reference >= 0.995 * done.n and done.n > 100
    assert done.known == len(data.recordings) and any("flatter" in warning for warning in done.warnings)


def test_several_nets_are_one_net_with_the_mean_of_their_values() -> None:
    rng = np.random.default_rng(1)
    X = rng.integers(-2000, 2000, (300, 4)).astype(np.int16)
    y = (X[:, 0] > X[:, 1]).astype(np.int64) + (X[:, 2] > 500)
    params = {**learners.LEARNERS["net"].defaults(), "hidden": 5}
    merged = learners.LEARNERS["net"].fit(X, y, {**params, "members": 3}, 7)
    scaled = merged[0].transform(X)
    values = []
    for member in range(3):
        net = learners.LEARNERS["net"].fit(X, y, {**params, "members": 1}, 7 + 1000 * member)[1]
        hidden = np.maximum(scaled @ net.coefs_[0] + net.intercepts_[0], 0)
        values.append(hidden @ net.coefs_[1] + net.intercepts_[1])
    mean = np.mean(values, axis=0)
    wanted = np.exp(mean) / np.exp(mean).sum(axis=1, keepdims=True)
    assert np.allclose(merged.predict_proba(X), wanted)


def test_a_choice_sees_nothing_but_the_training_groups(
    data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = SMALL.with_family("linear")
    seen: list[set[str]] = []
    choose = validation.choose

    def spy(of: Train, rows: Rows, *rest: Any) -> validation.Choice:
        seen.append(set(rows.keys.tolist()))
        return choose(of, rows, *rest)

    monkeypatch.setattr(validation, "choose", spy)
    report = train.train(recipe, data, into=tmp_path).report
    # One group a fold is out; the last choice is for the model that is kept.
    assert [len(keys) for keys in seen] == [1, 1, 2]
    assert len(report["choice"]["in_folds"]) == 2
    assert set(report["choice"]["tried"]) == {"linear", "linear c 0.01", "linear c 1"}


def test_a_parameter_that_is_set_ends_the_search(tmp_path: Path) -> None:
    text = (GESTURE.folder / "app.toml").read_text()
    text = text.replace('family = "forest"', 'family = "linear"').split("[train.forest]")[0]
    (tmp_path / "app.toml").write_text(text)
    assert Recipe.load(tmp_path).train.search
    (tmp_path / "app.toml").write_text(text + "[train.linear]\nc = 0.5\n")
    found = Recipe.load(tmp_path).train
    assert not found.search and found.params["c"] == 0.5
    with pytest.raises(RecipeError, match="not one of auto, forest"):
        GESTURE.with_family("forrest")


def test_learning_curve_and_its_picture(tmp_path: Path) -> None:
    data = reference_model.training_data(SMALL, 4, 9, times=1, other_s=6.0)
    report = train.train(SMALL, data, into=tmp_path, curve=True).report
    sizes = [point["groups"] for point in report["learning_curve"]]
    assert sizes == [1, 2, 3] and all(0 < point["accuracy"] <= 1 for point in report["learning_curve"])
    assert (tmp_path / "curve.png").read_bytes().startswith(b"\x89PNG")


def test_a_module_holds_what_its_model_reads_and_no_more(data: Dataset, tmp_path: Path) -> None:
    """Fewer features: a smaller module and fewer instructions; a spectrum that nobody reads costs nothing."""
    sizes, instructions = {}, {}
    names = {"one": ("x.std",), "quantiles": ("x.std", "x.quantile:25"), "spectrum": ("x.std", "x.band:2-6")}
    for name, chosen in names.items():
        recipe = replace(SMALL.with_family("linear"), features=replace(SMALL.features, names=chosen))
        recipe = replace(recipe, train=replace(recipe.train, search=False))
        trained = train.train(recipe, data, into=tmp_path / name)
        built = build.build(trained.model, "armv6m")
        stream = built.emulator().measure_stream(trained.model.golden.windows[0])
        sizes[name] = built.module_bytes
        instructions[name] = max(part.instructions_max for part in stream.values())
    assert sizes["one"] < sizes["quantiles"] < sizes["spectrum"]
    assert sizes["spectrum"] - sizes["one"] > 1500
    assert instructions["one"] < instructions["quantiles"]
    assert instructions["one"] < instructions["spectrum"]


def test_a_fold_that_leaves_one_label_to_learn_is_left_out_and_told() -> None:
    labels, keys = np.array([0, 0, 1, 1, 0, 1]), np.array(["a", "a", "b", "b", "c", "c"])
    warnings: list[str] = []
    masks = validation.folds(labels, keys, 3, 1, warnings)
    assert len(masks) == 3 and not warnings
    assert all(len(np.unique(labels[~mask])) == 2 for mask in masks)
    assert not validation.folds(labels[:4], keys[:4], 2, 1, warnings)
    assert "2 of 2 folds left out" in warnings[0]


def test_copies_are_held_out_together(data: Dataset) -> None:
    items = tuple(replace(item, group="") for item in data.recordings[:3])
    warnings: list[str] = []
    keys = validation.fold_keys(Dataset(data.folder, (*items, items[1])), warnings)
    assert keys[1] == keys[3] and len(set(keys)) == 3
    assert any("1 recordings are copies" in text for text in warnings)


def test_groups_of_a_label_each_are_validated_by_recording(data: Dataset) -> None:
    items = tuple(
        replace(item, group=group, label=label)
        for item, (label, group) in zip(
            data.recordings, [("tap", "a"), ("tap", "a"), ("other", "b"), ("other", "b")], strict=False
        )
    )
    warnings: list[str] = []
    keys = validation.fold_keys(Dataset(data.folder, items), warnings)
    assert validation.held_out(np.array(keys)) == "recording"
    assert len(set(keys)) == 4 and "each label is of one group only" in warnings[0]
    shared = (*items, replace(items[0], group="b", samples=items[0].samples + 1))
    keys = validation.fold_keys(Dataset(data.folder, shared), warnings)
    assert set(keys) == {"a", "b"} and validation.held_out(np.array(keys)) == "group"


@pytest.mark.check
def test_auto_keeps_to_the_budget(data: Dataset, tmp_path: Path) -> None:
    recipe = SMALL.with_family("auto")
    with pytest.raises(
        BudgetExceeded, match=r"no family that 'auto' compares keeps to \[budget\].*linear: module"
    ):
        train.train(replace(recipe, budget=Budget(module_bytes=500)), data, into=tmp_path)
    tight = replace(recipe, budget=Budget(module_bytes=11_000))
    trained = train.train(tight, data, into=tmp_path)
    assert build.build(trained.model, "armv6m", budget=tight.budget).module_bytes <= 11_000
    assert any(
        text.startswith("over [budget], so not tried: extra-trees") for text in trained.report["warnings"]
    )
    assert not any(name.startswith("extra-trees") for name in trained.report["choice"]["tried"])
