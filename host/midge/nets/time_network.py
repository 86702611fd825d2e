"""Operations along time in numpy: values forward, slopes of the loss back, all weights in one array."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from .blocks import Operation
from .learnt import Float, Learnt, step_of
from .schedule import LARGEST_WEIGHT, RANGE_OUTLIERS, RANGE_RATE

# Of batch normalisation, as PyTorch has them.
EPSILON = np.float32(1e-5)
STATISTICS_RATE = np.float32(0.1)
WEIGHTED = ("conv", "depthwise", "dense")


def is_along_time(operations: Sequence[Operation], width: int) -> bool:
    """Whether every operation of a net over rows so wide is one of `Network`."""
    pools = all(one.kind not in ("average", "max") or one is operations[-2] for one in operations)
    return width == 1 and pools


class Unit:
    """One operation over tensors (channels, n, times); `forward` keeps what `backward` needs.

    Channels come first, so that everything is a product of matrices. Until `fold`, values are normalised over
    the batch (Ioffe and Szegedy 2015).
    """

    def __init__(self, operation: Operation, length: int, channels: int, *, is_last: bool) -> None:
        self.operation, self.is_last = operation, is_last
        self.channels = channels
        window, n_out = operation.window, operation.channels
        self.taps, self.step = window.kernel[0], window.stride[0]
        self.n_times = window.out((length, 1))[0]
        before = window.before((length, 1))[0]
        self.room = (before, max(0, (self.n_times - 1) * self.step + self.taps - length - before))
        self.has_norm = operation.kind in WEIGHTED and not is_last
        self.shapes: dict[str, tuple[int, ...]] = {}
        if operation.kind in WEIGHTED:
            n_in = 1 if operation.kind == "depthwise" else channels
            self.shapes = {"weights": (n_out, self.taps * n_in), "bias": (n_out,)}
        if self.has_norm:
            self.shapes |= {"gain": (n_out,), "shift": (n_out,)}
        # Which tap joins which time that is read to which one that is written.
        tap, to = np.indices((self.taps, self.n_times)).reshape(2, -1)
        source = to * self.step + tap - before
        inside = (source >= 0) & (source < length)
        self.joins = source[inside], to[inside], tap[inside]
        self.length = length
        self.mean, self.variance = np.zeros(n_out, np.float32), np.ones(n_out, np.float32)
        self.low, self.high = 0.0, 0.0
        self.value: dict[str, Float] = {}
        self.slope: dict[str, Float] = {}
        self.passes: list[npt.NDArray[np.bool_]] = []

    def begin(self, rng: np.random.Generator) -> None:
        """Weights to start with (He et al. 2015)."""
        for name, value in self.value.items():
            value[:] = name == "gain"
        if "weights" in self.value:
            shape = self.shapes["weights"]
            self.value["weights"][:] = rng.normal(0.0, np.sqrt(2 / shape[1]), shape)

    def forward(self, tensors: Sequence[Float], *, learns: bool, is_rounded: bool) -> Float:
        x = tensors[self.operation.sources[0]]
        if self.operation.kind == "average":
            return np.asarray(x.mean(axis=2, keepdims=True))
        self.passes = []
        if self.operation.kind == "add":
            y = x + tensors[self.operation.sources[1]]
        else:
            self.used = self.value["weights"]
            if is_rounded:
                largest = np.abs(self.used).max(axis=1, keepdims=True)
                steps = np.maximum(largest, np.float32(1e-6)) / LARGEST_WEIGHT
                self.used = np.rint(self.used / steps) * steps
            y = self._weighted(x) + _each(self.value["bias"])
            if self.has_norm:
                y = self._normal(y, learns)
        if self.operation.relu:
            self.passes.append(y > 0)
            y = np.maximum(y, 0)
        return self._limited(y, learns) if is_rounded and not self.is_last else y

    def backward(self, dy: Float) -> Float:
        """Slope of the loss along what was read, from that along what was written; fills `slope`."""
        # Rounding has the slope of no rounding (Bengio et al. 2013, straight-through estimator).
        for mask in self.passes:
            dy = dy * mask
        if self.operation.kind == "add":
            return dy
        if self.operation.kind == "average":
            return np.asarray(np.repeat(dy / np.float32(self.taps), self.taps, axis=2))
        if self.has_norm:
            dy = self._normal_back(dy)
        self.slope["bias"][:] = dy.sum(axis=(1, 2))
        if self.operation.kind == "depthwise":
            source, to, tap = self.joins
            joined = (self.read.transpose(0, 2, 1) @ dy)[:, source, to]
            self.slope["weights"][:] = np.add.reduceat(joined, np.searchsorted(tap, range(self.taps)), axis=1)
            return np.asarray(dy @ self.matrix.transpose(0, 2, 1))
        flat = dy.reshape(len(dy), -1)
        self.slope["weights"][:] = flat @ self.read.T
        back = (self.used.T @ flat).reshape(-1, *dy.shape[1:])
        if self.taps == self.step == 1:
            return back
        dx = np.zeros((self.channels, dy.shape[1], self.length + sum(self.room)), np.float32)
        for number, part in enumerate(np.split(back, self.taps)):
            self._at(dx, number)[...] += part
        return dx[:, :, self.room[0] : self.room[0] + self.length]

    def fold(self) -> None:
        """Make batch normalisation part of weights and bias."""
        if not self.has_norm:
            return
        factor = self.value["gain"] / np.sqrt(self.variance + EPSILON)
        self.value["bias"][:] = (self.value["bias"] - self.mean) * factor + self.value["shift"]
        self.value["weights"] *= factor[:, None]
        self.slope["gain"][:] = self.slope["shift"][:] = 0
        self.has_norm = False

    def observe(self, y: Float, part: float) -> None:
        """Move the range of what is written towards that of the values y."""
        few = y.ravel()[:: max(1, y.size // 4000)]
        low, high = np.quantile(few, [RANGE_OUTLIERS, 1 - RANGE_OUTLIERS])
        self.low += part * ((0.0 if self.operation.relu else min(0.0, float(low))) - self.low)
        self.high += part * (max(1e-3, float(high)) - self.high)

    def learnt(self) -> Learnt:
        """Its weights, in the order of the IR."""
        if "weights" not in self.value:
            return Learnt(self.operation, None, None, self.low, self.high)
        weights = self.value["weights"].reshape(self.operation.channels, self.taps, 1, -1).copy()
        return Learnt(self.operation, weights, self.value["bias"].copy(), self.low, self.high)

    def _weighted(self, x: Float) -> Float:
        if self.operation.kind == "depthwise":
            source, to, tap = self.joins
            self.matrix = np.zeros((self.channels, self.length, self.n_times), np.float32)
            self.matrix[:, source, to] = self.used[:, tap]
            self.read = x
            return np.asarray(x @ self.matrix)
        if self.taps > 1 or self.step > 1:
            padded = np.pad(x, ((0, 0), (0, 0), self.room)) if any(self.room) else x
            x = np.concatenate([self._at(padded, tap) for tap in range(self.taps)])
        self.read = x.reshape(len(x), -1)
        return np.asarray(self.used @ self.read).reshape(-1, *x.shape[1:])

    def _at(self, padded: Float, tap: int) -> Float:
        """What one tap of the kernel sees at all times."""
        return padded[:, :, tap : tap + (self.n_times - 1) * self.step + 1 : self.step]

    def _normal(self, y: Float, learns: bool) -> Float:
        if learns:
            n = np.float32(y[0].size)
            mean = y.sum(axis=(1, 2)) / n
            y = y - _each(mean)
            variance = np.einsum("cnt,cnt->c", y, y) / n
            self.mean += STATISTICS_RATE * (mean - self.mean)
            self.variance += STATISTICS_RATE * (variance - self.variance)
        else:
            y, variance = y - _each(self.mean), self.variance
        self.factor = 1 / np.sqrt(variance + EPSILON)
        self.normal = y * _each(self.factor)
        return np.asarray(self.normal * _each(self.value["gain"]) + _each(self.value["shift"]))

    def _normal_back(self, dy: Float) -> Float:
        n = np.float32(dy[0].size)
        self.slope["gain"][:] = np.einsum("cnt,cnt->c", dy, self.normal)
        self.slope["shift"][:] = dy.sum(axis=(1, 2))
        rest = dy - _each(self.slope["shift"] / n) - self.normal * _each(self.slope["gain"] / n)
        return np.asarray(rest * _each(self.value["gain"] * self.factor))

    def _limited(self, y: Float, learns: bool) -> Float:
        """What int8 keeps of it; in training the range follows the values."""
        if learns:
            self.observe(y, RANGE_RATE)
        scale, zero = step_of(self.low, self.high)
        low, high = np.float32((-128 - zero) * scale), np.float32((127 - zero) * scale)
        self.passes.append((y >= low) & (y <= high))
        return np.asarray(np.rint(np.clip(y, low, high) / np.float32(scale)) * np.float32(scale))


def _each(values: Float) -> Float:
    """A value a channel, as tensors have them."""
    return values[:, None, None]


class Network:
    """All operations in a row over inputs (n, times, channels), standardised.

    values, slopes : of all weights, one array each
    is_rounded : batch normalisation is folded, and weights and activations are as int8 will have them
    """

    def __init__(
        self, operations: Sequence[Operation], length: int, channels: int, rng: np.random.Generator
    ) -> None:
        lengths, widths = [length], [channels]
        self.units: list[Unit] = []
        for number, operation in enumerate(operations):
            here = operation.sources[0]
            is_last = number + 1 == len(operations)
            unit = Unit(operation, lengths[here], widths[here], is_last=is_last)
            self.units.append(unit)
            lengths.append(unit.n_times)
            widths.append(operation.channels)
        sizes = [int(np.prod(shape)) for unit in self.units for shape in unit.shapes.values()]
        self.values, self.slopes = np.zeros(sum(sizes), np.float32), np.zeros(sum(sizes), np.float32)
        at = 0
        for unit in self.units:
            for name, shape in unit.shapes.items():
                size = int(np.prod(shape))
                unit.value[name] = self.values[at : at + size].reshape(shape)
                unit.slope[name] = self.slopes[at : at + size].reshape(shape)
                at += size
            unit.begin(rng)
        self.is_rounded = False

    def forward(self, x: Float, *, learns: bool = False) -> Float:
        """What the last operation writes, (n, n_out)."""
        tensors = [np.ascontiguousarray(x.transpose(2, 0, 1))]
        for unit in self.units:
            tensors.append(unit.forward(tensors, learns=learns, is_rounded=self.is_rounded))
        return tensors[-1][:, :, 0].T

    def backward(self, dy: Float) -> None:
        """Fill `slopes` from the slope of the loss along what `forward` gave, (n, n_out)."""
        slopes: dict[int, Float] = {len(self.units): np.ascontiguousarray(dy.T)[:, :, None]}
        for number in range(len(self.units) - 1, -1, -1):
            unit = self.units[number]
            found = unit.backward(slopes.pop(number + 1))
            for source in unit.operation.sources:
                slopes[source] = slopes[source] + found if source in slopes else found

    def fold(self, x: Float) -> None:
        """From now on as int8: ranges of activations are those for the inputs x."""
        for unit in self.units:
            unit.fold()
        tensors = [np.ascontiguousarray(x.transpose(2, 0, 1))]
        for unit in self.units:
            tensors.append(unit.forward(tensors, learns=False, is_rounded=False))
            if unit.operation.kind != "average":
                unit.observe(tensors[-1], 1.0)
        self.is_rounded = True
