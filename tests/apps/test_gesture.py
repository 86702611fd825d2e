"""The gesture app: thin, and its shipped model is its recipe's."""

from __future__ import annotations

import ast

import numpy as np

from midge import assets, model_file
from midge.recipe import Recipe

FOLDER = assets.apps_folder() / "gesture"


def test_main_is_short_and_imports_the_device_library_only() -> None:
    source = (FOLDER / "main.py").read_text()
    assert len(source.splitlines()) < 60
    imported = [
        name
        for node in ast.walk(ast.parse(source))
        for name in (
            [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else []
        )
    ]
    assert imported and all(name.split(".")[0] == "midge_device" for name in imported)


def test_no_number_of_the_recipe_is_in_the_app() -> None:
    numbers = [
        node.value
        for node in ast.walk(ast.parse((FOLDER / "main.py").read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, int | float)
    ]
    assert numbers == []


def test_the_shipped_model_is_of_this_recipe() -> None:
    recipe, model = Recipe.load("gesture"), model_file.load(assets.models_folder() / "gesture")
    assert model.frontend is not None and model.sensor is not None and model.decision is not None
    assert (model.labels, model.background) == (recipe.labels, recipe.background)
    assert (model.frontend.window, model.frontend.hop) == (recipe.window.length, recipe.window.hop)
    assert (model.sensor.rate_hz, model.sensor.range_g) == (recipe.sensor.rate_hz, recipe.sensor.range_g)
    rules = model.decision
    assert (rules.threshold, rules.smooth, rules.cooldown_ms) == (
        recipe.decision.threshold,
        recipe.decision.smooth,
        recipe.decision.cooldown_ms,
    )
    assert len(model.golden.windows) and np.ptp(model.golden.windows) > 0
    card = (assets.models_folder() / "gesture" / "card.md").read_text()
    assert model.digest in card and "simulated" in card
