"""Variants of a take obey the physics of what was measured."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from midge import augment
from midge.dataset import Dataset
from midge.features import GYRO_CHANNELS, MOTION_CHANNELS
from midge.recording import Recording
from midge.variation import Variation

RATE_HZ = 100.0


def handled() -> Recording:
    """Gravity in a hand that turns, without forces."""
    times_s = np.arange(1500) / RATE_HZ
    turning = np.sin(2 * np.pi * times_s[:, None] * [0.21, 0.34, 0.13] + [0.0, 1.0, 2.0])
    down = np.empty((len(times_s), 3))
    down[0] = [0.0, 0.0, 1.0]
    for at in range(1, len(times_s)):
        down[at] = augment.rotation(-turning[at - 1] / RATE_HZ) @ down[at - 1]
    samples = np.column_stack([8192 * down, 32.768 * np.degrees(turning)])
    return Recording(
        label="turn",
        channels=(*MOTION_CHANNELS, *GYRO_CHANNELS),
        rate_hz=RATE_HZ,
        scale=8192.0,
        samples=np.rint(samples).astype(np.int16),
    )


@pytest.mark.parametrize("mirror", ["", "y", "x,z"])
def test_gravity_still_turns_as_the_gyroscope_says(mirror: str) -> None:
    """In the sensor's frame du/dt = -w × u, however fast, turned or mirrored."""
    item = handled()
    how = Variation(tempo=0.3, force=0.0, turn_rad=0.8, mirror=mirror)
    for one in augment.vary(Dataset(Path(), (item,)), 4, seed=2, how=how).recordings:
        down = one.samples[:, :3].astype(float) / one.scale
        turning = np.radians(one.samples[:, 3:].astype(float) / one.gyro_scale)
        middle = slice(250, len(down) - 250)
        change = (np.gradient(down, axis=0) * RATE_HZ)[middle]
        expected = -np.cross(turning, down)[middle]
        # Posture is not scaled, and what is quicker is scaled by the square of the pace: so a share is left.
        assert np.corrcoef(change.ravel(), expected.ravel())[0, 1] > 0.9
        tempo = len(item.samples) / len(one.samples)
        assert turning.std() == pytest.approx(tempo * 0.7, rel=0.1)
