"""Arrays and columnar files → samples: .npy and Parquet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ..errors import DatasetError
from . import columns as column_names
from .heads import Columns, Head
from .table import Floats, Table
from .text import Options

_SHOWN_ROWS = 50


def read_npy(path: Path, where: str, options: Options) -> Table:
    """A .npy of numbers, (n, columns); raises DatasetError."""
    try:
        array = np.load(path, allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise DatasetError(f"{where}: not a whole .npy ({error}); --skip-bad leaves it out") from None
    if not isinstance(array, np.ndarray) or array.ndim != 2 or array.dtype.kind not in "iuf":
        raise DatasetError(
            f"{where}: must be a table of numbers (samples, columns); --skip-bad leaves it out"
        )
    if array.shape[0] in (3, 4) and array.shape[1] > 4 and options.spec is None:
        raise DatasetError(f"{where}: shape {array.shape} lies on its side; save it transposed: (samples, 3)")
    head = Head(("",) * array.shape[1], tuple(map(tuple, array[:_SHOWN_ROWS].tolist())))
    chosen = column_names.resolve(
        options.spec, head, where, fill_axes=options.fill_axes, has_gyro=options.has_gyro
    )
    if chosen.words:
        raise DatasetError(f"{where}: .npy holds numbers only; take the label from the path with --pattern")
    wide = {at: array[:, at].astype(np.float64) for at in _wanted(chosen)}
    return _table(
        where, wide, {}, len(array), chosen, options, f".npy {array.dtype}, {array.shape[1]} columns"
    )


def read_parquet(path: Path, where: str, options: Options) -> Table:
    """A Parquet table; raises DatasetError, also if pyarrow is not there."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise DatasetError("Parquet needs pyarrow: pip install 'midge[data]'") from None
    try:
        table = pyarrow.parquet.read_table(path)
    except (pyarrow.ArrowException, OSError) as error:
        why = " ".join(str(error).split())[:80]
        raise DatasetError(f"{where}: not a whole Parquet file ({why}); --skip-bad leaves it out") from None
    names = tuple(map(str, table.schema.names))
    head = Head(names, tuple(tuple(row.values()) for row in table.slice(0, _SHOWN_ROWS).to_pylist()))
    chosen = column_names.resolve(
        options.spec, head, where, fill_axes=options.fill_axes, has_gyro=options.has_gyro
    )
    wide: dict[int, Floats] = {}
    for at in _wanted(chosen):
        column, unit_scale = table.column(at), 1.0
        if pyarrow.types.is_timestamp(column.type):
            unit_scale = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}[column.type.unit]
            column = column.cast(pyarrow.int64())
            chosen = _in_seconds(chosen)
        try:
            wide[at] = column.cast(pyarrow.float64(), safe=False).to_numpy(zero_copy_only=False) * unit_scale
        except pyarrow.ArrowException:
            raise DatasetError(
                f"{where}: column {names[at]!r} is {column.type}, not numbers; choose with --columns x=NAME,…"
            ) from None
    words = {
        word: ["" if value is None else str(value) for value in table.column(at).to_pylist()]
        for word, at in chosen.words.items()
    }
    return _table(where, wide, words, table.num_rows, chosen, options, f"Parquet, {len(names)} columns")


def _wanted(chosen: Columns) -> list[int]:
    return [at for at in (*chosen.values, chosen.time) if at is not None]


def _in_seconds(chosen: Columns) -> Columns:
    from dataclasses import replace

    return replace(chosen, time_unit="s")


def _table(
    where: str,
    wide: dict[int, Floats],
    words: dict[str, list[str]],
    n: int,
    chosen: Columns,
    options: Options,
    what: str,
) -> Table:
    if not n:
        raise DatasetError(f"{where}: holds no samples; --skip-bad leaves it out")
    samples = np.stack([np.zeros(n) if at is None else wide[at] for at in chosen.values], axis=1)
    stamps = None if chosen.time is None else wide[chosen.time]
    whole = np.isfinite(samples).all(axis=1) & (True if stamps is None else np.isfinite(stamps))
    notes: tuple[str, ...] = ()
    rows = np.arange(1, n + 1)
    if not whole.all():
        first = int(np.flatnonzero(~whole)[0])
        if not options.drop_rows:
            raise DatasetError(
                f"{where} row {first + 1}: a value is missing (NaN); --drop-rows leaves such rows out, "
                "--skip-bad such files"
            )
        notes = (f"{int((~whole).sum())} rows left out, the first: row {first + 1}: a value is missing",)
    if not whole.any():
        raise DatasetError(f"{where}: holds no whole sample; --skip-bad leaves it out")
    kept: Any = np.flatnonzero(whole)
    return Table(
        samples=samples[whole],
        rows=rows[whole],
        stamps=None if stamps is None else stamps[whole],
        stamp_unit=chosen.time_unit,
        index=kept if len(kept) < n and stamps is None else None,
        words={word: [values[i] for i in kept] for word, values in words.items()},
        unit=chosen.unit,
        gyro_unit=chosen.gyro_unit,
        says=(what, *chosen.says),
        notes=notes,
        dropped=n - len(kept),
    )
