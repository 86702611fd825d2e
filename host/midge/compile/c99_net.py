"""Nets as C: weights in the code where a core gains by it, else in tables."""

from __future__ import annotations

from collections.abc import Iterator

from . import c99_net_table, c99_net_thumb1, c99_verdict
from .net_integer import NetIntegers

_INDENT = "    "


def code(lowered: NetIntegers) -> str:
    """C of midge_classify() for a net."""
    tables = c99_net_table.code(lowered)
    is_packed = any(layer.multipliers is not None for layer in lowered.layers)
    if is_packed or sum(layer.weights.size for layer in lowered.layers) > c99_net_thumb1.MAX_WEIGHTS:
        return tables
    headers, _, rest = tables.partition("\n\n")
    assembled = ["#if ACTIVATION_IS_THUMB1", "", *_assembled(lowered), "", "#else", ""]
    return "\n".join([headers, "", *assembled, rest, "#endif", ""])


def _assembled(lowered: NetIntegers) -> Iterator[str]:
    """The same for ARMv6-M."""
    is_relu = lowered.activation == "relu"
    last = len(lowered.layers) - 1
    for number, layer in enumerate(lowered.layers):
        yield f"static __attribute__((naked, noinline)) void layer_{number}(const int16_t *x, void *out)"
        yield "{"
        yield f"{_INDENT}__asm__ volatile("
        lines = c99_net_thumb1.layer(
            layer,
            is_relu=is_relu and number < last,
            is_positive=is_relu and number > 0,
            is_sparse=is_relu if number else lowered.is_sparse,
        )
        yield from (f'{_INDENT}    "{line}\\n"' for line in lines)
        yield f"{_INDENT});"
        yield "}"
        yield ""
    sizes = [len(layer.bias) for layer in lowered.layers]
    yield "int32_t midge_classify(const int16_t *x, int16_t *scores)"
    yield "{"
    yield f"{_INDENT}int32_t sums[{sizes[-1] if is_relu else max(sizes)}];"
    # A layer is written while the one before it is still read.
    hidden = max(sizes[:-1], default=0)
    for side in range(min(last, 2)):
        yield f"{_INDENT}int16_t hidden_{side}[{hidden + hidden % 2}] __attribute__((aligned(4)));"
    yield ""
    for number, layer in enumerate(lowered.layers):
        source = f"hidden_{(number - 1) % 2}" if number else "x"
        if number < last and is_relu:
            yield f"{_INDENT}layer_{number}({source}, hidden_{number % 2});"
            continue
        yield f"{_INDENT}layer_{number}({source}, sums);"
        if number < last:
            yield from c99_net_table.activation(lowered.activation, layer, f"hidden_{number % 2}")
    yield from c99_verdict.code(lowered.verdict, lowered.log2_scale, "int32_t")
    yield "}"
