"""More takes of speech: another voice, pace, loudness, place in the window, room, microphone, noise.

A take played s times as fast is a smaller person who speaks faster; with `pitch` the pace stays as it was, by
overlap-add of pieces that fit (WSOLA, Verhelst and Roelands 1993). Noise is coloured as rooms and fans are:
less of it the higher the frequency.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from . import quiet
from .variation import Variation

# Of the signal-to-noise ratio above the least one, dB.
SNR_SPREAD_DB = 30.0
# Pieces of a stretched voice, and how far they are moved to fit.
PIECE_S, FIT_S = 0.025, 0.006
# A room's echo against the voice itself, and the least time that it takes to fade by 60 dB.
ECHO_DB = (-15.0, -3.0)
LEAST_ECHO_S = 0.1
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
    tilt, shift_s = rng.uniform(-TILT, TILT), rng.normal(0.0, how.shift_ms / 1000)
    snr_db, colour = how.snr_db + rng.uniform(0.0, SNR_SPREAD_DB), rng.uniform(0.0, 0.95)
    sound = samples[:, 0].astype(np.float64)
    if len(sound) < 2:
        return sound[:, None]
    at = np.arange(0.0, len(sound) - 1 + 1e-9, tempo)
    sound = np.interp(at, np.arange(len(sound)), sound)
    if how.pitch:
        sound = _pitched(sound, rate_hz, float(np.exp(rng.normal(0.0, how.pitch))))
    if how.room_s and rng.random() < 0.5:
        sound = _echoing(sound, rate_hz, rng, rng.uniform(min(LEAST_ECHO_S, how.room_s), how.room_s))
    sound = gain * (sound + tilt * np.concatenate([sound[:1], sound[:-1]]))
    sound = _shifted(sound, round(shift_s * rate_hz))
    power = np.sort(sound**2)[-max(1, round(LOUD_SHARE * len(sound))) :].mean()
    noise = coloured(rng.normal(size=len(sound)), colour)
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


def _pitched(sound: Float, rate_hz: float, ratio: float) -> Float:
    """The same words at the same pace from a voice `ratio` times as high; about as long."""
    stretched = _stretched(sound, rate_hz, ratio)
    at = np.arange(0.0, len(stretched) - 1 + 1e-9, ratio)
    return np.asarray(np.interp(at, np.arange(len(stretched)), stretched))


def _stretched(sound: Float, rate_hz: float, ratio: float) -> Float:
    """`ratio` times as long, at the same pitch: pieces laid over each other where they fit best."""
    half, most = round(PIECE_S * rate_hz / 2), round(FIT_S * rate_hz)
    n = round(len(sound) * ratio)
    if len(sound) < 4 * half:
        return np.asarray(np.interp(np.arange(n) / ratio, np.arange(len(sound)), sound))
    shape = np.hanning(2 * half + 1)[:-1]
    padded = np.pad(sound, (most, most + 3 * half))
    made = np.zeros(n + 3 * half)
    at = most
    for to in range(0, n, half):
        made[to : to + 2 * half] += shape * padded[at : at + 2 * half]
        # What would have come next is what the next piece must be like.
        wanted = padded[at + half : at + 2 * half]
        middle = min(round((to + half) / ratio), len(sound))
        place = np.correlate(padded[middle : middle + 2 * most + half], wanted, "valid")
        at = middle + int(place.argmax())
    made[:half] /= np.maximum(shape[:half], 0.1)
    return made[:n]


def _echoing(sound: Float, rate_hz: float, rng: np.random.Generator, fades_s: float) -> Float:
    """`sound` in a room: its echo is noise that fades by 60 dB in `fades_s`. As long as before."""
    from scipy.signal import fftconvolve

    t = np.arange(max(2, round(fades_s * rate_hz))) / rate_hz
    echo = rng.normal(size=len(t)) * 10 ** (-3 * t / fades_s)
    echo *= 10 ** (rng.uniform(*ECHO_DB) / 20) / float(np.sqrt(np.sum(echo**2)))
    echo[0] = 1.0
    return np.asarray(fftconvolve(sound, echo)[: len(sound)])


def coloured(noise: Float, colour: float) -> Float:
    """`noise` through a one-pole low pass, of unit power."""
    from scipy.signal import lfilter

    found = lfilter([1.0], [1.0, -colour], noise)
    return np.asarray(found / max(1e-9, float(np.std(found))))
