"""How the keyword model is made: what is no keyword is background, speakers of the trial are strangers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from midge import reference_keyword
from midge.dataset import Dataset
from midge.recipe import Recipe
from midge.recording import Recording
from midge.simulate import speech

needs_voices = pytest.mark.skipif(not speech.is_there(), reason="espeak-ng is not installed")


def clip(label: str, group: str, pitch_hz: float = 0.0) -> Recording:
    """Noise, or a tone in it."""
    rng = np.random.default_rng([len(label), *group.encode()])
    t = np.arange(16000) / 16000
    tone = 9000 * np.sin(2 * np.pi * pitch_hz * t) * ((t > 0.3) & (t < 0.7))
    noise = rng.integers(-90, 90, 16000) if pitch_hz else rng.integers(-900, 900, 16000)
    return Recording(
        label=label,
        channels=("sound",),
        rate_hz=16000,
        scale=32768.0,
        kind="sound",
        unit="FS",
        group=group,
        samples=np.rint(tone + noise).astype(np.int16)[:, None],
    )


def words(recipe: Recipe, groups: Sequence[str]) -> Dataset:
    """Every label a tone of its own."""
    pitches = dict(zip((*recipe.labels, "up"), (300, 600, 1200, 2400, 0, 4800), strict=True))
    return Dataset(
        Path("words"),
        tuple(clip(label, group, pitch) for group in groups for label, pitch in pitches.items()),
    )


def test_other_words_are_background() -> None:
    recipe = Recipe.load("keyword")
    takes = tuple(clip(label, "ann") for label in ("yes", "up", "_silence_"))
    data = reference_keyword.training_data(recipe, Dataset(Path("x"), takes))
    assert [item.label for item in data.recordings] == ["yes", "unknown", "unknown"]


def test_what_is_heard_is_every_frame_of_windows_of_a_stream() -> None:
    recipe = reference_keyword.frames_of(Recipe.load("keyword"))
    takes = reference_keyword.training_data(recipe, words(recipe, ["ann"])).recordings
    rows = reference_keyword.heard(recipe, takes, 0)
    assert rows.X.shape == (len(rows), 49 * 32)
    assert set(rows.y.tolist()) == set(range(len(recipe.labels))) and set(rows.keys.tolist()) == {"0"}
    again = reference_keyword.heard(recipe, takes, 0)
    assert np.array_equal(rows.X, again.X)
    assert not np.array_equal(rows.X, reference_keyword.heard(recipe, takes, 1).X)


@pytest.mark.check
@needs_voices
def test_a_model_of_tones_hears_tones_and_is_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole making, small: strangers' tones in a stream, a threshold, a card that says what it knows."""
    recipe = Recipe.load("keyword")
    recipe = replace(recipe, train=replace(recipe.train, folds=2))
    monkeypatch.setattr(reference_keyword, "ROW_VISITS", 6000)
    monkeypatch.setattr(reference_keyword, "COPIES", 0)
    made = reference_keyword.make(recipe, words(recipe, [f"voice{n}" for n in range(12)]), tmp_path)
    assert made.trial.said == 48
    assert made.trial.tuned is not None and made.trial.tuned.false_reject_rate < 0.5
    assert made.model.decision is not None and made.model.decision.threshold == made.trial.tuned.threshold
    card = (tmp_path / "card.md").read_text(encoding="utf-8")
    assert made.model.digest in card and "Warden" in card and "{" not in card


@needs_voices
def test_golden_windows_are_said_by_voices_of_espeak() -> None:
    recipe = Recipe.load("keyword")
    windows = reference_keyword.synthetic(recipe)
    assert windows.dtype == np.int16
    assert windows.shape[1:] == (recipe.window.length, 1)
    assert len(windows) > 200
    assert np.array_equal(windows, reference_keyword.synthetic(recipe))
