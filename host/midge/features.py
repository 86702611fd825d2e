"""Features of motion windows: their names, their scales, and the C that computes them, run on the host.

A new statistic is one C function in `firmware/native/` (declared in motion.h) and one row in `STATISTICS`.
"""

from __future__ import annotations

import ctypes
import difflib
import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from . import assets
from .errors import DatasetError, RecipeError

MOTION_CHANNELS = ("x", "y", "z")
MAGNITUDE = "m"
MAX_WINDOW_SAMPLES = 16384
# window.h
MAGNITUDE_SOURCE = 0xFF
STATE_HEAD_BYTES = 16

KERNEL_FILES = ("motion.h", "motion_statistics.c", "integer_root.h", "integer_root.c", "window.h", "window.c")

Int16Array = npt.NDArray[np.int16]


@dataclass(frozen=True)
class Statistic:
    """One statistic of one row of samples.

    `scale` says what one unit of the int16 result means: 'sample' (LSB of the samples) or 'count'.
    """

    function: str
    scale: str
    summary: str


STATISTICS: dict[str, Statistic] = {
    "mean": Statistic("motion_mean", "sample", "arithmetic mean"),
    "std": Statistic("motion_std", "sample", "standard deviation"),
    "min": Statistic("motion_min", "sample", "smallest sample"),
    "max": Statistic("motion_max", "sample", "largest sample"),
    "range": Statistic("motion_range", "sample", "largest minus smallest sample"),
    "rms": Statistic("motion_rms", "sample", "root of the mean square"),
    "mc": Statistic("motion_mc", "count", "crossings of the mean"),
    "jerk": Statistic("motion_jerk", "sample", "mean absolute difference of neighbours"),
}

_NAME = re.compile(r"(?P<channel>[a-z]+)\.(?P<statistic>[a-z]+)(?:@(?P<part>\d{1,4})/(?P<parts>\d{1,4}))?\Z")


@dataclass(frozen=True)
class Feature:
    """One feature: `statistic` of `channel` over part `part` (from 1) of `parts` of the window."""

    channel: str
    statistic: str
    part: int = 1
    parts: int = 1

    def span(self, length: int) -> tuple[int, int]:
        """First sample and number of samples in a window of `length` samples."""
        first = (self.part - 1) * length // self.parts
        return first, self.part * length // self.parts - first

    def scale(self, lsb_per_unit: float) -> float:
        """int16 steps per unit (per g, or per crossing)."""
        return float(lsb_per_unit) if STATISTICS[self.statistic].scale == "sample" else 1.0


@dataclass(frozen=True)
class Step:
    """How the C computes one feature: `function` over `n_samples` from `first` of row `row`."""

    row: int
    first: int
    n_samples: int
    statistic: str


@dataclass(frozen=True)
class Plan:
    """A front end in terms of the kernels: the rows to store (their sources) and one step a feature."""

    length: int
    n_channels: int
    row_sources: tuple[int, ...]
    steps: tuple[Step, ...]

    @property
    def state_bytes(self) -> int:
        """Bytes of the caller's state, a multiple of 8."""
        return (STATE_HEAD_BYTES + 2 * self.length * len(self.row_sources) + 7) // 8 * 8


def _nearest(word: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.4)
    return f"; did you mean {close[0]!r}?" if close else f"; known: {', '.join(known)}"


def parse(name: str, channels: Sequence[str] = MOTION_CHANNELS) -> Feature:
    """The feature called `name` (`x.mean`, `m.std@2/4`); raises RecipeError naming the part that is wrong."""
    match = _NAME.match(name)
    if match is None:
        raise RecipeError(f"feature {name!r} is not CHANNEL.STATISTIC or CHANNEL.STATISTIC@K/N")
    channel, statistic = match["channel"], match["statistic"]
    known = [*channels, *([MAGNITUDE] if len(channels) >= len(MOTION_CHANNELS) else [])]
    if channel not in known:
        raise RecipeError(f"feature {name!r}: no channel {channel!r}{_nearest(channel, known)}")
    if statistic not in STATISTICS:
        raise RecipeError(f"feature {name!r}: no statistic {statistic!r}{_nearest(statistic, [*STATISTICS])}")
    part, parts = int(match["part"] or 1), int(match["parts"] or 1)
    if not 1 <= part <= parts:
        raise RecipeError(f"feature {name!r}: there is no part {part} of {parts}; parts count from 1")
    return Feature(channel, statistic, part, parts)


def plan(names: Sequence[str], length: int, channels: Sequence[str] = MOTION_CHANNELS) -> Plan:
    """How the kernels compute `names` over windows of `length` samples; raises RecipeError.

    Only the channels that a feature reads get a row.
    """
    if not 1 <= length <= MAX_WINDOW_SAMPLES:
        raise RecipeError(f"a window of {length} samples; it must have 1 to {MAX_WINDOW_SAMPLES}")
    wanted = [parse(name, channels) for name in names]
    order = [*channels, MAGNITUDE]
    stored = sorted({feature.channel for feature in wanted}, key=order.index)
    steps = []
    for name, feature in zip(names, wanted, strict=True):
        first, n_samples = feature.span(length)
        if n_samples < 1:
            raise RecipeError(f"feature {name!r}: a window of {length} samples has no {feature.parts} parts")
        steps.append(Step(stored.index(feature.channel), first, n_samples, feature.statistic))
    sources = (
        MAGNITUDE_SOURCE if channel == MAGNITUDE else list(channels).index(channel) for channel in stored
    )
    return Plan(length, len(channels), tuple(sources), tuple(steps))


def scales(
    names: Sequence[str], lsb_per_unit: float, channels: Sequence[str] = MOTION_CHANNELS
) -> list[float]:
    """int16 steps per unit of each feature, for samples of `lsb_per_unit` (LSB per g)."""
    return [parse(name, channels).scale(lsb_per_unit) for name in names]


def kernel_sources() -> dict[str, str]:
    """The C of the front end, file name → text, as it goes into every module that has one."""
    folder = assets.native_folder()
    return {name: (folder / name).read_text(encoding="utf-8") for name in KERNEL_FILES}


class _Shape(ctypes.Structure):
    """window_shape of window.h"""

    _fields_ = [
        ("magic", ctypes.c_uint32),
        ("length", ctypes.c_int32),
        ("hop", ctypes.c_int32),
        ("n_channels", ctypes.c_int32),
        ("n_rows", ctypes.c_int32),
        ("row_sources", ctypes.c_void_p),
    ]


@functools.cache
def _library() -> Any:
    """The kernels compiled for this machine, with the batch driver."""
    from .compile import toolchain

    folder = assets.native_folder()
    functions = ", ".join(statistic.function for statistic in STATISTICS.values())
    sources = kernel_sources()
    for name in ("host.h", "host_features.c"):
        sources[name] = (folder / name).read_text(encoding="utf-8")
    sources["host_statistics.h"] = (
        '#include "motion.h"\n'
        f"static int16_t (*const STATISTICS[])(const int16_t *, int32_t) = {{ {functions} }};\n"
    )
    library = ctypes.CDLL(str(toolchain.host_library(sources)))
    library.host_features.restype = ctypes.c_int32
    return library


def extract(
    names: Sequence[str], windows: npt.ArrayLike, channels: Sequence[str] = MOTION_CHANNELS
) -> Int16Array:
    """Features of windows, by the very C that runs on the board.

    Parameters
    ----------
    names
        features, as in a recipe
    windows
        int16 (n_windows, length, n_channels), canonical samples
    channels
        the channels in order

    Returns
    -------
    int16 (n_windows, n_features)

    Raises
    ------
    RecipeError
        a name that is not a feature
    DatasetError
        windows of another shape or type
    """
    samples = np.asarray(windows)
    if samples.ndim != 3 or samples.shape[2] != len(channels):
        raise DatasetError(
            f"windows have the shape {samples.shape}; it must be (windows, samples, {len(channels)})"
        )
    if samples.dtype != np.int16:
        raise DatasetError(f"windows are {samples.dtype}; canonical samples are int16")
    samples = np.ascontiguousarray(samples)
    steps = plan(names, samples.shape[1], channels)
    features = np.zeros((len(samples), len(names)), np.int16)
    if not features.size:
        return features
    ids = list(STATISTICS)
    table = np.array(
        [(step.row, step.first, step.n_samples, ids.index(step.statistic)) for step in steps.steps], np.int32
    )
    sources = np.array(steps.row_sources, np.uint8)
    state = np.zeros(steps.state_bytes // 8, np.uint64)
    shape = _Shape(0, steps.length, steps.length, steps.n_channels, len(sources), sources.ctypes.data)
    status = _library().host_features(
        ctypes.c_void_p(samples.ctypes.data),
        ctypes.c_int32(len(samples)),
        ctypes.byref(shape),
        ctypes.c_void_p(table.ctypes.data),
        ctypes.c_int32(len(names)),
        ctypes.c_void_p(state.ctypes.data),
        ctypes.c_void_p(features.ctypes.data),
    )
    assert status == 0, "a plan made here is always possible"
    return features
