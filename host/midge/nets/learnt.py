"""What training leaves of a net, in real numbers, and the int8 layers that it becomes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..compile.conv_layers import Layer, Weights
from .blocks import Operation
from .schedule import LARGEST_WEIGHT

Float = npt.NDArray[np.float32]

MOST_BIAS = 2**29 - 1


@dataclass(frozen=True, eq=False)
class Learnt:
    """One operation after training.

    weights : (n_out, height, width, n_in), None: it has none; bias : (n_out,)
    low, high : range of what it writes; of no meaning for pools and the last one
    """

    operation: Operation
    weights: Float | None
    bias: Float | None
    low: float
    high: float


def step_of(low: float, high: float) -> tuple[float, int]:
    """(scale, zero) of int8 values between `low` and `high`."""
    scale = max(high - low, 1e-6) / 255
    return scale, round(-128 - low / scale)


def layers(learnt: Sequence[Learnt], input_step: float) -> tuple[Layer, ...]:
    """The operations with their int8 weights."""
    steps: list[tuple[float, int]] = [(input_step, 0)]
    found = []
    for number, one in enumerate(learnt):
        made = one.operation
        scale_in, zero_in = steps[made.sources[0]]
        weights = _weights(one, scale_in)
        if number + 1 == len(learnt):
            scale, zero = 0.0, 0
        elif made.kind in ("average", "max"):
            scale, zero = scale_in, zero_in
        else:
            scale, zero = step_of(one.low, one.high)
            if weights is not None:
                # A step of the sums is at most half a step of what comes out: it has no finer to give.
                least = 2.01 * scale_in * float(weights.scales.max())
                if scale < least:
                    scale, zero = least, round(-128 - one.low / least)
        steps.append((scale, zero))
        low = zero if made.relu else -128
        found.append(Layer(made.kind, made.sources, scale, zero, low, 127, made.window, weights))
    return tuple(found)


def _weights(one: Learnt, scale_in: float) -> Weights | None:
    if one.weights is None or one.bias is None:
        return None
    largest = np.abs(one.weights).reshape(len(one.weights), -1).max(axis=1)
    scales = np.maximum(largest, np.float32(1e-6)) / np.float32(LARGEST_WEIGHT)
    values = np.rint(one.weights / scales[:, None, None, None])
    real = scales.astype(np.float64)
    bias = np.rint(one.bias.astype(np.float64) / (real * scale_in))
    return Weights(values.astype(np.int8), real, np.clip(bias, -MOST_BIAS, MOST_BIAS).astype(np.int32))
