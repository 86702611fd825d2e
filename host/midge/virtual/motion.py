"""What the board feels: the scene that plays, as acceleration at instants of board time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .scene import Scene


class Motion:
    """The scene that plays and when it began; a chip keeps samples only until `version` changes."""

    def __init__(self) -> None:
        self.version = 0
        self._scene = Scene.still()
        self._start_us = 0

    def play(self, scene: Scene, now_us: int) -> None:
        """Play `scene` from `now_us` on."""
        self._scene = scene
        self._start_us = now_us
        self.version += 1

    @property
    def is_raw(self) -> bool:
        """True if the scene gives the chip's own numbers instead of accelerations."""
        return self._scene.raw_counts is not None

    def acceleration_g(self, times_us: NDArray[np.int64]) -> NDArray[np.float64]:
        """Acceleration in g at the instants, shape (n, 3); between two samples on a straight line."""
        scene = self._scene
        position = (times_us - self._start_us) * (scene.rate_hz / 1e6)
        n = len(scene.samples_g)
        whole = np.floor(position).astype(np.int64)
        fraction = (position - whole)[:, None]
        if scene.loop:
            before, after = whole % n, (whole + 1) % n
        else:
            before, after = np.clip(whole, 0, n - 1), np.clip(whole + 1, 0, n - 1)
        return np.asarray(scene.samples_g[before] * (1 - fraction) + scene.samples_g[after] * fraction)

    def raw_counts(self, first: int, n: int) -> NDArray[np.int16]:
        """Samples `first` to `first + n` of a raw scene, shape (n, 3); it starts again at its end."""
        counts = self._scene.raw_counts
        assert counts is not None
        return counts[np.arange(first, first + n) % len(counts)]
