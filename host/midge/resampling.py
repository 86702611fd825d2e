"""Samples with time stamps of any kind → samples at an even rate, with marked gaps where there were none."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from fractions import Fraction
from types import ModuleType

import numpy as np
import numpy.typing as npt

from .errors import DatasetError
from .recording import Gap

Floats = npt.NDArray[np.float64]

# A pause this many times the usual distance is a gap: nobody knows what was there.
GAP_FACTOR = 6.0
# An even pace, in steps of it (or of the stamps' own resolution): 95 % of the steps are this near to the
# mean, and no stamp is further off than that. Rates this near are the same.
EVEN_STEP = 0.25
EVEN_STAMP = 1.0
SAME_RATE = 0.002
# The pace is that of so many samples, bursts included. A pause is made up for if so large a share of the
# samples of twice its length came; a burst begins with a pause of so many steps.
PACE_SAMPLES = 50
MADE_UP = 0.75
BURST = 4.0
# Nine in ten steps are that near to the pace: then a pause of so many is a gap.
EXACT_STEP = 0.1
EXACT_GAP = 1.6
# Low-pass of a change of rate: zero crossings on each side, 80 dB down beyond the lower rate's half.
LOBES = 24
KAISER_BETA = 8.0
PASS = 0.9
# Density of the grid that a cubic spline reads between: in the pass band its error is that of int16.
DENSE = 8
# Longest filters are worth their while on long recordings only.
SHORT_RATIO = 64
LONG_SAMPLES = 20_000
# What one file may become: more means stamps in another unit.
MOST_SAMPLES = 50_000_000


@dataclass(frozen=True)
class Even:
    """`samples` (n, channels) at the rate asked for; `source_hz` is the rate that the time stamps had."""

    samples: Floats
    gaps: tuple[Gap, ...]
    source_hz: float
    jitter_us: float


def resample(time_s: Floats, samples: Floats, rate_hz: float, *, gap_factor: float = GAP_FACTOR) -> Even:
    """Bring samples (n, channels) taken at `time_s` (never falling) to `rate_hz`.

    Stamps that are only rounded, or shared by a block of samples, are an even pace. A stretch that has the
    rate already stays as it is. Otherwise an even stretch goes through a polyphase low-pass
    (`scipy.signal.resample_poly`), a jittering one through a monotone cubic (`PchipInterpolator`; samples of
    one stamp are averaged) and, where the rate falls, the low-pass. Stretches between gaps are treated by
    themselves.

    Raises ValueError for fewer than two distinct stamps, or a span that no such rate can have.
    """
    stamps = np.unique(time_s)
    if len(stamps) < 2:
        raise ValueError("there are fewer than two different time stamps")
    if (stamps[-1] - stamps[0]) * rate_hz > MOST_SAMPLES and len(stamps) * 1000 < MOST_SAMPLES:
        usual = float(np.median(np.diff(stamps)))
        if usual * rate_hz * len(stamps) > MOST_SAMPLES:
            raise ValueError(f"time stamps are {usual:g} s apart, which is nothing for {rate_hz:g} Hz")
    breaks = _breaks(time_s, gap_factor)
    stretches = np.split(np.arange(len(time_s)), breaks)
    paces = [(len(at) - 1, _pace(time_s[at])) for at in stretches if len(at) > 1]
    spanned_s = sum(n * pace for n, pace in paces)
    source_hz = sum(n for n, _ in paces) / spanned_s if spanned_s > 0 else rate_hz
    parts: list[Floats] = []
    gaps: list[Gap] = []
    n_done = 0
    last_s = 0.0
    for at in stretches:
        start_s = float(time_s[at[0]])
        if parts:
            gaps.append(Gap(n_done, max(1, round((start_s - last_s) * rate_hz) - 1)))
        part = _stretch(time_s[at], samples[at], source_hz, rate_hz)
        parts.append(part)
        n_done += len(part)
        last_s = start_s + (len(part) - 1) / rate_hz if len(part) > 1 else float(time_s[at[-1]])
    inside = np.delete(np.diff(time_s), breaks - 1)
    jitter_us = float(np.std(inside) * 1e6) if len(inside) else 0.0
    return Even(np.concatenate(parts), tuple(gaps), source_hz, jitter_us)


def usual_hz(time_s: Floats) -> float:
    """The rate of most of the samples, whatever is missing; there must be two distinct stamps."""
    step = min(PACE_SAMPLES, max(1, len(time_s) // 4))
    spans_s = time_s[step:] - time_s[:-step]
    span_s = float(np.median(spans_s))
    block_s = _block_s(np.diff(time_s))
    if block_s > 0:
        # A span is whole blocks, one more or one less by where it begins: only their mean is the pace.
        span_s = float(spans_s[np.abs(spans_s - span_s) <= 1.01 * block_s].mean())
    return 1 / (span_s / step if span_s > 0 else float(np.median(np.diff(np.unique(time_s)))))


def _block_s(pauses: Floats) -> float:
    """Usual distance of blocks whose samples share a stamp; 0 if most samples have one of their own."""
    apart = pauses[pauses > 0]
    return float(np.median(apart)) if 2 * len(apart) <= len(pauses) and len(apart) else 0.0


def change_rate(samples: Floats, from_hz: float, to_hz: float) -> Floats:
    """Even samples (n, channels) at another rate, band-limited to the lower of the two; the ends are held."""
    whole = int(from_hz / (2 * to_hz))
    if whole > 1:
        # Most of the way in whole steps: a filter for all of it at once would be as long as the recording.
        samples = _poly(samples, 1, whole, 1 / whole)
        from_hz /= whole
    ratio = Fraction(to_hz / from_hz).limit_denominator(1000)
    is_cheap = max(ratio.numerator, ratio.denominator) <= SHORT_RATIO or len(samples) >= LONG_SAMPLES
    if is_cheap and abs(ratio * from_hz / to_hz - 1) * len(samples) < 0.01 and ratio > 0:
        # An exact ratio over this length: the polyphase filter alone.
        return _poly(samples, ratio.numerator, ratio.denominator, min(1.0, to_hz / from_hz))
    dense = _poly(samples, DENSE, 1, min(1.0, to_hz / from_hz))
    n = int(np.floor((len(samples) - 1) * to_hz / from_hz + 1e-6)) + 1
    at = np.arange(n) * (DENSE * from_hz / to_hz)
    spline = _scipy("interpolate").CubicSpline(np.arange(len(dense)), dense)
    return np.asarray(spline(np.minimum(at, len(dense) - 1)))


def _poly(samples: Floats, up: int, down: int, band: float) -> Floats:
    """`band`: the share of the source's half rate that passes."""
    taps = _taps(up, band)
    return np.asarray(_scipy("signal").resample_poly(samples, up, down, axis=0, window=taps, padtype="edge"))


@functools.lru_cache(maxsize=64)
def _taps(up: int, band: float) -> Floats:
    half = int(np.ceil(LOBES * up / band))
    window = ("kaiser", KAISER_BETA)
    return np.asarray(_scipy("signal").firwin(2 * half + 1, PASS * band / up, window=window))


def _breaks(time_s: Floats, gap_factor: float) -> npt.NDArray[np.int64]:
    """Where samples are missing: a pause that no burst makes up for.

    Radio and operating systems hand samples over late and then many at once, with the stamps of that moment.
    """
    pace = 1 / usual_hz(time_s)
    pauses = np.diff(time_s)
    if len(pauses) > PACE_SAMPLES and np.median(pauses) < 0.6 * _pace(time_s) and _is_bound(time_s):
        return np.zeros(0, dtype=np.int64)
    # Where stamps are exact, each sample that is missing shows.
    is_exact = float(np.quantile(np.abs(pauses - pace), 0.9)) <= EXACT_STEP * pace
    if is_exact:
        gap_factor = min(gap_factor, EXACT_GAP)
    found = []
    # The distance of blocks that share a stamp is no pause.
    for at in np.flatnonzero(pauses > max(gap_factor * pace, 1.5 * _block_s(pauses))):
        if is_exact:
            until_s = time_s[at] + pauses[at] + 0.5 * pace
            came = np.searchsorted(time_s, until_s, side="right") - at - 1
            if came < int((pauses[at] + 0.5 * pace) / pace + 0.25):
                found.append(at + 1)
            continue
        start_s, pause_s = time_s[at], pauses[at]
        span_s = min(2 * pause_s, time_s[-1] - start_s)
        came = np.searchsorted(time_s, start_s + span_s + 0.5 * pace, side="right") - at - 1
        if span_s < 1.5 * pause_s or came < MADE_UP * span_s / pace:
            found.append(at + 1)
    return np.array(found, dtype=np.int64)


def _pace(stamps: Floats) -> float:
    """Least-squares distance of samples: right for rounded stamps and for those of whole blocks."""
    index = np.arange(len(stamps)) - (len(stamps) - 1) / 2
    return float(index @ (stamps - stamps.mean()) / (index @ index))


def _stretch(stamps: Floats, values: Floats, source_hz: float, rate_hz: float) -> Floats:
    if len(stamps) < 2:
        return values
    pace = _pace(stamps)
    if pace > 0 and _is_even(stamps, pace):
        if abs(source_hz / rate_hz - 1.0) <= SAME_RATE:
            return values
        return change_rate(values, 1.0 / pace, rate_hz)
    stamps, owner, members = np.unique(stamps, return_inverse=True, return_counts=True)
    if len(stamps) < 2:
        return np.asarray(values.mean(axis=0, keepdims=True))
    sums = np.zeros((len(stamps), values.shape[1]))
    np.add.at(sums, owner, values)
    n = int(np.floor((stamps[-1] - stamps[0]) * rate_hz + 1e-6)) + 1
    curve = _scipy("interpolate").PchipInterpolator(stamps, sums / members[:, None])
    if source_hz <= 1.2 * rate_hz:
        return np.asarray(curve(stamps[0] + np.arange(n) / rate_hz))
    finer = int(np.ceil(source_hz / rate_hz))
    dense = curve(np.minimum(stamps[0] + np.arange((n - 1) * finer + 1) / (rate_hz * finer), stamps[-1]))
    return change_rate(dense, finer, 1)[:n]


def _is_even(stamps: Floats, pace: float) -> bool:
    steps = np.diff(stamps)
    if len(steps) < 2:
        return True
    apart = steps[steps > 0]
    # Stamps may be coarser than the samples: ms at 1600 Hz, or one for a whole block.
    resolution = float(apart.min()) if np.any(steps == 0) else 0.0
    off = stamps - stamps[0] - pace * np.arange(len(stamps))
    near = np.quantile(np.abs(steps - pace), 0.95) <= max(EVEN_STEP * pace, resolution)
    if near and np.ptp(off) <= 2 * max(EVEN_STAMP * pace, resolution):
        return True
    return bool(steps.max() >= BURST * pace and _is_bound(stamps))


def _is_bound(stamps: Floats) -> bool:
    """Handed over in bursts: late by a pause now and then, but never for long."""
    off = stamps - stamps[0] - _pace(stamps) * np.arange(len(stamps))
    is_bound = np.ptp(off) <= 1.2 * float(np.diff(stamps).max())
    return bool(is_bound and stamps[-1] - stamps[0] >= 20 * np.ptp(off))


def _scipy(part: str) -> ModuleType:
    try:
        if part == "signal":
            import scipy.signal as module
        else:
            import scipy.interpolate as module
    except ImportError:
        raise DatasetError("resampling needs scipy: pip install 'midge[data]'") from None
    loaded: ModuleType = module
    return loaded
