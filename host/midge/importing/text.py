"""Text tables → samples: CSV in any dialect, lines of a forwarder; a bad row is named by its number."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import DatasetError
from . import columns as column_names
from . import dialect as dialects
from . import units
from .columns import Spec
from .dialect import Dialect
from .heads import Columns, Head
from .table import Table

_MISSING = ("", "nan", "na", "n/a", "null", "none", "-")


@dataclass(frozen=True)
class Options:
    """How strict: `drop_rows` leaves out rows that are no samples, and marks them as missing."""

    spec: Spec | None = None
    encoding: str = ""
    drop_rows: bool = False
    fill_axes: bool = False
    is_forwarder: bool = False
    has_gyro: bool = True


def read(path: Path, where: str, options: Options) -> Table:
    """One text table; raises DatasetError naming file and row."""
    lines = dialects.decode(path, where, options.encoding).splitlines()
    dialect = dialects.detect(lines)
    names, units_row, start, notes = _header(lines, dialect, where, options)
    first = [dialect.cells(line) for line in lines[start : start + dialects.SAMPLE_LINES] if line.strip()]
    if not first and not names:
        raise DatasetError(f"{where}: holds no samples; --skip-bad leaves it out")
    width = len(names) if names else Counter(map(len, first)).most_common(1)[0][0]
    head = Head(names or ("",) * width, tuple(map(tuple, first)), units_row)
    chosen = column_names.resolve(
        options.spec, head, where, fill_axes=options.fill_axes, has_gyro=options.has_gyro
    )
    says = (f"text: {dialect.says}, {'named columns' if names else 'no names'}", *chosen.says)
    table = _Rows(where, dialect, chosen, width, options).read(lines, start)
    return _table(table, chosen, says, tuple(notes), options)


class _Rows:
    """Rows of one file as they are understood."""

    def __init__(self, where: str, dialect: Dialect, columns: Columns, width: int, options: Options) -> None:
        self.where, self.dialect, self.columns, self.width = where, dialect, columns, width
        self.options = options
        self.axes = [at for at in columns.values if at is not None]
        self.values: list[list[float]] = []
        self.stamps: list[float] = []
        self.words: dict[str, list[str]] = {word: [] for word in columns.words}
        self.rows: list[int] = []
        self.index: list[int] = []
        self.n_seen = 0
        self.first_problem = ""
        self.is_counted = True  # stamps are numbers, not dates

    def read(self, lines: Sequence[str], start: int) -> _Rows:
        cells_of, words = self.dialect.cells, list(self.columns.words.items())
        last = max((number for number, line in enumerate(lines) if line.strip()), default=-1)
        for number, line in enumerate(lines[start:], start=start + 1):
            if not line.strip() or line.lstrip().startswith(dialects.COMMENTS):
                continue
            cells = cells_of(line)
            self.n_seen += 1
            problem = self._problem(cells)
            if not problem:
                try:
                    values = [self.dialect.number(cells[at]) for at in self.axes]
                    stamp = self._stamp(cells)
                except ValueError:
                    problem = self._not_numbers(cells)
                else:
                    if not all(map(math.isfinite, values)) or math.isnan(stamp):
                        problem = "a value is missing (NaN)"
            if problem:
                is_torn = self.options.is_forwarder and (not self.values or number == last + 1)
                if not self.options.drop_rows and not is_torn:
                    torn = (
                        "; the file ends in the middle of it" if number == last + 1 and len(lines) > 1 else ""
                    )
                    raise DatasetError(
                        f"{self.where} row {number}: {problem}{torn}; --drop-rows leaves such rows out, "
                        "--skip-bad such files"
                    )
                self.first_problem = self.first_problem or f"row {number}: {problem}"
                if is_torn:
                    self.n_seen -= 1
                continue
            self.values.append(values)
            self.stamps.append(stamp)
            self.rows.append(number)
            self.index.append(self.n_seen - 1)
            for word, at in words:
                self.words[word].append(cells[at])
        if not self.values:
            raise DatasetError(f"{self.where}: holds no samples; --skip-bad leaves it out")
        return self

    def _problem(self, cells: list[str]) -> str:
        if len(cells) == self.width:
            return ""
        return f"{len(cells)} columns, {self.width} expected"

    def _stamp(self, cells: list[str]) -> float:
        at = self.columns.time
        if at is None:
            return 0.0
        try:
            return self.dialect.number(cells[at])
        except ValueError:
            seconds = units.iso_s(cells[at])
            if seconds is None:
                raise
            self.is_counted = False
            return seconds

    def _not_numbers(self, cells: list[str]) -> str:
        wanted = [*self.axes, *([] if self.columns.time is None else [self.columns.time])]
        bad = next(cells[at] for at in wanted if not dialects.is_number(self.dialect, cells[at]))
        return "a value is missing" if bad.lower() in _MISSING else f"{bad[:40]!r} is not a number"


def _table(
    found: _Rows, columns: Columns, says: tuple[str, ...], notes: tuple[str, ...], options: Options
) -> Table:
    narrow = np.array(found.values)
    samples = np.zeros((len(narrow), len(columns.values)))
    samples[:, [channel for channel, at in enumerate(columns.values) if at is not None]] = narrow
    dropped = found.n_seen - len(narrow)
    if dropped:
        notes = (*notes, f"{dropped} rows left out, the first: {found.first_problem}")
    return Table(
        samples=samples,
        rows=np.array(found.rows),
        stamps=None if columns.time is None else np.array(found.stamps),
        stamp_unit=columns.time_unit if found.is_counted else "s",
        index=np.array(found.index) if dropped and columns.time is None else None,
        words=found.words,
        unit=columns.unit,
        gyro_unit=columns.gyro_unit,
        says=says,
        notes=notes,
        dropped=dropped,
    )


def _header(
    lines: Sequence[str], dialect: Dialect, where: str, options: Options
) -> tuple[tuple[str, ...], tuple[str, ...], int, list[str]]:
    """Names, the units below them, the first line of data, and what was passed over."""
    at = [
        number
        for number, line in enumerate(lines)
        if line.strip() and not line.lstrip().startswith(dialects.COMMENTS)
    ]
    if not at:
        raise DatasetError(f"{where}: it is empty; --skip-bad leaves it out")
    sample = [(number, dialect.cells(lines[number])) for number in at[: dialects.SAMPLE_LINES]]
    width = Counter(len(cells) for _, cells in sample[min(2, len(sample) // 2) :]).most_common(1)[0][0]
    notes = []
    passed = 0
    # Rows may end with a separator where the names do not.
    is_open = not any(row[-1] for _, row in sample[min(2, len(sample) // 2) :] if len(row) == width)
    widths = (width, width - 1) if is_open else (width,)
    while (
        not options.is_forwarder
        and passed < len(sample) - 1
        and len(sample[passed][1]) not in widths
        and not _has_number(dialect, sample[passed][1])
    ):
        passed += 1
    if passed and len(sample[passed - 1][1]) > 1 and _has_number(dialect, sample[passed][1]):
        passed -= 1  # the names themselves, and they don't fit
    if passed:
        notes.append(f"{passed} lines before the table passed over")
    number, cells = sample[passed]
    if _is_data(dialect, cells, [row for _, row in sample[passed + 1 :] if len(row) == width]):
        return (), (), number, notes
    if len(cells) == width - 1 and is_open:
        cells = [*cells, ""]
    if len(cells) != width and len(sample) > passed + 1:
        raise DatasetError(
            f"{where} row {number + 1}: {len(cells)} names, {width} columns below; mend the header"
        )
    names = tuple(cells)
    below = sample[passed + 1][1] if len(sample) > passed + 2 else []
    is_units = len(below) == width and any(
        units.spelled(c) or units.time_spelled(c) for c in map(_plain, below)
    )
    if is_units and not _has_number(dialect, below):
        return names, tuple(map(_plain, below)), sample[passed + 1][0] + 1, notes
    return names, (), number + 1, notes


def _plain(cell: str) -> str:
    return cell.strip("()[] ")


def _has_number(dialect: Dialect, cells: Sequence[str]) -> bool:
    return any(dialects.is_number(dialect, cell) and cell.lower() not in _MISSING for cell in cells)


def _is_data(dialect: Dialect, cells: Sequence[str], below: Sequence[Sequence[str]]) -> bool:
    """Whether a first line holds data, not names: a number where the rows below have numbers."""
    if not below:
        return _has_number(dialect, cells)
    numeric = [
        at
        for at in range(len(below[0]))
        if sum(dialects.is_number(dialect, row[at]) for row in below) > 0.8 * len(below)
    ]
    return any(
        at < len(cells) and dialects.is_number(dialect, cells[at]) and cells[at].lower() not in _MISSING
        for at in numeric
    )
