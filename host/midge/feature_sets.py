"""Named sets of features, and which of them suits what is measured: `set` in a recipe's [features]."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

from . import features_sound
from .features import GYRO_CHANNELS, LEAST_FFT, MAGNITUDE, MOTION_CHANNELS, ROTATION
from .features_sound import SoundSampling

Channels = Sequence[str]
# Coefficients of a frame: those that MLPerf Tiny's keyword net sees.
MFCC = 10
# Parts of a stretch of motion that its course is told in; a gesture has two or three strokes.
COURSE_PARTS = 16
# Times that a net along time reads.
NET_PARTS = 64
# Borders of bands as shares of the highest frequency: an octave each, the lowest two wider.
_BANDS = (0.0, 0.04, 0.08, 0.16, 0.32, 0.6, 1.0)


def _rows(channels: Channels) -> tuple[str, ...]:
    """Channels and the lengths of their vectors."""
    has_gyro = set(GYRO_CHANNELS) <= set(channels)
    return (*channels, MAGNITUDE, *((ROTATION,) if has_gyro else ()))


def _each(rows: Sequence[str], *statistics: str) -> tuple[str, ...]:
    return tuple(f"{row}.{statistic}" for row in rows for statistic in statistics)


def _parts(statistic: str, parts: int) -> tuple[str, ...]:
    return tuple(f"{statistic}@{part}/{parts}" for part in range(1, parts + 1))


def _basic(channels: Channels, rate_hz: float, length: int) -> tuple[str, ...]:
    return _each(_rows(channels), "mean", "std", "min", "max", "range", "mc", "jerk")


def _gesture(channels: Channels, rate_hz: float, length: int) -> tuple[str, ...]:
    # The course of the motion inside the window as well: what tells one gesture from another.
    return _each(
        _rows(channels),
        *("std", "min", "max", "range", "mc", "jerk"),
        *_parts("mean", 4),
        *_parts("std", 4),
    )


def _shape(channels: Channels, rate_hz: float, length: int) -> tuple[str, ...]:
    rows = _rows(channels)
    parts = min(COURSE_PARTS, length)
    return (
        *_each(rows, *_parts("course", parts), *_parts("std", 4)),
        *_each(rows, "mean", "std", "min", "max", "jerk", "mc", "tmax", "tmin"),
        *("xy.corr", "xz.corr", "yz.corr", "seg.length"),
    )


def _bands(rows: Sequence[str], rate_hz: float, length: int) -> tuple[str, ...]:
    """Bands that hold a frequency of the window's spectrum; none if it is too short for one."""
    if length < 1 << LEAST_FFT:
        return ()
    step_hz = rate_hz / (1 << min(10, length.bit_length() - 1))
    borders = [max(step_hz, round(share * rate_hz / 2, 3)) for share in _BANDS]
    pairs = [(low, high) for low, high in itertools.pairwise(borders) if high - low >= step_hz]
    return _each(rows, *(f"band:{low:.3f}-{high:.3f}" for low, high in pairs), "centroid", "peak")


def _activity(channels: Channels, rate_hz: float, length: int) -> tuple[str, ...]:
    rows = _rows(channels)
    gyro = tuple(row for row in rows if row in (*GYRO_CHANNELS, ROTATION))
    return (
        *_each(rows, "mean", "std", "min", "max", "quantile:25", "quantile:75", "mad", "mc", "jerk"),
        *_each(rows, *_parts("mean", 4), *_parts("std", 4)),
        *_each(("v", "h"), "std", "max", "jerk", *_parts("mean", 4)),
        *_each(("l",), "mean", "std", "max", "rhythm", "period"),
        *_each(gyro, "rms"),
        *_each((MAGNITUDE,), "rhythm", "period"),
        *_bands(("x", "y", "z", "m", "l"), rate_hz, length),
        *("xy.corr", "xz.corr", "yz.corr"),
    )


def _vibration(channels: Channels, rate_hz: float, length: int) -> tuple[str, ...]:
    # Nothing that mounting, temperature or gravity moves: no mean, no extreme, no length of the whole vector.
    rows = (*channels, "l")
    return (
        *_each(rows, "std", "range", "mad", "mc", "jerk"),
        # By far the dearest, and a machine has one rhythm.
        *_each(("l",), "rhythm", "period"),
        *_bands(rows, rate_hz, length),
        *("xy.corr", "xz.corr", "yz.corr"),
    )


def _word(sampling: SoundSampling, length: int) -> tuple[str, ...]:
    return features_sound.names(features_sound.usual_cepstra(sampling))


def _frames(sampling: SoundSampling, length: int) -> tuple[str, ...]:
    return features_sound.frame_names(length, sampling)


def _mfcc(sampling: SoundSampling, length: int) -> tuple[str, ...]:
    return features_sound.frame_names(length, sampling, "c", MFCC)


def _course(channels: Channels, rate_hz: float, length: int) -> tuple[str, ...]:
    """The samples themselves, or means of as many as leave a course that a small net can read."""
    parts = min(NET_PARTS, length)
    return tuple(f"{row}.course@{part}/{parts}" for part in range(1, parts + 1) for row in channels)


# What nets with convolutions along time read.
COURSES = "motion-course"

SETS: dict[str, Callable[[Channels, float, int], tuple[str, ...]]] = {
    "motion-basic": _basic,
    "motion-gesture": _gesture,
    "motion-shape": _shape,
    "motion-activity": _activity,
    "vibration": _vibration,
    COURSES: _course,
}
# Of the stretch that sounds; of every frame of the window, for nets that know of time.
SOUND_SETS: dict[str, Callable[[SoundSampling, int], tuple[str, ...]]] = {
    "sound-word": _word,
    "sound-frames": _frames,
    "sound-mfcc": _mfcc,
}
NAMES = (*SETS, *SOUND_SETS)


def names(
    chosen: str,
    channels: Channels = MOTION_CHANNELS,
    rate_hz: float = 100.0,
    length: int = 128,
    sound: SoundSampling | None = None,
) -> tuple[str, ...]:
    """The features of set `chosen` for these channels, this rate and windows of `length` samples.

    `sound`: how sound is analysed; the usual way at this rate if None.
    """
    if chosen in SOUND_SETS:
        offered = SOUND_SETS[chosen](sound or SoundSampling.usual(rate_hz), length)
    else:
        offered = SETS[chosen](channels, rate_hz, length)
    return tuple(dict.fromkeys(offered))
