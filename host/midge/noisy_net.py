"""A net with one hidden layer that learns from rows with noise on them: no row is seen twice alike.

Noise on the inputs is a penalty on how fast the answers change (Bishop 1995), so that few voices or hands are
not learnt by heart. A fit takes less than half the time of scikit-learn's, whose `MLPClassifier` it becomes.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from .adam import Adam, Float

BATCH = 128
RATE, DECAY = 2e-3, 1e-2
# Of a label that is spread over all others.
SMOOTHING = 0.05
# Part of the steps in which the rate rises.
RISING = 0.1


def fit(
    X: npt.NDArray[np.float64],
    y: npt.NDArray[np.int64],
    weights: npt.NDArray[np.float64],
    *,
    hidden: int,
    noise: float,
    row_visits: int,
    seed: int,
) -> Any:
    """An `MLPClassifier` of `hidden` ReLUs for standardised rows X (n, n_features) and their labels.

    weights : how much each row counts; noise : its standard deviation, on every value; row_visits : about so
    many rows are learnt from in all. The same data and seed give the same net on the same machine.
    """
    from sklearn.neural_network import MLPClassifier

    rng = np.random.default_rng(seed)
    rows = X.astype(np.float32)
    classes, numbers = np.unique(y, return_inverse=True)
    wanted = np.eye(len(classes), dtype=np.float32)[numbers]
    wanted = ((1 - SMOOTHING) * wanted + SMOOTHING / len(classes)) * weights[:, None].astype(np.float32)
    shapes = ((rows.shape[1], hidden), (hidden,), (hidden, len(classes)), (len(classes),))
    ends = np.cumsum([math.prod(shape) for shape in shapes])
    values = np.zeros(ends[-1], np.float32)
    net = [part.reshape(shape) for part, shape in zip(np.split(values, ends[:-1]), shapes, strict=True)]
    for layer, part in ((0, 1.0), (2, 0.3)):
        net[layer][:] = rng.normal(0.0, part * math.sqrt(2 / shapes[layer][0]), shapes[layer])
    adam = Adam(values, DECAY)
    size = min(BATCH, len(rows))
    n_batches = len(rows) // size
    n_steps = max(1, row_visits // (n_batches * size)) * n_batches
    order = rng.permutation(len(rows))
    for step in range(n_steps):
        at = step % n_batches
        if at == 0:
            order = rng.permutation(len(rows))
        chosen = order[at * size : (at + 1) * size]
        x = rows[chosen]
        x = x + np.float32(noise) * rng.standard_normal(x.shape, np.float32)
        slopes = _slopes(net, x, wanted[chosen])
        adam.step(np.concatenate([slope.ravel() for slope in slopes]), _rate((step + 1) / n_steps))
    # What scikit-learn calls fitted; of the step itself nothing is kept.
    made = MLPClassifier((hidden,), batch_size=1, random_state=seed)
    first = np.unique(numbers, return_index=True)[1]
    made.partial_fit(X[first], y[first], classes=classes)
    one, one_bias, two, two_bias = (value.astype(np.float64) for value in net)
    if len(classes) == 2:  # one value, for the second class
        two, two_bias = two[:, 1:] - two[:, :1], two_bias[1:] - two_bias[:1]
    made.coefs_, made.intercepts_ = [one, two], [one_bias, two_bias]
    return made


def _slopes(net: list[Float], x: Float, wanted: Float) -> tuple[Float, Float, Float, Float]:
    """Of the mean cross-entropy, along the weights; a row of `wanted` sums to what it counts."""
    one, one_bias, two, two_bias = net
    inner = np.maximum(x @ one + one_bias, 0)
    values = inner @ two + two_bias
    powers = np.exp(values - values.max(axis=1, keepdims=True))
    found = powers / powers.sum(axis=1, keepdims=True)
    counts = wanted.sum(axis=1, keepdims=True)
    off = (found * counts - wanted) / counts.sum()
    back = (off @ two.T) * (inner > 0)
    return x.T @ back, back.sum(axis=0), inner.T @ off, off.sum(axis=0)


def _rate(done: float) -> float:
    """It rises shortly, and falls to nothing along a cosine."""
    falling = 1 + math.cos(math.pi * max(0.0, done - RISING) / (1 - RISING))
    return RATE * min(1.0, done / RISING) * falling / 2
