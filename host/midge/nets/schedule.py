"""How long and how fast nets learn, with or without PyTorch."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

# Largest standardised input that int8 holds.
INPUT_REACH = 4.5
INPUT_STEP = INPUT_REACH / 127
# Part of the rounds that are made with rounding, and of their rate of learning.
ROUNDED_PART = 0.2
ROUNDED_RATE = 0.15
# Rows that ranges of activations are taken from, how fast ranges follow those of the batches, and the part of
# a batch's values that they may leave out, above and below.
RANGE_ROWS = 512
RANGE_RATE = 0.05
RANGE_OUTLIERS = 0.0005
LARGEST_WEIGHT = 127
RISING_PART = 0.2


@dataclass(frozen=True)
class Schedule:
    """How long, how fast, and with which disturbances."""

    epochs: int
    batch_size: int
    learning_rate: float
    weight_decay: float
    label_smoothing: float
    augment: Mapping[str, float]
    seed: int

    @property
    def phases(self) -> tuple[range, range]:
        """Rounds in real numbers, then those as int8 will be."""
        n_real = self.epochs - max(1, round(self.epochs * ROUNDED_PART))
        return range(n_real), range(n_real, self.epochs)


def rate(done: float) -> float:
    """Part of the highest rate: it rises during the first fifth, and falls to nothing along a cosine."""
    rising = min(1.0, (done + 0.01) / RISING_PART)
    return rising * (1 + math.cos(math.pi * max(0.0, done - RISING_PART) / (1 - RISING_PART))) / 2
