"""Linear maps in front of models as C: tables of weights, one kernel, and the inner model's own C."""

from __future__ import annotations

import re

import numpy as np

from . import kinds
from .c99_table import table
from .projected_integer import ProjectedIntegers, Rows

# What the inner model's midge_classify() is called.
INNER = "projected_classify"
_ENTRY = re.compile(r"^int32_t midge_classify\(", re.MULTILINE)


def code(lowered: ProjectedIntegers) -> str:
    """C of midge_classify() for a projected model, the inner one as code where there is such."""
    return wrapped(lowered, "code")


def wrapped(lowered: ProjectedIntegers, layout: str) -> str:
    """The same with the inner model in a layout."""
    n_inner, n_features = lowered.rows.weights.shape
    inner = kinds.code(lowered.kind, layout).code(lowered.inner)
    tables, fields = _tables(lowered.rows, "")
    if lowered.fine is not None:
        of_fine = _tables(lowered.fine, "fine_")
        tables, fields = tables + of_fine[0], fields + of_fine[1]
    fields += [".shifts = projection_shifts", f".n_in = {n_features}", f".n_out = {n_inner}"]
    lines = [
        '#include "projection.h"',
        "",
        *tables,
        table("projection_shifts", "uint8_t", lowered.shift),
        "",
        "static const projection midge_projection = {",
        *(f"    {field}," for field in fields),
        "};",
        "",
        _ENTRY.sub(f"static int32_t {INNER}(", inner),
        "int32_t midge_classify(const int16_t *features, int16_t *scores)",
        "{",
        f"    int16_t projected[{n_inner}] __attribute__((aligned(4)));",
        "",
        "    projection_int16(&midge_projection, features, projected);",
        f"    return {INNER}(projected, scores);",
        "}",
        "",
    ]
    return "\n".join(lines)


def _tables(rows: Rows, half: str) -> tuple[list[str], list[str]]:
    """Tables of one half of the weights, and fields of the structure."""
    n_inner, n_features = rows.weights.shape
    # Rows begin on words, for kernels that read two weights at a time.
    padded = np.zeros((n_inner, n_features + n_features % 2), np.int64)
    padded[:, :n_features] = rows.weights
    names = f"projection_{half}weights", f"projection_{half}bias"
    tables = [table(names[0], "int16_t", padded, aligned_bytes=4), table(names[1], "int32_t", rows.bias)]
    return tables, [
        f".{half}weights = {names[0]}",
        f".{half}bias = {names[1]}",
        f".{half}limit = {rows.limit}",
    ]
