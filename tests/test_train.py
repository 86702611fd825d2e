"""Training: honest folds, a model that is the estimator's, files that come out the same again."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from midge import (
    augment,
    confusion,
    dataset,
    evaluate,
    features,
    model_file,
    reference_model,
    segmenting,
    suggest,
    train,
    validation,
)
from midge.dataset import Dataset
from midge.errors import DatasetError
from midge.recipe import Recipe, Train
from midge.recording import Gap, Recording

RECIPE = Recipe.load("gesture")
SMALL = replace(
    RECIPE,
    train=Train(
        "forest", seed=1, folds=3, windows="event", augment=1, params={**RECIPE.train.params, "trees": 6}
    ),
)


@pytest.fixture(scope="module")
def data() -> Dataset:
    return reference_model.training_data(SMALL, 3, 5, times=2, other_s=15.0)


@pytest.fixture(scope="module")
def trained(data: Dataset, tmp_path_factory: pytest.TempPathFactory) -> train.Trained:
    return train.train(SMALL, data, into=tmp_path_factory.mktemp("build"))


def test_what_could_not_be_validated_has_no_accuracy(data: Dataset, tmp_path: Path) -> None:
    one_each = {item.label: item for item in data.recordings if item.label in ("chop", "other")}
    recipe = replace(SMALL, labels=("chop", "other"), train=replace(SMALL.train, windows="all", augment=0))
    done = train.train(recipe, Dataset(data.folder, tuple(one_each.values())), into=tmp_path)
    # One label is left to learn from whatever is held out.
    assert done.report["n"] == done.report["folds"] == 0
    assert done.report["accuracy"] is None and done.report["macro_f1"] is None
    assert json.loads((tmp_path / "report.json").read_text())["accuracy"] is None


def test_the_files_are_there_and_say_what_was_done(trained: train.Trained, data: Dataset) -> None:
    report = json.loads((trained.folder / "report.json").read_text())
    assert report == trained.report
    assert set(report["per_group"]) == set(data.groups) and report["folds"] == 3
    assert np.sum(report["confusion"]) == report["n"] == sum(g["n"] for g in report["per_group"].values())
    assert report["accuracy"] == pytest.approx(np.trace(report["confusion"]) / report["n"])
    assert (trained.folder / "confusion.png").read_bytes().startswith(b"\x89PNG")
    model = model_file.load(trained.folder)
    assert model.digest == trained.model.digest and model.labels == RECIPE.labels
    assert len(model.golden.windows) and len(model.golden.features)


def test_only_features_that_the_model_reads_are_kept(trained: train.Trained) -> None:
    frontend = trained.model.frontend
    assert frontend is not None
    read = {int(feature) for tree in trained.model.ir.trees for feature in tree.feature}
    assert read == set(range(len(frontend.features)))
    assert len(frontend.features) <= RECIPE.train.params["features"]
    assert set(frontend.features) <= set(RECIPE.features.names)


def test_the_same_data_give_the_same_files(trained: train.Trained, data: Dataset, tmp_path: Path) -> None:
    train.train(SMALL, data, into=tmp_path)
    for name in ("model.json", "golden.npz", "report.json", "confusion.png"):
        assert (tmp_path / name).read_bytes() == (trained.folder / name).read_bytes(), name


def test_another_seed_gives_another_model(trained: train.Trained, data: Dataset, tmp_path: Path) -> None:
    assert train.train(SMALL, data, seed=2, into=tmp_path).model.digest != trained.model.digest


def test_folds_keep_groups_together_and_cover_everything() -> None:
    rng = np.random.default_rng(0)
    keys = np.array([f"g{n}" for n in rng.integers(0, 7, 400)])
    labels = rng.integers(0, 3, 400)
    masks = validation.folds(labels, keys, 4, 1, [])
    assert len(masks) == 4 and (np.sum(masks, axis=0) == 1).all()
    for mask in masks:
        assert not set(keys[mask]) & set(keys[~mask])


def test_without_groups_recordings_are_held_out_and_that_is_told(data: Dataset, tmp_path: Path) -> None:
    nobody = Dataset(data.folder, tuple(replace(item, group="") for item in data.recordings))
    report = train.train(SMALL, nobody, into=tmp_path).report
    assert any("no recording has a group" in warning for warning in report["warnings"])
    assert len(report["per_group"]) == len(data.recordings)


def test_a_label_of_one_person_only_is_told(data: Dataset, tmp_path: Path, trained: train.Trained) -> None:
    assert not any("only" in warning for warning in trained.report["warnings"])
    (first, *_) = data.groups
    lonely = tuple(item for item in data.recordings if item.label != "circle" or item.group == first)
    report = train.train(SMALL, Dataset(data.folder, lonely), into=tmp_path).report
    assert any(warning.startswith("circle: from one") for warning in report["warnings"])


def test_recordings_of_a_slower_source_are_told(data: Dataset, tmp_path: Path) -> None:
    slow = replace(data.recordings[0], sensor="imported", measured_rate_hz=50.0)
    warnings: list[str] = []
    train.examples(SMALL, Dataset(data.folder, (slow, *data.recordings[1:])), 1, warnings)
    (said,) = (one for one in warnings if "brought up" in one)
    assert said.startswith(
        f"1 of {len(data.recordings)} recordings were brought up from about 50 Hz to 100 Hz"
    )


def test_labels_dealt_at_random_teach_nothing(data: Dataset, tmp_path: Path, trained: train.Trained) -> None:
    """Were anything of a held-out group to leak into a fold, it would shine through here."""
    rng = np.random.default_rng(3)
    gestures = [item.label for item in data.recordings if item.label != "other"]
    dealt = iter(rng.permutation(gestures))
    items = tuple(
        item if item.label == "other" else replace(item, label=str(next(dealt))) for item in data.recordings
    )
    noise = train.train(SMALL, Dataset(data.folder, items), into=tmp_path).report
    recall = [noise["per_class"][label]["recall"] for label in RECIPE.labels if label != "other"]
    true_recall = [
        trained.report["per_class"][label]["recall"] for label in RECIPE.labels if label != "other"
    ]
    assert np.mean(recall) < 0.45
    assert np.mean(true_recall) > 0.7


def test_a_label_without_recordings_is_told_before_fitting(data: Dataset, tmp_path: Path) -> None:
    fewer = Dataset(data.folder, tuple(item for item in data.recordings if item.label != "chop"))
    with pytest.raises(DatasetError, match=r"no window of chop.*midge record"):
        train.train(SMALL, fewer, into=tmp_path)
    assert not list(tmp_path.iterdir())


def test_variants_keep_label_group_gaps_and_gravity(data: Dataset) -> None:
    item = replace(data.recordings[4], gaps=(Gap(0, 2), Gap(500, 7)))
    assert item.label == "other"
    varied = augment.vary(Dataset(Path(), (item, data.recordings[0])), 3, seed=1)
    assert [one.label for one in varied.recordings] == [item.label, data.recordings[0].label] * 3
    for one in varied.recordings[::2]:
        assert one.group == item.group and [gap.lost for gap in one.gaps] == [2, 7]
        tempo = 500 / one.gaps[1].at
        assert 0.5 < tempo < 2 and len(one.samples) == pytest.approx(len(item.samples) / tempo, rel=0.02)
        assert not np.array_equal(one.samples[:100], item.samples[:100])
        means = [np.linalg.norm(part.samples.astype(float).mean(axis=0)) for part in (one, item)]
        assert means[0] == pytest.approx(means[1], rel=0.1)


def test_a_performance_that_enters_or_leaves_is_background() -> None:
    """On a stream most windows show a part of a gesture; takes that were cut show all of it."""
    rng = np.random.default_rng(4)
    wave = rng.integers(-9000, 9000, (80, 3)).astype(np.int16)
    take = Recording("wave", ("x", "y", "z"), 100.0, 8192.0, group="ann", samples=wave)
    other = replace(take, label="other", samples=np.zeros((500, 3), np.int16))
    made = augment.vary(Dataset(Path(), (take, other)), 2, 1, background="other", length=128).recordings
    assert [item.label for item in made] == ["wave", "other"] * 2 + ["other"] * 4
    enters, leaves = made[4].samples, made[6].samples
    assert len(enters) == len(leaves) == 128
    for part, is_rest in ((enters, slice(0, 80)), (leaves[::-1], slice(0, 80))):
        assert (part[is_rest] == part[0]).all() and len(np.unique(part[:, 0])) > 5
    assert not len(made[5].samples) and not len(made[7].samples)


@pytest.mark.check
def test_takes_that_were_cut_are_recognised_in_a_stream(tmp_path: Path) -> None:
    def cut(people: int, seed: int) -> Dataset:
        takes = []
        for item in reference_model.training_data(RECIPE, people, seed, times=3, other_s=40.0).recordings:
            found = segmenting.performances(item.samples, item.rate_hz, item.scale)
            parts = (
                [(a - 10, b + 10) for a, b in found if b - a > 12] if item.label != "other" else [(0, None)]
            )
            takes += [replace(item, samples=item.samples[max(0, a) : b], gaps=()) for a, b in parts]
        return Dataset(Path("takes"), tuple(takes))

    data = cut(6, 1)
    (tmp_path / "app.toml").write_text(suggest.recipe_text("mine", data).text)
    recipe = Recipe.load(tmp_path).with_family("linear")
    done = evaluate.evaluate(recipe, train.train(recipe, data, into=tmp_path).model, cut(4, 99))
    assert done.unit == "take" and done.accuracy >= 0.95
    assert done.events is not None
    assert done.events["recognised"] >= 0.8 * done.events["played"]


def test_the_model_scores_as_the_estimator_does(data: Dataset) -> None:
    cut = dataset.windows(data, SMALL)
    X = features.extract(SMALL.features.names, cut.windows)
    rows = validation.Rows(X, cut.labels, cut.groups)
    fitted = validation.fit("forest", SMALL.train.params, rows, 1)
    assert len(fitted.columns) == SMALL.train.params["features"] and (np.diff(fitted.columns) > 0).all()
    assert np.mean(fitted.predict(X) == cut.labels) > 0.95


def test_confusion_figures_against_scikit_learn() -> None:
    from sklearn import metrics

    rng = np.random.default_rng(5)
    truth, answer = rng.integers(0, 4, 500), rng.integers(0, 4, 500)
    counts = confusion.count(truth, answer, 4)
    assert np.array_equal(counts, metrics.confusion_matrix(truth, answer))
    assert confusion.accuracy(counts) == pytest.approx(metrics.accuracy_score(truth, answer))
    assert confusion.macro_f1(counts) == pytest.approx(metrics.f1_score(truth, answer, average="macro"))
