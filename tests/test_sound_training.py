"""From WAV recordings to a model of words and its figures on a stream; hard sounds are no trouble."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import midge
from midge import (
    augment,
    dataset,
    evaluate,
    evaluate_stream,
    learners,
    model_file,
    new,
    recipe,
    suggest_sound,
    take,
    train,
)
from midge.dataset import Dataset
from midge.errors import ModelError, RecipeError
from midge.recipe import Recipe
from midge.recording import Recording
from midge.variation import Variation

RATE_HZ = 8000
APP = """
[app]
name = "beeps"

[sensor]
kind = "sound"
rate_hz = 8000

[window]
length_ms = 800
hop_ms = 100

[features]
set = "sound-word"

[labels]
names = ["up", "down", "other"]
background = "other"

[decision]
threshold = 0.6
smooth = 2
cooldown_ms = 500

[train]
family = "net"
folds = 3
augment = 2

[train.net]
hidden = 16
members = 1
alpha = 1.0
"""


def sound(samples: np.ndarray, label: str, group: str) -> Recording:
    return Recording(
        label=label,
        channels=("sound",),
        rate_hz=RATE_HZ,
        scale=32768.0,
        kind="sound",
        unit="FS",
        group=group,
        samples=np.clip(np.rint(samples), -32768, 32767).astype(np.int16)[:, None],
    )


def word(rng: np.random.Generator, is_up: bool) -> np.ndarray:
    """A buzz, or a hiss."""
    n = int(rng.integers(2000, 4000))
    t = np.arange(n) / RATE_HZ
    pitch = rng.uniform(100, 200)
    buzz = sum(np.sin(2 * np.pi * k * pitch * t) / k for k in range(1, 12))
    hiss = np.diff(rng.normal(size=n + 1))
    shape = np.hanning(n) ** 0.5
    return np.asarray(rng.uniform(1000, 8000) * shape * (buzz if is_up else hiss))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    folder = tmp_path_factory.mktemp("beeps")
    rng = np.random.default_rng(2)
    for group in "abcdef":
        for number in range(5):
            for label in ("up", "down"):
                quiet = rng.normal(0, 5, 1000)
                samples = np.concatenate([quiet, word(rng, label == "up"), quiet])
                take.save(sound(samples, label, group), folder, f"{label}_{group}_{number}")
        # A room where it beeps now and then.
        at = np.arange(10 * RATE_HZ)
        noise = rng.normal(0, 5, len(at)) + 900 * np.sin(at * 0.9) * (np.sin(at / 900) > 0.8)
        take.save(sound(noise, "other", group), folder, f"other_{group}")
    return dataset.load(folder)


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Recipe:
    folder = tmp_path_factory.mktemp("app")
    (folder / "app.toml").write_text(APP)
    return Recipe.load(folder)


@pytest.fixture(scope="module")
def trained(app: Recipe, data: Dataset) -> train.Trained:
    return train.train(app, data)


def test_words_are_learnt_and_judged_as_takes(app: Recipe, data: Dataset, trained: train.Trained) -> None:
    assert trained.report["accuracy"] > 0.9
    assert trained.report["unit"] == "take"
    done = evaluate.evaluate(app, trained.model, data)
    assert done.n - done.agree_c_reference <= 2  # near ties of an integer net
    assert done.events is not None
    recognised = done.events["recognised"]
    assert recognised is not None
    assert recognised >= 50
    assert done.events["played"] == 60


def test_a_stream_tells_false_accepts_rejects_and_delays(
    app: Recipe, data: Dataset, trained: train.Trained, tmp_path: Path
) -> None:
    found = evaluate_stream.evaluate_stream(app, trained.model, data, per_hour=60)
    assert found.said == 60
    assert found.hours == pytest.approx((60 + 60 * 1.6 + 60 * 0.6) / 3600, rel=0.3)
    by_threshold = sorted(found.points, key=lambda point: point.threshold)
    # Not the rate: a low threshold takes beginnings of words for others.
    assert by_threshold[-1].false_rejects >= by_threshold[0].false_rejects
    assert by_threshold[-1].false_accepts <= by_threshold[0].false_accepts
    assert found.tuned is not None
    assert found.tuned.false_accepts_per_hour <= 60
    assert found.tuned.false_reject_rate < 0.2
    assert found.at_recipe.threshold == 0.6
    assert found.at_recipe.delay_ms_median is not None
    assert -600 < found.at_recipe.delay_ms_median < 1000
    evaluate_stream.draw(found, tmp_path / "stream.png", "beeps")
    assert (tmp_path / "stream.png").stat().st_size > 5000


def test_clips_of_background_are_streamed_one_after_the_other(
    app: Recipe, data: Dataset, trained: train.Trained
) -> None:
    clips = [
        replace(item, samples=item.samples[start : start + RATE_HZ // 2])
        for item in data.recordings
        if item.label == "other"
        for start in range(0, len(item.samples), RATE_HZ // 2)
    ]
    words = [item for item in data.recordings if item.label != "other"]
    cut = Dataset(data.folder, (*words, *clips))
    whole = evaluate_stream.evaluate_stream(app, trained.model, data)
    found = evaluate_stream.evaluate_stream(app, trained.model, cut)
    assert found.hours == pytest.approx(whole.hours, rel=0.02)
    assert found.background_hours > 60 / 3600
    # Clips shorter than a window are examples, too.
    assert evaluate.evaluate(app, trained.model, cut, unit="take").examples == len(cut.recordings)


def test_the_tuned_threshold_goes_to_the_recipe_and_the_model(
    app: Recipe, trained: train.Trained, tmp_path: Path
) -> None:
    (tmp_path / "app.toml").write_text(APP)
    own = Recipe.load(tmp_path)
    evaluate_stream.keep(own, trained.model, tmp_path / "build", 0.82)
    assert Recipe.load(tmp_path).decision.threshold == 0.82
    decision = model_file.load(tmp_path / "build").decision
    assert decision is not None
    assert decision.threshold == 0.82


def test_a_model_without_background_has_no_stream(app: Recipe, data: Dataset, trained: train.Trained) -> None:
    with pytest.raises(ModelError, match="background"):
        evaluate_stream.evaluate_stream(replace(app, background=None), trained.model, data)


def test_silent_empty_and_clipped_takes_are_no_trouble(app: Recipe, tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    for group in "abc":
        hard = {
            "up": np.zeros(0),
            "down": np.zeros(5000),
            "other": np.where(rng.random(9000) < 0.5, -32768, 32767),
        }
        for label, samples in hard.items():
            take.save(sound(samples, label, group), tmp_path, f"{label}_{group}")
    report = train.train(app, dataset.load(tmp_path), into=tmp_path / "build").report
    assert 0 <= report["accuracy"] <= 1


def test_variants_of_speech_differ_and_keep_label_and_voice(data: Dataset) -> None:
    some = Dataset(data.folder, data.recordings[:6])
    varied = augment.vary(some, 2, 5, Variation())
    assert [item.label for item in varied.recordings] == 2 * [item.label for item in some.recordings]
    assert [item.group for item in varied.recordings] == 2 * [item.group for item in some.recordings]
    lengths = {len(item.samples) for item in varied.recordings}
    assert len(lengths) > 6
    again = augment.vary(some, 2, 5, Variation())
    assert all(
        np.array_equal(a.samples, b.samples) for a, b in zip(varied.recordings, again.recordings, strict=True)
    )


def test_the_keyword_app_is_a_start(tmp_path: Path) -> None:
    made = Recipe.load(new.new("words", "keyword", tmp_path))
    assert (made.sensor.kind, made.sensor.rate_hz, made.window.length, made.window.hop) == (
        "sound",
        16000,
        16000,
        1600,
    )
    assert made.sensor.sound is not None
    assert "c0.contour@1/10" in made.features.names


@pytest.mark.parametrize(
    ("find", "replace", "says"),
    [
        ("rate_hz = 8000", "rate_hz = 100", "4000"),
        ("hop_ms = 100", "hop_ms = 110", "whole steps"),
        ("length_ms = 800", "length_ms = 20", "256 or more"),
        ('set = "sound-word"', 'set = "motion-basic"', "none of sound"),
        ('set = "sound-word"', 'set = "sound-word"\nbands = 33', "even"),
        ("hop_ms = 100", "hop = 9600", "longer than the window"),
        ('kind = "sound"', 'kind = "sound"\nrange_g = 4', "unknown key"),
        ('kind = "sound"', 'kind = "sound"\nchannels = ["x"]', "'sound'"),
    ],
)
def test_a_mistake_in_a_recipe_of_sound_is_told(tmp_path: Path, find: str, replace: str, says: str) -> None:
    assert find in APP
    (tmp_path / recipe.FILE_NAME).write_text(APP.replace(find, replace, 1))
    with pytest.raises(RecipeError, match=says):
        Recipe.load(tmp_path)


def test_a_new_app_suits_the_words_that_are_there(data: Dataset, tmp_path: Path) -> None:
    made = new.new_for("own", "keyword", data.folder, tmp_path)
    own = Recipe.load(made.folder)
    assert (own.sensor.rate_hz, own.labels, own.background) == (RATE_HZ, ("down", "other", "up"), "other")
    assert own.window.length == RATE_HZ
    assert made.reasons
    assert "microphone" in (made.folder / "README.md").read_text()


def test_fewer_parts_than_words_are_background_and_none_of_silence(app: Recipe, data: Dataset) -> None:
    rng = np.random.default_rng(4)
    hush = tuple(sound(rng.normal(0, 5, 6400), "_silence_", "") for _ in range(40))
    words = tuple(item for item in data.recordings if item.label != "other")
    made = augment.vary(Dataset(data.folder, words + hush), 1, 1, background="other", length=6400)
    parts = [item for item in made.recordings if item.label == "other" and len(item.samples)]
    assert 5 <= len(parts) <= len(words) / 2
    # Of silence everything is variants, none is part of a word.
    assert sum(item.label == "_silence_" and len(item.samples) > 0 for item in made.recordings) == len(hush)
    assert min(float(np.abs(item.samples).max()) for item in parts) > 100


def test_streams_of_folds_count_together(app: Recipe, data: Dataset, trained: train.Trained) -> None:
    one = evaluate_stream.evaluate_stream(app, trained.model, data, per_hour=30.0)
    two = evaluate_stream.together([one, one])
    assert (two.said, two.hours) == (2 * one.said, 2 * one.hours)
    for a, b in zip(one.points, two.points, strict=True):
        assert (b.false_accepts, b.false_rejects, b.confused) == (
            2 * a.false_accepts,
            2 * a.false_rejects,
            2 * a.confused,
        )
        assert b.false_accepts_per_hour == pytest.approx(a.false_accepts_per_hour)
        assert b.false_reject_rate == pytest.approx(a.false_reject_rate)
    assert two.tuned is not None and one.tuned is not None
    assert two.tuned.threshold == one.tuned.threshold


def test_a_net_for_many_words_keeps_to_the_budget_that_is_written_with_it() -> None:
    widths = [suggest_sound._hidden(159, n_labels) for n_labels in (2, 8, 35, 100, 250)]
    assert widths[0] == widths[1] == suggest_sound.MOST_HIDDEN
    assert widths == sorted(widths, reverse=True) and widths[-1] >= 32
    rng = np.random.default_rng(1)
    X = rng.integers(-3000, 3000, (350, 159)).astype(np.int16)
    y = np.arange(350) % 35
    params = {**learners.LEARNERS["net"].defaults(), "hidden": widths[2], "members": 1, "noise": 1.0}
    made = midge.compile(learners.LEARNERS["net"].fit(X, y, params, 1), X)
    n_bytes = len(made.build("armv6m"))
    # Without the front end.
    assert 0.75 * suggest_sound.MODULE_BYTES < n_bytes < suggest_sound.MODULE_BYTES - 8000
