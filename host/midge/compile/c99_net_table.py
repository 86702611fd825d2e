"""Nets as C: tables of int16 weights, one kernel a layer, the verdict."""

from __future__ import annotations

import numpy as np

from . import c99_verdict
from .c99_table import table
from .net_integer import LayerIntegers, NetIntegers


def code(lowered: NetIntegers) -> str:
    """C of midge_classify() for a net."""
    headers = ["activation.h", "dense.h", "q15.h", *c99_verdict.headers(lowered.verdict)]
    lines = [*(f'#include "{name}"' for name in headers), ""]
    for number, layer in enumerate(lowered.layers):
        n_out, n_in = layer.weights.shape
        padded = np.zeros((n_out, n_in + n_in % 2), np.int64)
        padded[:, :n_in] = layer.weights
        lines += [
            table(f"weights_{number}", "int16_t", padded, aligned_bytes=4),
            table(f"bias_{number}", "int32_t", layer.bias),
            "",
        ]
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
        lines.append(f"    dense_int16({source}, weights_{number}, bias_{number}, {n_in}, {n_out}, sums);")
        if number + 1 < len(lowered.layers):
            lines += activation(lowered.activation, layer, "hidden")
    lines += [*c99_verdict.code(lowered.verdict, lowered.log2_scale, "int32_t"), "}", ""]
    return "\n".join(lines)


def activation(name: str, layer: LayerIntegers, to: str) -> list[str]:
    """C that writes the activations of `sums`."""
    if name == "relu":
        return [f"    activation_relu_all(sums, {len(layer.bias)}, {layer.shift}, {to});"]
    return [
        f"    for (int32_t i = 0; i < {len(layer.bias)}; i++) {{",
        f"        {to}[i] = activation_{name}(sums[i], {layer.shift});",
        "    }",
    ]
