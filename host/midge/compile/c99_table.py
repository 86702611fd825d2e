"""Constant tables as C."""

from __future__ import annotations

from typing import Any

import numpy.typing as npt

_LINE = 100


def table(name: str, c_type: str, values: npt.NDArray[Any], *, aligned_bytes: int = 0) -> str:
    """`static const c_type name[] = {…};`, several values a line."""
    attribute = f" __attribute__((aligned({aligned_bytes})))" if aligned_bytes else ""
    lines = [f"static const {c_type} {name}[]{attribute} = {{"]
    line = "   "
    for value in values.ravel().tolist():
        text = f" {value},"
        if len(line) + len(text) > _LINE:
            lines.append(line)
            line = "   "
        line += text
    return "\n".join([*lines, line, "};"])
