"""Models in float64, operation by operation as the C does them, and their values as exact sums."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from . import verdict
from .gaussian import Gaussian
from .ir import FloatArray
from .kernel import Kernel
from .linear import Linear
from .net import Net
from .precise import Inner, Precise
from .quadratic import Quadratic
from .verdict import Verdict

# Differences of two sums must fit int64 as well.
LOG2_SUM_LIMIT = 61
# exponential.h shifts by 32 at most, from 12.
MOST_LOG2_SCALE = 44
# Relative error of a long float64 sum and of what was rounded before it.
FLOAT_SLACK = 1e-11
HEADROOM = 16.0
# precise.c: 1 / k!, highest first.
EXP_TERMS = tuple(1.0 / float(np.prod(np.arange(1, k + 1, dtype=np.float64))) for k in range(13, -1, -1))
LOG2_E, LN2_HIGH, LN2_LOW = 1.4426950408889634, 0.693145751953125, 1.42860682030941723212e-6
EXP_LEAST = -700.0


@dataclass(frozen=True, eq=False)
class Doubles:
    """A model in float64; sums = floor(values · scale + ½) within ±limit; then `verdict.judge_integers`."""

    inner: Inner
    verdict: Verdict
    log2_scale: int
    scale: float
    epsilon: float

    @property
    def limit(self) -> float:
        """Largest sum."""
        return 2.0**LOG2_SUM_LIMIT


def lower(ir: Precise | Quadratic) -> Doubles:
    """Sums as fine as int64 allows for the rows that are expected."""
    rule = ir.verdict
    inner = ir.inner if isinstance(ir, Precise) else ir
    grid = verdict.grid(rule)
    largest = max(_largest(inner) + abs(rule.center), 1e-300)
    log2_scale = min(int(np.floor(LOG2_SUM_LIMIT - 1 - np.log2(largest * grid))), MOST_LOG2_SCALE)
    scale = grid * 2.0**log2_scale
    # Rows beyond the training rows get that much further.
    usual = min(HEADROOM * inner.reach, largest) if isinstance(inner, Quadratic) and inner.reach else largest
    return Doubles(inner, rule, log2_scale, scale, FLOAT_SLACK * usual + 1 / scale)


def _largest(inner: Inner) -> float:
    """Bound of the values of rows like the training rows, with room."""
    if isinstance(inner, Gaussian):
        apart = 65536.0**2 / inner.variance
        return float(np.abs(inner.constant).max() + 0.5 * apart.sum(axis=1).max())
    if isinstance(inner, Quadratic):
        apart = (np.abs(inner.maps).sum(axis=2) * 32768 + np.abs(inner.offsets)) ** 2
        return float(np.abs(inner.constant).max() + 0.5 * apart.sum(axis=1).max())
    if isinstance(inner, Linear):
        reach = np.full(inner.n_features, 32768.0)
        return float((np.abs(inner.weights) @ reach + np.abs(inner.bias)).max())
    if isinstance(inner, Kernel):
        kernel = 1.0 if inner.function == "rbf" else max(4 * inner.reach, 1.0) ** inner.degree
        return inner.largest_weight() * kernel + float(np.abs(inner.bias).max())
    size = np.full(inner.n_features, 32768.0)
    for layer in inner.layers:
        size = np.abs(layer.weights) @ size + np.abs(layer.bias)
        if inner.activation in ("tanh", "logistic") and layer is not inner.layers[-1]:
            size = np.ones_like(size)
    return float(size.max())


def exponential(x: FloatArray) -> FloatArray:
    """e^x, as precise.c has it; 0 below EXP_LEAST."""
    x = np.minimum(x, -EXP_LEAST)
    whole = np.floor(x * LOG2_E + 0.5)
    rest = (x - whole * LN2_HIGH) - whole * LN2_LOW
    power = np.zeros_like(x)
    for term in EXP_TERMS:
        power = power * rest + term
    scaled = power * 2.0 ** np.maximum(whole, -1022.0)
    return np.asarray(np.where(x < EXP_LEAST, 0.0, scaled), np.float64)


def dense(x: FloatArray, weights: FloatArray, bias: FloatArray) -> FloatArray:
    """bias + weights · x of rows, added up feature by feature."""
    sums = np.tile(bias, (len(x), 1))
    for feature in range(x.shape[1]):
        sums = sums + x[:, feature, None] * weights[:, feature]
    return sums


def values(inner: Inner, x: FloatArray) -> FloatArray:
    """Values (n_rows, n_values), bit for bit those of the C."""
    if isinstance(inner, Linear):
        return dense(x, inner.weights, inner.bias)
    if isinstance(inner, Kernel):
        return _kernel(inner, x)
    if isinstance(inner, Net):
        return _net(inner, x)
    if isinstance(inner, Gaussian):
        made = np.tile(inner.constant, (len(x), 1))
        half = 0.5 / inner.variance
        for feature in range(x.shape[1]):
            apart = x[:, feature, None] - inner.mean[:, feature]
            made = made - apart * apart * half[:, feature]
        return made
    made = np.tile(inner.constant, (len(x), 1))
    for value, (part, offset) in enumerate(zip(inner.maps, inner.offsets, strict=True)):
        mapped = dense(x, part, offset)
        for row in range(mapped.shape[1]):
            made[:, value] = made[:, value] - 0.5 * (mapped[:, row] * mapped[:, row])
    return made


def _kernel(inner: Kernel, x: FloatArray) -> FloatArray:
    sums = np.tile(inner.bias, (len(x), 1))
    n_groups = len(inner.counts)
    group_of = np.repeat(np.arange(n_groups), inner.counts)
    for vector, group in enumerate(group_of.tolist()):
        kernel = _one_kernel(inner, x, vector)
        if n_groups == 1:
            sums[:, 0] = sums[:, 0] + inner.coefficients[0, vector] * kernel
            continue
        for line in range(n_groups - 1):
            first, second = (group, line + 1) if line >= group else (line, group)
            duel = first * (2 * n_groups - first - 1) // 2 + second - first - 1
            sums[:, duel] = sums[:, duel] + inner.coefficients[line, vector] * kernel
    return sums


def _one_kernel(inner: Kernel, x: FloatArray, vector: int) -> FloatArray:
    row = inner.vectors[vector]
    total = np.zeros(len(x))
    if inner.function == "rbf":
        for feature in range(x.shape[1]):
            apart = x[:, feature] - row[feature]
            total = total + apart * apart * inner.metric[feature]
        return exponential(total * -inner.gamma)
    for feature in range(x.shape[1]):
        total = total + x[:, feature] * row[feature]
    argument = inner.gamma * (total + inner.offsets[vector]) + inner.coef0
    power = argument
    for _ in range(inner.degree - 1):
        power = power * argument
    return np.asarray(power, np.float64)


def _net(inner: Net, x: FloatArray) -> FloatArray:
    for number, layer in enumerate(inner.layers):
        x = dense(x, layer.weights, layer.bias)
        if number + 1 == len(inner.layers) or inner.activation == "identity":
            continue
        if inner.activation == "relu":
            x = np.where(x > 0.0, x, 0.0)
        elif inner.activation == "logistic":
            x = 1.0 / (1.0 + exponential(-x))
        else:
            x = 2.0 / (1.0 + exponential(-2.0 * x)) - 1.0
    return x


def predict(
    lowered: Doubles, X: npt.NDArray[np.int16]
) -> tuple[npt.NDArray[np.int16], npt.NDArray[np.int32]]:
    """Scores int16 (n_rows, n_scores) and winners int32 (n_rows,), as the C must give them."""
    with np.errstate(all="ignore"):
        found = values(lowered.inner, X.astype(np.float64)) - lowered.verdict.center
        scaled = np.floor(found * lowered.scale + 0.5)
    sums = np.clip(scaled, -lowered.limit, lowered.limit).astype(np.int64)
    return verdict.judge_integers(lowered.verdict, sums, lowered.log2_scale)
