"""More takes of speech: another voice, pace, loudness, place in the window, microphone, noise.

A take played s times as fast is a smaller person who speaks faster. Noise is coloured as rooms and fans are:
less of it the higher the frequency.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from . import quiet
from .variation import Variation

# Of the signal-to-noise ratio above the least one, dB.
SNR_SPREAD_DB = 30.0
SHIFT_S = 0.06
# How much a microphone and its place colour the sound: one zero of the spectrum's tilt.
TILT = 0.25
# A voice is heard against the loudest part of a take.
LOUD_SHARE = 0.25
ROOM_LSB = 3.0
# How much of a word a window shows that is no example of it.
SHOWN = (0.1, 0.55)
LOUD_POWER = 10**-2.6
# The noise of a variant goes on around it, however strong it is.
NOISY_SHARE = 0.25

Float = npt.NDArray[np.float64]


def vary(
    samples: npt.NDArray[np.int16],
    rate_hz: float,
    rng: np.random.Generator,
    how: Variation,
    around: npt.NDArray[np.int16] | None = None,
) -> Float:
    """Another take of the sound `samples` (n, 1); returns float64 (m, 1), not clipped.

    Every other time its noise is a piece of `around` (n, 1), what else is heard where it was taken.
    """
    tempo, gain = np.exp(rng.normal(0.0, how.tempo)), np.exp(rng.normal(0.0, 2 * how.force))
    tilt, shift_s = rng.uniform(-TILT, TILT), rng.normal(0.0, SHIFT_S)
    snr_db, colour = how.snr_db + rng.uniform(0.0, SNR_SPREAD_DB), rng.uniform(0.0, 0.95)
    sound = samples[:, 0].astype(np.float64)
    if len(sound) < 2:
        return sound[:, None]
    at = np.arange(0.0, len(sound) - 1 + 1e-9, tempo)
    sound = np.interp(at, np.arange(len(sound)), sound)
    sound = gain * (sound + tilt * np.concatenate([sound[:1], sound[:-1]]))
    sound = _shifted(sound, round(shift_s * rate_hz))
    power = np.sort(sound**2)[-max(1, round(LOUD_SHARE * len(sound))) :].mean()
    noise = _coloured(rng.normal(size=len(sound)), colour)
    if around is not None and len(around) > len(sound) and rng.random() < 0.5:
        first = int(rng.integers(len(around) - len(sound) + 1))
        piece = around[first : first + len(sound), 0].astype(np.float64)
        noise = piece / max(1.0, float(np.std(piece)))
    level = max(ROOM_LSB, float(np.sqrt(power)) * 10 ** (-snr_db / 20))
    return np.asarray((sound + level * noise)[:, None])


def partial(
    samples: npt.NDArray[np.int16],
    length: int,
    rng: np.random.Generator,
    *,
    enters: bool,
) -> npt.NDArray[np.int16]:
    """A window of `length` rows whose last ones show a word's beginning, or whose first ones show its end."""
    first, last = extent(samples)
    shown = round((last - first) * rng.uniform(*SHOWN))
    before = length - shown - first if enters else shown - last
    return quiet.around(samples, before, length, NOISY_SHARE)


def extent(samples: npt.NDArray[np.int16]) -> tuple[int, int]:
    """First and last + 1 row of what sounds in `samples` (n, 1): less than 26 dB below the loudest moment."""
    sound = samples[:, 0].astype(np.float64) ** 2
    if not len(sound):
        return 0, 0
    total = np.cumsum(np.pad(sound, quiet.MOMENT // 2))
    power = total[quiet.MOMENT - 1 :] - np.concatenate([[0.0], total[: -quiet.MOMENT]])
    loud = np.flatnonzero(power >= LOUD_POWER * power.max())
    return int(min(loud[0], len(sound) - 1)), int(min(loud[-1] + 1, len(sound)))


def _shifted(sound: Float, by: int) -> Float:
    """Later by so many samples (earlier if below 0), the same length; nothing comes in."""
    by = max(-len(sound) // 4, min(len(sound) // 4, by))
    moved = np.zeros_like(sound)
    if by >= 0:
        moved[by:] = sound[: len(sound) - by]
    else:
        moved[:by] = sound[-by:]
    return moved


def _coloured(noise: Float, colour: float) -> Float:
    """`noise` through a one-pole low pass, of unit power."""
    from scipy.signal import lfilter

    found = lfilter([1.0], [1.0, -colour], noise)
    return np.asarray(found / max(1e-9, float(np.std(found))))
