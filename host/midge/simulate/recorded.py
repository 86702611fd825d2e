"""A scene as the recording that a faultless board would make of it."""

from __future__ import annotations

import numpy as np

from ..recipe import Recipe
from ..recording import Recording
from .scenes import Shown


def recorded(shown: Shown, recipe: Recipe, label: str, group: str = "") -> Recording:
    """Canonical samples at the recipe's rate and range, on straight lines between the scene's samples."""
    rate_hz, scale = recipe.sensor.rate_hz, 32768 / recipe.sensor.range_g
    at_s = np.arange(int(shown.duration_s * rate_hz)) / rate_hz
    scene_s = np.arange(len(shown.samples_g)) / shown.rate_hz
    felt_g = np.stack([np.interp(at_s, scene_s, axis) for axis in shown.samples_g.T], axis=1)
    return Recording(
        label=label,
        channels=recipe.sensor.channels,
        rate_hz=rate_hz,
        scale=scale,
        sensor="simulated",
        group=group,
        samples=np.clip(np.rint(felt_g * scale), -32768, 32767).astype(np.int16),
    )
