"""One table → recordings: cut by words and intervals, in g at the dataset's rate, gaps marked."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

import numpy as np
import numpy.typing as npt

from .. import resampling
from ..errors import DatasetError
from ..recording import (
    FULL_SCALE,
    GYRO_CHANNELS,
    IMPORTED,
    MOTION_CHANNELS,
    SOUND_CHANNELS,
    SOUND_UNIT,
    Description,
    Gap,
)
from . import units
from .intervals import Interval
from .source import Source
from .table import Floats, Table

LONGEST_WORD = 64
LONGEST_STEM = 100
# Not allowed in a file name on one of the systems that midge runs on, or a sign of a torn file.
_UNSAFE = set('<>:"/\\|?*') | {chr(code) for code in range(32)} | {"\x7f", "\ufffd"}
# A rate off by so much is a wrong unit of time, not a slow sensor.
_WRONG_TIME = (300.0, 3000.0)


@dataclass(frozen=True)
class Part:
    """One recording to be written."""

    name: str
    description: Description
    samples: npt.NDArray[np.int16]
    gaps: tuple[Gap, ...]
    clipped: int
    norm_g: float


@dataclass(frozen=True)
class Left:
    """Rows of a file that became no recording, and why."""

    rows: int
    why: str


def parts(
    table: Table,
    where: str,
    fields: dict[str, str],
    how: Source,
    to_unit: Floats,
    rate_hz: float,
    *,
    name: str = "",
) -> Iterator[Part | Left]:
    """The recordings in one table at `rate_hz`; its numbers × `to_unit` are g and degrees/s, a factor each.

    Raises DatasetError.

    They are named by a column of takes, else by `name`, a path without suffix, or by `where`.
    """
    stem = "_".join(PurePosixPath(name or PurePosixPath(where).with_suffix("")).parts)
    runs = list(_runs(table, where, fields, how))
    stems = [_stem(words, table) or stem for _, _, words in runs]
    several, numbers = Counter(stems), Counter[str]()
    width = max(3, len(str(len(runs))))
    for (start, stop, words), stem in zip(runs, stems, strict=True):
        label, group = words.get("label", ""), words.get("group", "")
        if not label:
            yield Left(stop - start, "without a label")
            continue
        label = how.relabel.get(label, label)
        if not label:
            yield Left(stop - start, "of a label that --relabel leaves out")
            continue
        row = int(table.rows[start])
        _check_word(where, row, "label", label, how)
        _check_word(where, row, "group", group, how)
        if how.known_labels is not None and label not in how.known_labels:
            known = ", ".join(how.known_labels)[:200]
            raise DatasetError(
                f"{where} row {row}: label {label!r} is not the app's ({known}); add it to [labels] in "
                f"app.toml, or --relabel '{label}=OTHER' (--relabel '{label}=' leaves it out)"
            )
        if table.kind == "motion" and _is_single(table, start, stop):
            if len(runs) == 1:
                raise DatasetError(
                    f"{where} row {row}: {stop - start} samples at one time are no recording; "
                    "--skip-bad leaves it out"
                )
            yield Left(stop - start, "alone: one time stamp is no recording")
            continue
        numbers[stem] += 1
        number = f"_{numbers[stem]:0{width}d}" if several[stem] > 1 else ""
        name = safe(stem[-LONGEST_STEM:] + number)
        make = _sound if table.kind == "sound" else _motion
        part = make(table, where, (start, stop), how, to_unit, rate_hz)
        yield replace(part, name=name, description=replace(part.description, label=label, group=group))


def _stem(words: dict[str, str], table: Table) -> str:
    """The name of a take that a column gives it; a number alone says too little."""
    take = words.get("take", "") if "take" in table.words else ""
    return take if any(letter.isalpha() for letter in take) else ""


def forward_in_time(table: Table) -> Table:
    """Without rows whose stamp alone is behind its neighbours'; where time starts anew, a take begins."""
    if table.stamps is None or len(table.stamps) < 3:
        return table
    keys = list(zip(*table.words.values(), strict=True)) if table.words else [()] * len(table.stamps)
    same = np.array([a == b for a, b in itertools.pairwise(keys)])
    kept = np.ones(len(table.stamps), dtype=bool)
    takes, n = [0] * len(table.stamps), 0
    last = 0
    for at in range(1, len(table.stamps)):
        if same[at - 1] and table.stamps[at] < table.stamps[last]:
            goes_on = at + 1 < len(table.stamps) and same[at] and table.stamps[at + 1] >= table.stamps[last]
            if goes_on:
                kept[at] = False
                takes[at] = n
                continue
            n += 1
        takes[at], last = n, at
    if kept.all() and not n:
        return table
    dropped = int((~kept).sum())
    notes = list(table.notes)
    if dropped:
        first = int(table.rows[np.flatnonzero(~kept)[0]])
        notes.append(f"{dropped} rows left out, the first: row {first}: time goes back")
    if n:
        notes.append(f"time starts anew {n} times; each begins a recording")
    words = {word: [texts[at] for at in np.flatnonzero(kept)] for word, texts in table.words.items()}
    words["take"] = [f"{words['take'][k]}.{takes[at]}" if "take" in words else str(takes[at])
                     for k, at in enumerate(np.flatnonzero(kept))]  # fmt: skip
    return replace(
        table, samples=table.samples[kept], rows=table.rows[kept], stamps=table.stamps[kept], words=words,
        notes=tuple(notes), dropped=table.dropped + dropped,
    )  # fmt: skip


def _is_single(table: Table, start: int, stop: int) -> bool:
    return stop - start < 2 or (table.stamps is not None and table.stamps[start] == table.stamps[stop - 1])


def _motion(
    table: Table, where: str, bounds: tuple[int, int], how: Source, to_unit: Floats, rate_hz: float
) -> Part:
    rows = slice(*bounds)
    channels = (*MOTION_CHANNELS, *GYRO_CHANNELS)[: table.samples.shape[1]]
    if how.needs_gyro and len(channels) == len(MOTION_CHANNELS):
        raise DatasetError(
            f"{where}: no columns of a gyroscope, and the app wants gx, gy and gz; name them with --columns, "
            "or take them out of channels in app.toml"
        )
    time_s = stamps_s(table, where, rows, how, rate_hz)
    if table.stamps is not None:
        _check_pace(table, where, rows, resampling.usual_hz(time_s), rate_hz)
    values = table.samples[rows] * to_unit[: len(channels)]
    try:
        factor = resampling.GAP_FACTOR if table.stamps is not None else 1.5
        even = resampling.resample(time_s, values, rate_hz, gap_factor=factor)
    except (ValueError, MemoryError) as error:
        raise DatasetError(f"{where} row {table.rows[rows][0]}: {error}; --skip-bad leaves it out") from None
    scale, gyro_scale = FULL_SCALE / how.range_g, FULL_SCALE / how.range_dps
    scaled = np.rint(even.samples * np.repeat([scale, gyro_scale], len(MOTION_CHANNELS))[: len(channels)])
    acceleration = values[:, : len(MOTION_CHANNELS)]
    norm_g = float(np.median(np.linalg.norm(acceleration, axis=1)))
    mean_g = float(np.linalg.norm(acceleration.mean(axis=0)))
    if not how.trust_unit and how.unit != units.AUTO:
        better = units.mistaken(norm_g, mean_g, units.spelled(how.unit))
        if better:
            raise DatasetError(
                f"{where} row {table.rows[rows][0]}: in {how.unit} the usual acceleration is {norm_g:.3g} g; "
                f"in {better} it is 1 g: give --unit {better}, or --trust-unit if it is right"
            )
    about = Description(
        label="", channels=channels, rate_hz=rate_hz, scale=scale, gyro_scale=gyro_scale,
        sensor=IMPORTED, measured_rate_hz=even.source_hz, jitter_us=round(even.jitter_us, 1),
    )  # fmt: skip
    clipped = int(np.any(np.abs(scaled) > FULL_SCALE, axis=1).sum())
    return Part("", about, np.clip(scaled, -32768, 32767).astype(np.int16), even.gaps, clipped, norm_g)


def _sound(
    table: Table, where: str, bounds: tuple[int, int], how: Source, to_unit: Floats, rate_hz: float
) -> Part:
    rows = slice(*bounds)
    from_hz = source_hz(table, where, how)
    if table.pcm is not None and from_hz == rate_hz:
        samples = table.pcm[rows, None]
    else:
        wide = table.samples[rows]
        if from_hz != rate_hz:
            wide = resampling.change_rate(wide, from_hz, rate_hz)
        samples = np.rint(wide * FULL_SCALE)
    clipped = int((np.abs(samples.astype(np.float64)) > FULL_SCALE).sum())
    about = Description(
        label="", channels=SOUND_CHANNELS, rate_hz=rate_hz, scale=float(FULL_SCALE), kind="sound",
        unit=SOUND_UNIT, sensor=IMPORTED, measured_rate_hz=from_hz,
    )  # fmt: skip
    return Part("", about, np.clip(samples, -32768, 32767).astype(np.int16), (), clipped, 0.0)


def source_hz(table: Table, where: str, how: Source) -> float:
    """The rate of a table that has no stamps; raises DatasetError."""
    rate_hz = table.rate_hz or how.rate_hz
    if rate_hz is None:
        raise DatasetError(
            f"{where}: no time column and no --rate; give one (--columns t_ms,x,y,z or --rate HZ)"
        )
    return rate_hz


def stamps_s(table: Table, where: str, rows: slice, how: Source, rate_hz: float) -> Floats:
    """Seconds from the first row of the stretch; raises DatasetError for time that goes back."""
    if table.stamps is None:
        index = np.arange(len(table.samples)) if table.index is None else table.index
        return np.asarray((index[rows] - index[rows][0]) / source_hz(table, where, how))
    stamps = table.stamps[rows]
    back = np.flatnonzero(np.diff(stamps) < 0)
    if len(back):
        raise DatasetError(
            f"{where} row {table.rows[rows][back[0] + 1]}: time goes back from {stamps[back[0]]:.15g} to "
            f"{stamps[back[0] + 1]:.15g}; sort the file, or --skip-bad leaves it out"
        )
    unit = table.stamp_unit or units.time_unit(table.stamps)
    # From the first stamp on: milliseconds since 1970 have no room for fractions in a float.
    return np.asarray((stamps - stamps[0]) * units.TIME_S[unit])


def _check_pace(table: Table, where: str, rows: slice, source_hz: float, rate_hz: float) -> None:
    """A rate 1000 times what is wanted means stamps in another unit."""
    low, high = _WRONG_TIME
    for slower, ratio in ((True, rate_hz / source_hz), (False, source_hz / rate_hz)):
        if low <= ratio <= high or ratio > low**2:
            unit = table.stamp_unit or units.time_unit(
                table.stamps if table.stamps is not None else np.zeros(1)
            )
            factor = 1000 if slower else 0.001
            right = next(
                (t for t, one in units.TIME_S.items() if abs(one * factor / units.TIME_S[unit] - 1) < 1e-9),
                "",
            )
            advice = f"--columns with t_{right} makes it {source_hz * factor:g} Hz" if right else "check them"
            raise DatasetError(
                f"{where} row {table.rows[rows][0]}: time stamps in {unit} are {source_hz:.3g} Hz, and "
                f"{rate_hz:g} Hz are wanted: another unit of time? {advice}"
            )


def _runs(
    table: Table, where: str, fields: dict[str, str], how: Source
) -> Iterator[tuple[int, int, dict[str, str]]]:
    """Stretches of rows that are one recording each, and their words."""
    base = {"label": how.label or table.label, "group": how.group}
    base = {**base, **{word: text for word, text in fields.items() if text}}
    n = len(table.samples)
    given = None if how.intervals is None else how.intervals.of(where)
    bounds = [(0, n, base)] if given is None else list(_by_interval(table, where, given, base, how))
    keys = list(zip(*table.words.values(), strict=True)) if table.words else None
    for start, stop, words in bounds:
        if keys is None:
            yield start, stop, words
            continue
        at = start
        for key, members in itertools.groupby(keys[start:stop]):
            length = sum(1 for _ in members)
            of_rows = dict(zip(table.words, key, strict=True))
            yield (
                at,
                at + length,
                {**words, **of_rows, **({} if given is None else {"label": words["label"]})},
            )
            at += length


def _by_interval(
    table: Table, where: str, given: Sequence[Interval], base: dict[str, str], how: Source
) -> Iterator[tuple[int, int, dict[str, str]]]:
    n, at = len(table.samples), 0
    found = []
    for one in given:
        start, stop = 0, n
        if one.start is not None and one.end is not None:
            axis = _axis(table, where, one.by, how)
            start, stop = (int(np.searchsorted(axis, edge)) for edge in (one.start, one.end))
        words = {**base, "label": one.label, **({"group": one.group} if one.group else {})}
        if stop > start:
            found.append((start, stop, words))
    found.sort(key=lambda item: item[:2])
    for number, (start, stop, words) in enumerate(found):
        if number and (start, stop, words) == found[number - 1]:
            continue  # said twice
        if start < at:
            name = how.intervals.path.name if how.intervals else "intervals"
            raise DatasetError(
                f"{where} row {table.rows[start]}: {name} has two labels here, "
                f"{found[number - 1][2]['label'][:30]!r} and {words['label'][:30]!r}; one row has one"
            )
        if start > at:
            yield at, start, {**base, "label": how.label}
        yield start, stop, words
        at = stop
    if at < n:
        yield at, n, {**base, "label": how.label}


def _axis(table: Table, where: str, by: str, how: Source) -> Floats:
    """What an interval's edges count in: rows, the file's own stamps, or seconds from its first row."""
    n = len(table.samples)
    if by == "row" or (by == "stamp" and table.stamps is None):
        return np.arange(n, dtype=np.float64) if table.index is None else table.index.astype(np.float64)
    if by == "stamp" and table.stamps is not None:
        return table.stamps
    return stamps_s(table, where, slice(0, n), how, 0.0)


def _check_word(where: str, row: int, what: str, word: str, how: Source) -> None:
    if len(word) > LONGEST_WORD:
        raise DatasetError(
            f"{where} row {row}: {what} {word[:24]!r}… has {len(word)} letters, at most {LONGEST_WORD}; "
            "another --pattern or --columns"
        )
    if set(word) & _UNSAFE or word != word.strip() or word.startswith("."):
        advice = "--relabel 'OLD=NEW'" if what == "label" else "another --pattern, or --group G"
        raise DatasetError(
            f"{where} row {row}: {what} {word!r} can't be part of a file name; rename it: {advice}"
        )


def safe(name: str) -> str:
    """The name of a file of any system."""
    return re.sub(r"[^\w.+-]+", "-", name, flags=re.ASCII).strip(".-") or "recording"
