"""A sensor that never moves is told, one that rests is not."""

from __future__ import annotations

import numpy as np

from midge.flatness import Flatness

CHANNELS = ("x", "y", "z")


def told(*blocks: np.ndarray) -> str:
    flatness = Flatness()
    for block in blocks:
        flatness.add(block.astype(np.int16))
    return flatness.warning(CHANNELS)


def test_channels_that_never_change_are_named() -> None:
    rng = np.random.default_rng(1)
    resting = rng.integers(-2, 3, (200, 3)) + np.array([0, 0, 8192])
    assert told(resting) == ""
    stuck = resting.copy()
    stuck[:, 1] = -1
    assert told(stuck[:100], stuck[100:]).startswith("y never changes")
    assert told(np.full((200, 3), 7)).startswith("x, y, z never changes")
    # One step between two blocks is a change.
    assert told(np.full((100, 3), 7), np.full((100, 3), 8)) == ""


def test_extremes_do_not_wrap() -> None:
    ends = np.array([[-32768] * 3, [32767] * 3] * 50)
    assert told(ends) == ""


def test_too_little_says_nothing() -> None:
    assert told() == told(np.zeros((10, 3))) == ""
