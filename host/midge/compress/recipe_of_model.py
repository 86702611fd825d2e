"""As much of a recipe as a model file tells: what it takes to cut recordings into the model's examples."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..errors import ModelError
from ..model_file import Model
from ..recipe import Budget, Decision, Features, Recipe, Sensor, Train, Window


def recipe_of(model: Model) -> Recipe:
    """As much of a recipe as a model file tells; ModelError for a model without front end."""
    frontend, sensor, decision = model.frontend, model.sensor, model.decision
    if frontend is None or sensor is None:
        raise ModelError(f"{model.name} has no front end, so recordings can't judge it; name an app's model")
    sampling: Any = frontend.sampling
    is_sound = frontend.kind == "sound"
    unit = model.provenance.get("unit")
    windows = (
        "take" if unit == "take" else "event" if model.background is not None and not is_sound else "all"
    )
    return Recipe(
        model.name,
        "",
        Path(),
        Sensor(
            frontend.kind,
            round(sensor.rate_hz),
            round(sensor.range_g),
            frontend.channels,
            range_dps=round(sensor.range_dps),
            sound=sampling if is_sound else None,
            lowpass_hz=0.0 if is_sound else sampling.lowpass_hz,
            highpass_hz=0.0 if is_sound else sampling.highpass_hz,
        ),
        Window(frontend.window, frontend.hop),
        Features(frontend.features, frontend.segment),
        model.labels,
        model.background,
        decision or Decision(0.5, 1, 0),
        Train("forest", int(model.provenance.get("seed", 1)), 4, windows),
        Budget(),
    )
