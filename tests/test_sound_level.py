"""The level meter: peaks, clipping, silence."""

from __future__ import annotations

import numpy as np
import pytest

from midge.sound_level import Level


def block(*values: int) -> np.ndarray:  # type: ignore[type-arg]
    return np.array(values, np.int16)[:, None]


def test_the_meter_shows_the_last_block_and_keeps_the_peak() -> None:
    level = Level()
    level.add(block(0, 16384, -3))
    assert level.bar() == "###########. -6 dBFS"
    level.add(block(0, 10))
    assert level.bar().endswith("-60 dBFS")
    assert level.peak_dbfs == pytest.approx(-6.02, abs=0.01)
    assert level.warning == ""


def test_clipping_is_told_and_one_sample_at_the_border_is_not() -> None:
    level = Level()
    level.add(np.zeros((20_000, 1), np.int16))
    level.add(block(32767))
    assert level.warning == ""
    level.add(block(-32768, 32767, 32767, -32768))
    assert level.bar().endswith("clipped!")
    assert "5 samples are clipped" in level.warning


def test_silence_is_told() -> None:
    level = Level()
    assert level.warning == ""
    level.add(block(0, 1, -2, 30))
    assert "silence" in level.warning
