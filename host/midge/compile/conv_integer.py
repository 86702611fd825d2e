"""Nets with time in them in integers: int8 tensors, int32 sums, factors in fixed point; what the C computes.

Rounding between layers is that of TensorFlow Lite's reference kernels, so that imported nets give the same
bits: the sum times a 31-bit factor, high half, ties up; then a shift, ties away from zero. Dense layers round
once, ties up. Nets of our own have factors of 15 bits in the same place: a core without a long multiplication
takes half the steps.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ..errors import ModelError
from . import conv_arena, conv_reference, verdict
from .conv import Conv
from .conv_layers import Layer, Shape, counts, patches
from .ir import FloatArray

IntegerArray = npt.NDArray[np.int64]
Int16Array = npt.NDArray[np.int16]

# An add brings both sides to this many more bits before they meet.
ADD_BITS = 20
# int8 values are widened by so many bits before they become sums for the verdict.
WIDE_BITS = 16
LARGEST_GAIN = 1 << 14
ROWS = 64


@dataclass(frozen=True, eq=False)
class Factors:
    """real factor = multiplier / 2^31 / 2^shift of each channel.

    is_narrow : multipliers of 15 bits, factors below half;  is_once : rounded once
    """

    multiplier: IntegerArray
    shift: IntegerArray
    is_narrow: bool
    is_once: bool = False


@dataclass(frozen=True, eq=False)
class LayerIntegers:
    """A layer with the shapes it meets; an 'add' has three factors: of its two sides and of their sum."""

    layer: Layer
    shape: Shape
    out: Shape
    zeros: tuple[int, ...]
    factors: Factors | None

    @property
    def is_last(self) -> bool:
        """It writes sums."""
        return not self.layer.scale


@dataclass(frozen=True, eq=False)
class ConvIntegers:
    """A net as the C computes it; the last sums are values · grid(verdict) · 2^log2_scale.

    gain, bias, shift : tensor 0 = (feature * gain + bias) >> shift, within int8
    last : factors from the last layer's numbers to those sums;  center : what is taken off after that
    """

    ir: Conv
    gain: IntegerArray
    bias: IntegerArray
    shift: int
    layers: tuple[LayerIntegers, ...]
    last: Factors
    center: int
    verdict: verdict.Verdict
    log2_scale: int
    epsilon: float
    arena: conv_arena.Arena


def lower(ir: Conv) -> ConvIntegers:
    """The net in fixed point, and where its tensors lie."""
    gain, bias, shift = _input(ir)
    shapes = ir.shapes
    layers = tuple(
        LayerIntegers(
            layer,
            shapes[layer.sources[0]],
            shapes[number + 1],
            tuple(ir.tensor(source)[1] for source in layer.sources),
            _factors(ir, layer),
        )
        for number, layer in enumerate(ir.layers)
    )
    steps = _steps_of_values(ir) * verdict.grid(ir.verdict)
    log2_scale = math.floor(math.log2(0.499 / float(steps.max())))
    center = round(ir.verdict.center * verdict.grid(ir.verdict) * 2.0**log2_scale) if ir.verdict.center else 0
    if abs(center) >= 1 << 30:
        raise ModelError("ir: the values lie too far from 0 for their spread; scale the targets")
    return ConvIntegers(
        ir=ir,
        gain=gain,
        bias=bias,
        shift=shift,
        layers=layers,
        last=factors(steps * 2.0**log2_scale),
        center=center,
        verdict=ir.verdict,
        log2_scale=log2_scale,
        epsilon=ir.rounding,
        arena=conv_arena.plan(ir),
    )


def _input(ir: Conv) -> tuple[IntegerArray, IntegerArray, int]:
    shift = min(24, math.floor(math.log2((LARGEST_GAIN - 1) / float(ir.gain.max()))))
    if shift < 0:
        raise ModelError("ir: features that differ by less than a step count; scale them up")
    gain = np.rint(ir.gain * 2.0**shift)
    bias = np.rint((ir.zero - ir.offset * ir.gain) * 2.0**shift + (0.5 if shift else 0) * 2.0**shift)
    if np.abs(bias).max() >= 1 << 30:
        raise ModelError("ir: features lie too far from 0 for their spread; subtract their mean")
    return gain.astype(np.int64), bias.astype(np.int64), shift


def _steps_of_values(ir: Conv) -> FloatArray:
    """Value that a step of each of the last layer's numbers stands for."""
    layer = ir.layers[-1]
    if layer.scale or layer.weights is None:
        return np.full(ir.verdict.n_values, layer.scale / 2**WIDE_BITS)
    return np.asarray(layer.weights.scales * ir.tensor(layer.sources[0])[0], np.float64)


def factors(real: FloatArray, bits: int = 31) -> Factors:
    """Fixed point of factors above 0."""
    part, exponent = np.frexp(real)
    is_narrow = bits == 15 and bool((exponent < 0).all())
    one = 1 << (15 if is_narrow else 31)
    multiplier = np.rint(part * one).astype(np.int64)
    over = multiplier == one
    multiplier, exponent = np.where(over, one // 2, multiplier), exponent + over
    if is_narrow and (exponent >= 0).any():
        return factors(real)
    vanishing = exponent < -31
    shift = np.where(vanishing, 31 if not is_narrow else 30, -exponent).astype(np.int64)
    return Factors(np.where(vanishing, 0, multiplier) << (16 if is_narrow else 0), shift, is_narrow)


def _factors(ir: Conv, layer: Layer) -> Factors | None:
    if not layer.scale:
        return None
    if layer.kind == "add":
        first, second = (ir.tensor(source)[0] for source in layer.sources)
        twice = 2 * max(first, second)
        return factors(np.array([first / twice, second / twice, twice / (2.0**ADD_BITS * layer.scale)]))
    if layer.weights is None:
        return None
    if layer.is_mean:
        n_channels, height, width, _ = layer.weights.values.shape
        ratio = np.full(n_channels, ir.tensor(layer.sources[0])[0] / layer.scale)
        return _divided(factors(ratio), height * width)
    real = layer.weights.scales * ir.tensor(layer.sources[0])[0] / layer.scale
    return replace(factors(real), is_once=True) if layer.kind == "dense" else factors(real, ir.bits)


def _divided(by: Factors, n: int) -> Factors:
    """Factors of a mean of n values: TensorFlow Lite divides the multiplier, and drops what is left over."""
    more = np.minimum(min(n.bit_length() - 1, 32), 31 - by.shift)
    return replace(by, multiplier=(by.multiplier << more) // n, shift=by.shift + more)


def requantise(sums: IntegerArray, by: Factors, index: int | None = None) -> IntegerArray:
    """Sums times their factors, as the C rounds them; `index`: the same factor for all."""
    multiplier = by.multiplier if index is None else by.multiplier[index]
    shift = np.asarray(by.shift if index is None else by.shift[index])
    if by.is_once:
        once: IntegerArray = (sums * multiplier + (1 << (30 + shift))) >> (31 + shift)
        return once
    high = ((sums << np.maximum(-shift, 0)) * multiplier + (1 << 30)) >> 31
    right = np.maximum(shift, 1) - 1
    found: IntegerArray = np.where(shift > 0, ((high - (high < 0)) >> right) + 1 >> 1, high)
    return found


def predict(lowered: ConvIntegers, X: Int16Array) -> tuple[Int16Array, npt.NDArray[np.int32]]:
    """Scores int16 (n_rows, n_scores) and winners int32 (n_rows,), as the C must give them."""
    rows = X.reshape(len(X), lowered.ir.shape[0], -1).astype(np.int64)
    inputs = np.clip((rows * lowered.gain + lowered.bias) >> lowered.shift, -128, 127)
    return verdict.judge_integers(lowered.verdict, sums(lowered, inputs), lowered.log2_scale)


def sums(lowered: ConvIntegers, inputs: IntegerArray) -> IntegerArray:
    """Sums for the verdict, (n_rows, n_values), of int8 rows of tensor 0."""
    parts = [_sums(lowered, inputs[at : at + ROWS]) for at in range(0, len(inputs), ROWS)]
    return np.concatenate(parts) if parts else np.zeros((0, lowered.verdict.n_values), np.int64)


def _sums(lowered: ConvIntegers, inputs: IntegerArray) -> IntegerArray:
    last = tensors(lowered, inputs)[-1].reshape(len(inputs), -1)
    final = lowered.layers[-1]
    if not final.is_last:
        last = (last - final.layer.zero) << WIDE_BITS
    return requantise(last, lowered.last) - lowered.center


def tensors(lowered: ConvIntegers, inputs: IntegerArray) -> list[IntegerArray]:
    """Every tensor, (n_rows, height, width, channels) each."""
    found = [inputs.reshape(len(inputs), *lowered.ir.shape)]
    for layer in lowered.layers:
        y = _run(layer, [found[source] for source in layer.layer.sources])
        found.append(y if layer.is_last else np.clip(y, layer.layer.low, layer.layer.high))
    return found


def _run(one: LayerIntegers, sources: list[IntegerArray]) -> IntegerArray:
    layer, x = one.layer, sources[0]
    if layer.kind == "add":
        assert one.factors is not None
        sides = [
            requantise((side - zero) << ADD_BITS, one.factors, number)
            for number, (side, zero) in enumerate(zip(sources, one.zeros, strict=True))
        ]
        return requantise(sides[0] + sides[1], one.factors, 2) + layer.zero
    if layer.kind == "max":
        return np.asarray(patches(x, layer.window, -128).max(axis=(3, 4)), np.int64)
    if layer.kind == "average":
        total = np.asarray(patches(x, layer.window, 0).sum(axis=(3, 4)), np.int64)
        n = counts(one.shape, layer.window)
        return np.asarray(np.sign(total) * ((np.abs(total) + n // 2) // n), np.int64)
    assert layer.weights is not None
    # Exact: whole numbers far below 2^53.
    real = layer.weights.values.astype(np.float64)
    product = conv_reference.multiply(layer, (x - one.zeros[0]).astype(np.float64), real, 0.0)
    total = np.rint(product).astype(np.int64) + layer.weights.bias
    return total if one.factors is None else requantise(total, one.factors) + layer.zero


def rounded_values(ir: Conv, X: FloatArray) -> FloatArray:
    """What the integers make of rows of features: `conv_reference.values` with all rounding."""
    lowered = lower(ir)
    rows = X.reshape(len(X), ir.shape[0], -1)
    inputs = np.clip(np.rint((rows - ir.offset) * ir.gain) + ir.zero, -128, 127).astype(np.int64)
    unit = verdict.grid(ir.verdict) * 2.0**lowered.log2_scale
    return np.asarray((sums(lowered, inputs) + lowered.center) / unit, np.float64)


def margin_errors(ir: Conv, X: FloatArray) -> FloatArray:
    """What rounding moves each row's margin by at most: features (n_rows, n_features) → float64 (n_rows,)."""
    errors = np.abs(rounded_values(ir, X) - conv_reference.values(ir, X))
    return np.asarray(np.sort(errors, axis=1)[:, -2:].sum(axis=1), np.float64)
