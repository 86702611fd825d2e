"""How the keyword model is made: what is no keyword is background, speakers of the trial are strangers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from midge import reference_keyword
from midge.dataset import Dataset
from midge.recipe import Recipe
from midge.recording import Recording
from midge.simulate import speech


def clip(label: str, group: str) -> Recording:
    samples = np.random.default_rng(len(label)).integers(-900, 900, (16000, 1)).astype(np.int16)
    return Recording(
        label=label,
        channels=("sound",),
        rate_hz=16000,
        scale=32768.0,
        kind="sound",
        unit="FS",
        group=group,
        samples=samples,
    )


def test_other_words_are_background() -> None:
    recipe = Recipe.load("keyword")
    takes = tuple(clip(label, "ann") for label in ("yes", "up", "_silence_"))
    data = reference_keyword.training_data(recipe, Dataset(Path("x"), takes))
    assert [item.label for item in data.recordings] == ["yes", "unknown", "unknown"]


@pytest.mark.skipif(not speech.is_there(), reason="espeak-ng is not installed")
def test_golden_windows_are_said_by_voices_of_espeak() -> None:
    recipe = Recipe.load("keyword")
    windows = reference_keyword.synthetic(recipe)
    assert windows.dtype == np.int16
    assert windows.shape[1:] == (recipe.window.length, 1)
    assert len(windows) > 200
    assert np.array_equal(windows, reference_keyword.synthetic(recipe))
