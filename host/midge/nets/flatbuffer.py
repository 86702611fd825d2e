"""Reads FlatBuffers by field number: tables, vectors and scalars, never beyond the end of the file.

Format: https://flatbuffers.dev/internals/
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import ModelError

_FORMATS = {"int8": "<b", "uint8": "<B", "int32": "<i", "uint32": "<I", "uint64": "<Q", "float32": "<f"}


@dataclass(frozen=True)
class Table:
    """A table at an offset of the file; fields that are not there have their default."""

    data: bytes
    at: int

    @classmethod
    def root(cls, data: bytes, identifier: bytes) -> Table:
        """The outermost table; ModelError unless the file says that it is of this kind."""
        if len(data) < 8 or data[4:8] != identifier:
            raise ModelError(f"not a file of the kind {identifier.decode()}")
        return cls(data, _read(data, 0, "<I"))

    def _place(self, field: int) -> int | None:
        layout = self.at - _read(self.data, self.at, "<i")
        entry = 4 + 2 * field
        if entry + 2 > _read(self.data, layout, "<H"):
            return None
        offset = _read(self.data, layout + entry, "<H")
        return self.at + offset if offset else None

    def scalar(self, field: int, kind: str, default: int = 0) -> Any:
        """A number of a kind in `_FORMATS`."""
        place = self._place(field)
        return default if place is None else _read(self.data, place, _FORMATS[kind])

    def table(self, field: int) -> Table | None:
        """A table within; None if it is not there."""
        place = self._place(field)
        return None if place is None else Table(self.data, place + _read(self.data, place, "<I"))

    def tables(self, field: int) -> list[Table]:
        """A vector of tables."""
        start, count = self._vector(field, 4)
        places = range(start, start + 4 * count, 4)
        return [Table(self.data, place + _read(self.data, place, "<I")) for place in places]

    def numbers(self, field: int, dtype: str) -> npt.NDArray[Any]:
        """A vector of numbers of a little-endian numpy type."""
        kind = np.dtype(dtype)
        start, count = self._vector(field, kind.itemsize)
        return np.frombuffer(self.data, kind, count, start)

    def text(self, field: int) -> str:
        """A string."""
        start, count = self._vector(field, 1)
        return self.data[start : start + count].decode("utf-8", "replace")

    def _vector(self, field: int, item_bytes: int) -> tuple[int, int]:
        place = self._place(field)
        if place is None:
            return 0, 0
        start = place + _read(self.data, place, "<I")
        count = _read(self.data, start, "<I")
        if start + 4 + count * item_bytes > len(self.data):
            raise ModelError("the file is cut short")
        return start + 4, count


def _read(data: bytes, at: int, form: str) -> Any:
    try:
        if at < 0:
            raise struct.error
        return struct.unpack_from(form, data, at)[0]
    except struct.error:
        raise ModelError("the file is cut short") from None
