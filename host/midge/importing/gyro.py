"""A gyroscope's unit: how it is spelled, and which one it is by how gravity turns in the sensor's frame."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ..errors import DatasetError
from ..recording import MOTION_CHANNELS
from . import units
from .table import Floats, Table

TO_DPS = {"deg/s": 1.0, "rad/s": math.degrees(1.0), "mdps": 1e-3}
# Its columns are left out.
NONE = "none"
_SPELLED = {
    "deg/s": "deg/s", "dps": "deg/s", "°/s": "deg/s", "degree/s": "deg/s", "degrees/s": "deg/s",
    "deg/sec": "deg/s", "degrees/second": "deg/s", "degrees per second": "deg/s", "deg s-1": "deg/s",
    "rad/s": "rad/s", "rads/s": "rad/s", "rad/sec": "rad/s", "rads": "rad/s", "radians/s": "rad/s",
    "radians per second": "rad/s", "rad s-1": "rad/s", "rad·s⁻¹": "rad/s", "mdps": "mdps", "mdeg/s": "mdps",
}  # fmt: skip
_COUNTS = re.compile(r"(\d+(?:\.\d+)?)/dps\Z")
# Gravity's direction is followed over so long: shorter, and forces hide it; longer, and turns close.
_SMOOTH_S = 1.0
# It says nothing if it turns by less than this (radians, RMS), or not with the gyroscope.
_LEAST_TURN, _LEAST_CORRELATION = 0.03, 0.25
# Units lie a factor of 57 or more apart; forces and time stamps bring the turns off by 2.5 at most.
_NEAR = 5.0
# Nothing that people or their machines hold turns faster: gyroscopes end at 2000 or 4000 degrees/s.
_FASTEST_DPS = 4000.0


def spelled(text: str) -> str:
    """deg/s, rad/s or mdps however it is written; '' if it is none of them."""
    return _SPELLED.get(text.strip().lower(), "")


def to_dps(text: str) -> float:
    """What one of this unit is in degrees/s; raises DatasetError."""
    counts = _COUNTS.match(text)
    if counts is not None and float(counts[1]) > 0:
        return 1.0 / float(counts[1])
    if not spelled(text):
        raise DatasetError(
            f"--gyro-unit {text[:40]!r} is not one of {', '.join(TO_DPS)}, COUNTS/dps (such as 16.4/dps) or "
            f"{NONE}, which leaves it out"
        )
    return TO_DPS[spelled(text)]


def has_gyro(table: Table) -> bool:
    """Whether there are columns of a gyroscope behind the accelerometer's."""
    return table.kind == "motion" and table.samples.shape[1] > len(MOTION_CHANNELS)


def dps_by_gravity(tables: Sequence[Table], rate_hz: float | None) -> float | None:
    """Degrees/s that one of the files' unit is, roughly, or None where nothing turns.

    In the sensor's frame gravity u turns as du/dt = -w × u, so the ratio of both sides is the unit.
    """
    turned, told, both = 0.0, 0.0, 0.0
    n = 0
    for table in tables:
        for times_s, rows in _stretches(table, rate_hz):
            change, expected = _turns(times_s, rows)
            turned += float(np.sum(change**2))
            told += float(np.sum(expected**2))
            both += float(np.sum(change * expected))
            n += len(change)
    if not n or told == 0.0 or math.sqrt(turned / n) < _LEAST_TURN:
        return None
    if both < _LEAST_CORRELATION * math.sqrt(turned * told):
        return None
    return math.degrees(math.sqrt(turned / told))


def unit(tables: Sequence[Table], asked: str, rate_hz: float | None, *, trust: bool) -> tuple[str, str]:
    """Unit of the gyroscopes in these tables and why; `NONE` if it can't be told.

    `asked`: what the person said, `units.AUTO` if nothing. Raises DatasetError if that, or what the files
    say, is another unit than gravity's turns are in, unless `trust`.
    """
    there = [table for table in tables if has_gyro(table)]
    if asked == NONE or not there:
        return asked, ""
    said = asked if asked != units.AUTO else next((t.gyro_unit for t in there if t.gyro_unit), "")
    seen = dps_by_gravity(there, rate_hz)
    fitting = "" if seen is None else _nearest(seen)
    if said:
        one = to_dps(said)
        if not trust and seen is not None and fitting and not 1 / _NEAR < seen / one < _NEAR:
            raise DatasetError(
                f"gyroscope: in {said} it turns {max(one / seen, seen / one):.0f} times as "
                f"{'far' if one > seen else 'little'} as gravity does; in {fitting} it fits: give "
                f"--gyro-unit {fitting}, or --trust-unit if {said} is right"
            )
        return said, "" if asked != units.AUTO else f"gyroscope in {said}: the files say so"
    if fitting:
        return fitting, f"gyroscope in {fitting}: it turns as gravity does"
    most = max(float(np.max(np.abs(table.samples[:, 3:]))) for table in there)
    if seen is None and _FASTEST_DPS / TO_DPS["rad/s"] < most <= _FASTEST_DPS:
        return "deg/s", f"gyroscope in deg/s: up to {most:.3g}"
    return NONE, (
        "gyroscope left out: nothing tells its unit; --gyro-unit rad/s, deg/s or COUNTS/dps takes it in"
    )


def _nearest(dps: float) -> str:
    return next((name for name, one in TO_DPS.items() if 1 / _NEAR < dps / one < _NEAR), "")


def _stretches(table: Table, rate_hz: float | None) -> list[tuple[Floats, Floats]]:
    """Times in s and samples of the parts of a table in which time goes on evenly."""
    n = len(table.samples)
    if table.stamps is None:
        rate = table.rate_hz or rate_hz
        return [(np.arange(n) / rate, table.samples)] if rate else []
    one = units.TIME_S[table.stamp_unit or units.time_unit(table.stamps)]
    times_s = (table.stamps - table.stamps[0]) * one
    steps = np.diff(times_s)
    usual = float(np.median(steps[steps > 0])) if np.any(steps > 0) else 0.0
    cuts = np.flatnonzero((steps < 0) | (steps > max(10 * usual, _SMOOTH_S))) + 1
    return list(zip(np.split(times_s, cuts), np.split(table.samples, cuts), strict=True))


def _turns(times_s: Floats, samples: Floats) -> tuple[Floats, Floats]:
    """By how much gravity's direction turned in steps of `_SMOOTH_S`, and by how much the gyroscope says."""
    none = np.zeros((0, 3))
    duration_s = float(times_s[-1] - times_s[0]) if len(times_s) > 1 else 0.0
    if duration_s < 3 * _SMOOTH_S:
        return none, none
    step_s = duration_s / (len(times_s) - 1)
    length = max(1, round(_SMOOTH_S / step_s))
    if len(times_s) < 3 * length:
        return none, none
    down = _moving_mean(samples[:, :3], length)
    norms = np.linalg.norm(down, axis=1, keepdims=True)
    down = down / np.maximum(norms, 1e-9)
    expected = -np.cross(_moving_mean(samples[:, 3:6], length), down) * (length * step_s)
    change = down[length:] - down[:-length]
    return change, np.asarray(expected[length // 2 :][: len(change)])


def _moving_mean(values: Floats, length: int) -> npt.NDArray[np.float64]:
    total = np.cumsum(np.concatenate([np.zeros((1, values.shape[1])), values]), axis=0)
    return np.asarray((total[length:] - total[:-length]) / length)
