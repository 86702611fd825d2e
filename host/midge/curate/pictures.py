"""Pictures of takes: samples and their spectra as PNG, energy as a line of blocks for the terminal."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import DatasetError
from ..recording import GYRO_CHANNELS, SOUND, Recording
from . import activity
from .activity import Cutting

Floats = npt.NDArray[np.float64]
BLOCKS = " ▁▂▃▄▅▆▇█"
QUIET = 5
MOST_POINTS = 4000
# -140 dB of full scale.
LEAST_LEVEL = 1e-7


def sparkline(item: Recording, width: int = 32) -> str:
    """Energy over time in so many blocks, from quiet to the loudest."""
    if len(item.samples) < 2:
        return ""
    level, _ = activity.envelope(item)
    edges = np.linspace(0, len(level), min(width, len(level)) + 1).astype(int)
    bins = np.array([level[a : max(b, a + 1)].max() for a, b in itertools.pairwise(edges)])
    # A quiet take looks quiet.
    top = max(float(bins.max()), QUIET * activity.FLOOR[SOUND if item.kind == SOUND else "motion"])
    return "".join(BLOCKS[round(float(one / top) * (len(BLOCKS) - 1))] for one in bins)


def spectrum(item: Recording) -> tuple[Floats, Floats]:
    """Frequencies in Hz, amplitude density in unit/√Hz over all channels (Welch 1967, Hann, half overlap)."""
    values = item.samples[:, :3].astype(np.float64) / item.scale
    length = min(len(values), 2048 if item.kind == SOUND else 256)
    if length < 4:
        return np.zeros(1), np.zeros(1)
    window = np.hanning(length)
    starts = range(0, len(values) - length + 1, max(1, length // 2))
    power = np.zeros(length // 2 + 1)
    for start in starts:
        piece = values[start : start + length]
        power += np.sum(
            np.abs(np.fft.rfft((piece - piece.mean(axis=0)) * window[:, None], axis=0)) ** 2, axis=1
        )
    power *= 2 / (item.rate_hz * np.sum(window**2) * len(starts))
    return np.asarray(np.fft.rfftfreq(length, 1 / item.rate_hz), np.float64), np.sqrt(power)


def peak_hz(item: Recording) -> float:
    """The strongest frequency above 0."""
    frequencies, amplitude = spectrum(item)
    return float(frequencies[1:][amplitude[1:].argmax()]) if len(amplitude) > 1 else 0.0


def draw(items: Sequence[tuple[str, Recording]], path: Path, cutting: Cutting | None = None) -> Path:
    """A PNG of takes, one row each: samples with their events and gaps, spectrum, spectrogram.

    Raises DatasetError if matplotlib is not there or the file can't be written.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise DatasetError("pictures need matplotlib: pip install 'midge[data]'") from None
    figure = Figure(figsize=(14, 0.6 + 2.2 * len(items)), layout="constrained")
    axes = figure.subplots(len(items), 3, width_ratios=(5, 2, 3), squeeze=False)
    for row, (name, item) in zip(axes, items, strict=True):
        row[1].set_title("spectrum", fontsize=9, loc="left")
        row[2].set_title("spectrum over time", fontsize=9, loc="left")
        _samples(row[0], name, item, cutting)
        frequencies, amplitude = spectrum(item)
        row[1].semilogy(frequencies[1:], np.maximum(amplitude[1:], 1e-9), linewidth=0.8)
        row[1].set_xlabel("Hz")
        row[1].set_ylabel(f"{item.unit}/√Hz")
        _spectrogram(row[2], item)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, dpi=90)
    except (OSError, ValueError) as error:
        raise DatasetError(
            f"{path} can't be written ({error}); --picture takes a .png, .svg or .pdf"
        ) from None
    return path


def _samples(axis: Any, name: str, item: Recording, cutting: Cutting | None) -> None:
    step = max(1, len(item.samples) // MOST_POINTS)
    times = np.arange(len(item.samples))[::step] / item.rate_hz
    for channel, column in zip(item.channels, (item.samples[::step] / _plotted(item)).T, strict=True):
        axis.plot(times, column, linewidth=0.7, label=channel)
    for start, stop in activity.events(item, cutting or Cutting()):
        axis.axvspan(start / item.rate_hz, stop / item.rate_hz, color="tab:green", alpha=0.12, linewidth=0)
    for gap in item.gaps:
        axis.axvline(gap.at / item.rate_hz, color="tab:red", linewidth=0.8)
    axis.set_title(
        f"{name[-50:]}: {item.label}" + (f", {item.group}" if item.group else ""), fontsize=9, loc="left"
    )
    axis.set_xlabel("s")
    axis.set_ylabel(item.unit + (", 100 °/s" if item.channels[-1] in GYRO_CHANNELS else ""))
    if len(item.channels) > 1:
        # Above the samples, never on them.
        axis.legend(fontsize=8, loc="lower right", bbox_to_anchor=(1.0, 0.98), ncols=6, frameon=False)


def _plotted(item: Recording) -> Floats:
    """LSB of one step of the axis: the unit, or 100 degrees/s of a gyroscope, so that both can be seen."""
    return np.where(np.isin(item.channels, GYRO_CHANNELS), 100 * item.gyro_scale, item.scale)


def _spectrogram(axis: Any, item: Recording) -> None:
    length = 256 if item.kind == SOUND else 64
    if len(item.samples) <= length:
        axis.set_axis_off()
        return
    values = item.samples[:, :3].astype(np.float64).mean(axis=1) / item.scale
    # Digital silence has no level in dB: noise far below the last bit stands for it, the same each time.
    values += np.random.default_rng(0).normal(0.0, LEAST_LEVEL, len(values))
    axis.specgram(values - values.mean(), NFFT=length, Fs=item.rate_hz, noverlap=length // 2, detrend="mean")
    axis.set_xlabel("s")
    axis.set_ylabel("Hz")
