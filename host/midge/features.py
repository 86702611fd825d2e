"""How features of motion windows are computed: a plan in terms of the kernels, and its C on the host."""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from . import filtering
from .errors import DatasetError, RecipeError
from .feature_names import (
    DERIVED,
    MAGNITUDE,
    ROTATION,
    SEGMENT,
    SPECTRAL,
    STATISTICS,
    STEPS_PER_HZ,
    Feature,
    Sampling,
    Statistic,
    parse,
    rows_of,
)
from .filtering import Section
from .recording import GYRO_CHANNELS, MOTION_CHANNELS

if TYPE_CHECKING:
    from .features_sound import SoundPlan

__all__ = [
    "DERIVED",
    "GYRO_CHANNELS",
    "LARGEST_FFT",
    "LEAST_FFT",
    "MAGNITUDE",
    "MOTION_CHANNELS",
    "ROTATION",
    "STATISTICS",
    "STEPS_PER_HZ",
    "Feature",
    "Plan",
    "Sampling",
    "Segmenter",
    "Step",
    "extract",
    "parse",
    "plan",
    "rows_of",
    "scales",
]

MAX_WINDOW_SAMPLES = 16384
# window.h
MAGNITUDE_SOURCE, ROTATION_SOURCE = 0xFF, 0xFE
STATE_HEAD_BYTES = 16
# Sizes that fft.h has, as powers of two.
LEAST_FFT, LARGEST_FFT = 4, 10

Int16Array = npt.NDArray[np.int16]


@dataclass(frozen=True)
class Step:
    """How the C computes one feature.

    `rows` are indices into the plan's rows, `feature` what over; `first`, `n_samples` bound it in a window
    that is not cut to its motion; `bins` are those of a band.
    """

    rows: tuple[int, ...]
    feature: Feature
    first: int
    n_samples: int
    bins: tuple[int, int] = (0, 0)

    @property
    def statistic(self) -> Statistic:
        return STATISTICS[self.feature.statistic]


@dataclass(frozen=True)
class Segmenter:
    """motion_segmenter of motion.h"""

    step: int
    smooth: int
    join: int
    margin: int
    floor: int
    share: int

    @classmethod
    def of(cls, sampling: Sampling) -> Segmenter:
        """In samples and LSB of this sampling."""
        rate_hz = sampling.rate_hz
        return cls(
            step=max(1, round(0.05 * rate_hz)),
            smooth=2 * max(1, round(0.075 * rate_hz)) + 1,
            join=max(1, round(0.5 * rate_hz)),
            margin=max(1, round(0.05 * rate_hz)),
            # A hand at rest shakes by 0.01 to 0.03 g.
            floor=max(1, round(0.05 * sampling.lsb_per_g)),
            share=26,
        )


@dataclass(frozen=True)
class Plan:
    """A front end in terms of the kernels.

    `row_sources`: of the rows filled as samples come; `derived`: names in `DERIVED` of the rows made of a
    full window, which follow them; `segmenter`: cuts a window to its motion, None to take all of it;
    `log2_fft`: of the spectra, 0 if there are none.
    """

    length: int
    n_channels: int
    row_sources: tuple[int, ...]
    derived: tuple[str, ...]
    steps: tuple[Step, ...]
    segmenter: Segmenter | None
    log2_fft: int
    rate_hz: float
    acceleration: tuple[int, ...]
    sections: tuple[Section, ...] = ()

    @property
    def rows_bytes(self) -> int:
        """Bytes of head and rows, a multiple of 8."""
        rows = len(self.row_sources) + len(self.derived)
        return (STATE_HEAD_BYTES + 2 * self.length * rows + 7) // 8 * 8

    @property
    def state_bytes(self) -> int:
        """Bytes of the caller's state, a multiple of 8."""
        return self.filter_at + filtering.state_bytes(self.sections, self.n_channels)

    @property
    def filter_at(self) -> int:
        """Where in the state the filters' memory is: behind the rows and the room for spectra."""
        if not self.log2_fft:
            return self.rows_bytes
        size = 1 << self.log2_fft
        return (self.rows_bytes + 2 * size + 4 * (size // 2 + 1) + 7) // 8 * 8


def plan(
    names: Sequence[str],
    length: int,
    channels: Sequence[str] = MOTION_CHANNELS,
    *,
    sampling: Sampling | None = None,
    segment: bool = False,
) -> Plan | SoundPlan:
    """How the kernels compute `names` over windows of `length` samples; raises RecipeError.

    Sound, as its `sampling` tells, has a front end of its own: see `features_sound`. Of motion
    only the channels that a feature reads get a row. `segment`: everything but spectra is of the stretch of
    motion in the window, wherever it lies and however long it is.
    """
    from . import features_sound as sound

    if isinstance(sampling, sound.SoundSampling):
        return sound.plan(names, length, sampling)
    if not 1 <= length <= MAX_WINDOW_SAMPLES:
        raise RecipeError(f"a window of {length} samples; it must have 1 to {MAX_WINDOW_SAMPLES}")
    sampling = sampling or Sampling()
    wanted = [parse(name, channels) for name in names]
    read = {row for feature in wanted for row in feature.channels} - {SEGMENT}
    derived = tuple(row for row in DERIVED if row in read)
    needs_motion = bool(derived) or segment or any(feature.statistic == "tilt" for feature in wanted)
    if needs_motion:
        if not set(MOTION_CHANNELS) <= set(channels):
            raise RecipeError("segment, tilt, v, h and l need the channels x, y and z")
        read |= set(MOTION_CHANNELS)
    order = [*channels, MAGNITUDE, ROTATION]
    stored = sorted(read - set(DERIVED), key=order.index)
    rows = [*stored, *derived]
    is_spectral = any(STATISTICS[feature.statistic].form in SPECTRAL for feature in wanted)
    log2_fft = min(LARGEST_FFT, length.bit_length() - 1) if is_spectral else 0
    if is_spectral and log2_fft < LEAST_FFT:
        raise RecipeError(f"a window of {length} samples has no spectrum; make it {1 << LEAST_FFT} or more")
    steps = []
    for name, feature in zip(names, wanted, strict=True):
        first, n_samples = feature.span(length)
        if n_samples < 1 and not segment and feature.statistic != "course":
            raise RecipeError(f"feature {name!r}: a window of {length} samples has no {feature.parts} parts")
        bins = _bins(name, feature, log2_fft, sampling.rate_hz)
        at = tuple(rows.index(row) for row in feature.channels if row != SEGMENT)
        steps.append(Step(at, feature, first, n_samples, bins))
    fixed = {MAGNITUDE: MAGNITUDE_SOURCE, ROTATION: ROTATION_SOURCE}
    return Plan(
        length=length,
        n_channels=len(channels),
        row_sources=tuple(
            fixed[row] if row in fixed and row not in channels else list(channels).index(row)
            for row in stored
        ),
        derived=derived,
        steps=tuple(steps),
        segmenter=Segmenter.of(sampling) if segment else None,
        log2_fft=log2_fft,
        rate_hz=sampling.rate_hz,
        acceleration=tuple(rows.index(row) for row in MOTION_CHANNELS) if needs_motion else (),
        sections=Section.all_of(sampling),
    )


def _bins(name: str, feature: Feature, log2_fft: int, rate_hz: float) -> tuple[int, int]:
    """The bins whose middle lies in the band; raises RecipeError if there is none."""
    if STATISTICS[feature.statistic].form != "band":
        return 0, 0
    size = 1 << log2_fft
    first = max(1, -int(-feature.low * size // rate_hz))
    # A border belongs to the upper band, but for the last.
    last = min(size // 2, -int(-feature.high * size // rate_hz) - (feature.high < rate_hz / 2))
    if first > last:
        raise RecipeError(
            f"feature {name!r}: no frequency of a window at {rate_hz:g} Hz lies between {feature.low:g} and "
            f"{feature.high:g} Hz; its steps are {rate_hz / size:.3g} Hz, up to {rate_hz / 2:g} Hz"
        )
    return first, last


def scales(
    names: Sequence[str], sampling: Sampling | float, channels: Sequence[str] = MOTION_CHANNELS
) -> list[float]:
    """int16 steps per unit of each feature; of `sampling` the steps per g do if there is no gyroscope."""
    if not isinstance(sampling, Sampling):
        sampling = Sampling(lsb_per_g=float(sampling))
    from . import features_sound as sound

    if isinstance(sampling, sound.SoundSampling):
        return [sound.parse(name, sampling).scale for name in names]
    return [parse(name, channels).scale(sampling) for name in names]


@functools.lru_cache(maxsize=32)
def _library(steps: Plan | SoundPlan) -> ctypes.CDLL:
    """The front end as C for this machine: the text that a module gets as well."""
    from .compile import c99_frontend, native_sources, toolchain

    sources = {
        "model_config.h": c99_frontend.config(steps),
        "model.c": '#include "midge_model.h"\n' + c99_frontend.code(steps, steps.length, 1),
        "host_features.c": native_sources.read("host_features.c"),
    }
    library = ctypes.CDLL(str(toolchain.host_library(sources)))
    library.host_features.restype = ctypes.c_int32
    return library


def extract(
    names: Sequence[str],
    windows: npt.ArrayLike,
    channels: Sequence[str] = MOTION_CHANNELS,
    *,
    sampling: Sampling | None = None,
    segment: bool = False,
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
    sampling
        rate and scale of the samples: what frequencies and rest are
    segment
        features of the stretch of motion in each window alone

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
    steps = plan(names, samples.shape[1], channels, sampling=sampling, segment=segment)
    features = np.zeros((len(samples), len(names)), np.int16)
    if not features.size:
        return features
    state = np.zeros(steps.state_bytes // 8, np.uint64)
    status = _library(steps).host_features(
        ctypes.c_void_p(samples.ctypes.data),
        ctypes.c_int32(len(samples)),
        ctypes.c_int32(steps.length),
        ctypes.c_void_p(state.ctypes.data),
        ctypes.c_void_p(features.ctypes.data),
    )
    assert status == 0, "a plan made here is always possible"
    return features
