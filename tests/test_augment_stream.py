"""Windows of streams: a word's window shows all of it, and what shows a part is background."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from midge import augment_stream
from midge.recording import Recording
from midge.variation import Variation

RATE_HZ = 8000
LENGTH = 8000
WORD_HZ, OTHER_HZ = 1500, 400
WORD_S = (0.3, 0.7)
STILL = Variation(tempo=0.0, force=0.0, snr_db=60.0, shift_ms=0.0)


def clip(label: str, frequency_hz: float) -> Recording:
    t = np.arange(LENGTH) / RATE_HZ
    inside = (t >= WORD_S[0]) & (t < WORD_S[1])
    samples = np.rint(8000 * np.sin(2 * np.pi * frequency_hz * t) * inside).astype(np.int16)[:, None]
    return Recording(
        label=label, channels=("sound",), rate_hz=RATE_HZ, scale=32768.0, kind="sound", samples=samples
    )


def shown(copies: int = 0, seed: int = 1, others: int = 4) -> list[tuple[str, Any]]:
    takes = [clip("yes", WORD_HZ)] * 8 + [clip("unknown", OTHER_HZ)] * others
    rng = np.random.default_rng(seed)
    return list(augment_stream.windows(takes, "unknown", LENGTH, rng, copies=copies, how=STILL))


def word_share(window: Any) -> float:
    """Of a word's energy at its frequency, so much is in the window."""

    def energy(samples: Any) -> float:
        spectrum = np.abs(np.fft.rfft(samples[:, 0].astype(float))) ** 2
        return float(spectrum[WORD_HZ - 50 : WORD_HZ + 50].sum())

    return energy(window) / energy(clip("yes", WORD_HZ).samples)


@pytest.mark.parametrize("others", [0, 4])
def test_a_word_is_whole_or_it_is_background(others: int) -> None:
    found = shown(others=others)
    assert {label for label, _ in found} == {"yes", "unknown"}
    assert all(window.shape == (LENGTH, 1) and window.dtype == np.int16 for _, window in found)
    cut = augment_stream.CUT_S / (WORD_S[1] - WORD_S[0])
    for label, window in found:
        if label == "yes":
            assert word_share(window) >= 1 - cut - 0.05
        else:
            assert word_share(window) <= augment_stream.PART[1] + 0.1


def test_words_are_heard_among_other_speech_and_anywhere_in_the_window() -> None:
    words = [window for label, window in shown() if label == "yes"]
    spectra = [np.abs(np.fft.rfft(window[:, 0].astype(float))) for window in words]
    beside = [one[OTHER_HZ - 20 : OTHER_HZ + 20].max() > 0.2 * one.max() for one in spectra]
    assert 0.2 * len(words) < sum(beside) < len(words)
    at = [float(np.average(np.arange(LENGTH), weights=window[:, 0].astype(float) ** 2)) for window in words]
    assert np.ptp(at) > 0.3 * LENGTH


def test_the_same_seed_shows_the_same_and_copies_show_more() -> None:
    first, again, other = shown(seed=3), shown(seed=3), shown(seed=4)
    assert all(a == b and np.array_equal(x, y) for (a, x), (b, y) in zip(first, again, strict=True))
    assert not all(np.array_equal(x, y) for (_, x), (_, y) in zip(first, other, strict=True))
    assert len(shown(copies=2)) == 3 * len(first)


def test_noise_up_to_the_ends_of_a_clip_is_no_long_word() -> None:
    rng = np.random.default_rng(0)
    noisy = Recording(
        label="yes", channels=("sound",), rate_hz=RATE_HZ, scale=32768.0, kind="sound",
        samples=rng.integers(-9000, 9000, (LENGTH, 1)).astype(np.int16),
    )  # fmt: skip
    found = list(augment_stream.windows([noisy], "unknown", LENGTH, rng, copies=0, how=STILL))
    assert [label for label, _ in found] == ["yes", "yes", "unknown"]
