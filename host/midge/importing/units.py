"""Units of acceleration and time: how they are spelled, and which one numbers are probably in."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time

import numpy as np
import numpy.typing as npt

from ..errors import DatasetError

STANDARD_GRAVITY = 9.80665  # m/s² (CGPM 1901)
TO_G = {"g": 1.0, "mg": 1e-3, "m/s^2": 1 / STANDARD_GRAVITY}
AUTO = "auto"
_SPELLED = {
    "g": "g", "gs": "g", "mg": "mg", "milli-g": "mg", "m/s^2": "m/s^2", "m/s2": "m/s^2", "m/s²": "m/s^2",
    "m/s/s": "m/s^2", "ms-2": "m/s^2", "m.s-2": "m/s^2", "m s-2": "m/s^2", "ms^-2": "m/s^2",
    "m/sec^2": "m/s^2",
    "m·s⁻²": "m/s^2", "m/s**2": "m/s^2", "mps2": "m/s^2",
}  # fmt: skip
_COUNTS = re.compile(r"(\d+(?:\.\d+)?)/g\Z")
TIME_S = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
_TIMES = {
    "s": "s", "sec": "s", "secs": "s", "second": "s", "seconds": "s", "ms": "ms", "msec": "ms",
    "millis": "ms", "millisecond": "ms", "milliseconds": "ms", "us": "us", "µs": "us", "μs": "us",
    "usec": "us", "micros": "us", "microsecond": "us", "microseconds": "us",
    "ns": "ns", "nsec": "ns", "nanos": "ns", "nanosecond": "ns",
    "nanoseconds": "ns",
}  # fmt: skip
_LOCAL_DATE = re.compile(
    r"(\d{1,4})([./-])(\d{1,2})[./-](\d{2,4}),? +(\d{1,2}):(\d{2}):(\d{2}(?:[.,]\d+)?) ?([AaPp][Mm])?\Z"
)
# 05-Mar-2024 10:00:00.250, as MATLAB and loggers write it.
_NAMED_DATE = re.compile(
    r"(\d{1,2})[- ]([A-Za-z]{3})[a-z]*\.?[- ](\d{4}),?[T ]+(\d{1,2}:\d{2}:\d{2}(?:[.,]\d+)?)\Z"
)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
# Full scales of common accelerometers: ±2 g to ±16 g in 10 to 16 bits.
_USUAL_COUNTS = (32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384)
_NEAR = 0.15
_VIGOROUS = 0.5

Floats = npt.NDArray[np.float64]


def spelled(text: str) -> str:
    """g, mg or m/s^2 however it is written; '' if it is none of them."""
    return _SPELLED.get(text.strip().lower(), "")


def time_spelled(text: str) -> str:
    """s, ms, us or ns however it is written; '' if it is none of them."""
    return _TIMES.get(text.strip().lower(), "")


def to_g(text: str) -> float:
    """What one of this unit is in g; raises DatasetError."""
    counts = _COUNTS.match(text)
    if counts is not None and float(counts[1]) > 0:
        return 1.0 / float(counts[1])
    if not spelled(text):
        raise DatasetError(
            f"--unit {text[:40]!r} is not one of {', '.join(TO_G)} or COUNTS/g, such as 16384/g"
        )
    return TO_G[spelled(text)]


def guess(norms: Floats, *, is_steady: bool = False) -> str:
    """The unit in which a usual norm is 1 g, '' if there is no such; `norms` are medians of files.

    `is_steady`: most of it is one direction, so gravity is in it; then vigorous motion may be on top.
    """
    usual = float(np.median(norms))
    for unit, one in TO_G.items():
        # Of counts there is one in each octave; g and m/s² have no neighbour that near.
        near = _VIGOROUS if is_steady and unit != "mg" else _NEAR
        if abs(usual * one - 1.0) <= near:
            return unit
    for counts in _USUAL_COUNTS:
        if abs(usual / counts - 1.0) <= _NEAR:
            return f"{counts}/g"
    return ""


def mistaken(norm_g: float, mean_g: float, unit: str) -> str:
    """What the unit should have been, if it is off by 9.8 or by 1000; '' if there is no such sign.

    `norm_g` is the median norm, `mean_g` the norm of the mean: gravity stands still, so without it the mean
    is near 0 whatever the unit, and small values mean nothing.
    """
    if unit not in TO_G:
        return ""
    for other, one in TO_G.items():
        factor = one / TO_G[unit]
        is_near = abs(norm_g * factor - 1.0) <= _NEAR
        if other != unit and is_near and (factor < 1 or mean_g > 0.7 * norm_g):
            return other
    return ""


def time_unit(stamps: Floats) -> str:
    """s, ms, us or ns: by what stamps since 1970 must be, else by a rate that sensors have."""
    start, usual = (
        abs(float(stamps[0])),
        float(np.median(np.diff(np.unique(stamps)))) if len(stamps) > 1 else 0.0,
    )
    for unit, one in TIME_S.items():
        if 3e8 <= start * one <= 5e9 and usual * one < 100:
            return unit
    if usual < 0.5:
        return "s"
    return "ms" if usual < 900 else "us" if usual < 900_000 else "ns"


def _local_s(found: re.Match[str]) -> float | None:
    """Of day, month and year in any order: only differences count, so swapping two does no harm."""
    first, second, third = int(found[1]), int(found[3]), int(found[4])
    year, month, day = (first, second, third) if len(found[1]) == 4 else (third, first, second)
    if month > 12 or (found[2] == "." and len(found[1]) < 4):
        month, day = day, month
    hour = int(found[5]) % 12 + (12 if found[8] in ("PM", "pm") else 0) if found[8] else int(found[5])
    try:
        days = date(year + 2000 if year < 100 else year, month, day).toordinal()
    except ValueError:
        return None
    return days * 86400.0 + hour * 3600 + int(found[6]) * 60 + float(found[7].replace(",", "."))


def iso_s(text: str) -> float | None:
    """Seconds of a date and time, or time of day, of ISO 8601 or as 31.12.2024 12:00:00,5; None if none."""
    text = text.strip()
    named = _NAMED_DATE.match(text)
    if named is not None and named[2].lower() in _MONTHS:
        month = _MONTHS.index(named[2].lower()) + 1
        text = f"{named[3]}-{month:02d}-{int(named[1]):02d} {named[4]}"
    local = _LOCAL_DATE.match(text)
    if local is not None:
        return _local_s(local)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        try:
            of_day = time.fromisoformat(text)
        except ValueError:
            return None
        return of_day.hour * 3600 + of_day.minute * 60 + of_day.second + of_day.microsecond * 1e-6
    if len(text) < 11:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
