"""Anybody's motion files (text tables, .npy) → columns of numbers; a bad file is named with its row."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from .errors import DatasetError

CHANNELS = ("x", "y", "z")
TIMES = {"t_s": 1.0, "t_ms": 1e-3, "t_us": 1e-6, "t_ns": 1e-9}
WORDS = ("label", "group")
IGNORED = "_"
DEFAULT_COLUMNS = CHANNELS

_SPLIT = re.compile(r"\s*[,;\t]\s*|\s+")


@dataclass(frozen=True)
class Table:
    """One file: `samples` (n, 3) in the file's unit, `time_s` (n,) or None, words for each row."""

    samples: npt.NDArray[np.float64]
    time_s: npt.NDArray[np.float64] | None
    words: dict[str, list[str]]


def parse_columns(text: str) -> tuple[str, ...]:
    """`t_ms,_,_,x,y,z` as a tuple; raises DatasetError for what is no column."""
    columns = tuple(part.strip() for part in text.split(","))
    known = (*CHANNELS, *TIMES, *WORDS, IGNORED)
    for column in columns:
        if column not in known:
            raise DatasetError(f"--columns: {column!r} is not one of {', '.join(known)}")
        if column != IGNORED and columns.count(column) > 1:
            raise DatasetError(f"--columns: {column!r} is there twice")
    missing = [channel for channel in CHANNELS if channel not in columns]
    if missing:
        raise DatasetError(f"--columns: {', '.join(missing)} is missing; name the column of each axis")
    if sum(column in TIMES for column in columns) > 1:
        raise DatasetError("--columns: more than one time; put _ for those to ignore")
    return columns


def read(path: Path, columns: Sequence[str]) -> Table:
    """Read .npy or a text table; raises DatasetError naming file and row."""
    try:
        if path.suffix.lower() == ".npy":
            return _read_npy(path, columns)
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"{path}: can't be read ({error}); is it a text table or .npy?") from None
    return _read_text(path, text, columns)


def _read_npy(path: Path, columns: Sequence[str]) -> Table:
    try:
        array = np.load(path, allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise DatasetError(f"{path}: not a whole .npy ({error}); leave it out with --skip-bad") from None
    if not isinstance(array, np.ndarray) or array.ndim != 2 or array.dtype.kind not in "iuf":
        raise DatasetError(f"{path}: must be a table of numbers (samples, columns)")
    if array.shape[1] != len(columns):
        raise DatasetError(
            f"{path}: {array.shape[1]} columns, {len(columns)} expected; name all with --columns"
        )
    if set(columns) & set(WORDS):
        raise DatasetError(f"{path}: .npy holds numbers only; take the label from the path with --pattern")
    return _table(path, array.astype(np.float64), columns, {}, first_row=0)


def _read_text(path: Path, text: str, columns: Sequence[str]) -> Table:
    lines = text.splitlines()
    header = 1 if lines and not _is_data(_SPLIT.split(lines[0].strip()), columns) else 0
    words: dict[str, list[str]] = {column: [] for column in columns if column in WORDS}
    numeric = [i for i, column in enumerate(columns) if column in CHANNELS or column in TIMES]
    rows: list[list[float]] = []
    for number, line in enumerate(lines[header:], start=header + 1):
        cells = _SPLIT.split(line.strip())
        if cells == [""]:
            continue
        if len(cells) != len(columns):
            raise DatasetError(
                f"{path} row {number}: {len(cells)} columns, {len(columns)} expected; name all with "
                "--columns (_ = ignore), or leave bad files out with --skip-bad"
            )
        try:
            rows.append([float(cells[i]) for i in numeric])
        except ValueError:
            bad = next(cells[i] for i in numeric if not _is_number(cells[i]))
            raise DatasetError(
                f"{path} row {number}: {bad!r} is not a number; --skip-bad leaves it out"
            ) from None
        for column, column_words in words.items():
            column_words.append(cells[columns.index(column)])
    wide = np.full((len(rows), len(columns)), 0.0)
    if rows:
        wide[:, numeric] = rows
    return _table(path, wide, columns, words, first_row=header + 1)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _is_data(cells: list[str], columns: Sequence[str]) -> bool:
    """Whether a first line holds data, not names; a line of another length is data that is wrong."""
    wanted = [cell for cell, column in zip(cells, columns, strict=False) if column in CHANNELS]
    return any(_is_number(cell) for cell in wanted)


def _table(
    path: Path,
    wide: npt.NDArray[np.float64],
    columns: Sequence[str],
    words: dict[str, list[str]],
    *,
    first_row: int,
) -> Table:
    if not len(wide):
        raise DatasetError(f"{path}: holds no samples; leave it out with --skip-bad")
    bad = np.flatnonzero(~np.isfinite(wide).all(axis=1))
    if len(bad):
        raise DatasetError(
            f"{path} row {first_row + bad[0]}: a value is missing (NaN); --skip-bad leaves it out"
        )
    samples = wide[:, [columns.index(channel) for channel in CHANNELS]]
    time_s = None
    for column in columns:
        if column in TIMES:
            stamps = wide[:, columns.index(column)]
            # From the first stamp on: milliseconds since 1970 have no room for fractions in a float.
            time_s = (stamps - stamps[0]) * TIMES[column]
            back = np.flatnonzero(np.diff(time_s) < 0)
            if len(back):
                raise DatasetError(
                    f"{path} row {first_row + back[0] + 1}: time goes back; sort the file, or --skip-bad "
                    "leaves it out"
                )
    return Table(samples, time_s, words)
