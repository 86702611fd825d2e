"""Which files know a kind of IR: one row a kind, one file a floor."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .ir import Node


@dataclass(frozen=True)
class Kind:
    """Names of modules of this package.

    Attributes
    ----------
    ir : str
        `read(data) -> Node`: the IR out of its JSON
    reference : str
        `interpret(ir, X) -> Answers`: float64
    lowering : str
        `lower(ir) -> Lowered` with an `epsilon`; `predict(lowered, X) -> (scores, winners)`: the C's integers
    probes : str
        `probes(ir, X, limit) -> rows` that show a mistake in the C
    code : mapping of layout to str
        `code(lowered) -> str`: C of midge_classify(); of 'table' the linker reads the constants only
    """

    ir: str
    reference: str
    lowering: str
    probes: str
    code: Mapping[str, str] = field(default_factory=dict)


KINDS = {
    "forest": Kind(
        "ir", "reference", "votes", "forest_probes", {"code": "c99_forest", "table": "c99_forest_table"}
    ),
    "additive": Kind(
        *("additive", "additive", "additive_integer", "additive_probes"),
        {"code": "c99_additive", "table": "c99_additive_table"},
    ),
    "linear": Kind(
        "linear", "linear", "linear_integer", "range_probes", {"code": "c99_linear", "table": "c99_linear"}
    ),
    "kernel": Kind(
        "kernel", "kernel", "kernel_integer", "range_probes", {"code": "c99_kernel", "table": "c99_kernel"}
    ),
    "neighbors": Kind(
        *("neighbors", "neighbors", "neighbors_integer", "range_probes"),
        {"code": "c99_neighbors", "table": "c99_neighbors"},
    ),
    "net": Kind(
        *("net", "net", "net_integer", "range_probes"), {"code": "c99_net", "table": "c99_net_table"}
    ),
    "conv": Kind("conv", "conv_reference", "conv_integer", "conv_probes", {"table": "c99_conv"}),
    "gaussian": Kind(
        "gaussian",
        "gaussian",
        "gaussian_integer",
        "range_probes",
        {"code": "c99_gaussian", "table": "c99_gaussian"},
    ),
    "projected": Kind(
        *("projected", "projected", "projected_integer", "projected_probes"),
        {"code": "c99_projected", "table": "c99_projected_table"},
    ),
    "quadratic": Kind(
        *("quadratic", "quadratic", "precise_double", "precise_probes"),
        {"code": "c99_precise", "table": "c99_precise"},
    ),
    "precise": Kind(
        *("precise", "precise", "precise_double", "precise_probes"),
        {"code": "c99_precise", "table": "c99_precise"},
    ),
}
# Kinds in float64: tables for a loop in either layout, and always compiled.
IN_DOUBLES = ("quadratic", "precise")


def part(kind: str, floor: str) -> ModuleType:
    """The module that is `floor` ('ir', 'reference', 'lowering' or 'probes') of a kind."""
    return importlib.import_module(f".{getattr(KINDS[kind], floor)}", __package__)


def layouts(ir: Node) -> tuple[str, ...]:
    """Layouts that a model has; one behind a projection has no more than it has alone."""
    known = tuple(KINDS[ir.kind].code)
    behind = KINDS[innermost(ir)].code
    return tuple(name for name in known if name in behind)


def innermost(ir: Node) -> str:
    """The kind of a model, or of what is behind its projection."""
    inner: Node = getattr(ir, "inner", ir)
    return inner.kind if ir.kind == "projected" else ir.kind


def code(kind: str, layout: str) -> ModuleType:
    """The module that writes the C of a kind in a layout."""
    return importlib.import_module(f".{KINDS[kind].code[layout]}", __package__)
