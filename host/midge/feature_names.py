"""Names of features of motion: channel, statistic, part; what each means, and in which scale.

A new statistic is one C function in `firmware/native/` (declared in motion.h or spectrum.h) and one row in
`STATISTICS`.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from .errors import RecipeError
from .recording import GYRO_CHANNELS, MOTION_CHANNELS

# Rows made of others: the lengths of the two vectors; of a window along, across and without gravity.
MAGNITUDE, ROTATION = "m", "w"
DERIVED = {"v": "motion_vertical", "h": "motion_horizontal", "l": "motion_linear"}
SEGMENT = "seg"
# Frequencies are in steps of 1/32 Hz.
STEPS_PER_HZ = 32
# What takes a spectrum, not samples.
SPECTRAL = ("spectrum", "band")


@dataclass(frozen=True)
class Statistic:
    """One statistic.

    `scale` says what one unit of the int16 result means: 'sample' (LSB of the samples), 'square' (LSB² /
    32768), 'count', 'share' (32767 = 1) or 'hz' (1/32 Hz). `form` says what it is computed from: 'row',
    'percent' (a row and a number), 'course' (a row in equal parts), 'pair' of rows, 'tilt' (a row and all
    of the acceleration), 'span' (the stretch itself), 'spectrum', 'band' (a spectrum and two frequencies).
    """

    function: str
    scale: str
    summary: str
    form: str = "row"


STATISTICS: dict[str, Statistic] = {
    "mean": Statistic("motion_mean", "sample", "arithmetic mean"),
    "std": Statistic("motion_std", "sample", "standard deviation"),
    "min": Statistic("motion_min", "sample", "smallest sample"),
    "max": Statistic("motion_max", "sample", "largest sample"),
    "range": Statistic("motion_range", "sample", "largest minus smallest sample"),
    "rms": Statistic("motion_rms", "sample", "root of the mean square"),
    "energy": Statistic("motion_energy", "square", "mean square"),
    "mad": Statistic("motion_mad", "sample", "mean absolute distance from the mean"),
    "mc": Statistic("motion_mc", "count", "crossings of the mean"),
    "zc": Statistic("motion_zc", "count", "crossings of zero"),
    "jerk": Statistic("motion_jerk", "sample", "mean absolute difference of neighbours"),
    "quantile": Statistic("motion_quantile", "sample", "sample that N % are below", "percent"),
    "tmax": Statistic("motion_tmax", "share", "where the largest sample is"),
    "tmin": Statistic("motion_tmin", "share", "where the smallest sample is"),
    "course": Statistic("motion_course", "sample", "mean of one of equal parts, borders shared", "course"),
    "rhythm": Statistic("motion_rhythm", "share", "highest peak of the autocorrelation"),
    "period": Statistic("motion_period", "count", "its lag, in samples"),
    "corr": Statistic("motion_corr", "share", "correlation of two channels (xy.corr)", "pair"),
    "tilt": Statistic("motion_tilt", "share", "cosine of the angle between axis and gravity", "tilt"),
    "length": Statistic("", "count", "samples of the stretch of motion (seg.length)", "span"),
    "band": Statistic("spectrum_band", "sample", "strength between two frequencies in Hz", "band"),
    "bandshare": Statistic("spectrum_share", "share", "share of the power between two frequencies", "band"),
    "peak": Statistic("spectrum_peak", "hz", "strongest frequency", "spectrum"),
    "centroid": Statistic("spectrum_centroid", "hz", "mean frequency, weighted by power", "spectrum"),
}

_NUMBER = r"\d{1,4}(?:\.\d{1,3})?"
_NAME = re.compile(
    rf"(?P<channel>[a-z]+)\.(?P<statistic>[a-z]+)(?::(?P<low>{_NUMBER})(?:-(?P<high>{_NUMBER}))?)?"
    r"(?:@(?P<part>\d{1,4})/(?P<parts>\d{1,4}))?\Z"
)


@dataclass(frozen=True)
class Sampling:
    """What samples are: `rate_hz` a second, `lsb_per_g` steps a g, `lsb_per_dps` steps a degree/s.

    `lowpass_hz`, `highpass_hz`: Butterworth filters of second order that they go through first, 0 = none.
    """

    rate_hz: float = 100.0
    lsb_per_g: float = 8192.0
    lsb_per_dps: float = 32.768
    lowpass_hz: float = 0.0
    highpass_hz: float = 0.0

    @property
    def unfiltered(self) -> Sampling:
        """The same of samples that have gone through the filters already."""
        return replace(self, lowpass_hz=0.0, highpass_hz=0.0)


@dataclass(frozen=True)
class Feature:
    """One feature: `statistic` of the rows `channels` over part `part` (from 1) of `parts` of the window.

    `low`, `high`: of a band, Hz, or the percentage of a quantile in `low`.
    """

    channels: tuple[str, ...]
    statistic: str
    part: int = 1
    parts: int = 1
    low: float = 0.0
    high: float = 0.0

    def span(self, length: int) -> tuple[int, int]:
        """First sample and number of samples in a window of `length` samples."""
        first = (self.part - 1) * length // self.parts
        return first, self.part * length // self.parts - first

    def scale(self, sampling: Sampling) -> float:
        """int16 steps per unit: g, degree/s, g², crossing, 1 or Hz."""
        kind = STATISTICS[self.statistic].scale
        is_gyro = self.channels[0] in (*GYRO_CHANNELS, ROTATION)
        lsb = sampling.lsb_per_dps if is_gyro else sampling.lsb_per_g
        fixed = {"count": 1.0, "share": 32767.0, "hz": float(STEPS_PER_HZ), "square": lsb * lsb / 32768}
        return float(fixed.get(kind, lsb))


def _nearest(word: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.4)
    return f"; did you mean {close[0]!r}?" if close else f"; known: {', '.join(known)}"


def rows_of(channels: Sequence[str]) -> tuple[str, ...]:
    """Names that features of a sensor with these channels can start with, pairs apart."""
    has_motion = set(MOTION_CHANNELS) <= set(channels)
    has_gyro = set(GYRO_CHANNELS) <= set(channels)
    return (
        *channels,
        *((MAGNITUDE,) if has_motion else ()),
        *((ROTATION,) if has_gyro else ()),
        *(DERIVED if has_motion else ()),
    )


def parse(name: str, channels: Sequence[str] = MOTION_CHANNELS) -> Feature:
    """The feature called `name` (`x.mean`, `m.std@2/4`, `xy.corr`, `z.band:2-5`, `m.quantile:25`).

    Raises RecipeError naming the part that is wrong.
    """
    match = _NAME.match(name)
    if match is None:
        raise RecipeError(
            f"feature {name!r} is not CHANNEL.STATISTIC, CHANNEL.STATISTIC:N, CHANNEL.STATISTIC:LOW-HIGH or "
            "one of these with @K/N"
        )
    statistic = match["statistic"]
    if statistic not in STATISTICS:
        _channels_of(name, match["channel"], "row", channels)
        raise RecipeError(f"feature {name!r}: no statistic {statistic!r}{_nearest(statistic, [*STATISTICS])}")
    form = STATISTICS[statistic].form
    rows = _channels_of(name, match["channel"], form, channels)
    part, parts = int(match["part"] or 1), int(match["parts"] or 1)
    if not 1 <= part <= parts:
        raise RecipeError(f"feature {name!r}: there is no part {part} of {parts}; parts count from 1")
    if form in (*SPECTRAL, "span") and match["part"]:
        raise RecipeError(f"feature {name!r}: {statistic} is of the whole window; leave out '@'")
    low, high = match["low"], match["high"]
    if form == "band" and not (low and high and float(low) < float(high)):
        raise RecipeError(f"feature {name!r}: {statistic} needs two frequencies in Hz, such as x.band:2-5")
    if form == "percent" and not (low and not high and float(low) == int(float(low)) <= 100):
        raise RecipeError(f"feature {name!r}: {statistic} needs a percentage, such as x.quantile:25")
    if form not in ("band", "percent") and low:
        raise RecipeError(f"feature {name!r}: {statistic} takes no number; leave out ':'")
    return Feature(rows, statistic, part, parts, float(low or 0), float(high or 0))


def _channels_of(name: str, text: str, form: str, channels: Sequence[str]) -> tuple[str, ...]:
    known = rows_of(channels)
    if form == "span":
        if text != SEGMENT:
            raise RecipeError(f"feature {name!r}: the stretch of motion is called {SEGMENT!r}")
        return (SEGMENT,)
    if form == "pair":
        pairs = {a + b: (a, b) for i, a in enumerate(known) for b in known[i + 1 :]}
        if text not in pairs:
            raise RecipeError(f"feature {name!r}: no pair of channels {text!r}{_nearest(text, [*pairs])}")
        return pairs[text]
    if text not in known or (form == "tilt" and text not in MOTION_CHANNELS):
        raise RecipeError(f"feature {name!r}: no channel {text!r}{_nearest(text, known)}")
    return (text,)
