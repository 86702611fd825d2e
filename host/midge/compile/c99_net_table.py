"""Nets as C: tables of int16 weights, one kernel a layer, the verdict."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from . import c99_verdict
from .c99_table import table
from .net_integer import IntegerArray, LayerIntegers, NetIntegers


def code(lowered: NetIntegers) -> str:
    """C of midge_classify() for a net."""
    packed = any(layer.multipliers is not None for layer in lowered.layers)
    headers = ["activation.h", "dense.h", *(["dense_packed.h"] if packed else []), "q15.h"]
    headers += c99_verdict.headers(lowered.verdict)
    lines = [*(f'#include "{name}"' for name in headers), ""]
    for number, layer in enumerate(lowered.layers):
        lines += [*_weights(layer, number), table(f"bias_{number}", "int32_t", layer.bias), ""]
    widest = max(len(layer.bias) for layer in lowered.layers)
    lines += [
        "int32_t midge_classify(const int16_t *x, int16_t *scores)",
        "{",
        f"    int32_t sums[{widest}];",
    ]
    if len(lowered.layers) > 1:
        hidden = max(len(layer.bias) for layer in lowered.layers[:-1])
        lines.append(f"    int16_t hidden[{hidden + hidden % 2}] __attribute__((aligned(4)));")
    lines.append("")
    for number, layer in enumerate(lowered.layers):
        n_out, n_in = layer.weights.shape
        source = "hidden" if number else "x"
        kernel, more = "int16", ""
        if layer.multipliers is not None:
            how = "packed" if layer.shifts is None else "scaled"
            kernel, more = f"{how}_{layer.bits}", f"multipliers_{number}, "
        arguments = f"{source}, weights_{number}, {more}bias_{number}, {n_in}, {n_out}, sums"
        lines.append(f"    dense_{kernel}({arguments});")
        if number + 1 < len(lowered.layers):
            lines += activation(lowered.activation, layer, "hidden")
    lines += [*c99_verdict.code(lowered.verdict, lowered.log2_scale, "int32_t"), "}", ""]
    return "\n".join(lines)


def padded(layer: LayerIntegers) -> IntegerArray:
    """Weights of rows that begin on words."""
    n_out, n_in = layer.weights.shape
    made = np.zeros((n_out, n_in + n_in % 2), np.int64)
    made[:, :n_in] = layer.weights
    return made


def _weights(layer: LayerIntegers, number: int) -> list[str]:
    if layer.multipliers is None:
        return [table(f"weights_{number}", "int16_t", padded(layer), aligned_bytes=4)]
    return [
        table(f"weights_{number}", "uint8_t", packed(layer)),
        table(f"multipliers_{number}", "int16_t", layer.multipliers),
    ]


def packed(layer: LayerIntegers) -> npt.NDArray[np.uint8]:
    """Weights as firmware/native/dense_packed.h has them: rows of whole fours, the first ones lowest.

    Shifts of the columns, if there are any, come before them.
    """
    assert layer.multipliers is not None
    n_out, n_in = layer.weights.shape
    whole = np.zeros((n_out, n_in + -n_in % 4), np.int64)
    whole[:, :n_in] = layer.weights // layer.multipliers[:, None]
    fours = whole.reshape(-1, 4) & ((1 << layer.bits) - 1)
    words = (fours << (layer.bits * np.arange(4))).sum(axis=1)
    n_bytes = layer.bits // 2
    found: npt.NDArray[np.uint8] = (words[:, None] >> (8 * np.arange(n_bytes)) & 0xFF).astype(np.uint8)
    if layer.shifts is None:
        return found.ravel()
    return np.concatenate([np.pad(layer.shifts, (0, -n_in % 4)).astype(np.uint8), found.ravel()])


def activation(name: str, layer: LayerIntegers, to: str) -> list[str]:
    """C that writes the activations of `sums`."""
    if name == "relu":
        return [f"    activation_relu_all(sums, {len(layer.bias)}, {layer.shift}, {to});"]
    return [
        f"    for (int32_t i = 0; i < {len(layer.bias)}; i++) {{",
        f"        {to}[i] = activation_{name}(sums[i], {layer.shift});",
        "    }",
    ]
