"""Support-vector machines with a kernel as C: tables of vectors and coefficients, one kernel, the verdict."""

from __future__ import annotations

import numpy as np

from . import c99_verdict
from .c99_table import table
from .kernel_integer import IntegerArray, KernelIntegers

# As KERNEL_CHUNK in firmware/native/kernel.h: vectors whose kernels are held on the stack at a time.
CHUNK = 32


def code(lowered: KernelIntegers) -> str:
    """C of midge_classify() for a kernel machine."""
    n_vectors, n_features = lowered.vectors.shape
    n_values = lowered.verdict.n_values
    padded = np.zeros((n_vectors, n_features + n_features % 2), np.int64)
    padded[:, :n_features] = lowered.vectors
    tables = [
        table("vectors", "int16_t", padded, aligned_bytes=4),
        table("bases", "int32_t", lowered.bases),
        table("coefficients", "int16_t", _chunks(lowered), aligned_bytes=4),
        table("counts", "uint16_t", lowered.counts),
        table("bias", "int32_t", lowered.bias),
        table("centers", "int16_t", lowered.centers),
        table("factors", "int16_t", lowered.factors),
    ]
    fields = [
        ".vectors = vectors",
        ".bases = bases",
        ".coefficients = coefficients",
        ".counts = counts",
        ".bias = bias",
        f".n_in = {n_features}",
        f".n_groups = {len(lowered.counts)}",
        f".n_values = {n_values}",
        ".centers = centers",
        ".factors = factors",
        f".factor_shift = {lowered.factor_shift}",
        f".narrow = {lowered.narrow}",
        f".shift = {lowered.log2_dots - (12 if lowered.function == 'rbf' else 15)}",
    ]
    if lowered.function == "rbf":
        fields += [f".norm_factor = {lowered.norm_factor}", f".norm_shift = {lowered.norm_shift}"]
    else:
        fields.append(f".degree = {lowered.degree}")
    lines = [
        *(f'#include "{name}"' for name in ["kernel.h", "q15.h", *c99_verdict.headers(lowered.verdict)]),
        "",
        *tables,
        "",
        "static const kernel_machine machine = {",
        *(f"    {field}," for field in fields),
        "};",
        "",
        "int32_t midge_classify(const int16_t *x, int16_t *scores)",
        "{",
        f"    int32_t sums[{n_values}];",
        "",
        f"    kernel_{lowered.function}_sums(&machine, x, sums);",
        *c99_verdict.code(lowered.verdict, lowered.log2_scale, "int32_t"),
        "}",
        "",
    ]
    return "\n".join(lines)


def _chunks(lowered: KernelIntegers) -> IntegerArray:
    """Coefficients in the order they are read: for each chunk of a group all rows, each of an even length."""
    parts, start = [], 0
    for count in lowered.counts.tolist():
        for at in range(start, start + count, CHUNK):
            block = lowered.coefficients[:, at : min(at + CHUNK, start + count)]
            padded = np.zeros((len(block), block.shape[1] + block.shape[1] % 2), np.int64)
            padded[:, : block.shape[1]] = block
            parts.append(padded.ravel())
        start += count
    return np.concatenate(parts) if parts else np.zeros(1, np.int64)
