"""Nets with time in them as C: tables of weights, one kernel a layer, tensors in the caller's arena."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from . import c99_verdict
from .c99_table import table
from .conv_integer import ConvIntegers, Factors, LayerIntegers

# int8 values and weights are stored plus this.
OFFSET = 128
_INDENT = "    "
_POOLS = {"average": "conv_average_int8", "max": "conv_max_int8"}


def code(lowered: ConvIntegers) -> str:
    """C of midge_classify() for a net with convolutions."""
    lines = [f'#include "{name}"' for name in ("conv.h", "q15.h", *c99_verdict.headers(lowered.verdict))]
    lines += ["", *_input(lowered)]
    for number, layer in enumerate(lowered.layers):
        lines += [*_layer_tables(number, layer), ""]
    lines += [*_last(lowered), "", *_classify(lowered)]
    return "\n".join([*lines, ""])


def _input(lowered: ConvIntegers) -> list[str]:
    return [
        table("input_gain", "int16_t", lowered.gain),
        table("input_bias", "int32_t", lowered.bias),
        f"static const conv_input input = {{input_gain, input_bias, {len(lowered.gain)}, {lowered.shift}}};",
        "",
    ]


def _layer_tables(number: int, one: LayerIntegers) -> Iterator[str]:
    layer = one.layer
    if layer.kind == "add":
        yield from _add(number, one)
    elif layer.kind in _POOLS:
        (rows, columns, _), (top, left) = one.out, layer.window.before(one.shape[:2])
        kernel, stride = layer.window.kernel, layer.window.stride
        values = (*one.shape, rows, columns, *kernel, *stride, top, left, *_limits(one))
        yield f"static const conv_pool layer_{number} = {{{_joined(values)}}};"
    else:
        yield from _weighted(number, one)


def _joined(values: tuple[int, ...]) -> str:
    return ", ".join(map(str, values))


def _limits(one: LayerIntegers) -> tuple[int, int]:
    return one.layer.low + OFFSET, one.layer.high + OFFSET


def _add(number: int, one: LayerIntegers) -> Iterator[str]:
    assert one.factors is not None
    zeros = _joined(tuple(zero + OFFSET for zero in one.zeros))
    low, high = _limits(one)
    yield f"static const conv_add layer_{number} = {{"
    yield f"{_INDENT}{{{zeros}}}, {one.layer.zero + OFFSET}, {low}, {high}, {{{_factor_rows(one.factors)}}},"
    yield "};"


def _factor_rows(factors: Factors) -> str:
    pairs = zip(factors.multiplier.tolist(), factors.shift.tolist(), strict=True)
    return ", ".join(f"{{{multiplier}, {shift}}}" for multiplier, shift in pairs)


def _weighted(number: int, one: LayerIntegers) -> Iterator[str]:
    layer = one.layer
    assert layer.weights is not None
    weights = layer.weights.values.astype(np.int64)
    bias = layer.weights.bias - (OFFSET + one.zeros[0]) * weights.reshape(len(weights), -1).sum(axis=1)
    factors = one.factors or Factors(np.zeros(len(bias), np.int64), np.ones(len(bias), np.int64), True)
    packed = depthwise_weights(weights) if layer.kind == "depthwise" else conv_weights(weights)
    yield table(f"weights_{number}", "uint8_t", packed, aligned_bytes=4)
    rows = [
        f"{{{b}, {m >> 16}, {s - 1}}},"
        for b, m, s in zip(bias.tolist(), factors.multiplier.tolist(), factors.shift.tolist(), strict=True)
    ]
    yield f"static const conv_channel channels_{number}[] = {{"
    yield from (_INDENT + " ".join(rows[at : at + 4]) for at in range(0, len(rows), 4))
    yield "};"
    lower = "NULL"
    if not factors.is_narrow:
        lower = f"lower_{number}"
        yield table(lower, "uint16_t", factors.multiplier & 0xFFFF)
    shape, kernel, out = one.shape, layer.window.kernel, one.out
    if layer.kind == "dense":
        shape, kernel = (1, 1, int(np.prod(shape))), (1, 1)
    top, left = layer.window.before(shape[:2])
    zero = 0 if one.is_last else layer.zero + OFFSET
    sizes = (*shape, *out, *kernel, *layer.window.stride, top, left)
    yield f"static const conv_layer layer_{number} = {{"
    numbers = (*sizes, one.zeros[0] + OFFSET, zero, *_limits(one), int(factors.is_once))
    yield f"{_INDENT}{_joined(numbers)}, weights_{number}, channels_{number}, {lower},"
    yield "};"


def conv_weights(weights: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Weights (n_out, …) as conv_int8 reads them: fours of channels, of fours of products, 0 between."""
    flat = weights.reshape(len(weights), -1) + OFFSET
    rows, columns = (-(-n // 4) * 4 for n in flat.shape)
    filled = np.zeros((rows, columns), np.int64)
    filled[: flat.shape[0], : flat.shape[1]] = flat
    return filled.reshape(rows // 4, 4, columns // 4, 4).transpose(0, 2, 1, 3).ravel()


def depthwise_weights(weights: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Weights (channels, height, width, 1) as conv_depthwise_int8 reads them: fours of channels, taps."""
    flat = weights.reshape(len(weights), -1)
    filled = np.zeros((-(-len(flat) // 4) * 4, flat.shape[1]), np.int64)
    filled[: len(flat)] = flat
    return (filled.reshape(-1, 4, flat.shape[1]).transpose(0, 2, 1) & 0xFF).ravel()


def _last(lowered: ConvIntegers) -> list[str]:
    return [f"static const conv_factor last[] = {{{_factor_rows(lowered.last)}}};"]


def _classify(lowered: ConvIntegers) -> Iterator[str]:
    ir, arena = lowered.ir, lowered.arena
    n_values = ir.verdict.n_values

    def at(offset: int | None) -> str:
        return "arena" if not offset else f"arena + {offset}"

    yield "int32_t midge_classify(const int16_t *features, int16_t *scores, void *state)"
    yield "{"
    yield f"{_INDENT}uint8_t *const arena = state;"
    yield f"{_INDENT}int32_t sums[{n_values}];"
    yield ""
    yield f"{_INDENT}conv_features(&input, features, {ir.n_features}, {at(arena.tensors[0])});"
    for number, one in enumerate(lowered.layers):
        sources = ", ".join(at(arena.tensors[source]) for source in one.layer.sources)
        to = at(arena.tensors[number + 1])
        if one.layer.kind == "add":
            call = f"conv_add_int8(&layer_{number}, {sources}, {int(np.prod(one.out))}, {to})"
        elif one.layer.kind in _POOLS:
            call = f"{_POOLS[one.layer.kind]}(&layer_{number}, {sources}, {to})"
        else:
            name = "conv_depthwise_int8" if one.layer.kind == "depthwise" else "conv_int8"
            if one.is_last:
                name, to = "conv_sums", "sums"
            call = f"{name}(&layer_{number}, {sources}, {to}, {at(arena.scratch[number])})"
        yield f"{_INDENT}{call};"
    if not lowered.layers[-1].is_last:
        zero = lowered.layers[-1].layer.zero + OFFSET
        yield f"{_INDENT}conv_widen_int8({at(arena.tensors[-1])}, {n_values}, {zero}, sums);"
    n_factors = len(lowered.last.multiplier)
    yield f"{_INDENT}conv_scale_sums(sums, {n_values}, last, {n_factors}, {lowered.center});"
    yield from c99_verdict.code(lowered.verdict, lowered.log2_scale, "int32_t")
    yield "}"
