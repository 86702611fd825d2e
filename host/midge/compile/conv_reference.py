"""Nets with time in them in real numbers: the same weights and limits, nothing rounded between the layers."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .conv import Conv
from .conv_layers import Layer, Shape, counts, patches
from .ir import Answers, FloatArray

# Rows at a time: patches of all of them would fill the memory.
ROWS = 64


def interpret(ir: Conv, X: FloatArray) -> Answers:
    """Scores, winners and margins (in values) of rows of features (n_rows, n_features)."""
    return ir.verdict.judge(values(ir, X))


def values(ir: Conv, X: FloatArray) -> FloatArray:
    """What the last layer says of rows of features: float64 (n_rows, n_values)."""
    parts = [_values(ir, X[at : at + ROWS]) for at in range(0, len(X), ROWS)]
    return np.concatenate(parts) if parts else np.zeros((0, ir.verdict.n_values))


def _values(ir: Conv, X: FloatArray) -> FloatArray:
    rows = X.reshape(len(X), ir.shape[0], -1)
    x = np.clip((rows - ir.offset) * ir.gain, -128 - ir.zero, 127 - ir.zero) * ir.scale
    tensors = [x.reshape(len(X), *ir.shape)]
    for layer in ir.layers:
        y = _layer(ir, layer, tensors)
        if layer.scale:
            y = np.clip(y, (layer.low - layer.zero) * layer.scale, (layer.high - layer.zero) * layer.scale)
        tensors.append(y)
    return tensors[-1].reshape(len(X), -1)


def _layer(ir: Conv, layer: Layer, tensors: list[FloatArray]) -> FloatArray:
    x = tensors[layer.sources[0]]
    if layer.kind == "add":
        return x + tensors[layer.sources[1]]
    if layer.weights is None:
        return pool(layer, x)
    real = layer.weights.values * layer.weights.scales[:, None, None, None]
    bias = layer.weights.bias * layer.weights.scales * ir.tensor(layer.sources[0])[0]
    return multiply(layer, x, real, 0.0) + bias


def multiply(layer: Layer, x: FloatArray, weights: FloatArray, outside: float) -> FloatArray:
    """Sums of products, (n, rows, columns, n_out); `outside` is what lies around the input."""
    if layer.kind == "dense":
        return (x.reshape(len(x), -1) @ weights.reshape(len(weights), -1).T)[:, None, None, :]
    seen = patches(x, layer.window, outside)
    if layer.kind == "depthwise":
        # Tap by tap: no copy of what is seen, which is as large as the kernel times the tensor.
        total = np.zeros((*seen.shape[:3], seen.shape[5]))
        for row, column in np.ndindex(layer.window.kernel):
            total += seen[:, :, :, row, column] * weights[:, row, column, 0]
        return total
    flat = seen.reshape(*seen.shape[:3], -1)
    product: FloatArray = flat @ weights.reshape(len(weights), -1).T
    return product


def pool(layer: Layer, x: npt.NDArray[np.float64]) -> FloatArray:
    """Largest or mean value of each window; what lies around the input does not count."""
    if layer.kind == "max":
        return np.asarray(patches(x, layer.window, -np.inf).max(axis=(3, 4)), np.float64)
    shape: Shape = (x.shape[1], x.shape[2], x.shape[3])
    return np.asarray(
        patches(x, layer.window, 0.0).sum(axis=(3, 4)) / counts(shape, layer.window), np.float64
    )
