"""Gaussian models as C: a table of terms, one kernel, the verdict."""

from __future__ import annotations

from . import c99_verdict
from .c99_table import table
from .gaussian_integer import GaussianIntegers


def code(lowered: GaussianIntegers) -> str:
    """C of midge_classify() for a Gaussian model."""
    n_classes, n_features = lowered.factors.shape
    terms = zip(
        lowered.offsets.ravel().tolist(),
        lowered.factors.ravel().tolist(),
        lowered.shifts.ravel().tolist(),
        strict=True,
    )
    lines = [
        *(f'#include "{name}"' for name in ["gaussian.h", *c99_verdict.headers(lowered.verdict)]),
        "",
        "static const gaussian_term terms[] = {",
        *(f"    {{{offset}, {shift}, {factor}}}," for offset, factor, shift in terms),
        "};",
        "",
        table("constants", "int32_t", lowered.constants),
        "",
        "int32_t midge_classify(const int16_t *x, int16_t *scores)",
        "{",
        f"    int64_t sums[{n_classes}];",
        "",
        f"    gaussian_sums(x, terms, constants, {n_features}, {n_classes}, sums);",
        *c99_verdict.code(lowered.verdict, lowered.log2_scale, "int64_t"),
        "}",
        "",
    ]
    return "\n".join(lines)
