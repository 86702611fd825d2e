"""Weights of 8, 6 or 4 bits: each row of a layer has a step of its own, and packs its weights into bytes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..compile.linear import Linear
from ..compile.net import PACKED_BITS, Layer, Net

_INT16_MAX = 32767


def net(ir: Net, bits: int) -> Net | None:
    """The net with weights of so many bits; None if it has such already."""
    if bits not in PACKED_BITS or any(layer.bits <= bits for layer in ir.layers):
        return None
    return replace(ir, layers=tuple(_packed(layer, bits) for layer in ir.layers))


def linear(ir: Linear, bits: int) -> Net | None:
    """A linear model as a net of one such layer."""
    layer = Layer(ir.weights, ir.bias)
    return net(Net((layer,), "identity", ir.verdict, ir.low, ir.high, np.zeros(0)), bits)


def _packed(layer: Layer, bits: int) -> Layer:
    """Steps are whole multiples of what int16 weights of the layer would have: kernels multiply by them."""
    most = (1 << (bits - 1)) - 1
    largest = np.abs(layer.weights).max(axis=1)
    unit = float(largest.max()) / _INT16_MAX or 1.0
    steps = np.maximum(np.ceil(largest / (most * unit)), 1.0)
    # The largest row's multiplier must not take a weight beyond int16.
    steps = np.minimum(steps, _INT16_MAX // most) * unit
    whole = np.clip(np.rint(layer.weights / steps[:, None]), -most, most)
    return Layer(whole * steps[:, None], layer.bias, bits, steps)
