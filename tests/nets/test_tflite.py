"""TensorFlow Lite files: read as they were written, the same bits as the original, refused if not whole."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import midge
from midge import build
from midge.compile import conv_integer
from midge.compile.conv import Conv
from midge.compile.conv_layers import Window
from midge.errors import MidgeError, ModelError, UnsupportedModel
from midge.nets import load_tflite

HERE = Path(__file__).parent


def _load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


tflite_files = _load(HERE / "tflite_files.py")
Maker: Any = _load(HERE.parent / "compile" / "random_nets.py").Maker


def _as_in_a_file(net: Conv) -> Conv:
    """Scales in single precision; limits that the format has a name for."""

    def single(value: Any) -> Any:
        return np.asarray(value, np.float32).astype(np.float64)

    layers = []
    for layer in net.layers:
        weights = layer.weights
        if weights and not layer.is_mean:
            weights = replace(weights, scales=single(weights.scales))
        low = -128 if layer.kind == "add" else layer.low
        layers.append(replace(layer, scale=float(single(layer.scale)), weights=weights, low=low, high=127))
    return replace(net, scale=float(single(net.scale)), layers=tuple(layers))


def nets() -> dict[str, Conv]:
    same = Window((3, 3), same=True)
    made = {
        "odd channels": Maker((11, 7, 3), 1)
        .weighted("conv", 5, Window((4, 3), (2, 1), same=True))
        .weighted("depthwise", window=same)
        .weighted("conv", 6, relu=False)
        .pool("max", Window((2, 2), (2, 2)))
        .weighted("dense", 5, relu=False),
        "average": Maker((9, 6, 4), 2)
        .weighted("conv", 8, relu=False)
        .weighted("depthwise", window=Window((3, 3), (2, 1), same=True))
        .pool("average", Window((3, 3), (2, 1), same=True))
        .weighted("dense", 7, relu=False),
        "residual": Maker((9, 6, 4), 12)
        .weighted("conv", 8, relu=False)
        .weighted("conv", 8, relu=False)
        .residual(1)
        .pool("average", Window((9, 6)))
        .weighted("dense", 4, relu=False),
        **{
            f"mean of {height * width}, {share}": Maker((height, width, 4), height)
            .weighted("conv", 8, relu=False)
            .mean(share)
            .weighted("dense", 4, relu=False)
            for height, width, share in ((9, 7, 1.0), (8, 8, 0.37), (25, 5, 0.6), (3, 1, 1.7))
        },
        "a number": Maker((8, 8, 1), 4).weighted("conv", 4, Window((3, 3))).weighted("dense", 1, relu=False),
    }
    return {name: _as_in_a_file(maker.net(bits=31)) for name, maker in made.items()}


NETS = nets()


def rows(net: Conv, n: int) -> np.ndarray:
    found = np.random.default_rng(4).integers(-128, 128, (n, net.n_features))
    found[:3] = np.array([-128, 0, 127])[:, None]
    return found


def outputs(net: Conv, X: np.ndarray) -> np.ndarray:
    return conv_integer.tensors(conv_integer.lower(net), X)[-1].reshape(len(X), -1)


@pytest.mark.parametrize("softmax", [False, True])
@pytest.mark.parametrize("name", NETS)
def test_a_file_gives_the_net_that_was_written(name: str, softmax: bool, tmp_path: Path) -> None:
    path = tmp_path / "Key word-1.tflite"
    path.write_bytes(tflite_files.write(NETS[name], softmax=softmax))
    model = load_tflite(path)
    assert model.name == "key_word_1"
    X = rows(NETS[name], 300)
    np.testing.assert_array_equal(outputs(model.ir, X), outputs(NETS[name], X))
    # Real inputs become the int8 that the file means.
    real = (X - NETS[name].zero) * NETS[name].scale
    np.testing.assert_array_equal(model.quantisation.apply(real), X)


@pytest.mark.parametrize("name", ["residual", "mean of 63, 1.0"])
def test_build_takes_a_file(name: str, tmp_path: Path) -> None:
    path = tmp_path / "net.tflite"
    path.write_bytes(tflite_files.write(NETS[name]))
    found = build.find(path)
    module = build.build(found.model, "x64")
    assert module.rows > 10 and module.state_bytes > 0


def test_a_damaged_file_is_refused_and_never_more(tmp_path: Path) -> None:
    data = tflite_files.write(NETS["average"])
    path = tmp_path / "net.tflite"
    source = np.random.default_rng(3)
    refused = 0
    for trial in range(200):
        damaged = bytearray(data)
        if trial % 2:
            del damaged[int(source.integers(1, len(data))) :]
        else:
            for at in source.integers(0, len(data), 8):
                damaged[at] = int(source.integers(256))
        path.write_bytes(damaged)
        try:
            load_tflite(path)
        except MidgeError as error:
            assert "\n" not in str(error)
            refused += 1
    assert refused > 100


def test_what_midge_has_not_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "net.tflite"
    with pytest.raises(ModelError, match="can't read"):
        load_tflite(path)
    path.write_bytes(b"\x1c\0\0\0TFL2" + bytes(20))
    with pytest.raises(ModelError, match="TFL3"):
        load_tflite(path)
    monkeypatch.setitem(tflite_files._OPERATORS, "max", 14)
    path.write_bytes(tflite_files.write(NETS["odd channels"]))
    with pytest.raises(UnsupportedModel, match="LOGISTIC"):
        load_tflite(path)
    monkeypatch.setattr(tflite_files, "INT8", 3)
    path.write_bytes(tflite_files.write(NETS["a number"]))
    with pytest.raises(UnsupportedModel, match="not int8"):
        load_tflite(path)


@pytest.mark.check
@pytest.mark.parametrize("name", NETS)
def test_the_reference_interpreter_gives_the_same_bits(name: str, tmp_path: Path) -> None:
    reason = "TensorFlow Lite is not installed: pip install ai-edge-litert"
    litert = pytest.importorskip("ai_edge_litert.interpreter", reason=reason)
    path = tmp_path / "net.tflite"
    path.write_bytes(tflite_files.write(NETS[name]))
    original = litert.Interpreter(str(path), experimental_op_resolver_type=litert.OpResolverType.BUILTIN_REF)
    original.allocate_tensors()
    source, target = original.get_input_details()[0], original.get_output_details()[0]
    X = rows(NETS[name], 1000)
    found = outputs(load_tflite(path).ir, X)
    for row, expected in zip(X, found, strict=True):
        original.set_tensor(source["index"], row.astype(np.int8).reshape(source["shape"]))
        original.invoke()
        np.testing.assert_array_equal(original.get_tensor(target["index"]).ravel(), expected)


def test_the_name_is_public() -> None:
    assert midge.load_tflite is load_tflite
