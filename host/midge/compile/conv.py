"""Nets with time in them: the IR, a sequence of int8 layers over (time, bands or axes, channels)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from ..errors import ModelError
from . import verdict
from .conv_layers import KINDS, WEIGHTED, Layer, Shape, Weights, Window, all_shapes
from .ir import FloatArray, read_array
from .verdict import Verdict

# Rows that the rounding of a net is measured on.
MEASURED_ROWS = 256
MOST_TAPS = 256
MOST_TENSOR_VALUES = 1 << 20
# Sums of products of 8 bits stay within int32.
MOST_PRODUCTS = 32767


@dataclass(frozen=True, eq=False)
class Conv:
    """Features are int16, and become the int8 of tensor 0: round((feature - offset) * gain) + zero.

    shape : (height, width, channels) of a row of features
    offset, gain : float64 (width * channels,), the same for every row of the height
    scale, zero : of tensor 0, real = (int8 - zero) * scale
    layers : the last one writes the values that decide
    bits : significant bits of the factors between layers, 15 or 31: 31 as TensorFlow Lite has them
    rounding : largest error of a margin, int8 against real numbers, on the rows of the training
    """

    kind: ClassVar[str] = "conv"

    shape: Shape
    offset: FloatArray
    gain: FloatArray
    scale: float
    zero: int
    layers: tuple[Layer, ...]
    verdict: Verdict
    bits: int = 15
    rounding: float = 0.0

    @property
    def shapes(self) -> list[Shape]:
        """Shapes of all tensors."""
        return all_shapes(self.shape, self.layers)

    @property
    def n_features(self) -> int:
        """Features a row."""
        return int(np.prod(self.shape))

    @property
    def n_scores(self) -> int:
        """Scores a row."""
        return self.verdict.n_scores

    @property
    def macs(self) -> int:
        """Multiplications of weights and values a row."""
        shapes = self.shapes
        return sum(layer.macs(shapes) for layer in self.layers)

    def tensor(self, number: int) -> tuple[float, int]:
        """(scale, zero) of a tensor."""
        return (
            (self.layers[number - 1].scale, self.layers[number - 1].zero)
            if number
            else (
                self.scale,
                self.zero,
            )
        )

    def used_features(self) -> list[int]:
        """All of them: a kernel comes by every one."""
        return list(range(self.n_features))

    def select_features(self, kept: Sequence[int]) -> Conv:
        """The same net: it reads every feature."""
        if list(kept) != self.used_features():
            raise ModelError("a net with convolutions reads all of its features: select none")
        return self

    def rescaled(self, step: FloatArray, offset: FloatArray) -> Conv:
        """The same net over z, where x = z * step + offset; both the same for every row of the height."""
        steps, offsets = (part.reshape(self.shape[0], -1) for part in (step, offset))
        if (steps != steps[0]).any() or (offsets != offsets[0]).any():
            raise ModelError("a net with convolutions takes one scale a band: scale all of its times alike")
        return replace(self, offset=(self.offset - offsets[0]) / steps[0], gain=self.gain * steps[0])

    def calibrated(self, X: npt.NDArray[Any]) -> Conv:
        """The same net, told what rounding to int8 does to the margins of rows X (n_rows, n_features)."""
        from .conv_integer import margin_errors

        rows = np.asarray(X, np.float64).reshape(len(X), -1)
        if not len(rows):
            return self
        few = rows[np.unique(np.linspace(0, len(rows) - 1, MEASURED_ROWS).astype(int))]
        return replace(self, rounding=float(margin_errors(self, few).max()))

    def input_epsilon(self) -> float:
        """What half a step of the features can move the margin by: part of the rounding that was measured."""
        return self.rounding

    def to_json(self) -> dict[str, Any]:
        """As it stands in model.json."""
        return {
            "kind": self.kind,
            **self.verdict.to_json(),
            "shape": list(self.shape),
            "offset": self.offset.tolist(),
            "gain": self.gain.tolist(),
            "scale": self.scale,
            "zero": self.zero,
            "bits": self.bits,
            "rounding": self.rounding,
            "layers": [_layer_json(layer) for layer in self.layers],
        }


def _layer_json(layer: Layer) -> dict[str, Any]:
    found: dict[str, Any] = {
        "kind": layer.kind,
        "sources": list(layer.sources),
        "scale": layer.scale,
        "zero": layer.zero,
        "low": layer.low,
        "high": layer.high,
        "kernel": list(layer.window.kernel),
        "stride": list(layer.window.stride),
        "same": layer.window.same,
    }
    if layer.weights is not None:
        found["weights"] = layer.weights.values.ravel().tolist()
        found["weights_shape"] = list(layer.weights.values.shape)
        found["weight_scales"] = layer.weights.scales.tolist()
        found["bias"] = layer.weights.bias.tolist()
    if layer.is_mean:
        found["is_mean"] = True
    return found


def read(data: Mapping[str, Any]) -> Conv:
    """A net out of its JSON; ModelError unless it is whole and safe."""
    rule = verdict.read(data)
    if rule.decide not in ("highest", "value"):
        raise ModelError(f"ir: a conv net does not decide by {rule.decide!r}; train the model again")
    parts = data.get("layers")
    if not isinstance(parts, list) or not 1 <= len(parts) <= 255:
        raise ModelError("ir: a conv net needs 1 to 255 layers; train the model again")
    height, width, channels = _whole_numbers(data, "shape", 3, 1, 32767, "ir")
    layers = tuple(_read_layer(part, number) for number, part in enumerate(parts))
    net = Conv(
        (height, width, channels),
        read_array(data, "offset", np.float64, 1, "ir"),
        read_array(data, "gain", np.float64, 1, "ir"),
        _number(data, "scale", "ir"),
        _whole(data, "zero", -128, 127, "ir"),
        layers,
        rule,
        _whole(data, "bits", 15, 31, "ir"),
        _number(data, "rounding", "ir"),
    )
    if len(net.offset) != width * channels or len(net.gain) != width * channels or (net.gain <= 0).any():
        raise ModelError("ir: offset or gain don't fit the shape; train the model again")
    if net.n_features > 32767:
        raise ModelError(f"ir: {net.n_features} features; a net takes 32767")
    _check(net)
    return net


def _check(net: Conv) -> None:
    """ModelError unless every layer fits what it reads."""
    shapes = net.shapes
    if max(np.prod(shape) for shape in shapes) > MOST_TENSOR_VALUES:
        raise ModelError("ir: a tensor of more than a million values; train a smaller net")
    for number, layer in enumerate(net.layers):
        if max(layer.sources) > number or (layer.scale <= 0) != (layer.scale == 0) or net.scale <= 0:
            raise ModelError(f"ir: layer {number} reads what is not there yet; train the model again")
        if layer.scale == 0 and (number + 1 < len(net.layers) or layer.kind not in ("conv", "dense")):
            raise ModelError(
                f"ir: layer {number} writes sums, which only the last may; train the model again"
            )
        if layer.kind in ("average", "max") and net.tensor(layer.sources[0]) != net.tensor(number + 1):
            raise ModelError(f"ir: layer {number} is a pool of another scale than its input's")
    if int(np.prod(shapes[-1])) != net.verdict.n_values:
        raise ModelError("ir: the last layer does not fit the classes; train the model again")


def _read_layer(part: Any, number: int) -> Layer:
    where = f"ir: layer {number}"
    if not isinstance(part, dict) or part.get("kind") not in KINDS or not isinstance(part.get("same"), bool):
        raise ModelError(f"{where} is of no known kind; is this midge too old for the model?")
    kind = part["kind"]
    n_sources = 2 if kind == "add" else 1
    height, width = _whole_numbers(part, "kernel", 2, 1, 32767, where)
    down, right = _whole_numbers(part, "stride", 2, 1, 32767, where)
    weights = _read_weights(part, kind, where) if kind in WEIGHTED else None
    if weights is not None and kind != "dense" and weights.values.shape[1:3] != (height, width):
        raise ModelError(f"{where}: weights of another size than its kernel; train the model again")
    is_mean = part.get("is_mean", False)
    if not isinstance(is_mean, bool) or (is_mean and kind != "depthwise"):
        raise ModelError(f"{where}: no mean of a channel; train the model again")
    return Layer(
        kind,
        tuple(_whole_numbers(part, "sources", n_sources, 0, 255, where)),
        _number(part, "scale", where),
        _whole(part, "zero", -128, 127, where),
        _whole(part, "low", -128, 127, where),
        _whole(part, "high", -128, 127, where),
        Window((height, width), (down, right), part["same"]),
        weights,
        is_mean,
    )


def _read_weights(part: Mapping[str, Any], kind: str, where: str) -> Weights:
    shape = _whole_numbers(part, "weights_shape", 4, 1, 32767, where)
    flat = read_array(part, "weights", np.int32, 1, where)
    scales = read_array(part, "weight_scales", np.float64, 1, where)
    bias = read_array(part, "bias", np.int32, 1, where)
    n_products = int(np.prod(shape[1:]))
    if flat.size != shape[0] * n_products or not len(scales) == len(bias) == shape[0] or (scales <= 0).any():
        raise ModelError(f"{where}: its arrays don't fit each other; train the model again")
    if n_products > MOST_PRODUCTS or np.abs(flat).max() > 128 or flat.max() > 127:
        raise ModelError(f"{where}: {n_products} weights a sum, or no int8; midge takes {MOST_PRODUCTS}")
    if kind == "depthwise" and n_products > MOST_TAPS:
        raise ModelError(f"{where}: {n_products} weights a channel; midge takes {MOST_TAPS}")
    if (np.abs(bias.astype(np.int64)) >= 1 << 29).any():
        raise ModelError(f"{where}: a bias that leaves no room for the sums; train the model again")
    return Weights(flat.astype(np.int8).reshape(shape), scales, bias)


def _number(data: Mapping[str, Any], key: str, where: str) -> float:
    value = data.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e30:
        raise ModelError(f"{where}: {key} is not a number from 0; train the model again")
    return float(value)


def _whole(data: Mapping[str, Any], key: str, low: int, high: int, where: str) -> int:
    value = data.get(key)
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ModelError(f"{where}: {key} is not a whole number from {low} to {high}; train the model again")
    return value


def _whole_numbers(
    data: Mapping[str, Any], key: str, count: int, low: int, high: int, where: str
) -> list[int]:
    values = data.get(key)
    if not isinstance(values, list) or len(values) != count:
        raise ModelError(f"{where}: {key} is not {count} whole numbers; train the model again")
    return [_whole({key: value}, key, low, high, where) for value in values]
