"""Fine-tuning of a net in float64: some weights stay 0 while the others make up for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from ..compile.ir import FloatArray
from ..compile.net import Layer, Net

ROW_VISITS = 120_000
BATCH = 64
RATE = 0.003
# Adam's usual constants: D. Kingma, J. Ba, "Adam: A Method for Stochastic Optimization", 2015.
DECAY, DECAY_OF_SQUARES, TINY = 0.9, 0.999, 1e-8
Mask = npt.NDArray[np.bool_]


def scales(X: npt.NDArray[np.int16]) -> tuple[FloatArray, FloatArray]:
    """(step, offset) that make the columns of X, as z = (x - offset) / step, alike."""
    spread = X.std(axis=0, dtype=np.float64)
    return np.where(spread > 0, spread, 1.0), X.mean(axis=0, dtype=np.float64)


def standardised(ir: Net, X: npt.NDArray[np.int16]) -> Net:
    """The net over standardised features."""
    return ir.rescaled(*scales(X))


def restored(ir: Net, X: npt.NDArray[np.int16]) -> Net:
    """The inverse of `standardised`."""
    step, offset = scales(X)
    return ir.rescaled(1 / step, -offset / step)


def tune(
    ir: Net, X: npt.NDArray[np.int16], targets: FloatArray, seed: int, masks: Sequence[Mask] | None = None
) -> Net:
    """The standardised net `ir` after descent on the cross-entropy with `targets` (n_rows, n_classes).

    Weights outside `masks`, one a layer as its weights, are 0 and stay so.
    """
    z = (X - scales(X)[1]) / scales(X)[0]
    allowed = [np.ones(layer.weights.shape, bool) for layer in ir.layers] if masks is None else list(masks)
    weights = [layer.weights * mask for layer, mask in zip(ir.layers, allowed, strict=True)]
    numbers = [*weights, *(layer.bias.copy() for layer in ir.layers)]
    n_layers = len(ir.layers)
    mean = [np.zeros_like(one) for one in numbers]
    square = [np.zeros_like(one) for one in numbers]
    rng = np.random.default_rng(seed)
    total = max(1, ROW_VISITS // BATCH)
    order = np.array([], int)
    for number in range(1, total + 1):
        if len(order) < BATCH:
            order = np.concatenate([order, rng.permutation(len(z))])
        batch, order = order[:BATCH], order[BATCH:]
        slopes = _slopes(ir, numbers[:n_layers], numbers[n_layers:], z[batch], targets[batch])
        rate = RATE * (1 - number / total)
        for i, found in enumerate(slopes):
            slope = found * allowed[i] if i < n_layers else found
            mean[i] = DECAY * mean[i] + (1 - DECAY) * slope
            square[i] = DECAY_OF_SQUARES * square[i] + (1 - DECAY_OF_SQUARES) * slope**2
            unbiased = mean[i] / (1 - DECAY**number)
            numbers[i] = numbers[i] - rate * unbiased / (
                np.sqrt(square[i] / (1 - DECAY_OF_SQUARES**number)) + TINY
            )
    layers = tuple(Layer(numbers[i], numbers[n_layers + i]) for i in range(n_layers))
    return replace(ir, layers=layers)


def _slopes(
    ir: Net, weights: Sequence[FloatArray], biases: Sequence[FloatArray], z: FloatArray, targets: FloatArray
) -> list[FloatArray]:
    """Slopes of the mean cross-entropy: of all weights, then of all biases."""
    seen = [z]
    for weight, bias in zip(weights[:-1], biases[:-1], strict=True):
        seen.append(_activate(ir.activation, seen[-1] @ weight.T + bias))
    values = seen[-1] @ weights[-1].T + biases[-1]
    if values.shape[1] == 1:
        error = 1 / (1 + np.exp(-np.clip(values, -500, 500))) - targets[:, 1:2]
    else:
        powers = np.exp(values - values.max(axis=1, keepdims=True))
        error = powers / powers.sum(axis=1, keepdims=True) - targets
    error = error / len(z)
    of_weights, of_biases = [], []
    for number in range(len(weights) - 1, -1, -1):
        of_weights.append(error.T @ seen[number])
        of_biases.append(error.sum(axis=0))
        if number:
            error = (error @ weights[number]) * _slope(ir.activation, seen[number])
    return [*of_weights[::-1], *of_biases[::-1]]


def _activate(activation: str, values: FloatArray) -> FloatArray:
    if activation == "relu":
        return np.maximum(values, 0)
    if activation == "tanh":
        return np.tanh(values)
    return 0.5 * (1 + np.tanh(0.5 * values)) if activation == "logistic" else values


def _slope(activation: str, made: FloatArray) -> FloatArray:
    """The activation's slope where it gives `made`."""
    if activation == "relu":
        return (made > 0).astype(np.float64)
    if activation == "tanh":
        return 1 - made**2
    return made * (1 - made) if activation == "logistic" else np.ones_like(made)
