"""Writes nets as TensorFlow Lite files, table by table: what the importer is tested with."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np

from midge.compile.conv import Conv
from midge.compile.conv_layers import Layer, Window

FLOAT32, INT32, INT8 = 0, 2, 9
_OPERATORS = {"add": 0, "average": 1, "conv": 3, "depthwise": 4, "dense": 9, "max": 17}
# BuiltinOptions
_OPTIONS = {"conv": 1, "depthwise": 2, "average": 5, "max": 5, "dense": 8, "add": 11}
SOFTMAX, SOFTMAX_OPTIONS = 25, 9
MEAN, MEAN_OPTIONS = 40, 27


class Writer:
    """FlatBuffers, parents before children.

    A field is (format of struct, value), a dict for a table, a list of those, an array or text.
    """

    def __init__(self) -> None:
        self.data = bytearray(8)

    def file(self, root: dict[int, Any], identifier: bytes) -> bytes:
        struct.pack_into("<I4s", self.data, 0, self._table(root), identifier)
        return bytes(self.data)

    def _align(self, n: int, offset: int = 0) -> None:
        self.data += bytes(-(len(self.data) + offset) % n)

    def _table(self, fields: dict[int, Any]) -> int:
        count = max(fields, default=-1) + 1
        layout = len(self.data)
        self.data += struct.pack("<HH", 4 + 2 * count, 8 + 8 * len(fields)) + bytes(2 * count)
        self._align(8)
        at = len(self.data)
        self.data += struct.pack("<ii", at - layout, 0) + bytes(8 * len(fields))
        for slot, (number, value) in enumerate(fields.items()):
            place = at + 8 + 8 * slot
            struct.pack_into("<H", self.data, layout + 4 + 2 * number, place - at)
            if isinstance(value, tuple):
                struct.pack_into(value[0], self.data, place, value[1])
            else:
                struct.pack_into("<I", self.data, place, self._child(value) - place)
        self._align(8)
        return at

    def _child(self, value: Any) -> int:
        if isinstance(value, dict):
            return self._table(value)
        if isinstance(value, str):
            value = np.frombuffer(value.encode() + b"\0", np.uint8)
            at = self._vector(value)
            struct.pack_into("<I", self.data, at, len(value) - 1)
            return at
        if isinstance(value, list):
            at = self._vector(np.zeros(len(value), "<u4"))
            for number, item in enumerate(value):
                place = at + 4 + 4 * number
                struct.pack_into("<I", self.data, place, self._table(item) - place)
            return at
        return self._vector(value)

    def _vector(self, values: np.ndarray) -> int:
        # TensorFlow Lite asks for weights that begin at multiples of 16.
        self._align(16, 4)
        at = len(self.data)
        self.data += struct.pack("<I", len(values)) + values.tobytes()
        self._align(8)
        return at


def write(net: Conv, *, softmax: bool = False) -> bytes:
    """A net as a file: int8 in, int8 out; a softmax at its end changes no bit of what is compared."""
    buffers: list[dict[int, Any]] = [{}]
    tensors: list[dict[int, Any]] = []

    def tensor(
        shape: tuple[int, ...], kind: int, scales: Any, zeros: Any, data: bytes = b"", axis: int = 0
    ) -> int:
        buffer = 0
        if data:
            buffers.append({0: np.frombuffer(data, np.uint8)})
            buffer = len(buffers) - 1
        by = {2: np.asarray(scales, "<f4"), 3: np.asarray(zeros, "<i8"), 6: ("<i", axis)}
        tensors.append(
            {0: np.asarray(shape, "<i4"), 1: ("<b", kind), 2: ("<I", buffer), 3: f"t{len(tensors)}", 4: by}
        )
        return len(tensors) - 1

    shapes = net.shapes
    place = [tensor((1, *net.shape), INT8, [net.scale], [net.zero])]
    operators, codes = [], []
    for number, layer in enumerate(net.layers):
        inputs = [place[source] for source in layer.sources]
        shape = shapes[number + 1]
        if layer.is_mean:
            inputs.append(tensor((2,), INT32, [], [], np.array([1, 2], "<i4").tobytes()))
        elif layer.weights is not None:
            inputs += _weights(net, layer, tensor)
        out = (1, shape[2]) if layer.kind == "dense" or layer.is_mean else (1, *shape)
        place.append(tensor(out, INT8, [layer.scale], [layer.zero]))
        codes.append(MEAN if layer.is_mean else _OPERATORS[layer.kind])
        kind = MEAN_OPTIONS if layer.is_mean else _OPTIONS[layer.kind]
        operators.append(_operator(len(codes) - 1, inputs, [place[-1]], kind, _options(layer)))
    if softmax:
        last = tensor((1, shapes[-1][2]), INT8, [1 / 256], [-128])
        codes.append(SOFTMAX)
        operators.append(_operator(len(codes) - 1, [place[-1]], [last], SOFTMAX_OPTIONS, {0: ("<f", 1.0)}))
        place.append(last)
    graph = {
        0: tensors,
        1: np.array([place[0]], "<i4"),
        2: np.array([place[-1]], "<i4"),
        3: operators,
        4: "main",
    }
    kinds = [{0: ("<b", code), 2: ("<i", 1 if code != 4 else 3), 3: ("<i", code)} for code in codes]
    root = {0: ("<I", 3), 1: kinds, 2: [graph], 3: "test", 4: buffers}
    return Writer().file(root, b"TFL3")


def _weights(net: Conv, layer: Layer, tensor: Any) -> list[int]:
    assert layer.weights is not None
    values, scales, bias = layer.weights.values, layer.weights.scales, layer.weights.bias
    axis = 0
    if layer.kind == "dense":
        values = values.reshape(len(values), -1)
    elif layer.kind == "depthwise":
        values, axis = values.transpose(3, 1, 2, 0), 3
    zeros = np.zeros(len(scales), int)
    weights = tensor(values.shape, INT8, scales, zeros, np.ascontiguousarray(values).tobytes(), axis)
    steps = scales * net.tensor(layer.sources[0])[0]
    return [weights, tensor(bias.shape, INT32, steps, zeros, bias.astype("<i4").tobytes())]


def _operator(
    code: int, inputs: list[int], outputs: list[int], kind: int, options: dict[int, Any]
) -> dict[int, Any]:
    return {
        0: ("<I", code),
        1: np.array(inputs, "<i4"),
        2: np.array(outputs, "<i4"),
        3: ("<B", kind),
        4: options,
    }


def _options(layer: Layer) -> dict[int, Any]:
    # A ReLU where it is one; limits of other places have no name in the format.
    relu = ("<b", int(layer.low == layer.zero))
    window: Window = layer.window
    moves = {0: ("<b", int(not window.same)), 1: ("<i", window.stride[1]), 2: ("<i", window.stride[0])}
    if layer.is_mean:
        return {0: ("<b", 0)}
    if layer.kind == "dense":
        return {0: relu}
    if layer.kind == "add":
        return {0: relu, 1: ("<B", 0)}
    if layer.kind in ("average", "max"):
        return {**moves, 3: ("<i", window.kernel[1]), 4: ("<i", window.kernel[0]), 5: ("<b", 0)}
    if layer.kind == "depthwise":
        return {**moves, 3: ("<i", 1), 4: relu, 5: ("<i", 1), 6: ("<i", 1)}
    return {**moves, 3: relu, 4: ("<i", 1), 5: ("<i", 1)}
