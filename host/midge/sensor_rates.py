"""Rates that the accelerometers of boards have: a model of another rate runs on none of them."""

from __future__ import annotations

# Of the LIS3DH; the others have all but the last within the tolerance (26, 52, 104 and 208 Hz, 1000/n Hz).
USUAL_HZ = (10, 25, 50, 100, 200, 400)
TOLERANCE = 0.05


def is_usual(rate_hz: float) -> bool:
    """Whether the sensors of most boards have this rate, as near as apps need it."""
    return any(abs(usual / rate_hz - 1) <= TOLERANCE for usual in USUAL_HZ)


def usual_below(rate_hz: float) -> int:
    """The highest of them that loses least of recordings at `rate_hz`: the next lower one."""
    return max((usual for usual in USUAL_HZ if usual <= rate_hz), default=USUAL_HZ[0])
