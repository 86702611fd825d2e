"""Models in double precision as C: tables, the kernels of precise.c, the verdict on exact sums."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from . import c99_verdict
from .c99_table import table
from .gaussian import Gaussian
from .kernel import Kernel
from .linear import Linear
from .net import Net
from .precise_double import Doubles
from .quadratic import Quadratic


def code(lowered: Doubles) -> str:
    """C of midge_classify() for a model in double precision."""
    inner, rule = lowered.inner, lowered.verdict
    if isinstance(inner, Linear):
        tables, body = _linear(inner)
    elif isinstance(inner, Kernel):
        tables, body = _kernel(inner)
    elif isinstance(inner, Net):
        tables, body = _net(inner)
    elif isinstance(inner, Gaussian):
        tables, body = _gaussian(inner)
    else:
        tables, body = _quadratic(inner)
    lines = [
        *(f'#include "{name}"' for name in ["precise.h", "q15.h", *c99_verdict.headers(rule)]),
        "",
        *tables,
        "",
        "int32_t midge_classify(const int16_t *features, int16_t *scores)",
        "{",
        f"    double x[{inner.n_features}];",
        f"    double values[{rule.n_values}];",
        f"    int64_t sums[{rule.n_values}];",
        "",
        f"    precise_features(features, {inner.n_features}, x);",
        *(f"    {line}" for line in body),
        f"    precise_sums(values, {rule.n_values}, {rule.center!r}, {lowered.scale!r}, sums);",
        *c99_verdict.code(rule, lowered.log2_scale, "int64_t"),
        "}",
        "",
    ]
    return "\n".join(lines)


def _double(name: str, values: npt.NDArray[np.float64]) -> str:
    return table(name, "double", np.asarray(values, np.float64))


def _start(values: npt.NDArray[np.float64]) -> tuple[str, list[str]]:
    """A table of what the values begin with, and the statements that put it there."""
    return _double("start", values), [
        f"for (int32_t i = 0; i < {len(values)}; i++) {{",
        "    values[i] = start[i];",
        "}",
    ]


def _linear(inner: Linear) -> tuple[list[str], list[str]]:
    n_values, n_features = inner.weights.shape
    return (
        [_double("weights", inner.weights), _double("bias", inner.bias)],
        [f"precise_dense(x, weights, bias, {n_features}, {n_values}, values);"],
    )


def _kernel(inner: Kernel) -> tuple[list[str], list[str]]:
    start, begin = _start(inner.bias)
    n_vectors, n_features = inner.vectors.shape
    fields = {
        "vectors": "vectors",
        "coefficients": "coefficients",
        "offsets": "offsets",
        "metric": "metric",
        "counts": "counts",
        "gamma": repr(inner.gamma),
        "coef0": repr(inner.coef0),
        "degree": str(inner.degree),
        "n_in": str(n_features),
        "n_vectors": str(n_vectors),
        "n_groups": str(len(inner.counts)),
    }
    tables = [
        _double("vectors", inner.vectors),
        _double("coefficients", inner.coefficients),
        _double("offsets", inner.offsets),
        _double("metric", inner.metric),
        table("counts", "uint16_t", inner.counts),
        start,
        "static const precise_machine machine = {",
        *(f"    .{name} = {value}," for name, value in fields.items()),
        "};",
    ]
    return tables, [*begin, "precise_kernel(&machine, x, values);"]


def _net(inner: Net) -> tuple[list[str], list[str]]:
    tables, body, source = [], [], "x"
    for number, layer in enumerate(inner.layers):
        n_out, n_in = layer.weights.shape
        tables += [_double(f"weights_{number}", layer.weights), _double(f"bias_{number}", layer.bias)]
        is_last = number + 1 == len(inner.layers)
        target = "values" if is_last else f"hidden_{number}"
        if not is_last:
            body.append(f"double {target}[{n_out}];")
        body.append(f"precise_dense({source}, weights_{number}, bias_{number}, {n_in}, {n_out}, {target});")
        if not is_last and inner.activation != "identity":
            body.append(f"precise_{inner.activation}({target}, {n_out});")
        source = target
    return tables, body


def _gaussian(inner: Gaussian) -> tuple[list[str], list[str]]:
    start, begin = _start(inner.constant)
    n_values, n_features = inner.mean.shape
    tables = [_double("mean", inner.mean), _double("half", 0.5 / inner.variance), start]
    return tables, [*begin, f"precise_gaussian(x, mean, half, {n_features}, {n_values}, values);"]


def _quadratic(inner: Quadratic) -> tuple[list[str], list[str]]:
    start, begin = _start(inner.constant)
    n_values, n_rows, n_features = inner.maps.shape
    tables = [_double("maps", inner.maps), _double("offsets", inner.offsets), start]
    call = f"precise_quadratic(x, maps, offsets, {n_features}, {n_rows}, {n_values}, values);"
    return tables, [*begin, call]
