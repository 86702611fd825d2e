"""Anybody's recordings → a dataset: labels from paths or columns, units and rates made midge's own."""

from __future__ import annotations

import errno
import itertools
import json
import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from . import motion_files, recording, resampling
from .errors import DatasetError
from .progress import Advance
from .recording import Description, Gap

FIELDS = ("label", "group", "take")
ANYTHING = "_"
_FIELD = re.compile(r"\{([^{}]*)\}")
_LSB_PER_G = re.compile(r"(\d+(?:\.\d+)?)/g\Z")
_TO_G = {"g": 1.0, "mg": 1e-3, "m/s^2": 1 / 9.80665, "m/s2": 1 / 9.80665}


@dataclass(frozen=True)
class Pattern:
    """`{group}/{label}/{take}.txt` or `noise/{_}.txt=other`: what a path says of a recording."""

    text: str
    regex: re.Pattern[str]
    label: str | None

    @classmethod
    def parse(cls, text: str) -> Pattern:
        """Fields are {label}, {group}, {take} and {_} for anything but '/'; a fixed label follows '='."""
        path, equals, label = text.partition("=")
        regex, at = "", 0
        seen: set[str] = set()
        for match in _FIELD.finditer(path):
            name = match[1]
            if name != ANYTHING and name not in FIELDS:
                raise DatasetError(
                    f"--pattern {text!r}: {{{name}}} is not one of {{label}} {{group}} {{take}} {{_}}"
                )
            regex += re.escape(path[at : match.start()])
            regex += (
                "[^/]+?" if name == ANYTHING else f"(?P={name})" if name in seen else f"(?P<{name}>[^/]+?)"
            )
            seen.add(name)
            at = match.end()
        if equals and "label" in seen:
            raise DatasetError(f"--pattern {text!r}: the label is in the path and after '='; keep one")
        return cls(text, re.compile(regex + re.escape(path[at:]) + r"\Z"), label if equals else None)

    def match(self, path: str) -> dict[str, str] | None:
        """Fields of a path (with '/'), or None."""
        found = self.regex.match(path)
        if found is None:
            return None
        return {**found.groupdict(), **({} if self.label is None else {"label": self.label})}


@dataclass(frozen=True)
class Source:
    """How to understand the files and what to make of them.

    `unit`: g, mg, m/s^2, or N/g for raw counts. `rate_hz`: of files without a time column. `to_hz`: the
    dataset's rate, None = `rate_hz`. `range_g`: full scale of the int16.
    """

    columns: tuple[str, ...] = motion_files.DEFAULT_COLUMNS
    unit: str = "g"
    rate_hz: float | None = None
    to_hz: float | None = None
    range_g: float = 4.0


# Linear acceleration without gravity has less than 1 g, and vigorous motion more.
_USUAL_G = (0.05, 2.5)
_CLIPPED_SHARE = 0.01


@dataclass(frozen=True)
class Imported:
    """What came in: recordings, by label and group; what was left out, and why; samples beyond the range."""

    recordings: int
    minutes: float
    labels: dict[str, int]
    groups: dict[str, int]
    skipped: dict[str, str]
    gaps: int
    clipped: int
    rate_hz: float
    median_g: float
    warnings: list[str]


@dataclass(frozen=True)
class _Part:
    name: str
    description: Description
    samples: npt.NDArray[np.int16]
    gaps: tuple[Gap, ...]
    clipped: int


def import_motion(
    source: Path,
    into: Path,
    patterns: Sequence[str],
    how: Source,
    *,
    skip_unmatched: bool = False,
    skip_bad: bool = False,
    on_progress: Advance | None = None,
) -> Imported:
    """Bring every file below `source` that a pattern matches into the dataset `into`; all or nothing.

    The first pattern that matches a path counts. Rows of one label in a row become one recording if the
    label is a column. Raises DatasetError for a path without a pattern (unless `skip_unmatched`), a file
    that can't be understood (unless `skip_bad`), a recording that is there already; then nothing has
    been imported.
    """
    to_g = _unit(how.unit)
    _check_numbers(how)
    wanted, skipped = _match(source, patterns, skip_unmatched)
    try:
        if into.exists() and not into.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, "it is a file")
        into.parent.mkdir(parents=True, exist_ok=True)
        # Beside the dataset, so that the move at the end is a rename on the same disk.
        waiting = Path(tempfile.mkdtemp(prefix=f".{into.name}.import.", dir=into.parent))
    except OSError as error:
        raise DatasetError(f"{into} can't be a dataset ({error.strerror}); choose another --into") from None
    labels: dict[str, int] = {}
    groups: dict[str, int] = {}
    n_gaps = clipped = n_samples = 0
    medians_g: list[float] = []
    minutes = rate_hz = 0.0
    try:
        for number, (path, fields) in enumerate(wanted):
            if on_progress is not None:
                on_progress(number, len(wanted), path.name)
            try:
                parts = list(_parts(path, path.relative_to(source), fields, how, to_g))
            except DatasetError as error:
                if not skip_bad:
                    raise
                skipped[path.relative_to(source).as_posix()] = str(error)
                continue
            for part in parts:
                _write(waiting, part)
                labels[part.description.label] = labels.get(part.description.label, 0) + 1
                groups[part.description.group] = groups.get(part.description.group, 0) + 1
                n_samples += len(part.samples)
                in_g = part.samples.astype(np.float64) / part.description.scale
                medians_g.append(float(np.median(np.linalg.norm(in_g, axis=1))))
                n_gaps, clipped = n_gaps + len(part.gaps), clipped + part.clipped
                minutes += len(part.samples) / part.description.rate_hz / 60
                rate_hz = part.description.rate_hz
        if not labels:
            raise DatasetError(f"{source}: nothing to import; the patterns match {len(wanted)} files")
        _move(waiting, into)
    finally:
        shutil.rmtree(waiting, ignore_errors=True)
    groups.pop("", None)
    median_g = float(np.median(medians_g))
    warnings = list(_doubts(how, median_g, clipped / n_samples))
    return Imported(
        sum(labels.values()), minutes, dict(sorted(labels.items())), dict(sorted(groups.items())),
        skipped, n_gaps, clipped, rate_hz, median_g, warnings,
    )  # fmt: skip


def _doubts(how: Source, median_g: float, clipped_share: float) -> Iterator[str]:
    """What makes the unit or the range look wrong: most of the time a sensor feels about 1 g."""
    low_g, high_g = _USUAL_G
    if not low_g <= median_g <= high_g:
        felt = f"at least {median_g:.1f}" if clipped_share > _CLIPPED_SHARE else f"{median_g:.2g}"
        yield (
            f"the usual acceleration is {felt} g, at rest it should be 1: is {how.unit} the files' unit? "
            "--unit takes g, mg, m/s^2 or COUNTS/g"
        )
    elif clipped_share > _CLIPPED_SHARE:
        yield f"{clipped_share:.0%} of the samples are beyond ±{how.range_g:g} g; choose a larger --range"


def _unit(text: str) -> float:
    counts = _LSB_PER_G.match(text)
    if counts is not None and float(counts[1]) > 0:
        return 1.0 / float(counts[1])
    if text not in _TO_G:
        raise DatasetError(f"--unit {text!r} is not one of {', '.join(_TO_G)} or COUNTS/g, such as 16384/g")
    return _TO_G[text]


def _check_numbers(how: Source) -> None:
    for option, value in (("rate", how.rate_hz), ("resample", how.to_hz), ("range", how.range_g)):
        low, high = (1e-3, 1e3) if option == "range" else (1e-3, 1e5)
        # Written so that NaN fails as well.
        if value is not None and not low <= value <= high:
            raise DatasetError(f"--{option} {value:g}: it must be {low:g} to {high:g}")


def _match(
    source: Path, patterns: Sequence[str], skip_unmatched: bool
) -> tuple[list[tuple[Path, dict[str, str]]], dict[str, str]]:
    if not source.is_dir():
        raise DatasetError(f"{source} is no folder; give the folder that the patterns start from")
    parsed = [Pattern.parse(text) for text in patterns]
    wanted: list[tuple[Path, dict[str, str]]] = []
    skipped: dict[str, str] = {}
    for path in sorted(path for path in source.rglob("*") if path.is_file()):
        where = path.relative_to(source).as_posix()
        fields = next((found for pattern in parsed if (found := pattern.match(where)) is not None), None)
        if fields is not None:
            wanted.append((path, fields))
        elif not skip_unmatched:
            raise DatasetError(
                f"{path} fits no --pattern; add one, or leave such files out with --skip-unmatched"
            )
        else:
            skipped[where] = "fits no pattern"
    return wanted, skipped


def _parts(path: Path, where: Path, fields: dict[str, str], how: Source, to_g: float) -> Iterator[_Part]:
    """The recordings in one file."""
    table = motion_files.read(path, how.columns)
    rate_hz = how.to_hz or how.rate_hz
    if table.time_s is None and how.rate_hz is None:
        raise DatasetError(
            f"{path}: no time column and no --rate; give one (--columns t_ms,x,y,z or --rate HZ)"
        )
    if rate_hz is None:
        raise DatasetError(f"{path}: which rate shall the dataset have? give --app APP or --resample HZ")
    stem = "_".join(where.with_suffix("").parts)
    bounds = list(_runs(table.words, len(table.samples)))
    for number, (start, stop) in enumerate(bounds, start=1):
        label, group = (
            table.words[word][start] if word in table.words else fields.get(word, "")
            for word in ("label", "group")
        )
        if not label:
            raise DatasetError(
                f"{path}: no label; put {{label}} or =LABEL into --pattern, or label into --columns"
            )
        if table.time_s is not None:
            time_s = table.time_s[start:stop]
        else:
            time_s = np.arange(stop - start) / float(how.rate_hz or rate_hz)
        if stop - start < 2:
            continue
        try:
            even = resampling.resample(time_s, table.samples[start:stop] * to_g, rate_hz)
        except (ValueError, MemoryError) as error:
            raise DatasetError(f"{path}: {error}; --skip-bad leaves it out") from None
        scaled = np.rint(even.samples * (32768 / how.range_g))
        yield _Part(
            _safe(stem if len(bounds) == 1 else f"{stem}_{number:03d}"),
            Description(
                label=label, channels=motion_files.CHANNELS, rate_hz=rate_hz, scale=32768 / how.range_g,
                group=group, sensor="imported", started="", measured_rate_hz=even.source_hz,
                jitter_us=round(even.jitter_us, 1),
            ),
            np.clip(scaled, -32768, 32767).astype(np.int16),
            even.gaps,
            int(np.any(np.abs(scaled) > 32768, axis=1).sum()),
        )  # fmt: skip


def _runs(words: dict[str, list[str]], n: int) -> Iterator[tuple[int, int]]:
    """Stretches of rows with the same words."""
    rows = list(zip(*words.values(), strict=True)) if words else [()] * n
    start = 0
    for _, members in itertools.groupby(rows):
        length = sum(1 for _ in members)
        yield start, start + length
        start += length


def _safe(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9._+-]+", "-", name).strip(".-") or "recording"


def _write(folder: Path, part: _Part) -> None:
    lines = [",".join(part.description.channels), *(",".join(map(str, row)) for row in part.samples.tolist())]
    about = recording.sidecar(part.description, len(part.samples), part.gaps)
    try:
        with (folder / f"{part.name}.csv").open("x", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
        (folder / f"{part.name}.json").write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
    except FileExistsError:
        raise DatasetError(
            f"two files would both become {part.name}.csv; import their folders one by one"
        ) from None
    except OSError as error:
        raise DatasetError(
            f"{folder.parent} can't be written ({error}); make room or choose another"
        ) from None


def _move(waiting: Path, into: Path) -> None:
    files = sorted(waiting.iterdir())
    there = [path.name for path in files if (into / path.name).exists()]
    if there:
        raise DatasetError(
            f"{into} has {there[0]} already ({len(there)} of {len(files)} files); import into "
            "another folder or remove those first"
        )
    into.mkdir(parents=True, exist_ok=True)
    # The sidecar makes a recording: moved last, an interrupt leaves no half of one.
    for path in sorted(files, key=lambda path: path.suffix in recording.SUFFIXES, reverse=True):
        path.rename(into / path.name)
