"""Adam, by which nets learn that numpy trains."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Float = npt.NDArray[np.float32]

MEAN_RATE, SQUARE_RATE, LEAST = 0.1, 0.001, np.float32(1e-8)


class Adam:
    """Steps of weights, one array, against their slopes (Kingma and Ba 2015).

    Weights shrink by `decay` times the rate a step, apart from their slopes (Loshchilov and Hutter 2019).
    """

    def __init__(self, values: Float, decay: float) -> None:
        self.values, self.decay = values, decay
        self.mean, self.square = np.zeros_like(values), np.zeros_like(values)
        self.steps = 0

    def step(self, slopes: Float, rate: float) -> None:
        """Change the weights in place."""
        self.steps += 1
        self.mean += np.float32(MEAN_RATE) * (slopes - self.mean)
        self.square += np.float32(SQUARE_RATE) * (slopes * slopes - self.square)
        mean = self.mean / np.float32(1 - (1 - MEAN_RATE) ** self.steps)
        square = self.square / np.float32(1 - (1 - SQUARE_RATE) ** self.steps)
        self.values *= np.float32(1 - rate * self.decay)
        self.values -= np.float32(rate) * mean / (np.sqrt(square) + LEAST)
