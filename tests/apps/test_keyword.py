"""The keyword app: thin, and its shipped model is its recipe's, learnt from people and said to be so."""

from __future__ import annotations

import ast

import numpy as np

from midge import assets, model_file
from midge.recipe import Recipe

FOLDER = assets.apps_folder() / "keyword"
MODEL = assets.models_folder() / "keyword"


def test_main_is_short_and_imports_the_device_library_only() -> None:
    source = (FOLDER / "main.py").read_text()
    assert len(source.splitlines()) < 60
    tree = ast.parse(source)
    imported = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    assert imported and all(name.split(".")[0] == "midge_device" for name in imported)
    numbers = [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, int | float)
    ]
    assert numbers == []


def test_the_shipped_model_is_of_this_recipe() -> None:
    recipe, model = Recipe.load("keyword"), model_file.load(MODEL)
    assert model.frontend is not None and model.sensor is not None and model.decision is not None
    assert (model.labels, model.background) == (recipe.labels, recipe.background)
    assert (model.frontend.window, model.frontend.hop) == (recipe.window.length, recipe.window.hop)
    assert model.frontend.sampling == recipe.sensor.sampling
    rules = model.decision
    assert (rules.threshold, rules.smooth, rules.cooldown_ms) == (
        recipe.decision.threshold,
        recipe.decision.smooth,
        recipe.decision.cooldown_ms,
    )
    card = (MODEL / "card.md").read_text()
    assert model.digest in card
    # What CC BY 4.0 asks for.
    assert "Warden" in card and "CC BY 4.0" in card and "creativecommons.org/licenses/by/4.0" in card


def test_no_recording_is_in_the_golden_file() -> None:
    golden = model_file.load(MODEL).golden
    assert len(golden.windows) and np.ptp(golden.windows.astype(int)) > 0
    # Windows of espeak-ng in the noise of simulate.speech: the card says so.
    assert "espeak-ng" in (MODEL / "card.md").read_text()
