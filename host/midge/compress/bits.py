"""Weights of 8, 6 or 4 bits, rounded so that what a layer says of the training rows changes least.

Features of all sizes are brought to one by powers of two first, so that a row of weights can share a step.
What rounding one weight does wrong, those after it make up for, and the bias for what is left on average.

Source: E. Frantar et al., "GPTQ: Accurate Post-Training Quantization for Generative Pre-trained
Transformers", 2022.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from ..compile import net_integer
from ..compile.ir import FloatArray
from ..compile.linear import Linear
from ..compile.net import MOST_SHIFT, PACKED_BITS, Layer, Net, activations, shifted

_INT16_MAX = 32767
# Features may grow by this much beyond those of the training rows before they are held.
HEADROOM = 2.0
# Steps are looked for among so many, down to this share of what takes the largest weight in.
N_STEPS, LEAST_STEP = 24, 0.3
# Rows that are looked at, and columns that can make up for each other.
MOST_ROWS, MOST_COLUMNS = 4000, 2048
# Added to each column's own square, as a share of the mean: few rows don't tell columns apart.
DAMPING = 0.01
# Sums may grow a little when weights are rounded, and must fit all the same.
ROOM = 0.97


def net(ir: Net, X: npt.NDArray[np.int16], bits: int) -> Net | None:
    """The net with weights of so many bits, by training rows X; None if it has such already."""
    if bits not in PACKED_BITS or any(layer.bits <= bits for layer in ir.layers) or not len(X):
        return None
    rows = X[:: -(-len(X) // MOST_ROWS)].astype(np.float64)
    if ir.shifts is not None:
        ir = ir.rescaled(np.ones(ir.n_features), np.zeros(ir.n_features))
    wanted = [rows, *activations(ir, rows)[:-1]]
    shifts = _shifts(X)
    seen, made = rows, replace(ir, shifts=shifts)
    for number, layer in enumerate(ir.layers):
        weights = layer.weights
        if number == 0 and shifts is not None:
            weights, seen = weights / 2.0**shifts, shifted(rows, shifts)
        means = wanted[number].mean(axis=0) @ layer.weights.T + layer.bias
        layers = list(made.layers)
        layers[number] = _packed(made, number, weights, seen, bits, X)
        bias = means - seen.mean(axis=0) @ layers[number].weights.T
        layers[number] = replace(layers[number], bias=bias)
        made = replace(made, layers=tuple(layers))
        if number + 1 < len(ir.layers):
            seen = activations(made, rows)[number]
    return made


def linear(ir: Linear, X: npt.NDArray[np.int16], bits: int) -> Net | None:
    """A linear model as a net of one such layer."""
    layer = Layer(ir.weights, ir.bias)
    return net(Net((layer,), "identity", ir.verdict, ir.low, ir.high, np.zeros(0)), X, bits)


def _shifts(X: npt.NDArray[np.int16]) -> npt.NDArray[np.int64] | None:
    """By how many bits each column can be enlarged; None if all of them alike."""
    largest = np.maximum(np.abs(X.astype(np.int64)).max(axis=0), 1)
    found = np.floor(np.log2(_INT16_MAX / (HEADROOM * largest))).clip(0, MOST_SHIFT).astype(np.int64)
    return None if (found == found[0]).all() else found


def _packed(
    made: Net, number: int, weights: FloatArray, seen: FloatArray, bits: int, X: npt.NDArray[np.int16]
) -> Layer:
    """Layer `number` with `weights` over inputs `seen` rounded; the layers before it are packed already."""
    steps = _steps(weights, seen.var(axis=0), bits)
    # A multiplier is a whole number: steps are multiples of what 1 stands for.
    trial = Layer(_rounded(weights, steps, bits) * steps[:, None], made.layers[number].bias, bits, steps)
    layers = (*made.layers[:number], trial, *made.layers[number + 1 :])
    lowered = net_integer.lower(replace(made, layers=layers).calibrated(X)).layers[number]
    is_power_of_two = number + 1 == len(made.layers) or made.activation in ("tanh", "logistic")
    factor = lowered.factor * (1.0 if is_power_of_two else ROOM)
    multipliers = np.clip(np.rint(steps * factor), 1, _INT16_MAX // _most(bits))
    steps = multipliers / factor
    return replace(trial, weights=_settled(weights, seen, steps, bits) * steps[:, None], steps=steps)


def _most(bits: int) -> int:
    return (1 << (bits - 1)) - 1


def _rounded(weights: FloatArray, steps: FloatArray, bits: int) -> FloatArray:
    return np.clip(np.rint(weights / steps[:, None]), -_most(bits), _most(bits))


def _steps(weights: FloatArray, spread: FloatArray, bits: int) -> FloatArray:
    """A step for each row, (n_out,): the one that moves sums over inputs of such spread least."""
    largest = np.maximum(np.abs(weights).max(axis=1), np.finfo(np.float64).tiny) / _most(bits)
    # A row of zeros has any step.
    largest = np.where(largest < 1e-300, 1.0, largest)
    best, found = np.full(len(weights), np.inf), largest
    for share in np.linspace(1.0, LEAST_STEP, N_STEPS):
        steps = share * largest
        off = ((weights - _rounded(weights, steps, bits) * steps[:, None]) ** 2) @ spread
        found = np.where(off < best, steps, found)
        best = np.minimum(off, best)
    return found


def _settled(weights: FloatArray, seen: FloatArray, steps: FloatArray, bits: int) -> FloatArray:
    """Whole weights, column by column: later columns take over what rounding a column moved the sums by.

    `seen` (n_rows, n_in): what the layer reads. Weights of 0 stay 0.
    """
    n_in = seen.shape[1]
    if n_in > MOST_COLUMNS:
        return _rounded(weights, steps, bits)
    centred = seen - seen.mean(axis=0)
    square = centred.T @ centred / len(seen)
    damped = square + (DAMPING * float(np.diag(square).mean()) + 1e-12) * np.eye(n_in)
    # Those that move sums most are rounded first, while the others can make up for it.
    order = np.argsort(-np.diag(damped), kind="stable")
    root = np.linalg.cholesky(np.linalg.inv(damped[np.ix_(order, order)])).T
    left = weights[:, order].copy()
    is_there = left != 0
    whole = np.zeros_like(left)
    for at in range(n_in):
        whole[:, at] = _rounded(left[:, at : at + 1], steps, bits)[:, 0] * is_there[:, at]
        off = (left[:, at] - whole[:, at] * steps) / root[at, at]
        left[:, at + 1 :] -= np.outer(off, root[at, at + 1 :])
    found = np.zeros_like(whole)
    found[:, order] = whole
    return found
