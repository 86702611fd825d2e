"""Anybody's recordings → a dataset: the stage behind `midge import`."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

import numpy as np

from .. import journal, recording, storing
from ..errors import DatasetError
from ..progress import Advance
from . import first_look, found, gyro, intervals, reading, units
from .parts import Left, Part, forward_in_time, parts, source_hz, stamps_s
from .source import Source
from .table import Floats, Table

# Linear acceleration without gravity has less than 1 g, and vigorous motion more.
_USUAL_G = (0.05, 2.5)
_CLIPPED_SHARE = 0.01


@dataclass
class Imported:
    """What came in, or would: counts by label and group, what was assumed, what was left out and why."""

    recordings: int = 0
    minutes: float = 0.0
    kind: str = "motion"
    labels: dict[str, int] = field(default_factory=dict)
    groups: dict[str, int] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    left_rows: dict[str, int] = field(default_factory=dict)
    gaps: int = 0
    lost: int = 0
    clipped: int = 0
    rate_hz: float = 0.0
    source_rates_hz: tuple[float, float] = (0.0, 0.0)
    unit: str = ""
    median_g: float | None = None
    assumed: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    n_samples: int = 0
    upsampled: list[float] = field(default_factory=list)


Wanted = list[tuple[Path, str, dict[str, str]]]


def import_files(
    source: Path,
    into: Path,
    patterns: Sequence[str],
    how: Source,
    *,
    skip_unmatched: bool = False,
    skip_bad: bool = False,
    dry_run: bool = False,
    on_progress: Advance | None = None,
) -> Imported:
    """Bring every file of `source` (a folder, a file or an archive) that a pattern matches into `into`.

    All or nothing, as one change that `midge data undo` takes back. The first pattern that matches a path
    counts. Stretches of rows with the same words (label, group, take columns; intervals) become recordings.

    Raises DatasetError for a path without a pattern (unless `skip_unmatched`), a file that can't be
    understood (unless `skip_bad`), a label the app does not know, a recording that is there
    already; then nothing has been imported. With `dry_run` nothing is written.
    """
    how.check()
    if into.exists() and not into.is_dir():
        raise DatasetError(f"{into} can't be a dataset (it is a file); choose another --into")
    advance = on_progress or (lambda done, total=None, text="": None)
    with found.unpacked(source) as folder:
        wanted, skipped = found.match(folder, patterns, how, skip_unmatched=skip_unmatched)
        if how.intervals is None and not patterns and folder.is_dir():
            how = replace(how, intervals=intervals.beside(folder))
            skip_unmatched = skip_unmatched or how.intervals is not None
        if how.intervals is not None:
            wanted = _with_intervals(wanted, skipped, how, skip_unmatched)
        done = Imported(skipped=skipped)
        try:
            seen = first_look.look(wanted, how, into)
        except DatasetError as error:
            raise _at(error, source) from None
        how, done.kind, done.assumed = seen.how, seen.kind, list(seen.assumed)
        named = _names(wanted, how)
        with contextlib.nullcontext() if dry_run else journal.change(into, f"import {source.name}") as change:
            names: set[str] = set()
            # What an archive packs everything into names nothing.
            outer = found.common_folders(wanted) if source.is_file() and folder.is_dir() else 0
            norms_g: list[float] = []
            for number, (path, where, fields) in enumerate(wanted):
                advance(number, len(wanted), path.name[:40])
                name = named.get(where) or str(PurePosixPath(where.split("/", outer)[-1]).with_suffix(""))
                try:
                    ready = list(_file(path, where, fields, how, done, wanted, name))
                except DatasetError as error:
                    # A rate of its own is nothing bad about a file.
                    if not skip_bad or isinstance(error, _OtherRateError):
                        raise _at(error, source) from None
                    done.skipped[where] = str(error)
                    continue
                for part in ready:
                    name = _free(part.name, names)
                    if change is not None:
                        storing.write(change.new, name, part.description, part.samples, part.gaps)
                    _count(done, part)
                    norms_g.append(part.norm_g)
            if not done.recordings:
                raise DatasetError(_nothing(source, wanted, done))
    _sum_up(done, how, norms_g)
    return done


def _nothing(source: Path, wanted: Wanted, done: Imported) -> str:
    """Why no file gave a recording, by the first of them."""
    where = wanted[0][1]
    why = done.skipped.get(where) or next(iter(done.left_rows), "it holds no rows")
    why = why if why.startswith(where) else f"{found.shown(where)}: {why}"
    return f"{source}: no file of {len(wanted)} gave a recording; the first, {why}"


def _n(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _at(error: DatasetError, source: Path) -> DatasetError:
    """Names of files are below `source`; the line that is printed says where that is."""
    text = str(error)
    return error if text.startswith("--") or source.is_file() else DatasetError(f"{source}/{text}")


def _with_intervals(wanted: Wanted, skipped: dict[str, str], how: Source, skip_unmatched: bool) -> Wanted:
    assert how.intervals is not None
    kept = []
    for item in wanted:
        if how.intervals.of(item[1]) is not None or how.label:
            kept.append(item)
        elif skip_unmatched or item[0] == how.intervals.path:
            skipped[item[1]] = f"not in {how.intervals.path.name}"
        else:
            raise DatasetError(
                f"{item[1]}: {how.intervals.path.name} does not name it; leave such files out with "
                "--skip-unmatched, or label them with --label L"
            )
    if not kept:
        raise DatasetError(
            f"{how.intervals.path}: it names none of the files; the first file is {wanted[0][1]}"
        )
    return kept


def _names(wanted: Wanted, how: Source) -> dict[str, str]:
    """Names of takes where files have such; a number, or a name that two have, says too little."""
    names = {where: fields.get("take", "") for _, where, fields in wanted}
    if how.intervals is not None:
        names = {where: how.intervals.names.get(where, name) for where, name in names.items()}
    is_name = all(any(letter.isalpha() for letter in name) for name in names.values())
    is_own = len({name.casefold() for name in names.values()}) == len(names)
    return names if is_name and is_own else {}


def _file(
    path: Path,
    where: str,
    fields: dict[str, str],
    how: Source,
    done: Imported,
    wanted: Wanted,
    name: str,
) -> Iterator[Part]:
    shown = found.shown(where)
    table = _without_guesses(reading.read(path, shown, how), fields, how)
    if how.drop_rows:
        table = forward_in_time(table)
    if table.kind == "sound" and how.kind == "motion":
        raise DatasetError(f"{shown}: it is sound, and the app or --kind wants motion")
    done.kind = table.kind
    rate_hz = _rate(table, shown, how, done)
    to_unit = np.ones(1) if table.kind == "sound" else _to_unit(how)
    n = 0
    for part in parts(table, where, fields, how, to_unit, rate_hz, name=name):
        if isinstance(part, Left):
            done.left_rows[part.why] = done.left_rows.get(part.why, 0) + part.rows
            continue
        n += 1
        yield part
    if not n:
        if (
            any(why.startswith("without") for why in done.left_rows)
            and not table.words
            and how.intervals is None
        ):
            raise found.no_label(where, wanted)
        done.skipped.setdefault(where, "no rows with a label that is wanted")
    for note in table.notes:
        done.warnings.append(f"{shown}: {note}")


def _to_unit(how: Source) -> Floats:
    """Factors to g, and to degrees/s of a gyroscope."""
    to_dps = 1.0 if how.gyro_unit in (units.AUTO, gyro.NONE) else gyro.to_dps(how.gyro_unit)
    return np.repeat([units.to_g(how.unit), to_dps], len(recording.MOTION_CHANNELS))


def _without_guesses(table: Table, fields: dict[str, str], how: Source) -> Table:
    """Words that nobody asked for, found by a column's name, give way to what the path or the person says."""
    given = {word for word in fields if fields[word]} | ({"label"} if how.label else set())
    given |= {"group"} if how.group else set()
    asked = set() if how.columns is None else how.columns.asked
    drop = {word for word in table.words if word in given and word not in asked}
    return replace(table, words={word: texts for word, texts in table.words.items() if word not in drop})


class _OtherRateError(DatasetError):
    """Files of several rates, and nobody said which the dataset shall have."""


def _rate(table: Table, where: str, how: Source, done: Imported) -> float:
    if how.to_hz is not None:
        return how.to_hz
    if table.stamps is not None and how.rate_hz is None:
        time_s = stamps_s(table, where, slice(0, len(table.samples)), replace(how, rate_hz=1.0), 1.0)
        steps = np.diff(np.unique(time_s))
        if not len(steps):
            raise DatasetError(
                f"{where} row {table.rows[0]}: {len(table.samples)} samples at one time are no recording; "
                "--skip-bad leaves it out"
            )
        raise DatasetError(
            f"{where}: which rate shall the dataset have, its time stamps are about "
            f"{1 / float(np.median(steps)):.4g} Hz? give --resample HZ, or --app APP"
        )
    rate_hz = source_hz(table, where, how) if table.stamps is None else float(how.rate_hz or 0)
    if done.rate_hz and abs(rate_hz / done.rate_hz - 1) > 1e-6:
        raise _OtherRateError(
            f"{where}: it is at {rate_hz:g} Hz, files before it at {done.rate_hz:g} Hz; choose one with "
            "--resample HZ"
        )
    done.rate_hz = rate_hz
    return rate_hz


def _free(name: str, names: set[str]) -> str:
    """`name`, or with a number behind it: on many systems names that differ in case only are the same."""
    free, number = name, 2
    while free.casefold() in names:
        free, number = f"{name}-{number}", number + 1
    names.add(free.casefold())
    return free


def _count(done: Imported, part: Part) -> None:
    about = part.description
    done.recordings += 1
    done.labels[about.label] = done.labels.get(about.label, 0) + 1
    if about.group:
        done.groups[about.group] = done.groups.get(about.group, 0) + 1
    done.minutes += len(part.samples) / about.rate_hz / 60
    done.rate_hz = about.rate_hz
    done.gaps += len(part.gaps)
    done.lost += sum(gap.lost for gap in part.gaps)
    done.clipped += part.clipped
    measured = about.measured_rate_hz or about.rate_hz
    low, high = done.source_rates_hz
    done.source_rates_hz = (min(low or measured, measured), max(high, measured))
    done.n_samples += len(part.samples)
    if recording.is_upsampled(about):
        done.upsampled.append(measured)


def _sum_up(done: Imported, how: Source, norms_g: Sequence[float]) -> None:
    done.labels, done.groups = dict(sorted(done.labels.items())), dict(sorted(done.groups.items()))
    done.unit = how.unit if done.kind == "motion" else "FS"
    share = done.clipped / max(1, done.n_samples)
    if done.kind == "motion":
        done.median_g = float(np.median(norms_g))
        low_g, high_g = _USUAL_G
        if not low_g <= done.median_g <= high_g:
            done.warnings.append(
                f"the usual acceleration is {done.median_g:.3g} g, at rest it should be 1: is {how.unit} the "
                "files' unit? --unit takes g, mg, m/s^2 or COUNTS/g"
            )
        elif share > _CLIPPED_SHARE:
            limits, options = f"±{how.range_g:g} g", "--range"
            if how.gyro_unit:
                limits += f" or ±{how.range_dps:g} °/s"
                options += " or --gyro-range, or is the gyroscope in another --gyro-unit?"
            done.warnings.append(f"{share:.0%} of the samples are beyond {limits}; choose a larger {options}")
    for why, rows in done.left_rows.items():
        done.warnings.append(f"{_n(rows, 'row')} left out, {why}")
    if done.upsampled:
        usual = float(np.median(done.upsampled))
        done.warnings.append(
            f"{_n(len(done.upsampled), 'recording')} of {usual:.4g} Hz brought up to {done.rate_hz:g} Hz: "
            f"nothing quicker than {usual / 2:.3g} Hz is in them, and a model may know them by that; "
            f"--resample {usual:.3g} makes all alike"
        )
    if not done.groups:
        done.warnings.append(
            "no groups: people or machines can't be held apart in validation; put {group} into --pattern"
        )
    elif sum(done.groups.values()) < done.recordings:
        n = done.recordings - sum(done.groups.values())
        one = "has no group; it counts" if n == 1 else "have no group; each counts"
        done.warnings.append(f"{_n(n, 'recording')} {one} as one of its own")
