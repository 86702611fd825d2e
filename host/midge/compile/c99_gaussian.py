"""Gaussian models as C: a table of terms, one kernel, the verdict."""

from __future__ import annotations

import numpy as np

from . import c99_verdict
from .c99_table import table
from .gaussian_integer import GaussianIntegers
from .gaussian_near import NearIntegers

# As GAUSSIAN_CHUNK in firmware/native/gaussian_near.h.
CHUNK = 64


def code(lowered: GaussianIntegers | NearIntegers) -> str:
    """C of midge_classify() for a Gaussian model."""
    near = isinstance(lowered, NearIntegers)
    header = "gaussian_near.h" if near else "gaussian.h"
    n_classes = len(lowered.constants)
    tables, call = _near(lowered) if isinstance(lowered, NearIntegers) else _deviations(lowered)
    lines = [
        *(f'#include "{name}"' for name in [header, *c99_verdict.headers(lowered.verdict)]),
        "",
        *tables,
        "",
        "int32_t midge_classify(const int16_t *x, int16_t *scores)",
        "{",
        f"    int64_t sums[{n_classes}];",
        "",
        f"    {call}",
        *c99_verdict.code(lowered.verdict, lowered.log2_scale, "int64_t"),
        "}",
        "",
    ]
    return "\n".join(lines)


def _deviations(lowered: GaussianIntegers) -> tuple[list[str], str]:
    n_classes, n_features = lowered.factors.shape
    terms = zip(
        lowered.offsets.ravel().tolist(),
        lowered.factors.ravel().tolist(),
        lowered.shifts.ravel().tolist(),
        strict=True,
    )
    tables = [
        "static const gaussian_term terms[] = {",
        *(f"    {{{offset}, {shift}, {factor}}}," for offset, factor, shift in terms),
        "};",
        "",
        table("constants", "int32_t", lowered.constants),
    ]
    return tables, f"gaussian_sums(x, terms, constants, {n_features}, {n_classes}, sums);"


def _near(lowered: NearIntegers) -> tuple[list[str], str]:
    n_classes, n_features = lowered.squares.shape
    fixed = _fixed(lowered) or [(0, 0, 0)]
    fields = {
        "terms": "terms",
        "constants": "constants",
        "ranges": "ranges",
        "fixed": "fixed",
        "weight": str(lowered.weight),
        "most_apart": str(lowered.most_apart),
        "n_fixed": str(len(_fixed(lowered))),
        "n_in": str(n_features),
        "n_classes": str(n_classes),
    }
    tables = [
        table("terms", "int32_t", _chunks(lowered)),
        table("constants", "int64_t", lowered.constants),
        "static const gaussian_range ranges[] = {",
        *(f"    {{{low}, {span}}}," for low, span in zip(lowered.low, lowered.span, strict=True)),
        "};",
        "static const gaussian_fixed fixed[] = {",
        *(f"    {{{feature}, {value}, {classes}}}," for feature, value, classes in fixed),
        "};",
        "static const gaussian_near model = {",
        *(f"    .{name} = {value}," for name, value in fields.items()),
        "};",
    ]
    return tables, "gaussian_near_sums(&model, x, sums);"


def _chunks(lowered: NearIntegers) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """(square, slope) chunk by chunk, class by class; a chunk's length is even."""
    parts = []
    pairs = np.stack([lowered.squares, lowered.slopes], axis=2)
    for first in range(0, pairs.shape[1], CHUNK):
        part = pairs[:, first : first + CHUNK]
        if part.shape[1] % 2:
            part = np.pad(part, ((0, 0), (0, 1), (0, 0)))
        parts.append(part.ravel())
    return np.concatenate(parts)


def _fixed(lowered: NearIntegers) -> list[tuple[int, int, int]]:
    """(feature, value, mask of classes)."""
    masks: dict[tuple[int, int], int] = {}
    for number, feature in np.argwhere(lowered.fixed).tolist():
        key = feature, int(lowered.value[number, feature])
        masks[key] = masks.get(key, 0) | 1 << number
    return [(feature, value, mask) for (feature, value), mask in sorted(masks.items())]
