"""Linear models as C: a table of int16 weights, one kernel, the verdict."""

from __future__ import annotations

import numpy as np

from . import c99_verdict
from .c99_table import table
from .linear_integer import LinearIntegers


def code(lowered: LinearIntegers) -> str:
    """C of midge_classify() for a linear model."""
    n_values, n_features = lowered.weights.shape
    # Rows begin on words, for kernels that read two weights at a time.
    padded = np.zeros((n_values, n_features + n_features % 2), np.int64)
    padded[:, :n_features] = lowered.weights
    lines = [
        *(f'#include "{name}"' for name in ["dense.h", "q15.h", *c99_verdict.headers(lowered.verdict)]),
        "",
        table("weights", "int16_t", padded, aligned_bytes=4),
        "",
        table("bias", "int32_t", lowered.bias),
        "",
        "int32_t midge_classify(const int16_t *x, int16_t *scores)",
        "{",
    ]
    if lowered.limit >= 32768:
        lines += _judged(lowered, "int32_t", "dense_int16")
    else:
        # Most rows are far from the extremes that need 64 bits.
        lines += [
            f"    if (dense_is_within(x, {n_features}, {lowered.limit})) {{",
            *(f"    {line}" if line else "" for line in _judged(lowered, "int32_t", "dense_int16")),
            "    }",
            *_judged(lowered, "int64_t", "dense_long_int16"),
        ]
    return "\n".join([*lines, "}", ""])


def _judged(lowered: LinearIntegers, c_type: str, kernel: str) -> list[str]:
    """From x to the winner's index, with sums of this type."""
    n_values, n_features = lowered.weights.shape
    return [
        f"    {c_type} sums[{n_values}];",
        "",
        f"    {kernel}(x, weights, bias, {n_features}, {n_values}, sums);",
        *c99_verdict.code(lowered.verdict, lowered.log2_scale, c_type),
    ]
