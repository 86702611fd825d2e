"""Golden rows: inputs with the answers that every compiled form of a model must give."""

from __future__ import annotations

import binascii
import io
import struct
import tokenize
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..errors import ModelError
from . import kinds, reference
from .ir import Node

if TYPE_CHECKING:
    from ..model_file import Model

MAX_ROWS = 256
MAX_WINDOWS = 8
TEST_MAGIC = b"MGT1"
TEST_LIMIT_BYTES = 2048
_HEADER = struct.Struct("<4s6H")

Int16Array = npt.NDArray[np.int16]
_ARRAYS = {
    "features": (np.int16, 2),
    "scores": (np.int16, 2),
    "index": (np.uint16, 1),
    "windows": (np.int16, 3),
    "window_features": (np.int16, 2),
    "window_scores": (np.int16, 2),
    "window_index": (np.uint16, 1),
}


@dataclass(frozen=True, eq=False)
class Golden:
    """Inputs and expected answers.

    features : int16 (n_rows, n_features), scores : int16 (n_rows, n_scores), index : uint16 (n_rows,)
    windows : int16 (n_windows, length, n_channels) with window_features, window_scores, window_index
    """

    features: Int16Array
    scores: Int16Array
    index: npt.NDArray[np.uint16]
    windows: Int16Array
    window_features: Int16Array
    window_scores: Int16Array
    window_index: npt.NDArray[np.uint16]

    @classmethod
    def of(cls, **arrays: npt.NDArray[Any]) -> Golden:
        """Golden rows out of the arrays that there are; the others are empty."""
        return cls(
            **{name: arrays.get(name, np.zeros((0,) * n, kind)) for name, (kind, n) in _ARRAYS.items()}
        )


def expected(ir: Node, features: Int16Array) -> tuple[Int16Array, npt.NDArray[np.uint16]]:
    """Scores and winners that midge's own C must give, bit for bit."""
    lowering = kinds.part(ir.kind, "lowering")
    scores, index = lowering.predict(lowering.lower(ir), features)
    return scores, index.astype(np.uint16)


def choose(model: Model, X: Int16Array, windows: Int16Array | None = None) -> Golden:
    """Golden rows of a model: typical training rows, near ties, the int16 extremes and rows at thresholds."""
    rows = np.concatenate([_typical(model, X), _extremes(model.n_features), probes(model.ir, X, MAX_ROWS)])
    most = most_rows(model.ir)
    rows = _distinct(rows)[:MAX_ROWS]
    if most < len(rows):
        rows = rows[np.unique(np.linspace(0, len(rows) - 1, most).astype(int))]
    scores, index = expected(model.ir, rows)
    if model.frontend is None or windows is None or not len(windows):
        return Golden.of(features=rows, scores=scores, index=index)
    n_windows = min(MAX_WINDOWS, most)
    few = np.ascontiguousarray(windows[np.unique(np.linspace(0, len(windows) - 1, n_windows).astype(int))])
    window_features = model.frontend.extract(few)
    return Golden(rows, scores, index, few, window_features, *expected(model.ir, window_features))


def most_rows(ir: Node) -> int:
    """Golden rows that a model may have: fewer of one that takes long in emulation."""
    limit = getattr(kinds.part(ir.kind, "probes"), "most_golden", None)
    return MAX_ROWS if limit is None else min(MAX_ROWS, limit(ir))


def _distinct(rows: Int16Array) -> Int16Array:
    """Rows without repetition, in their order."""
    _, first = np.unique(rows, axis=0, return_index=True)
    return rows[np.sort(first)]


def _typical(model: Model, X: Int16Array) -> Int16Array:
    """Up to 64 rows evenly out of X and the 64 with the smallest margins."""
    if not len(X):
        return X
    evenly = X[np.unique(np.linspace(0, len(X) - 1, 64).astype(int))]
    close = reference.evaluate(model.ir, X).margins
    return np.concatenate([evenly, X[np.argsort(close, kind="stable")[:64]]])


def _extremes(n_features: int) -> Int16Array:
    values = np.array([-32768, -1, 0, 1, 32767], np.int16)
    return np.repeat(values[:, None], n_features, axis=1)


def probes(ir: Node, X: Int16Array, limit: int) -> Int16Array:
    """At most `limit` rows that would show a mistake in the C, made out of the rows X."""
    rows: Int16Array = kinds.part(ir.kind, "probes").probes(ir, X, limit)
    return rows


def write(golden: Golden, path: Path) -> None:
    """Write golden.npz: the same rows give the same bytes."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in _ARRAYS:
            buffer = io.BytesIO()
            np.lib.format.write_array(buffer, np.ascontiguousarray(getattr(golden, name)), allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), buffer.getvalue(), zipfile.ZIP_DEFLATED)


# What zipfile, zlib and numpy's parser of headers raise for bytes that were changed.
_NOT_WHOLE = (
    *(OSError, ValueError, KeyError, EOFError, MemoryError, NotImplementedError, RuntimeError, SyntaxError),
    *(zipfile.BadZipFile, zlib.error, struct.error, tokenize.TokenError),
)


def read(path: Path) -> Golden:
    """Read golden.npz; raises ModelError if it is not whole. Nothing in it is ever unpickled."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in _ARRAYS}
    except _NOT_WHOLE as error:
        raise ModelError(f"{path.name} is not whole ({error}); train the model again") from None
    for name, (kind, n_dims) in _ARRAYS.items():
        if arrays[name].dtype != kind or arrays[name].ndim != n_dims:
            raise ModelError(f"{path.name}: {name} has a wrong type or shape; train the model again")
    return Golden(**arrays)


def check_shape(golden: Golden, model: Model) -> None:
    """ModelError unless the golden rows are rows of this model."""
    n_rows, n_windows = len(golden.features), len(golden.windows)
    shapes = [
        (golden.features, (n_rows, model.n_features)),
        (golden.scores, (n_rows, model.n_scores)),
        (golden.index, (n_rows,)),
        (golden.window_features, (n_windows, model.n_features)),
        (golden.window_scores, (n_windows, model.n_scores)),
        (golden.window_index, (n_windows,)),
    ]
    if model.frontend is not None:
        shapes.append((golden.windows, (n_windows, model.frontend.window, len(model.frontend.channels))))
    for array, shape in shapes:
        if array.shape != shape and array.size:
            raise ModelError("its golden rows belong to another model; train the model again")
    if n_rows > MAX_ROWS or n_windows > MAX_WINDOWS or (n_windows and model.frontend is None):
        raise ModelError("it has more golden rows than a model may have; train the model again")


def test_blob(golden: Golden, n_features: int, n_scores: int, limit_bytes: int = TEST_LIMIT_BYTES) -> bytes:
    """The board's self-test: as many golden rows, and then windows, as fit; crc32 at the end.

    Layout (little-endian): 'MGT1', u16 n_features, n_scores, n_rows, n_windows, window_samples, n_channels;
    rows of int16 features[], int16 scores[], u16 index; windows of int16 samples[], int16 scores[], u16
    index; u32 crc32 of all before.
    """
    n_windows, window_samples, n_channels = golden.windows.shape
    row_bytes = 2 * (n_features + n_scores + 1)
    # At least one row, however long it is.
    room = max(limit_bytes - _HEADER.size - 4, row_bytes)
    window_bytes = 2 * (window_samples * n_channels + n_scores + 1)
    # One window if one fits beside at least one row: it is the only check of the front end on the board.
    windows = min(n_windows, 1) if row_bytes + window_bytes <= room else 0
    rows = min(len(golden.features), (room - windows * window_bytes) // row_bytes)
    chosen = np.unique(np.linspace(0, max(len(golden.features) - 1, 0), rows).astype(int))[:rows]
    parts = [_HEADER.pack(TEST_MAGIC, n_features, n_scores, len(chosen), windows, window_samples, n_channels)]
    for row in chosen:
        parts += [_little(golden.features[row]), _little(golden.scores[row]), _little(golden.index[row])]
    for window in range(windows):
        parts += [
            _little(golden.windows[window]),
            _little(golden.window_scores[window]),
            _little(golden.window_index[window]),
        ]
    body = b"".join(parts)
    return body + struct.pack("<I", binascii.crc32(body))


def _little(values: Any) -> bytes:
    array = np.asarray(values)
    return array.astype(array.dtype.newbyteorder("<")).tobytes()
