"""TensorFlow Lite files in int8 → models: the same bits as its reference kernels.

Layout: tensorflow/lite/schema/schema.fbs, version 3. Rounding: `compile.conv_integer`. Convolutions, also
depthwise, dense layers, pools, additions and means over the whole image, with ReLUs in them, are taken.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import model_file
from ..compile.conv import Conv, read
from ..compile.conv_layers import Layer, Shape, Weights, Window, all_shapes
from ..compile.quantise import Quantisation
from ..compile.verdict import MAX_CLASSES, Verdict
from ..errors import ModelError, UnsupportedModel
from ..model_file import Model
from .flatbuffer import Table

IDENTIFIER = b"TFL3"
INT8, INT32 = 9, 2
# BuiltinOperator
ADD, AVERAGE_POOL, CONV, DEPTHWISE, DEQUANTIZE, DENSE = 0, 1, 3, 4, 6, 9
MAX_POOL, RELU, RELU6, RESHAPE, SOFTMAX, MEAN, SQUEEZE, EXPAND, QUANTIZE = 17, 19, 21, 22, 25, 40, 43, 70, 114
# Operators that change neither numbers nor their order.
_SAME_NUMBERS = (RESHAPE, SQUEEZE, EXPAND, QUANTIZE, DEQUANTIZE)
_NAMES = {2: "CONCATENATION", 14: "LOGISTIC", 18: "MUL", 28: "TANH", 34: "PAD", 41: "SUB", 83: "PACK"}
# Rows for the golden answers, and for what rounding does: all of int8, as nobody knows the data.
GOLDEN_ROWS = 64
MOST_FEATURES = 32767


@dataclass(frozen=True)
class _Tensor:
    """A tensor of the file: real = (int8 - zero) * scale, a scale a channel of weights."""

    shape: tuple[int, ...]
    kind: int
    scales: npt.NDArray[np.float64]
    zeros: npt.NDArray[np.int64]
    data: bytes

    @property
    def scale(self) -> float:
        """Of a tensor with one."""
        return float(self.scales[0])

    @property
    def zero(self) -> int:
        """Of a tensor with one."""
        return int(self.zeros[0])


@dataclass
class _Net:
    """What has been read so far: where a tensor of the file is among the net's own."""

    tensors: list[_Tensor]
    shape: Shape
    layers: list[Layer] = field(default_factory=list)
    place: dict[int, int] = field(default_factory=dict)

    @property
    def shapes(self) -> list[Shape]:
        """Of all tensors of the net."""
        return all_shapes(self.shape, tuple(self.layers))


def load_tflite(path: str | Path, *, name: str | None = None, labels: list[str] | None = None) -> Model:
    """A model out of a .tflite file; `model_file.save` writes it, `midge build FILE.tflite` compiles it.

    Features are the file's int8 inputs; `model.quantisation` makes them of the real inputs. The last layer's
    values are logits, or a single number; a softmax behind them is left out, as scores are shares anyway.

    Parameters
    ----------
    name, labels
        the file's name and the numbers of the outputs by default

    Raises
    ------
    ModelError
        no such file, or not whole
    UnsupportedModel
        an operator, a type or an option that midge has not; names it
    """
    path = Path(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ModelError(f"can't read {path}: {error.strerror}") from None
    try:
        ir, source = _net(data)
    except (ModelError, UnsupportedModel) as error:
        raise type(error)(f"{path.name}: {error}") from None
    except (ArithmeticError, LookupError, MemoryError, ValueError) as error:
        raise ModelError(f"{path.name}: it is damaged ({error}); convert the net again") from None
    rows = np.random.default_rng(1).integers(-128, 128, (GOLDEN_ROWS, ir.n_features)).astype(np.int16)
    n = ir.n_features
    return model_file.create(
        ir,
        rows,
        name=_module_name(path.stem) if name is None else name,
        labels=labels or [str(number) for number in range(ir.n_scores)],
        # x = (q - zero) * scale
        quantisation=Quantisation("affine64", (-source.zero * source.scale,) * n, (1 / source.scale,) * n),
        provenance={"from": "tflite"},
    )


def _module_name(stem: str) -> str:
    kept = "".join(letter if letter.isalnum() and letter.isascii() else "_" for letter in stem.lower())
    return kept if kept[:1].isalpha() else f"model_{kept}"


def _net(data: bytes) -> tuple[Conv, _Tensor]:
    """The net, and the tensor that is its input."""
    model = Table.root(data, IDENTIFIER)
    codes = [max(code.scalar(0, "int8"), code.scalar(3, "int32")) for code in model.tables(1)]
    graphs = model.tables(2)
    if len(graphs) != 1:
        raise UnsupportedModel(f"{len(graphs)} subgraphs; midge takes nets of one")
    buffers = [_contents(data, buffer) for buffer in model.tables(4)]
    tensors = [_tensor(one, buffers) for one in graphs[0].tables(0)]
    inputs, outputs = graphs[0].numbers(1, "<i4").tolist(), graphs[0].numbers(2, "<i4").tolist()
    if len(inputs) != 1 or len(outputs) != 1:
        raise UnsupportedModel(
            f"{len(inputs)} inputs and {len(outputs)} outputs; midge takes nets of one each"
        )
    operators = graphs[0].tables(3)
    first = inputs[0]
    for operator in operators:
        # What comes in is int8, whether the file says so or makes it of floats first.
        if _at(codes, operator.scalar(0, "uint32")) == QUANTIZE and operator.numbers(1, "<i4")[0] == first:
            first = int(operator.numbers(2, "<i4")[0])
    source = _at(tensors, first)
    if source.kind != INT8 or not len(source.scales):
        raise UnsupportedModel("its input is not int8; convert it with full integer quantisation")
    net = _Net(tensors, _image(source.shape), place={inputs[0]: 0, first: 0})
    if not 1 <= int(np.prod(net.shape, dtype=np.float64)) <= MOST_FEATURES or min(net.shape) < 1:
        raise UnsupportedModel(f"an input of shape {source.shape}; midge takes {MOST_FEATURES} values")
    for operator in operators:
        _add(net, _at(codes, operator.scalar(0, "uint32")), operator)
    if net.place.get(outputs[0]) != len(net.layers) or not net.layers:
        raise UnsupportedModel("its output is not what its last layer writes")
    return _finished(net, source), source


def _finished(net: _Net, source: _Tensor) -> Conv:
    last = net.layers[-1]
    n_values = int(np.prod(net.shapes[-1]))
    if n_values > MAX_CLASSES:
        raise UnsupportedModel(f"{n_values} outputs; midge takes {MAX_CLASSES}")
    rule = Verdict("highest", "softmax", n_values)
    if n_values == 1:
        rule = Verdict("value", "value", 0, 128 * last.scale, -last.zero * last.scale)
    columns = net.shape[1] * net.shape[2]
    made = Conv(
        net.shape,
        np.full(columns, float(source.zero)),
        np.ones(columns),
        source.scale,
        source.zero,
        tuple(net.layers),
        rule,
        bits=31,
    )
    # All the checks that a file of our own has to pass.
    return read(made.to_json())


def _at(items: list[Any], index: int) -> Any:
    if not 0 <= index < len(items):
        raise ModelError(f"it asks for part {index} of {len(items)}")
    return items[index]


def _contents(data: bytes, buffer: Table) -> bytes:
    start, size = buffer.scalar(1, "uint64"), buffer.scalar(2, "uint64")
    if start > 1:
        if start + size > len(data):
            raise ModelError("the file is cut short")
        return data[start : start + size]
    return buffer.numbers(0, "u1").tobytes()


def _tensor(table: Table, buffers: list[bytes]) -> _Tensor:
    by = table.table(4)
    scales = by.numbers(2, "<f4").astype(np.float64) if by else np.zeros(0)
    zeros = by.numbers(3, "<i8").astype(np.int64) if by else np.zeros(0, np.int64)
    if len(zeros) < len(scales):
        zeros = np.zeros(len(scales), np.int64)
    return _Tensor(
        tuple(table.numbers(0, "<i4").tolist()),
        table.scalar(1, "int8"),
        scales,
        zeros,
        _at(buffers, table.scalar(2, "uint32")),
    )


def _image(shape: tuple[int, ...]) -> Shape:
    """(height, width, channels) of a tensor without its batch: rows of numbers are one place."""
    inner = shape[1:]
    if len(inner) == 1:
        return 1, 1, inner[0]
    if len(inner) == 2:
        return inner[0], 1, inner[1]
    if len(inner) == 3:
        return inner[0], inner[1], inner[2]
    raise UnsupportedModel(f"a tensor of shape {shape}; midge takes images, courses and rows")


def _add(net: _Net, code: int, operator: Table) -> None:
    """Add what an operator does to the net."""
    inputs, outputs = operator.numbers(1, "<i4").tolist(), operator.numbers(2, "<i4").tolist()
    if not inputs or not outputs:
        raise ModelError("an operator reads or writes nothing")
    source = net.place.get(inputs[0])
    if source is None:
        raise UnsupportedModel("an operator reads what no layer wrote")
    is_end = code in (SOFTMAX, *_SAME_NUMBERS)
    if not is_end:
        options = operator.table(4) or Table(bytes(8), 4)
        sources: tuple[int, ...] = (source,)
        if code == ADD:
            other = net.place.get(inputs[1]) if len(inputs) > 1 else None
            if other is None:
                raise UnsupportedModel("ADD of a constant")
            sources = (source, other)
        target = _at(net.tensors, outputs[0])
        if target.kind != INT8 or not len(target.scales):
            raise UnsupportedModel("a layer that writes no int8; convert it with full integer quantisation")
        net.layers.append(_layer(net, code, options, sources, inputs, target))
        source = len(net.layers)
    net.place[outputs[0]] = source


def _layer(
    net: _Net, code: int, options: Table, sources: tuple[int, ...], inputs: list[int], target: _Tensor
) -> Layer:
    shape = net.shapes[sources[0]]
    if code in (AVERAGE_POOL, MAX_POOL):
        window = _window(options, (options.scalar(4, "int32"), options.scalar(3, "int32")))
        kind = "average" if code == AVERAGE_POOL else "max"
        return _limited(
            Layer(kind, sources, target.scale, target.zero, window=window), options.scalar(5, "int8")
        )
    if code == ADD:
        return _limited(Layer("add", sources, target.scale, target.zero), options.scalar(0, "int8"))
    if code in (RELU, RELU6):
        # Times one.
        ones = Weights(np.ones((shape[2], 1, 1, 1), np.int8), np.ones(shape[2]), np.zeros(shape[2], np.int32))
        layer = Layer("depthwise", sources, target.scale, target.zero, weights=ones)
        return _limited(layer, 1 if code == RELU else 3)
    if code == MEAN:
        n = shape[0] * shape[1]
        if _image(target.shape)[2] != shape[2] or int(np.prod(target.shape[1:])) != shape[2]:
            raise UnsupportedModel("MEAN over anything but the whole image")
        ones = Weights(
            np.ones((shape[2], shape[0], shape[1], 1), np.int8),
            np.full(shape[2], 1 / n),
            np.zeros(shape[2], np.int32),
        )
        window = Window(shape[:2])
        return Layer(
            "depthwise", sources, target.scale, target.zero, window=window, weights=ones, is_mean=True
        )
    if code not in (CONV, DEPTHWISE, DENSE):
        raise UnsupportedModel(f"operator {_NAMES.get(code, code)} is none that midge has kernels for")
    weights = _weights(net, code, inputs)
    if code == DENSE:
        return _limited(
            Layer("dense", sources, target.scale, target.zero, weights=weights), options.scalar(0, "int8")
        )
    extra = 1 if code == DEPTHWISE else 0
    if options.scalar(4 + extra, "int32", 1) != 1 or options.scalar(5 + extra, "int32", 1) != 1:
        raise UnsupportedModel("a dilated convolution")
    window = _window(options, (weights.values.shape[1], weights.values.shape[2]))
    kind = "depthwise" if code == DEPTHWISE and shape[2] == len(weights.values) else "conv"
    if code == DEPTHWISE and kind == "conv" and shape[2] != 1:
        raise UnsupportedModel("a depthwise convolution with a multiplier of channels")
    layer = Layer(kind, sources, target.scale, target.zero, window=window, weights=weights)
    return _limited(layer, options.scalar(3 + extra, "int8"))


def _window(options: Table, kernel: tuple[int, int]) -> Window:
    stride = (options.scalar(2, "int32"), options.scalar(1, "int32"))
    if min(*kernel, *stride) < 1:
        raise ModelError(f"a kernel of {kernel} that moves by {stride}")
    return Window(kernel, stride, same=options.scalar(0, "int8") == 0)


def _limited(layer: Layer, activation: int) -> Layer:
    """With the limits of a fused activation: none, ReLU, ReLU from -1 to 1, ReLU to 6."""
    if activation == 0:
        return layer
    if activation not in (1, 2, 3):
        raise UnsupportedModel(f"a layer with activation {activation}; midge has ReLUs")

    def step(real: float) -> int:
        return max(-128, min(127, layer.zero + round(real / layer.scale)))

    low, high = {1: (0.0, None), 2: (-1.0, 1.0), 3: (0.0, 6.0)}[activation]
    return replace(layer, low=step(low), high=127 if high is None else step(high))


def _weights(net: _Net, code: int, inputs: list[int]) -> Weights:
    tensor = _at(net.tensors, inputs[1]) if len(inputs) > 1 else None
    if tensor is None or tensor.kind != INT8 or not len(tensor.scales) or tensor.zeros.any():
        raise UnsupportedModel("weights that are no int8 around 0; convert it with full integer quantisation")
    values = np.frombuffer(tensor.data, np.int8)
    if values.size != int(np.prod(tensor.shape)) or len(tensor.shape) != (2 if code == DENSE else 4):
        raise ModelError("weights of another size than their shape")
    values = values.reshape(tensor.shape)
    if code == DENSE:
        values = values[:, None, None, :]
    elif code == DEPTHWISE:
        values = values.transpose(3, 1, 2, 0)
    n_out = len(values)
    scales = tensor.scales if len(tensor.scales) == n_out else np.full(n_out, tensor.scale)
    bias = np.zeros(n_out, np.int32)
    if len(inputs) > 2 and inputs[2] >= 0:
        found = _at(net.tensors, inputs[2])
        if found.kind != INT32 or len(found.data) != 4 * n_out:
            raise UnsupportedModel("biases that are no int32")
        bias = np.frombuffer(found.data, "<i4").astype(np.int32)
    return Weights(np.ascontiguousarray(values), scales, bias)
