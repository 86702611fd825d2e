"""A model's own C on this machine: what evaluation, prediction and the agreement figures run."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ..errors import ModelError
from . import native_sources, toolchain

if TYPE_CHECKING:
    from ..model_file import Model

Int16Array = npt.NDArray[np.int16]


class HostModel:
    """The generated C of a model, compiled for this machine.

    Parameters
    ----------
    sources
        the generated files, from `c99.sources`
    """

    def __init__(self, model: Model, sources: Mapping[str, str]) -> None:
        everything = {**sources, "host_model.c": native_sources.read("host_model.c")}
        self._model = model
        self._library = ctypes.CDLL(str(toolchain.host_library(everything)))

    def classify(self, features: npt.ArrayLike) -> tuple[Int16Array, npt.NDArray[np.int32]]:
        """Scores int16 (n_rows, n_scores) and winners int32 (n_rows,) of int16 rows (n_rows, n_features).

        Raises ModelError for rows of another length.
        """
        rows = np.ascontiguousarray(features, np.int16)
        if rows.ndim != 2 or rows.shape[1] != self._model.n_features:
            raise ModelError(
                f"features have the shape {rows.shape}; it must be (rows, {self._model.n_features})"
            )
        scores = np.zeros((len(rows), self._model.n_scores), np.int16)
        winners = np.zeros(len(rows), np.int32)
        self._library.host_classify(
            ctypes.c_void_p(rows.ctypes.data),
            ctypes.c_int32(len(rows)),
            ctypes.c_void_p(scores.ctypes.data),
            ctypes.c_void_p(winners.ctypes.data),
        )
        return scores, winners

    def stream(self, samples: npt.ArrayLike) -> Int16Array:
        """Features of every window of a stream, as the front end cuts it.

        Parameters
        ----------
        samples
            int16 (n_samples, n_channels)

        Returns
        -------
        int16 (n_windows, n_features)
        """
        frontend = self._model.frontend
        if frontend is None:
            raise ModelError("the model has no front end; give it features")
        block = np.ascontiguousarray(samples, np.int16)
        if block.ndim != 2 or block.shape[1] != len(frontend.channels):
            raise ModelError(
                f"samples have the shape {block.shape}; it must be (n, {len(frontend.channels)})"
            )
        from . import c99

        state = np.zeros(c99.state_bytes(self._model) // 8, np.uint64)
        room = len(block) // frontend.hop + 1
        features = np.zeros((room, self._model.n_features), np.int16)
        pointer = ctypes.c_void_p(state.ctypes.data)
        self._library.host_init(pointer)
        n_windows = self._library.host_stream(
            pointer,
            ctypes.c_void_p(block.ctypes.data),
            ctypes.c_int32(len(block)),
            ctypes.c_void_p(features.ctypes.data),
            ctypes.c_int32(room),
        )
        return features[:n_windows]

    def windows(self, windows: npt.ArrayLike) -> Int16Array:
        """Features of windows that stand alone: int16 (n, window, n_channels) → int16 (n, n_features)."""
        cut = np.asarray(windows, np.int16)
        rows = [self.stream(window) for window in cut]
        return np.concatenate(rows) if rows else np.zeros((0, self._model.n_features), np.int16)
