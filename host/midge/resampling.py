"""Samples with time stamps of any kind → samples at an even rate, with marked gaps where there were none."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .recording import Gap

Floats = npt.NDArray[np.float64]

# A pause this many times the usual distance is a gap: nobody knows what was there.
GAP_FACTOR = 6.0
# An even pace, in steps of it: 95 % of the steps are this near to the mean, and no stamp is further off
# than that. Rates this near are the same.
EVEN_STEP = 0.25
EVEN_STAMP = 1.0
SAME_RATE = 0.002
# Taps of the low-pass on each side, in samples of the lower rate.
LOBES = 4


@dataclass(frozen=True)
class Even:
    """`samples` (n, channels) at the rate asked for; `source_hz` is the rate that the time stamps had."""

    samples: Floats
    gaps: tuple[Gap, ...]
    source_hz: float
    jitter_us: float


def resample(time_s: Floats, samples: Floats, rate_hz: float) -> Even:
    """Bring samples (n, channels) taken at `time_s` (never falling) to `rate_hz`.

    Samples with the same stamp are averaged. Where the source is faster, what the lower rate can't hold
    is filtered out first (windowed sinc). Each stretch between gaps is treated by itself, linearly
    between its samples; one that has the rate already stays as it is, however its stamps are rounded,
    because a straight line between samples would take fast motion out. Raises ValueError for fewer than
    two distinct stamps.
    """
    stamps, owner, members = np.unique(time_s, return_inverse=True, return_counts=True)
    if len(stamps) < 2:
        raise ValueError("there are fewer than two different time stamps")
    sums = np.zeros((len(stamps), samples.shape[1]))
    np.add.at(sums, owner, samples)
    values = sums / members[:, None]
    steps = np.diff(stamps)
    breaks = np.flatnonzero(steps > GAP_FACTOR * np.median(steps)) + 1
    inside = np.delete(steps, breaks - 1)
    # By the mean, not the median: stamps are often rounded to ms.
    source_hz = float(np.sum(members) - len(breaks) - 1) / float(np.sum(inside)) if len(inside) else rate_hz
    parts: list[Floats] = []
    gaps: list[Gap] = []
    n_done = 0
    last_s = 0.0
    for stretch in np.split(np.arange(len(stamps)), breaks):
        start_s, stop_s = stamps[stretch[0]], stamps[stretch[-1]]
        if parts:
            gaps.append(Gap(n_done, max(1, round((start_s - last_s) * rate_hz) - 1)))
        part = _stretch(stamps[stretch], values[stretch], source_hz, rate_hz)
        parts.append(part)
        n_done += len(part)
        last_s = start_s + (len(part) - 1) / rate_hz if len(part) > 1 else stop_s
    return Even(
        np.concatenate(parts), tuple(gaps), source_hz, float(np.std(inside) * 1e6) if len(inside) else 0.0
    )


def _stretch(stamps: Floats, values: Floats, source_hz: float, rate_hz: float) -> Floats:
    if abs(source_hz / rate_hz - 1.0) <= SAME_RATE and _is_even(stamps):
        return values
    n = int(np.floor((stamps[-1] - stamps[0]) * rate_hz + 1e-6)) + 1
    wanted = stamps[0] + np.arange(n) / rate_hz
    if source_hz > 1.2 * rate_hz and len(stamps) > 2:
        even = np.arange(stamps[0], stamps[-1] + 0.5 / source_hz, 1.0 / source_hz)
        values = _low_pass(_between(even, stamps, values), 0.45 * rate_hz / source_hz)
        stamps = even
    return _between(wanted, stamps, values)


def _is_even(stamps: Floats) -> bool:
    steps = np.diff(stamps)
    if len(steps) < 2:
        return True
    pace = float(np.mean(steps))
    off = stamps - stamps[0] - pace * np.arange(len(stamps))
    near = np.quantile(np.abs(steps - pace), 0.95) <= EVEN_STEP * pace
    return bool(near and np.ptp(off) <= 2 * EVEN_STAMP * pace)


def _between(wanted: Floats, stamps: Floats, values: Floats) -> Floats:
    return np.stack([np.interp(wanted, stamps, column) for column in values.T], axis=1)


def _low_pass(values: Floats, cutoff: float) -> Floats:
    """Windowed sinc of unit gain at 0; `cutoff` in cycles a sample. Edges are repeated."""
    half = int(np.ceil(LOBES / (2 * cutoff)))
    at = np.arange(-half, half + 1)
    taps = 2 * cutoff * np.sinc(2 * cutoff * at) * np.hamming(len(at))
    taps /= taps.sum()
    padded = np.pad(values, ((half, half), (0, 0)), mode="edge")
    return np.stack([np.convolve(column, taps, mode="valid") for column in padded.T], axis=1)
