"""Variants of speech: each kind changes what it is named for, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from midge import augment_sound
from midge.variation import Variation

RATE_HZ = 16000
PITCH_HZ = 200.0
# All that varies is off but what a test turns on.
STILL = Variation(tempo=0.0, force=0.0, snr_db=100.0, shift_ms=0.0)


def voice(seconds: float = 1.0) -> Any:
    """int16 (n, 1): a buzz of PITCH_HZ between 0.3 and 0.7 of the take, in quiet."""
    t = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    buzz = sum(np.sin(2 * np.pi * PITCH_HZ * k * t) / k for k in range(1, 10))
    inside = (t > 0.3 * seconds) & (t < 0.7 * seconds)
    return np.rint(4000 * buzz * inside).astype(np.int16)[:, None]


def varied(how: Variation, seed: int) -> Any:
    return augment_sound.vary(voice(), RATE_HZ, np.random.default_rng(seed), how)[:, 0]


def pitch_hz(sound: Any) -> float:
    """By the largest autocorrelation."""
    middle = sound[len(sound) // 2 - 2000 : len(sound) // 2 + 2000]
    alike = np.correlate(middle, middle, "full")[len(middle) - 1 :]
    low, high = RATE_HZ // 320, RATE_HZ // 120
    return RATE_HZ / (low + int(alike[low:high].argmax()))


def extent_s(sound: Any) -> tuple[float, float]:
    first, last = augment_sound.extent(np.rint(sound).astype(np.int16)[:, None])
    return first / RATE_HZ, last / RATE_HZ


def over_seeds(how: Variation, measure: Callable[[Any], float]) -> Any:
    return np.array([measure(varied(how, seed)) for seed in range(12)])


def test_nothing_turned_on_is_the_take_in_another_microphone() -> None:
    assert over_seeds(STILL, pitch_hz) == pytest.approx(PITCH_HZ, rel=0.01)
    assert over_seeds(STILL, lambda sound: extent_s(sound)[0]) == pytest.approx(0.3, abs=0.02)


def test_pitch_moves_the_voice_and_not_the_pace() -> None:
    how = Variation(tempo=0.0, force=0.0, snr_db=100.0, shift_ms=0.0, pitch=0.12)
    found = over_seeds(how, pitch_hz)
    assert found.std() > 0.05 * PITCH_HZ
    for seed in range(12):
        sound = varied(how, seed)
        assert abs(len(sound) - RATE_HZ) <= 2
        assert extent_s(sound) == pytest.approx((0.3, 0.7), abs=0.04)
        # As strong as before, and no clicks between the pieces.
        assert np.std(sound) == pytest.approx(np.std(varied(STILL, seed)), rel=0.2)


def test_tempo_moves_both() -> None:
    how = Variation(tempo=0.15, force=0.0, snr_db=100.0, shift_ms=0.0)
    for seed in range(8):
        sound = varied(how, seed)
        faster = RATE_HZ / len(sound)
        assert pitch_hz(sound) == pytest.approx(PITCH_HZ * faster, rel=0.03)


def test_a_shift_moves_the_word_in_the_take() -> None:
    how = Variation(tempo=0.0, force=0.0, snr_db=100.0, shift_ms=80.0)
    begins = over_seeds(how, lambda sound: extent_s(sound)[0])
    assert begins.std() == pytest.approx(0.08, rel=0.6)
    assert begins.mean() == pytest.approx(0.3, abs=0.08)


def test_a_room_rings_on_after_the_word() -> None:
    how = Variation(tempo=0.0, force=0.0, snr_db=100.0, shift_ms=0.0, room_s=0.6)

    def tail_db(sound: Any) -> float:
        word, after = sound[6000:10000], sound[11400:12600]
        return float(10 * np.log10(np.mean(after**2) / np.mean(word**2)))

    dry, rooms = over_seeds(STILL, tail_db), over_seeds(how, tail_db)
    assert dry.max() < -45
    echoing = rooms > dry.max() + 6
    assert 3 <= echoing.sum() <= 10  # every other one
    assert rooms.max() > -30


@pytest.mark.parametrize("snr_db", [0.0, 20.0])
def test_noise_is_as_far_below_the_voice_as_was_asked(snr_db: float) -> None:
    how = Variation(tempo=0.0, force=0.0, snr_db=snr_db, shift_ms=0.0)

    def found_db(sound: Any) -> float:
        return float(10 * np.log10(np.mean(sound[6000:10000] ** 2) / np.mean(sound[:4000] ** 2)))

    found = over_seeds(how, found_db)
    # At least so much, and up to SNR_SPREAD_DB more; noise adds to the voice's own power.
    assert found.min() > snr_db - 2
    assert found.max() < snr_db + augment_sound.SNR_SPREAD_DB + 5
    assert found.std() > 4


@pytest.mark.parametrize("n", [0, 1, 2, 50, 400])
def test_a_scrap_of_sound_is_no_trouble(n: int) -> None:
    how = Variation(pitch=0.2, room_s=1.0)
    for seed in range(6):
        scrap = np.random.default_rng(n).integers(-9000, 9000, (n, 1)).astype(np.int16)
        made = augment_sound.vary(scrap, RATE_HZ, np.random.default_rng(seed), how)
        assert np.isfinite(made).all()
        assert made.shape[1] == 1
