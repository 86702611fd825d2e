"""Where something happens in a take: energy against the take's own quiet, with hysteresis."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..recording import SOUND, Recording

Floats = npt.NDArray[np.float64]
Bounds = tuple[int, int]

# Frames of the envelope, in s. Motion lasts longer than a phoneme.
FRAME_S = {"sound": 0.02, "motion": 0.1}
# Of the loudest part: sound spans more than motion. Below the lower one it has ended.
BEGINS_DB = {"sound": -30.0, "motion": -14.0}
ENDS_BELOW_DB = 4.0
# Above the quiet of the take itself, and above what sensors murmur (0.02 g; -60 dB of full scale).
ABOVE_QUIET_DB = 8.0
# What is louder than the quiet by less than this is the quiet.
NOISY_DB = 6.0
FLOOR = {"sound": 1e-3, "motion": 0.02}


@dataclass(frozen=True)
class Cutting:
    """`join_s`: shorter pauses don't part events; `shortest_s`: shorter ones are knocks; `margin_s` is kept
    on both sides; `begins_db`: threshold below the loudest part, None = by kind."""

    join_s: float = 0.3
    shortest_s: float = 0.1
    margin_s: float = 0.2
    begins_db: float | None = None


def envelope(item: Recording) -> tuple[Floats, int]:
    """RMS of what changes, in the recording's unit, a frame each (half overlap); and the frames' distance."""
    kind = SOUND if item.kind == SOUND else "motion"
    hop = max(1, round(FRAME_S[kind] * item.rate_hz / 2))
    # A gyroscope is left out: what moves is accelerated.
    values = item.samples[:, :3].astype(np.float64) / item.scale
    if kind == SOUND:
        values = values - values.mean(axis=0) if len(values) else values
    else:
        values = values - _moving_mean(values, max(3, round(0.6 * item.rate_hz) | 1))
    power = np.sum(values**2, axis=1)
    total = np.concatenate([[0.0], np.cumsum(power)])
    starts = np.arange(0, max(1, len(power) - hop), hop)
    stops = np.minimum(starts + 2 * hop, len(power))
    return np.sqrt(np.maximum(0.0, total[stops] - total[starts]) / np.maximum(1, stops - starts)), hop


def events(item: Recording, cutting: Cutting) -> list[Bounds]:
    """First and last + 1 row of each event, margins included; they don't overlap."""
    if len(item.samples) < 2:
        return []
    level, hop = envelope(item)
    kind = SOUND if item.kind == SOUND else "motion"
    begins_db = BEGINS_DB[kind] if cutting.begins_db is None else cutting.begins_db
    # One knock must not hide the rest, and quiet is what a fifth of the take stays below.
    loudest, quiet = float(np.percentile(level, 98)), float(np.percentile(level, 20))
    begins = max(loudest * 10 ** (begins_db / 20), FLOOR[kind])
    if quiet * 10 ** (ABOVE_QUIET_DB / 20) < loudest * 0.7:
        begins = max(begins, quiet * 10 ** (ABOVE_QUIET_DB / 20))
    elif cutting.begins_db is None and quiet * 10 ** (NOISY_DB / 20) < loudest:
        # A loud room: half-way, in dB.
        begins = max(begins, float(np.sqrt(quiet * loudest)))
    ends = begins * 10 ** (-min(ENDS_BELOW_DB, 10 * np.log10(max(1.0, begins / max(quiet, 1e-9)))) / 20)
    found: list[Bounds] = []
    for start, stop in _runs(level >= ends):
        if not np.any(level[start:stop] >= begins):
            continue
        bounds = start * hop, min((stop + 1) * hop, len(item.samples))
        if found and bounds[0] - found[-1][1] < cutting.join_s * item.rate_hz:
            bounds = found.pop()[0], bounds[1]
        found.append(bounds)
    found = [bounds for bounds in found if bounds[1] - bounds[0] >= cutting.shortest_s * item.rate_hz]
    return _with_margins(found, round(cutting.margin_s * item.rate_hz), len(item.samples))


def _with_margins(found: list[Bounds], margin: int, n: int) -> list[Bounds]:
    wide = []
    for number, (start, stop) in enumerate(found):
        low = (found[number - 1][1] + start) // 2 if number else 0
        high = (stop + found[number + 1][0]) // 2 if number + 1 < len(found) else n
        wide.append((max(low, start - margin), min(high, stop + margin)))
    return wide


def _runs(is_on: npt.NDArray[np.bool_]) -> list[Bounds]:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], is_on.astype(np.int8), [0]])))
    return [(int(start), int(stop)) for start, stop in edges.reshape(-1, 2)]


def _moving_mean(values: Floats, length: int) -> Floats:
    half = length // 2
    padded = np.pad(values, ((half + 1, half), (0, 0)), mode="edge")
    total = np.cumsum(padded, axis=0)
    return np.asarray((total[2 * half + 1 :] - total[: -(2 * half + 1)]) / (2 * half + 1))
