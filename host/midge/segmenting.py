"""Where in a take the gesture is: takes are labelled as a whole, a gesture lasts a part of one.

The stretches where the acceleration's fast part stands out are the performances; windows are labelled by
how much of a performance they hold. The constants are in seconds and g, so they hold at any rate.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

# A hand at rest shakes by 0.01 to 0.03 g; no gesture worth recognising stays below this.
FLOOR_G = 0.08
# Of the take's strongest motion; below it is getting ready and coming back.
SHARE_OF_PEAK = 0.25
BASELINE_S = 0.6
SMOOTH_S = 0.15
JOIN_S = 0.3
SHORTEST_S = 0.12

# Overlap of window and performance, as a share of the shorter: from here on the window shows the gesture …
SHOWS = 0.6
# … and up to here it shows none. Between the two, nobody could say what is right, so such windows teach
# nothing.
SHOWS_NOT = 0.3

Bounds = tuple[int, int]


def _moving_mean(values: npt.NDArray[np.float64], length: int) -> npt.NDArray[np.float64]:
    """Centred mean over `length` rows (odd), edges repeated."""
    half = length // 2
    padded = np.pad(values, ((half + 1, half), (0, 0)), mode="edge")
    total = np.cumsum(padded, axis=0)
    return np.asarray((total[2 * half + 1 :] - total[: -(2 * half + 1)]) / (2 * half + 1))


def performances(samples: npt.NDArray[np.int16], rate_hz: float, lsb_per_g: float) -> list[Bounds]:
    """First and last + 1 sample of each stretch of strong motion in `samples` (n, channels)."""
    if len(samples) < 2:
        return []
    motion_g = samples.astype(np.float64) / lsb_per_g
    fast = motion_g - _moving_mean(motion_g, max(1, round(BASELINE_S * rate_hz)))
    power = _moving_mean(np.sum(fast**2, axis=1, keepdims=True), max(1, round(SMOOTH_S * rate_hz)))[:, 0]
    strength_g = np.sqrt(np.maximum(power, 0.0))
    # The 98th percentile: one knock of the board against the table must not hide the gestures.
    threshold_g = max(FLOOR_G, SHARE_OF_PEAK * float(np.percentile(strength_g, 98)))
    edges = np.flatnonzero(np.diff(np.concatenate([[0], strength_g >= threshold_g, [0]])))
    found: list[Bounds] = []
    for start, stop in edges.reshape(-1, 2).tolist():
        if found and start - found[-1][1] < JOIN_S * rate_hz:
            found[-1] = (found[-1][0], stop)
        else:
            found.append((start, stop))
    return [bounds for bounds in found if bounds[1] - bounds[0] >= SHORTEST_S * rate_hz]


def shown(starts: npt.NDArray[np.int64], length: int, found: list[Bounds]) -> npt.NDArray[np.float64]:
    """For each window at `starts`, `length` long: the largest share it shares with a performance (0…1)."""
    shares = np.zeros(len(starts))
    for start, stop in found:
        common = np.minimum(starts + length, stop) - np.maximum(starts, start)
        shares = np.maximum(shares, common / min(length, stop - start))
    return shares
