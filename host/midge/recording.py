"""A recording: one take of one label, as an ordinary file with a JSON sidecar.

Motion is `NAME.csv` (a header of channel names, then one row of int16 a sample) or `NAME.npy`, sound is
`NAME.wav`; beside it is `NAME.json`. Samples lost on the way are gaps in the sidecar: `at` is the row before
which `lost` samples are missing, so rows + lost = samples taken by the sensor. `take.py` writes recordings as
they come, `storing.py` whole ones, this file reads them.
"""

from __future__ import annotations

import csv
import json
import warnings
import wave
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from .errors import DatasetError

SCHEMA = 1
SUFFIXES = (".csv", ".npy", ".wav")
FULL_SCALE = 32768
MOTION_CHANNELS = ("x", "y", "z")
GYRO_CHANNELS = ("gx", "gy", "gz")
# Full scale 1000 degrees/s.
USUAL_GYRO_SCALE = FULL_SCALE / 1000
SOUND = "sound"
SOUND_CHANNELS = ("sound",)
SOUND_UNIT = "FS"  # full scales

Int16 = npt.NDArray[np.int16]


@dataclass(frozen=True)
class Gap:
    """`lost` samples are missing before row `at`; `at` = number of rows means after the last one."""

    at: int
    lost: int


@dataclass(frozen=True)
class Description:
    """What the sidecar says beside counts: where samples come from and what they mean.

    Attributes
    ----------
    rate_hz : float
        declared rate; `measured_rate_hz` is by the board's clock, None if nobody measured
    jitter_us : float or None
        RMS distance of block times from an even pace
    scale : float
        LSB per `unit`; `gyro_scale`: LSB per degree/s of the channels of a gyroscope, if there are any
    partial : str
        why the recording ends early, '' if it is whole
    reconnects : int
        how often the line was made anew in the middle of it; what was lost then is in the gaps
    coding : str
        what sound was coded with on its way, 'adpcm', '' if it came as it was
    """

    label: str
    channels: tuple[str, ...]
    rate_hz: float
    scale: float
    kind: str = "motion"
    unit: str = "g"
    sensor: str = ""
    board: str = ""
    group: str = ""
    started: str = ""
    measured_rate_hz: float | None = None
    jitter_us: float | None = None
    partial: str = ""
    reconnects: int = 0
    gyro_scale: float = USUAL_GYRO_SCALE
    coding: str = ""


@dataclass(frozen=True)
class Recording(Description):
    """A whole recording in memory; `samples` is int16, shape (n_samples, n_channels)."""

    samples: Int16 = field(default_factory=lambda: np.zeros((0, 0), np.int16))
    gaps: tuple[Gap, ...] = ()
    path: Path | None = None

    @property
    def lost(self) -> int:
        """Samples that are missing, over all gaps."""
        return sum(gap.lost for gap in self.gaps)

    @property
    def duration_s(self) -> float:
        """Length in s at the declared rate, gaps included."""
        return (len(self.samples) + self.lost) / self.rate_hz


# The sensor of recordings from elsewhere: their measured rate is the source's.
IMPORTED = "imported"
# A source slower than this share of the recording's rate has made up samples.
UPSAMPLED = 0.8


def is_upsampled(about: Description) -> bool:
    """Whether samples were made up between those of a slower source: quick motion is missing then."""
    measured = about.measured_rate_hz if about.sensor == IMPORTED else None
    return measured is not None and measured < UPSAMPLED * about.rate_hz


def scales(about: Description) -> npt.NDArray[np.float64]:
    """LSB per unit of each channel: per `unit`, per degree/s of a gyroscope's."""
    return np.array(
        [about.gyro_scale if channel in GYRO_CHANNELS else about.scale for channel in about.channels]
    )


def sidecar(description: Description, n_samples: int, gaps: tuple[Gap, ...]) -> dict[str, Any]:
    """The sidecar's content for `n_samples` rows with `gaps`."""
    about = {item.name: getattr(description, item.name) for item in fields(Description)}
    about["channels"] = list(description.channels)
    partial, reconnects = about.pop("partial"), about.pop("reconnects")
    gyro_scale, coding = about.pop("gyro_scale"), about.pop("coding")
    return {
        "midge_recording": SCHEMA,
        **about,
        **({"gyro_scale": gyro_scale} if set(GYRO_CHANNELS) & set(description.channels) else {}),
        "samples": n_samples,
        "lost": sum(gap.lost for gap in gaps),
        "gaps": [asdict(gap) for gap in gaps],
        **({"partial": partial} if partial else {}),
        **({"reconnects": reconnects} if reconnects else {}),
        **({"coding": coding} if coding else {}),
    }


def load(path: str | Path) -> Recording:
    """The recording at `path`: its .csv or .npy, or its sidecar.

    Raises DatasetError, naming file and row, for anything that is not whole.
    """
    path = Path(path)
    beside = path.with_suffix(".json")
    about = _read_sidecar(beside)
    if path.suffix == ".json":
        there = [path.with_suffix(suffix) for suffix in SUFFIXES if path.with_suffix(suffix).is_file()]
        if not there:
            raise DatasetError(f"{path} has no {', '.join(SUFFIXES)} beside it; restore that or remove it")
        path = there[0]
    description, gaps, n_samples = _understand(beside, about)
    if path.suffix == ".npy":
        samples = _read_npy(path)
    elif path.suffix == ".csv":
        samples = _read_csv(path, description.channels)
    elif path.suffix == ".wav":
        samples = _read_wav(path)
    else:
        raise DatasetError(f"{path} is no recording; motion is .csv or .npy, sound is .wav")
    if samples.shape != (n_samples, len(description.channels)):
        raise DatasetError(
            f"{path} holds {samples.shape[0]} samples of {samples.shape[1]} channels, {beside.name} says "
            f"{n_samples} of {len(description.channels)}; the file was changed or cut: record it again"
        )
    return Recording(**description_fields(description), samples=samples, gaps=gaps, path=path)


def describe(path: Path) -> tuple[Description, tuple[Gap, ...], int]:
    """Description, gaps and number of samples of the recording at `path`, by its sidecar alone."""
    beside = path.with_suffix(".json")
    return _understand(beside, _read_sidecar(beside))


def find(folder: Path) -> list[Path]:
    """Samples' paths of the recordings below `folder`, in order; hidden folders hold none."""
    found = []
    for path in sorted(folder.rglob("*.json")):
        if any(part.startswith(".") for part in path.relative_to(folder).parts):
            continue
        there = next((path.with_suffix(s) for s in SUFFIXES if path.with_suffix(s).is_file()), None)
        if there is not None:
            found.append(there)
    return found


def description_fields(description: Description) -> dict[str, Any]:
    """The fields of `Description` alone, whatever the class."""
    return {item.name: getattr(description, item.name) for item in fields(Description)}


def _read_sidecar(path: Path) -> Mapping[str, Any]:
    try:
        about = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DatasetError(
            f"{path} is missing: samples alone have no rate or label; midge import takes files from elsewhere"
        ) from None
    except (OSError, ValueError) as error:
        raise DatasetError(
            f"{path} does not read as JSON ({error}); restore it or remove the recording"
        ) from None
    if not isinstance(about, dict) or "midge_recording" not in about:
        raise DatasetError(f"{path} is no sidecar of a recording; use midge import for files from elsewhere")
    if about["midge_recording"] != SCHEMA:
        raise DatasetError(
            f"{path} has recording schema {about['midge_recording']}, this midge reads {SCHEMA}; update midge"
        )
    return about


def _understand(path: Path, about: Mapping[str, Any]) -> tuple[Description, tuple[Gap, ...], int]:
    """Description, gaps and number of samples of a sidecar, checked."""
    try:
        measured, jitter = about.get("measured_rate_hz"), about.get("jitter_us")
        description = Description(
            label=str(about["label"]),
            channels=tuple(str(channel) for channel in about["channels"]),
            rate_hz=float(about["rate_hz"]),
            scale=float(about["scale"]),
            measured_rate_hz=None if measured is None else float(measured),
            jitter_us=None if jitter is None else float(jitter),
            reconnects=int(about.get("reconnects", 0)),
            gyro_scale=float(about.get("gyro_scale", USUAL_GYRO_SCALE)),
            **{
                key: str(about[key])
                for key in ("kind", "unit", "sensor", "board", "group", "started", "partial", "coding")
                if about.get(key) is not None
            },
        )
        n_samples = int(about["samples"])
        gaps = tuple(Gap(int(gap["at"]), int(gap["lost"])) for gap in about.get("gaps", ()))
    except KeyError as error:
        raise DatasetError(f"{path} lacks {error}; add it or record again") from None
    except (TypeError, ValueError) as error:
        raise DatasetError(
            f"{path} has a value of the wrong kind ({error}); mend it or record again"
        ) from None
    scale = min(description.scale, description.gyro_scale)
    if not (description.rate_hz > 0 and scale > 0 and description.channels):
        raise DatasetError(f"{path}: rate_hz and scales must be above 0 and channels not empty; mend it")
    if any(gap.lost < 1 or not 0 <= gap.at <= n_samples for gap in gaps):
        raise DatasetError(f"{path}: a gap lies outside the {n_samples} samples or loses none; mend it")
    return description, gaps, n_samples


def _read_npy(path: Path) -> Int16:
    try:
        samples = np.load(path, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise DatasetError(f"{path} does not read as .npy ({error}); restore it or record again") from None
    if not isinstance(samples, np.ndarray) or samples.dtype != np.int16 or samples.ndim != 2:
        raise DatasetError(f"{path} must be int16 of shape (samples, channels); use midge import for others")
    return samples


def _read_wav(path: Path) -> Int16:
    try:
        with wave.open(str(path), "rb") as file:
            n_channels, width = file.getnchannels(), file.getsampwidth()
            data = file.readframes(file.getnframes())
    except (OSError, EOFError, wave.Error) as error:
        raise DatasetError(f"{path} does not read as WAV ({error}); restore it or record again") from None
    if width != 2:
        raise DatasetError(f"{path} has {8 * width} bits, a recording has 16; use midge import for others")
    whole = len(data) // (2 * n_channels) * 2 * n_channels
    return np.frombuffer(data[:whole], "<i2").astype(np.int16).reshape(-1, n_channels)


def _read_csv(path: Path, channels: tuple[str, ...]) -> Int16:
    try:
        with path.open(encoding="utf-8") as file:
            header = tuple(file.readline().strip().split(","))
            if header != channels:
                raise DatasetError(
                    f"{path} has columns {','.join(header)}, its sidecar {','.join(channels)}; mend one"
                )
            with warnings.catch_warnings():
                warnings.simplefilter(
                    "ignore", UserWarning
                )  # loadtxt warns of no rows; no rows is a recording
                wide = np.loadtxt(file, dtype=np.int64, delimiter=",", ndmin=2, comments=None)
    except UnicodeDecodeError as error:
        raise DatasetError(f"{path} is not text ({error}); restore it or record again") from None
    except OSError as error:
        raise DatasetError(f"{path} does not read ({error}); restore it or record again") from None
    except ValueError:
        raise _bad_row(path, len(channels)) from None
    if wide.size == 0:
        return np.zeros((0, len(channels)), np.int16)
    if wide.shape[1] != len(channels) or wide.min() < -32768 or wide.max() > 32767:
        raise _bad_row(path, len(channels))
    return wide.astype(np.int16)


def _bad_row(path: Path, n_channels: int) -> DatasetError:
    """The error that names the first row that is not `n_channels` int16 (row 1 is the header)."""
    with path.open(encoding="utf-8", newline="") as file:
        for number, row in enumerate(csv.reader(file), start=1):
            if number == 1:
                continue
            try:
                whole = len(row) == n_channels and all(-32768 <= int(cell) <= 32767 for cell in row)
            except ValueError:
                whole = False
            if not whole:
                return DatasetError(
                    f"{path} row {number}: {','.join(row)[:40]!r} is not {n_channels} int16 values; "
                    "mend the row or record again"
                )
    return DatasetError(f"{path} does not read as {n_channels} columns of int16; restore it or record again")
