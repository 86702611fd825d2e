"""Smaller nets: fewer neurons, weights that are 0, and a dense layer as the product of two thin ones.

Source of low rank by what the layer sees: X. Zhang et al., "Accelerating Very Deep Convolutional Networks",
2015.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..compile import reference
from ..compile.ir import FloatArray
from ..compile.net import Layer, Net, activations
from ..validation import Rows
from . import tune

# Share of the truth in what is learnt from; the rest is what the net said before.
TRUTH = 0.5
# Room below 0 for what a rectifier must let through, as part of the range of the training rows.
ROOM = 0.5
RIDGE = 1e-3


def targets(ir: Net, rows: Rows) -> FloatArray:
    """What a fine-tuned net is to say of the rows: the truth, softened by what the net said."""
    said = reference.predict(ir, rows.X) if ir.verdict.scores == "softmax" else None
    truth = np.eye(ir.n_scores)[rows.y]
    return truth if said is None else TRUTH * truth + (1 - TRUTH) * said


def fewer_neurons(ir: Net, rows: Rows, share: float, seed: int) -> Net | None:
    """The net with `share` of the neurons of each hidden layer, those that move the next layer most."""
    if len(ir.layers) < 2:
        return None
    wanted, made = targets(ir, rows), tune.standardised(ir, rows.X)
    hidden = activations(ir, rows.X.astype(np.float64))
    layers = list(made.layers)
    for number in range(len(layers) - 1):
        weight, after = layers[number], layers[number + 1]
        strength = hidden[number].std(axis=0) * np.linalg.norm(after.weights, axis=0)
        n_kept = max(2, round(share * len(strength)))
        kept = np.sort(np.argsort(-strength, kind="stable")[:n_kept])
        lost = np.setdiff1d(np.arange(len(strength)), kept)
        bias = after.bias + after.weights[:, lost] @ hidden[number][:, lost].mean(axis=0)
        layers[number] = Layer(weight.weights[kept], weight.bias[kept])
        layers[number + 1] = Layer(after.weights[:, kept], bias)
    made = tune.tune(replace(made, layers=tuple(layers)), rows.X, wanted, seed)
    return tune.restored(made, rows.X)


def fewer_weights(ir: Net, rows: Rows, share: float, seed: int) -> Net | None:
    """The net with `share` of its weights, the largest over standardised features; in two rounds."""
    wanted, made = targets(ir, rows), tune.standardised(ir, rows.X)
    there = np.concatenate([np.abs(layer.weights[layer.weights != 0]) for layer in made.layers])
    for part in ((1 + share) / 2, share):
        sizes = [np.abs(layer.weights) for layer in made.layers]
        # Layers are compared by their own spread.
        ranked = [size / (np.sqrt((size[size > 0] ** 2).mean()) if size.any() else 1.0) for size in sizes]
        order = np.sort(np.concatenate([one.ravel() for one in ranked]))[::-1]
        bar = order[min(len(order), max(1, round(part * len(there)))) - 1]
        masks = [(one >= bar) & (one > 0) for one in ranked]
        made = tune.tune(made, rows.X, wanted, seed, masks)
    return tune.restored(made, rows.X)


def low_rank(ir: Net, rows: Rows, share: float, seed: int) -> Net | None:
    """The net with its first layer as two of a rank that takes `share` of its weights, or None.

    Between them stands the net's activation: a rectifier is passed by what is lifted above 0.
    """
    first = ir.layers[0]
    n_out, n_in = first.weights.shape
    rank = round(share * n_in * n_out / (n_in + n_out))
    if len(ir.layers) < 2 or ir.activation not in ("relu", "identity") or rank < 1:
        return None
    wanted, made = targets(ir, rows), tune.standardised(ir, rows.X)
    step, offset = tune.scales(rows.X)
    z = (rows.X - offset) / step
    spread = np.linalg.cholesky(z.T @ z / len(z) + RIDGE * np.eye(n_in))
    u, s, v = np.linalg.svd(made.layers[0].weights @ spread, full_matrices=False)
    inner = s[:rank, None] * np.linalg.solve(spread.T, v[:rank].T).T
    outer = u[:, :rank]
    lift = np.zeros(rank)
    if ir.activation == "relu":
        seen = z @ inner.T
        lift = -seen.min(axis=0) + ROOM * (seen.max(axis=0) - seen.min(axis=0))
    layers = (Layer(inner, lift), Layer(outer, made.layers[0].bias - outer @ lift), *made.layers[1:])
    peaks = np.concatenate([[0.0], made.peaks])
    made = tune.tune(replace(made, layers=layers, peaks=peaks), rows.X, wanted, seed)
    return tune.restored(made, rows.X)
