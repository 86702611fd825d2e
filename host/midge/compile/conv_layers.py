"""Layers of nets with time in them: what each computes on int8 tensors, and the shapes it makes of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import ModelError

FloatArray = npt.NDArray[np.float64]
Int8Array = npt.NDArray[np.int8]
Shape = tuple[int, int, int]

# With weights; then without.
WEIGHTED = ("conv", "depthwise", "dense")
POOLS = ("average", "max")
KINDS = (*WEIGHTED, *POOLS, "add")


@dataclass(frozen=True)
class Window:
    """How a kernel of (height, width) moves over its input; `same`: with zeros around it that keep the size.

    Zeros that can't be shared evenly lie behind, as TensorFlow has them.
    """

    kernel: tuple[int, int] = (1, 1)
    stride: tuple[int, int] = (1, 1)
    same: bool = False

    def out(self, size: tuple[int, int]) -> tuple[int, int]:
        """(height, width) of what comes out of an input of (height, width)."""
        height, width = (
            -(-n // step) if self.same else (n - taps) // step + 1
            for n, taps, step in zip(size, self.kernel, self.stride, strict=True)
        )
        return height, width

    def before(self, size: tuple[int, int]) -> tuple[int, int]:
        """Rows and columns of zeros before the input."""
        top, left = (
            max((m - 1) * step + taps - n, 0) // 2 if self.same else 0
            for n, m, taps, step in zip(size, self.out(size), self.kernel, self.stride, strict=True)
        )
        return top, left


ONE = Window()


@dataclass(frozen=True, eq=False)
class Weights:
    """int8 weights, a scale for each channel that is written, and biases in steps of the sums.

    values : int8 (n_out, height, width, n_in); of a depthwise layer (n_out, height, width, 1)
    scales : float64 (n_out,), real weight = value * scale
    bias : int32 (n_out,), in steps of the input's scale times the weights'
    """

    values: Int8Array
    scales: FloatArray
    bias: npt.NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Layer:
    """One layer; it writes tensor number k + 1 if it is number k. Tensor 0 is the input.

    kind : one of KINDS
    sources : numbers of the tensors it reads: two of an 'add', else one
    scale, zero : of what it writes: real = (int8 - zero) * scale. Scale 0: real sums, of the last layer only
    low, high : int8 values that it is held within: a ReLU has low = zero
    is_mean : a depthwise layer of ones that TensorFlow Lite calls a mean, whose factor it rounds otherwise
    """

    kind: str
    sources: tuple[int, ...]
    scale: float
    zero: int = 0
    low: int = -128
    high: int = 127
    window: Window = ONE
    weights: Weights | None = None
    is_mean: bool = False

    def out(self, shapes: list[Shape]) -> Shape:
        """Shape that it makes of the tensors; ModelError if they don't suit it."""
        height, width, channels = shapes[self.sources[0]]
        if self.kind == "add":
            if shapes[self.sources[0]] != shapes[self.sources[1]]:
                raise ModelError("ir: an add of two tensors of different shapes; train the model again")
            return shapes[self.sources[0]]
        if self.weights is not None:
            n_out, *_, n_in = self.weights.values.shape
            expected = {"dense": height * width * channels, "depthwise": 1}.get(self.kind, channels)
            if n_in != expected or (self.kind == "depthwise" and n_out != channels):
                raise ModelError(f"ir: weights of a {self.kind} layer don't fit {shapes[self.sources[0]]}")
            if self.kind == "dense":
                return 1, 1, n_out
            channels = n_out
        rows, columns = self.window.out((height, width))
        if rows < 1 or columns < 1:
            raise ModelError(f"ir: a kernel of {self.window.kernel} is larger than its input {height, width}")
        return rows, columns, channels

    def macs(self, shapes: list[Shape]) -> int:
        """Multiplications of weights and values."""
        if self.weights is None:
            return 0
        rows, columns, _ = self.out(shapes)
        return rows * columns * self.weights.values.size


def all_shapes(shape: Shape, layers: tuple[Layer, ...]) -> list[Shape]:
    """Shapes of all tensors, the input's first."""
    shapes = [shape]
    for layer in layers:
        shapes.append(layer.out(shapes))
    return shapes


def patches(x: npt.NDArray[Any], window: Window, outside: float) -> npt.NDArray[Any]:
    """What the kernel sees at each place: (n, rows, columns, height, width, channels) of x (n, h, w, c)."""
    size = (x.shape[1], x.shape[2])
    (rows, columns), (top, left) = window.out(size), window.before(size)
    need = [(m - 1) * s + k for m, s, k in zip((rows, columns), window.stride, window.kernel, strict=True)]
    room = ((0, 0), (top, max(0, need[0] - size[0] - top)), (left, max(0, need[1] - size[1] - left)), (0, 0))
    padded = np.pad(x, room, constant_values=outside)
    views = np.lib.stride_tricks.sliding_window_view(padded, window.kernel, (1, 2))
    views = views[:, :: window.stride[0], :: window.stride[1]][:, :rows, :columns]
    return views.transpose(0, 1, 2, 4, 5, 3)


def counts(shape: Shape, window: Window) -> npt.NDArray[np.int64]:
    """How many values of the input the kernel sees at each place, (rows, columns, 1)."""
    ones = np.ones((1, shape[0], shape[1], 1), np.int64)
    return np.asarray(patches(ones, window, 0).sum(axis=(3, 4))[0], np.int64)
