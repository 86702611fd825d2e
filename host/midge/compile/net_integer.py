"""Nets in integers: int16 weights and activations, sums that never leave int32."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from . import activation, verdict
from .ir import FloatArray
from .net import Layer, Net, shifted
from .verdict import Verdict

# Activations may grow by this much beyond those of the training rows before they saturate.
HEADROOM = 2.0
INT16_LIMIT = 32767

IntegerArray = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class LayerIntegers:
    """sums = weights · x + bias; activation(sums >> shift) is the next layer's x.

    bits, multipliers : where bits < 16, a row's weights are its multiplier times numbers of so many bits
    shifts : int (n_in,), x is multiplied by 2^shifts and held within int16 first
    factor : weights are the IR's times this, rounded
    """

    weights: IntegerArray
    bias: IntegerArray
    shift: int
    bits: int = 16
    multipliers: IntegerArray | None = None
    shifts: IntegerArray | None = None
    factor: float = 1.0


@dataclass(frozen=True, eq=False)
class NetIntegers:
    """A net as the C computes it; the last sums are values · grid(verdict) · 2^log2_scale."""

    layers: tuple[LayerIntegers, ...]
    activation: str
    verdict: Verdict
    log2_scale: int
    epsilon: float
    # Most features begin at 0, as counts and powers do: many of them will be 0.
    is_sparse: bool = False


def lower(ir: Net) -> NetIntegers:
    """Weights as large as int16 allows, and int32 sums of any int16 inputs."""
    scale = 1.0
    error = np.zeros(ir.n_features)
    size = np.maximum(np.abs(ir.low), np.abs(ir.high))
    if ir.shifts is not None:
        size = np.abs(shifted(size, ir.shifts))
    layers = []
    log2_scale = 0
    for number, layer in enumerate(ir.layers):
        is_last = number + 1 == len(ir.layers)
        bias = layer.bias - (ir.verdict.center if is_last else 0.0)
        before = scale
        most = _most_scale(layer.weights, bias, scale, _largest(layer.bits) if layer.bits < 16 else 1)
        # Where the sums' scale must be a power of two: tables of tanh, and scores.
        grid = verdict.grid(ir.verdict) if is_last else 1.0
        shift = 0
        if is_last or ir.activation in ("tanh", "logistic"):
            exponent = int(np.floor(np.log2(most * scale / grid)))
            total = grid * 2.0**exponent
            log2_scale, shift = exponent, exponent - activation.FRACTION_BITS
        else:
            total = most * scale if layer.steps is None else _exact(layer, most) * scale
        multipliers = None
        if layer.steps is None:
            weights = np.rint(layer.weights * total / scale).astype(np.int64)
        else:
            multipliers = _multipliers(layer.steps * total / scale, layer.bits)
            weights = np.rint(layer.weights / layer.steps[:, None]).astype(np.int64) * multipliers[:, None]
        whole_bias = np.rint(bias * total).astype(np.int64)
        off = np.abs(layer.weights - weights * scale / total)
        error = np.abs(layer.weights) @ error + off @ size + 0.5 / total
        if not is_last:
            size = np.full(len(bias), ir.peaks[number])
            if ir.activation in ("tanh", "logistic"):
                scale = 32767.0
                error = error + activation.ERROR
            else:
                peak = max(HEADROOM * float(ir.peaks[number]) * total, 1.0)
                shift = max(0, int(np.ceil(np.log2(peak / INT16_LIMIT))))
                scale = total / 2.0**shift
                error = error + 1.0 / scale
        shifts = ir.shifts if number == 0 else None
        layers.append(
            LayerIntegers(weights, whole_bias, shift, layer.bits, multipliers, shifts, total / before)
        )
    epsilon = float(np.sort(error)[-2:].sum())
    is_sparse = bool(np.mean(ir.low == 0) > 0.5)
    return NetIntegers(tuple(layers), ir.activation, ir.verdict, log2_scale, epsilon, is_sparse)


def _largest(bits: int) -> int:
    return (1 << (bits - 1)) - 1


def _multipliers(wanted: FloatArray, bits: int) -> IntegerArray:
    return np.clip(np.rint(wanted), 1, INT16_LIMIT // _largest(bits)).astype(np.int64)


def _exact(layer: Layer, most: float) -> float:
    """The factor up to `most` that takes the layer's steps nearest to whole numbers, of equals the largest.

    A multiplier that is rounded is a row's weights all too large or too small.
    """
    assert layer.steps is not None
    largest = float(layer.steps.max())
    of_largest = np.arange(min(int(most * largest), INT16_LIMIT // _largest(layer.bits)), 0, -1)
    if not len(of_largest):
        return most
    wanted = layer.steps * of_largest[:, None] / largest
    off = np.abs(np.maximum(np.rint(wanted), 1) / wanted - 1).max(axis=1)
    return float(of_largest[int(np.argmin(np.round(off, 9)))]) / largest


def _most_scale(weights: FloatArray, bias: FloatArray, scale: float, rounded: int = 1) -> float:
    """The largest factor of the weights, of inputs that are real ones times `scale`.

    rounded : a weight's rounding is half of this
    """
    room = 2.0**31 - 1 - (0.5 * rounded * weights.shape[1] + 1) * 32768
    bound = float((np.abs(weights).sum(axis=1) * 32768 + np.abs(bias) * scale).max(initial=0.0))
    largest = float(np.abs(weights).max(initial=0.0))
    scales = [2.0**30]
    if bound:
        scales.append(max(room, 2.0**28) / bound)
    if largest:
        scales.append((INT16_LIMIT + 0.49) / largest)
    return min(scales)


def predict(
    lowered: NetIntegers, X: npt.NDArray[np.int16]
) -> tuple[npt.NDArray[np.int16], npt.NDArray[np.int32]]:
    """Scores int16 (n_rows, n_scores) and winners int32 (n_rows,), as the C must give them."""
    return verdict.judge_integers(lowered.verdict, sums(lowered, X), lowered.log2_scale)


def values(lowered: NetIntegers, X: npt.NDArray[np.int16]) -> FloatArray:
    """What the sums stand for, float64 (n_rows, n_values), less the verdict's center."""
    return sums(lowered, X) / (verdict.grid(lowered.verdict) * 2.0**lowered.log2_scale)


def sums(lowered: NetIntegers, X: npt.NDArray[np.int16]) -> IntegerArray:
    """Exact sums of the last layer, int64 (n_rows, n_values)."""
    values = X.astype(np.int64)
    if lowered.layers[0].shifts is not None:
        values = shifted(values, lowered.layers[0].shifts)
    for number, layer in enumerate(lowered.layers):
        values = values @ layer.weights.T + layer.bias
        if number + 1 < len(lowered.layers):
            values = activation.apply(lowered.activation, values, layer.shift)
    return values
