"""Features against float64 oracles, each within half a step."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from midge import features
from midge.errors import DatasetError, RecipeError

LENGTH = 128


def _window(row: np.ndarray) -> np.ndarray:
    """One window that has `row` on x, reversed on y and 0 on z."""
    row = np.clip(np.rint(row), -32768, 32767).astype(np.int16)
    return np.stack([row, row[::-1], np.zeros_like(row)], axis=1)


def _signals() -> dict[str, np.ndarray]:
    t = np.arange(LENGTH)
    impulse = np.zeros(LENGTH)
    impulse[40] = 32767
    random = np.random.default_rng(3)
    return {
        "sine": _window(8192 * np.sin(2 * np.pi * t / 25)),
        "small sine": _window(3 * np.sin(2 * np.pi * t / 25)),
        "impulse": _window(impulse),
        "ramp": _window(512.0 * t - 32768),
        "positive saturation": np.full((LENGTH, 3), 32767, np.int16),
        "negative saturation": np.full((LENGTH, 3), -32768, np.int16),
        "full swing": _window(np.where(t % 2, 32767, -32768)),
        "silence": np.zeros((LENGTH, 3), np.int16),
        "offset": _window(np.full(LENGTH, -4711)),
        **{f"random {i}": random.integers(-32768, 32768, (LENGTH, 3)).astype(np.int16) for i in range(20)},
        **{f"quiet {i}": random.integers(-5, 6, (LENGTH, 3)).astype(np.int16) for i in range(20)},
    }


SIGNALS = _signals()
ORACLES: dict[str, Callable[[np.ndarray], float]] = {
    "mean": np.mean,
    "std": np.std,
    "min": np.min,
    "max": np.max,
    "range": np.ptp,
    "rms": lambda row: float(np.sqrt(np.mean(row**2))),
    "mc": lambda row: int(np.count_nonzero(np.diff(row > row.mean()))),
    "jerk": lambda row: float(np.mean(np.abs(np.diff(row)))),
}


def _channels(window: np.ndarray) -> dict[str, np.ndarray]:
    exact = window.astype(np.float64)
    magnitude = np.minimum(np.rint(np.sqrt((exact**2).sum(axis=1))), 32767)
    return {"x": exact[:, 0], "y": exact[:, 1], "z": exact[:, 2], "m": magnitude}


def test_every_statistic_has_an_oracle() -> None:
    assert set(ORACLES) == set(features.STATISTICS)


@pytest.mark.parametrize("statistic", features.STATISTICS)
def test_statistic_is_within_half_a_step(statistic: str) -> None:
    names = [f"{channel}.{statistic}" for channel in "xyzm"]
    found = features.extract(names, np.stack(list(SIGNALS.values())))
    for row, (signal, window) in zip(found, SIGNALS.items(), strict=True):
        for value, (channel, samples) in zip(row, _channels(window).items(), strict=True):
            exact = min(ORACLES[statistic](samples), 32767)
            assert abs(value - exact) <= 0.5, f"{signal}, {channel}"


def test_parts_are_statistics_of_that_part() -> None:
    windows = np.stack(list(SIGNALS.values()))[:, :100]
    found = features.extract([f"y.{name}@{k}/3" for name in ORACLES for k in (1, 2, 3)], windows)
    bounds = [0, 33, 66, 100]
    column = 0
    for name in ORACLES:
        for k in range(3):
            alone = features.extract([f"y.{name}"], windows[:, bounds[k] : bounds[k + 1]])
            assert np.array_equal(found[:, column], alone[:, 0]), f"{name} of part {k + 1}"
            column += 1


@pytest.mark.parametrize("length", [1, 2, 3, 16384])
def test_shortest_and_longest_windows(length: int) -> None:
    extreme = np.full((1, length, 3), -32768, np.int16)
    names = [f"x.{name}" for name in features.STATISTICS]
    expected = {"mean": -32768, "min": -32768, "max": -32768, "rms": 32767}
    assert features.extract(names, extreme)[0].tolist() == [
        expected.get(name, 0) for name in features.STATISTICS
    ]


def test_scales_are_steps_per_g_or_per_count() -> None:
    assert features.scales(["x.mean", "y.mc", "m.jerk@1/2"], 8192) == [8192.0, 1.0, 8192.0]


def test_only_channels_that_are_read_are_stored() -> None:
    plan = features.plan(["z.mean", "m.std"], 10)
    assert plan.row_sources == (2, features.MAGNITUDE_SOURCE)
    assert plan.state_bytes == 56  # 16 of head, two rows of 20


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("x.maen", "did you mean 'mean'"),
        ("q.mean", "no channel 'q'"),
        ("x", "not CHANNEL.STATISTIC"),
        ("x.mean@0/4", "no part 0 of 4"),
        ("x.mean@5/4", "no part 5 of 4"),
        ("x.mean@1/200", "no 200 parts"),
    ],
)
def test_wrong_names_are_explained(name: str, hint: str) -> None:
    with pytest.raises(RecipeError, match=hint):
        features.plan([name], LENGTH)


def test_windows_of_a_wrong_form_are_refused() -> None:
    with pytest.raises(DatasetError, match="shape"):
        features.extract(["x.mean"], np.zeros((4, 3), np.int16))
    with pytest.raises(DatasetError, match="int16"):
        features.extract(["x.mean"], np.zeros((1, 4, 3)))


def test_no_windows_give_no_rows() -> None:
    assert features.extract(["x.mean"], np.zeros((0, 4, 3), np.int16)).shape == (0, 1)
