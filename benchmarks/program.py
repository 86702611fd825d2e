"""What a peer hands over: C of one fitted estimator behind one fixed entry point."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

ENTRY = "peer_predict"
PREPARE = "peer_prepare"


@dataclass(frozen=True)
class Program:
    """C or C++ that defines `int32_t peer_predict(const T *features)`, the index of the winning class.

    Attributes
    ----------
    sources : mapping of file name to text
        what is compiled (`.c`, `.cpp`), and headers
    encode : callable
        rows of X (n_rows, n_features) → array of T, one row each; not counted
    origin : str
        package and version that wrote it
    include_folders : tuple of Path
        where the package keeps its headers
    has_prepare : bool
        `void peer_prepare(void)` is to be called once, uncounted
    """

    sources: Mapping[str, str]
    encode: Callable[[npt.NDArray[Any]], npt.NDArray[Any]]
    origin: str
    include_folders: tuple[Path, ...] = ()
    has_prepare: bool = False


@dataclass(frozen=True)
class Variant:
    """One way in which a peer writes C: a row of the table."""

    name: str
    make: Callable[[], Program]


Variants = Iterator[Variant]


def as_type(dtype: str) -> Callable[[npt.NDArray[Any]], npt.NDArray[Any]]:
    """An `encode` that only changes the number type; ValueError if whole numbers would not survive it."""

    def encode(X: npt.NDArray[Any]) -> npt.NDArray[Any]:
        rows = np.ascontiguousarray(X, dtype)
        if np.issubdtype(rows.dtype, np.integer) and not np.array_equal(rows, X):
            raise ValueError(f"features are not whole numbers in the range of {dtype}")
        return rows

    return encode
