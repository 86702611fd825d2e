"""Filters in front of a window: their coefficients, and what they make of a stretch by the C of the board."""

from __future__ import annotations

import ctypes
import functools
import math
from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from .errors import RecipeError

if TYPE_CHECKING:
    from .features import Sampling

_STATE_HEAD_BYTES, _MEMORY_BYTES = 8, 16


@dataclass(frozen=True)
class Section:
    """filter_section of filter.h: a Butterworth filter of second order, by the bilinear transform."""

    b0: int
    b1: int
    b2: int
    a1: int
    a2: int
    passes_rest: int

    @classmethod
    def of(cls, cutoff_hz: float, rate_hz: float, *, is_lowpass: bool) -> Section:
        """3 dB down at `cutoff_hz`, which is below half of `rate_hz`."""
        k = math.tan(math.pi * cutoff_hz / rate_hz)
        share = 1 / (1 + math.sqrt(2) * k + k * k)
        b = (k * k * share) if is_lowpass else share
        values = (b, 2 * b if is_lowpass else -2 * b, b, 2 * (k * k - 1) * share)
        b0, b1, b2, a1 = (round(value * (1 << 28)) for value in values)
        a2 = round((1 - math.sqrt(2) * k + k * k) * share * (1 << 28))
        return cls(b0, b1, b2, a1, a2, int(is_lowpass))

    @classmethod
    def all_of(cls, sampling: Sampling) -> tuple[Section, ...]:
        """Those that samples go through; raises RecipeError for a cutoff that the rate can't have."""
        made = []
        for name, cutoff_hz in (("highpass_hz", sampling.highpass_hz), ("lowpass_hz", sampling.lowpass_hz)):
            if not cutoff_hz:
                continue
            if not 0.001 * sampling.rate_hz <= cutoff_hz <= 0.45 * sampling.rate_hz:
                raise RecipeError(
                    f"{name} {cutoff_hz:g}: at {sampling.rate_hz:g} Hz it must be "
                    f"{0.001 * sampling.rate_hz:g} to {0.45 * sampling.rate_hz:g}"
                )
            made.append(cls.of(cutoff_hz, sampling.rate_hz, is_lowpass=name == "lowpass_hz"))
        return tuple(made)


def state_bytes(sections: tuple[Section, ...], n_channels: int) -> int:
    """Bytes of a filter_state of filter.h; 0 without sections."""
    return _STATE_HEAD_BYTES + _MEMORY_BYTES * len(sections) * n_channels if sections else 0


@functools.cache
def _library() -> ctypes.CDLL:
    from .compile import native_sources, toolchain

    return ctypes.CDLL(str(toolchain.host_library({"host_filter.c": native_sources.read("host_filter.c")})))


def filtered(samples: npt.NDArray[np.int16], sampling: Sampling) -> npt.NDArray[np.int16]:
    """Samples int16 (n, channels) as they leave the filters, which begin at rest; themselves without any.

    Raises RecipeError as `Section.all_of`.
    """
    sections = Section.all_of(sampling)
    if not sections or not samples.size:
        return samples
    given = np.ascontiguousarray(samples, np.int16)
    made = np.empty_like(given)
    coefficients = np.array([astuple(section) for section in sections], np.int32)
    state = np.zeros(state_bytes(sections, given.shape[1]) // 8, np.uint64)
    _library().host_filter(
        ctypes.c_void_p(coefficients.ctypes.data),
        ctypes.c_int32(len(sections)),
        ctypes.c_void_p(given.ctypes.data),
        ctypes.c_int32(len(given)),
        ctypes.c_int32(given.shape[1]),
        ctypes.c_void_p(state.ctypes.data),
        ctypes.c_void_p(made.ctypes.data),
    )
    return made
