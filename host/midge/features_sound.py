"""Features of sound: their names, how the kernels compute them, and the tables of the mel analysis.

A word may lie anywhere in its window, be loud or quiet, quick or slow: features are of the stretch that
sounds, in equal parts. `bN` is the level of mel band N, `cN` cepstral coefficient N. With `room_db` set,
levels count from that far above the room's, band by band, so that fans and hum are no part of a word.

| name | meaning |
|---|---|
| `c3.course@2/8` | mean over part 2 of 8 |
| `c3.contour@2/8` | the same less the mean of all parts: loudness and a microphone's colour are gone |
| `c3.spread:8` | standard deviation of the means of 8 parts |
| `f12.b3`, `f12.c3` | of frame 12 of the window, whatever sounds there; less the mean level of the window |
| `seg.length`, `seg.contrast` | frames of the stretch, in 64ths; loudest frame less the room |
| `seg.before`, `seg.after` | frames around it, 4 at most, in 64ths; 0: the window cuts the word off |
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .errors import RecipeError
from .features import Sampling

SOUND_CHANNELS = ("sound",)
SEGMENT = "seg"
STATISTICS = ("course", "contour", "spread")
FRAME = "frame"
OF_SEGMENT = ("length", "contrast", "before", "after")
# More frames than that around a word say nothing: it is not cut off.
MOST_AROUND = 4
# SOUND_FRAME and SOUND_MOST_FRAMES of sound_features.h
LSB_PER_FRAME, MOST_FRAMES = 64.0, 511
MOST_PARTS = 32
MOST_BANDS = 64
MOST_CEPSTRA = 32
MOST_ROOM_DB = 30.0
# Steps of a level a dB: 256 to a doubling of power.
LSB_PER_DB = 256 / (10 * math.log10(2))
# sound_state of sound.h
STATE_HEAD_BYTES = 16
MAX_WINDOW_SAMPLES = 1 << 17
# What is finer in a spectrum than this tells voices apart rather than words.
MEL_A_CEPSTRUM = 200
# Sizes that fft.h has, as powers of two.
LEAST_LOG2, LARGEST_LOG2 = 5, 10

# Of the way from the room to the loudest frame, in 256ths: what is above belongs to the word.
USUAL_SHARE = 90

_FRAME_NAME = re.compile(r"f(?P<frame>\d{1,5})\.(?P<row>[bc])(?P<number>\d{1,2})\Z")
_NAME = re.compile(
    r"(?P<row>[bc])(?P<number>\d{1,2})\.(?P<statistic>[a-z]+)"
    r"(?:@(?P<part>\d{1,2})/(?P<parts>\d{1,2})|:(?P<of>\d{1,2}))\Z"
)


@dataclass(frozen=True)
class SoundSampling(Sampling):
    """What samples of sound are, and how they are analysed.

    A frame of 2^`log2_frame` samples every `step` samples, in `bands` mel bands from `low_hz` to `high_hz`.
    A word is what is louder than `word_share` 256ths of the way from the room to its loudest frame.
    `room_db`: levels count from so far above the room's, None: as they are.
    """

    lsb_per_g: float = 32768.0
    log2_frame: int = 9
    step: int = 320
    bands: int = 32
    low_hz: float = 80.0
    high_hz: float = 7600.0
    word_share: int = USUAL_SHARE
    room_db: float | None = None

    @classmethod
    def usual(cls, rate_hz: float, *, bands: int = 32, step_ms: float = 20.0, **more: Any) -> SoundSampling:
        """Frames of about 32 ms; bands up to where the sensor's filter begins."""
        return cls(
            rate_hz=float(rate_hz),
            log2_frame=int(np.clip(round(math.log2(0.032 * rate_hz)), LEAST_LOG2, LARGEST_LOG2)),
            step=max(1, round(step_ms * rate_hz / 1000)),
            bands=bands,
            high_hz=min(7600.0, 0.475 * rate_hz),
            **more,
        )

    def check(self) -> str | None:
        """What is wrong with it, None if nothing."""
        size = 1 << self.log2_frame
        rules = (
            (
                LEAST_LOG2 <= self.log2_frame <= LARGEST_LOG2,
                f"a frame must have {1 << LEAST_LOG2} to {1 << LARGEST_LOG2} samples, a power of two",
            ),
            (1 <= self.step <= size, f"frames of {size} samples can't be {self.step} samples apart"),
            (
                self.bands % 2 == 0 and 4 <= self.bands <= MOST_BANDS,
                f"{self.bands} bands; there must be 4 to {MOST_BANDS}, an even number",
            ),
            (
                0 < self.low_hz < self.high_hz <= self.rate_hz / 2,
                f"bands from {self.low_hz:g} to {self.high_hz:g} Hz don't fit {self.rate_hz:g} Hz",
            ),
            (
                0 < self.word_share < 256,
                f"word_share {self.word_share / 256:g}; it must be above 0 and below 1",
            ),
            (
                self.room_db is None or 0 <= self.room_db <= MOST_ROOM_DB,
                f"room_db {self.room_db}; it must be 0 to {MOST_ROOM_DB:g}",
            ),
        )
        return next((wrong for is_right, wrong in rules if not is_right), None)


@dataclass(frozen=True)
class SoundFeature:
    """One feature: `statistic` of row `row` ('b', 'c' or 'seg') number `number`; `part` counts from 1.

    Statistic 'frame': the row itself in frame `part`, which counts from 0.
    """

    row: str
    number: int
    statistic: str
    part: int = 1
    parts: int = 1

    @property
    def scale(self) -> float:
        """int16 steps per dB, or per frame."""
        is_count = self.row == SEGMENT and self.statistic != "contrast"
        return LSB_PER_FRAME if is_count else LSB_PER_DB


@dataclass(frozen=True)
class SoundPlan:
    """A front end in terms of the kernels."""

    length: int
    steps: tuple[SoundFeature, ...]
    sampling: SoundSampling

    @property
    def n_channels(self) -> int:
        return 1

    @property
    def log2_fft(self) -> int:
        return self.sampling.log2_frame

    @property
    def frame(self) -> int:
        """Samples in a frame."""
        return 1 << self.sampling.log2_frame

    @property
    def n_frames(self) -> int:
        """Frames that lie in a window as a whole."""
        return (self.length - self.frame) // self.sampling.step + 1

    @property
    def n_scratch(self) -> int:
        """int16 values of scratch: a frame's transform, or loudness and the largest matrix of means."""
        rows = [self.rows_of(step) for step in self.steps if step.row != SEGMENT]
        return (max(self.frame, self.rows_at + max(rows, default=0) * self.sampling.bands) + 1) // 2 * 2

    def rows_of(self, step: SoundFeature) -> int:
        """Rows of the matrix that a feature is read from."""
        return self.n_frames if step.statistic == FRAME else step.parts

    @property
    def room_at(self) -> int:
        """Where in the scratch the room's levels are: behind the loudness of the frames, on a word."""
        return (self.n_frames + 1) // 2 * 2

    @property
    def rows_at(self) -> int:
        """Where the matrix of a feature is: behind the room."""
        return self.room_at + (0 if self.sampling.room_db is None else self.sampling.bands)

    @property
    def above_room(self) -> int:
        """`room_db` in steps of a level."""
        return round((self.sampling.room_db or 0.0) * LSB_PER_DB)

    @property
    def state_bytes(self) -> int:
        """Bytes of the caller's state, a multiple of 8."""
        values = self.frame + self.n_scratch + self.n_frames * self.sampling.bands
        return (STATE_HEAD_BYTES + 2 * values + 7) // 8 * 8

    @property
    def join_frames(self) -> int:
        """A pause inside a word, before a plosive, lasts at most so long: 160 ms."""
        return max(1, round(0.16 * self.sampling.rate_hz / self.sampling.step))

    @property
    def margin_frames(self) -> int:
        """What is too quiet to be found at a word's ends: 40 ms."""
        return max(1, round(0.04 * self.sampling.rate_hz / self.sampling.step))


def parse(name: str, sampling: SoundSampling) -> SoundFeature:
    """The feature called `name`; raises RecipeError naming the part that is wrong."""
    for statistic in OF_SEGMENT:
        if name == f"{SEGMENT}.{statistic}":
            return SoundFeature(SEGMENT, 0, statistic)
    of_frame = _FRAME_NAME.match(name)
    if of_frame is not None:
        return _of_frame(name, of_frame, sampling)
    match = _NAME.match(name)
    if match is None or match["statistic"] not in STATISTICS:
        raise RecipeError(
            f"feature {name!r} is none of sound: bN or cN with .course@K/N, .contour@K/N or .spread:N, "
            f"fT.bN, fT.cN, or {', '.join(f'{SEGMENT}.{statistic}' for statistic in OF_SEGMENT)}"
        )
    row, number, statistic = match["row"], int(match["number"]), match["statistic"]
    _check_row(name, row, number, sampling)
    if (statistic == "spread") != (match["of"] is not None):
        form = "spread:N" if statistic == "spread" else f"{statistic}@K/N"
        raise RecipeError(f"feature {name!r}: it is written {row}{number}.{form}")
    part, parts = int(match["part"] or 1), int(match["parts"] or match["of"])
    if not 1 <= part <= parts <= MOST_PARTS:
        raise RecipeError(f"feature {name!r}: parts count from 1 and there are at most {MOST_PARTS}")
    return SoundFeature(row, number, statistic, part, parts)


def _check_row(name: str, row: str, number: int, sampling: SoundSampling) -> None:
    rows = sampling.bands if row == "b" else min(MOST_CEPSTRA, sampling.bands)
    if number >= rows:
        raise RecipeError(f"feature {name!r}: rows are {row}0 to {row}{rows - 1}")


def _of_frame(name: str, match: re.Match[str], sampling: SoundSampling) -> SoundFeature:
    row, number = match["row"], int(match["number"])
    _check_row(name, row, number, sampling)
    return SoundFeature(row, number, FRAME, int(match["frame"]))


def plan(names: Sequence[str], length: int, sampling: SoundSampling) -> SoundPlan:
    """How the kernels compute `names` over windows of `length` samples; raises RecipeError."""
    wrong = sampling.check()
    if wrong is not None:
        raise RecipeError(wrong)
    if not 1 << sampling.log2_frame <= length <= MAX_WINDOW_SAMPLES:
        raise RecipeError(
            f"a window of {length} samples; it must have {1 << sampling.log2_frame} (one frame) to "
            f"{MAX_WINDOW_SAMPLES}"
        )
    made = SoundPlan(length, tuple(parse(name, sampling) for name in names), sampling)
    for name, step in zip(names, made.steps, strict=True):
        if step.statistic == FRAME and step.part >= made.n_frames:
            raise RecipeError(f"feature {name!r}: the window has frames 0 to {made.n_frames - 1}")
    return made


def usual_cepstra(sampling: SoundSampling) -> int:
    """As many cepstral coefficients as tell words apart: about ten at 8 kHz, thirteen at 16 kHz."""
    wide = mel(sampling.high_hz) - mel(sampling.low_hz)
    return min(MOST_CEPSTRA, sampling.bands, max(4, round(wide / MEL_A_CEPSTRUM)))


def names(n_cepstra: int = 16, parts: int = 10) -> tuple[str, ...]:
    """The usual set: what the word sounds like in its course, how it differs from an even sound."""
    rows = range(n_cepstra)
    return (
        *(f"c{row}.contour@{part}/{parts}" for part in range(1, parts + 1) for row in rows),
        *(f"c{row}.spread:{parts}" for row in rows),
        # The mean of coefficient 0 is nothing but loudness.
        *(f"c{row}.course@1/1" for row in rows if row),
        *(f"{SEGMENT}.{statistic}" for statistic in OF_SEGMENT),
    )


def frame_names(
    length: int, sampling: SoundSampling, row: str = "b", n: int | None = None
) -> tuple[str, ...]:
    """Every frame of a window of `length` samples, in turn: its first `n` bands or coefficients."""
    n_frames = max(0, (length - (1 << sampling.log2_frame)) // sampling.step + 1)
    rows = range(sampling.bands if n is None else min(n, sampling.bands))
    return tuple(f"f{frame}.{row}{number}" for frame in range(n_frames) for number in rows)


def mel(hz: float) -> float:
    """Mel of a frequency (O'Shaughnessy 1987, natural logarithm)."""
    return 1127 * math.log1p(hz / 700)


@functools.lru_cache(maxsize=8)
def bank(sampling: SoundSampling) -> list[tuple[int, list[int]]]:
    """Of each band: its first bin and the weights of its bins, 65536 in all; triangles on the mel scale."""
    edges = np.linspace(mel(sampling.low_hz), mel(sampling.high_hz), sampling.bands + 2)
    bins_hz = np.arange((1 << sampling.log2_frame) // 2) * sampling.rate_hz / (1 << sampling.log2_frame)
    at = np.array([mel(hz) for hz in bins_hz])
    found: list[tuple[int, list[int]]] = []
    for low, middle, high in zip(edges, edges[1:], edges[2:], strict=False):
        shape = np.minimum((at - low) / (middle - low), (high - at) / (high - middle))
        shape[0] = 0.0
        if not (shape > 0).any():  # narrower than the bins are apart: the nearest
            shape[max(1, int(np.abs(at - middle).argmin()))] = 1.0
        inside = np.flatnonzero(shape > 0)
        first, last = int(inside[0]), int(inside[-1])
        # Rounded so that the sum is exact.
        total = np.rint(np.cumsum(shape[first : last + 1]) / shape[inside].sum() * 65536)
        weights = np.diff(total, prepend=0.0).astype(int)
        found.append((first, [min(65535, int(weight)) for weight in weights]))
    return found


def hann(sampling: SoundSampling) -> list[int]:
    """The window's first half and its middle, 65535 = 1."""
    n = 1 << sampling.log2_frame
    return [round(65535 * (0.5 - 0.5 * math.cos(2 * math.pi * i / n))) for i in range(n // 2 + 1)]


def cosines(n_cepstra: int, bands: int) -> list[int]:
    """Coefficients of sound_cepstra: the first half of each, times 2 / bands * 2^16."""
    scale = 2 / bands * 65536
    return [
        round(scale * math.cos(math.pi * c * (2 * band + 1) / (2 * bands)))
        for c in range(n_cepstra)
        for band in range(bands // 2)
    ]
