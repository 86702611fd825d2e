"""Linear models as C: a table of int16 weights, one kernel, the verdict."""

from __future__ import annotations

import numpy as np

from . import c99_verdict
from .c99_table import table
from .linear_integer import LinearIntegers


def code(lowered: LinearIntegers) -> str:
    """C of midge_classify() for a linear model."""
    n_values, n_features = lowered.weights.shape
    is_narrow = lowered.limit >= 32768
    c_type = "int32_t" if is_narrow else "int64_t"
    # Rows begin on words, for kernels that read two weights at a time.
    padded = np.zeros((n_values, n_features + n_features % 2), np.int64)
    padded[:, :n_features] = lowered.weights
    call = (
        f"dense_int16(x, weights, bias, {n_features}, {n_values}, sums);"
        if is_narrow
        else f"dense_exact_int16(x, weights, bias, {n_features}, {n_values}, {lowered.limit}, sums);"
    )
    lines = [
        *(f'#include "{name}"' for name in ["dense.h", "q15.h", *c99_verdict.headers(lowered.verdict)]),
        "",
        table("weights", "int16_t", padded, aligned_bytes=4),
        "",
        table("bias", "int32_t", lowered.bias),
        "",
        "int32_t midge_classify(const int16_t *x, int16_t *scores)",
        "{",
        f"    {c_type} sums[{n_values}];",
        "",
        f"    {call}",
        *c99_verdict.code(lowered.verdict, lowered.log2_scale, c_type),
        "}",
        "",
    ]
    return "\n".join(lines)
