"""A first look at a few of the files: the unit and the rate of them all, where nobody said them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from .. import recording, resampling, sensor_rates
from ..errors import DatasetError
from . import gyro, reading, units
from .source import Source
from .table import Table

PROBED = 9
_SHOWN = 3
# Paces of one kind of sensor are that near to each other.
_ALIKE = 1.1
# What sensors and people call their rates; a pace that is this near to one means it.
_USUAL_HZ = (1, 2, 4, 5, 8, 10, 12.5, 16, 20, 25, 26, 30, 31.25, 32, 40, 50, 52, 60, 62.5, 64, 75, 80,
             100, 104, 119, 120, 125, 128, 200, 208, 238, 240, 250, 256, 400, 416, 476, 500, 512, 800,
             833, 952, 1000, 1024, 1344, 1600, 2000, 3200, 6400)  # fmt: skip
_NEAR = 0.015
# Gravity makes up so much of a usual acceleration, or may not be in it at all.
_STEADY = 0.5
_SENSIBLE_HZ = (2.0, 20_000.0)


@dataclass(frozen=True)
class FirstLook:
    """`how` with unit and rate where they can be told; what was assumed, for the person to check."""

    how: Source
    kind: str
    assumed: tuple[str, ...]


def look(wanted: Sequence[tuple[Path, str, dict[str, str]]], how: Source, into: Path) -> FirstLook:
    """Raises DatasetError if no unit fits or rates differ; bad files are left to the stage."""
    tables: list[tuple[str, Table]] = []
    for path, where, _ in wanted[:: max(1, len(wanted) // PROBED)]:
        try:
            tables.append((where, reading.read(path, where, how)))
        except DatasetError:
            continue
    says = Counter(text for _, table in tables for text in table.says)
    assumed = [text for text, _ in says.most_common(_SHOWN)]
    unit, why = _unit([table for _, table in tables], how, wanted[0][1])
    if why:
        assumed.append(why)
    gyro_unit, why = gyro.unit(
        [table for _, table in tables], how.gyro_unit, how.rate_hz, trust=how.trust_unit
    )
    if why:
        assumed.append(why)
    rate_hz, why = _rate_hz([table for _, table in tables], how, into, wanted[0][1])
    if why:
        assumed.append(why)
    kind = tables[-1][1].kind if tables else "motion"
    return FirstLook(replace(how, unit=unit, gyro_unit=gyro_unit, to_hz=rate_hz), kind, tuple(assumed))


def _unit(tables: Sequence[Table], how: Source, first: str) -> tuple[str, str]:
    """Unit and why: what the files say, else what makes gravity 1 g."""
    motion = [table for table in tables if table.kind == "motion"]
    if how.unit != units.AUTO or not motion:
        return how.unit, ""
    norms = np.array([float(np.median(np.linalg.norm(table.samples[:, :3], axis=1))) for table in motion])
    said = Counter(table.unit for table in motion).most_common(1)[0][0]
    if said:
        return said, f"unit {said}: the files say so"
    usual = float(np.median(norms))
    if not usual:
        raise DatasetError(
            f"{first}: x, y and z are 0: a sensor that is off, or other columns? --columns tells"
        )
    means = np.array([float(np.linalg.norm(table.samples[:, :3].mean(axis=0))) for table in motion])
    guessed = units.guess(norms, is_steady=bool(np.median(means) > _STEADY * usual))
    if not guessed:
        raise DatasetError(
            f"{first} row 1: which unit? the usual acceleration is {usual:.4g}, which is 1 g in "
            "none that midge knows; give --unit g, mg, m/s^2 or COUNTS/g"
        )
    return guessed, f"unit {guessed}: the usual acceleration is {usual:.4g}"


def _rate_hz(tables: Sequence[Table], how: Source, into: Path, first: str) -> tuple[float | None, str]:
    """Rate and why, for files with time stamps: the dataset's, else the pace of their time stamps.

    Raises DatasetError if those differ.
    """
    stamped = [table for table in tables if table.stamps is not None]
    if how.to_hz is not None or how.rate_hz is not None or not stamped or len(stamped) < len(tables):
        return how.to_hz, ""
    there = next(iter(recording.find(into)), None) if into.is_dir() else None
    if there is not None:
        rate_hz = recording.describe(there)[0].rate_hz
        return rate_hz, f"rate {rate_hz:g} Hz: as what is in {into} already"
    paces = [pace for table in stamped if (pace := _pace_hz(table)) is not None]
    if not paces:
        return None, ""
    if max(paces) > _ALIKE * min(paces):
        raise DatasetError(
            f"{first}: which rate shall the dataset have? the files' time stamps are at {min(paces):.4g} to "
            f"{max(paces):.4g} Hz; give --resample HZ, or --app APP"
        )
    pace = float(np.median(paces))
    if not _SENSIBLE_HZ[0] <= pace <= _SENSIBLE_HZ[1]:
        return None, ""
    rate_hz = round_hz(pace)
    advice = "--resample HZ for another"
    if not sensor_rates.is_usual(rate_hz):
        advice = f"sensors of boards have --resample {sensor_rates.usual_below(rate_hz)}"
    return rate_hz, f"rate {rate_hz:g} Hz: the time stamps are at {pace:.4g} Hz ({advice})"


def round_hz(pace_hz: float) -> float:
    """The rate that a pace means: a usual one if one is near, else whole Hz."""
    usual = min(_USUAL_HZ, key=lambda hz: abs(pace_hz / hz - 1))
    return float(usual if abs(pace_hz / usual - 1) <= _NEAR else max(1, round(pace_hz)))


def _pace_hz(table: Table) -> float | None:
    assert table.stamps is not None
    unit = table.stamp_unit or units.time_unit(table.stamps)
    seconds = (table.stamps - table.stamps[0]) * units.TIME_S[unit]
    if len(seconds) < 2 or not np.any(np.diff(seconds) > 0):
        return None
    pace = resampling.usual_hz(seconds)
    return pace if np.isfinite(pace) and pace > 0 else None
