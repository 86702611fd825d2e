"""One file of motion as it is, in g at its own rate: for a scene of the virtual board."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from .. import resampling
from ..errors import DatasetError
from . import reading, units
from .parts import source_hz, stamps_s
from .source import Source
from .table import Floats


def motion(path: Path) -> tuple[Floats, float]:
    """(n, 3) in g, and its rate in Hz; columns, unit and time as `midge import` guesses them."""
    how = Source()
    table = reading.read(path, str(path), how)
    if table.stamps is None and table.rate_hz is None:
        raise DatasetError(
            f"{path}: it has no time column; make a recording of it first: midge import {path} "
            "--into DATASET --rate HZ --label L"
        )
    unit = table.unit or units.guess(np.linalg.norm(table.samples, axis=1))
    if not unit:
        raise DatasetError(f"{path}: which unit? make a recording of it first: midge import … --unit U")
    samples_g = table.samples * units.to_g(unit)
    if table.stamps is None:
        return samples_g, source_hz(table, str(path), how)
    time_s = stamps_s(table, str(path), slice(0, len(samples_g)), how, 1.0)
    if time_s[-1] == time_s[0]:
        raise DatasetError(f"{path}: all samples are of one time; a scene needs a course of motion")
    rate_hz = float(f"{resampling.usual_hz(time_s):.4g}")
    return resampling.resample(time_s, samples_g, rate_hz).samples, rate_hz
