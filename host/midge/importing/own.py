"""A recording of midge's own, to be imported at another rate or range: its sidecar says everything."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from .. import recording
from ..recording import MOTION_CHANNELS, SOUND
from .table import Table

_MARK = b'"midge_recording"'


def is_sidecar(path: Path) -> bool:
    """Whether a JSON file is the sidecar of a recording."""
    if path.suffix != ".json" or not path.is_file():
        return False
    with path.open("rb") as file:
        return _MARK in file.read(200)


def read(path: Path, *, has_gyro: bool = True) -> Table:
    """The recording whose samples are at `path`, without a gyroscope's if so; raises DatasetError."""
    item = recording.load(path)
    n_channels = len(item.channels) if has_gyro else min(len(item.channels), len(MOTION_CHANNELS))
    n = len(item.samples)
    index = np.arange(n)
    for gap in item.gaps:
        index[gap.at :] += gap.lost if gap.at else 0
    is_sound = item.kind == SOUND
    return Table(
        item.samples[:, :n_channels] / recording.scales(item)[:n_channels],
        np.arange(1, n + 1),
        index=index if item.lost else None,
        words={"group": [item.group] * n} if item.group else {},
        rate_hz=item.rate_hz,
        unit=item.unit,
        gyro_unit="deg/s" if n_channels > len(MOTION_CHANNELS) else "",
        label=item.label,
        kind=item.kind,
        says=("midge's own recordings",),
        pcm=item.samples[:, 0] if is_sound else None,
    )
