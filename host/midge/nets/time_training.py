"""Trains nets along time without PyTorch: in real numbers first, then rounded as int8 will be."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from .. import progress
from ..adam import Adam
from ..compile.conv import Conv
from ..compile.conv_layers import Shape
from ..compile.verdict import Verdict
from .blocks import Operation
from .learnt import Float, layers
from .schedule import INPUT_STEP, RANGE_ROWS, ROUNDED_RATE, Schedule, rate
from .time_augment import augment, mixed
from .time_network import Network


def train(
    X: npt.NDArray[np.float64],
    y: npt.NDArray[np.intp],
    weights: npt.NDArray[np.float64],
    *,
    shape: Shape,
    operations: list[Operation],
    schedule: Schedule,
    is_wide: bool,
) -> Conv:
    """A net as IR, of operations along time.

    Parameters
    ----------
    X
        (n_rows, times * channels)
    y
        class numbers from 0, each of which occurs
    weights
        how much each row counts
    is_wide
        channels are neighbours, as bands of sound are: they are warped and hidden as well

    The same X, y and seed give the same net.
    """
    rows = X.reshape(len(X), shape[0], -1)
    offset = rows.mean(axis=(0, 1))
    spread = np.maximum(rows.std(axis=(0, 1)), 1e-9)
    inputs = ((rows - offset) / spread).astype(np.float32)
    n_classes = operations[-1].channels
    targets = np.eye(n_classes, dtype=np.float32)[y] * weights[:, None].astype(np.float32)
    rng = np.random.default_rng(schedule.seed)
    network = Network(operations, shape[0], inputs.shape[2], rng)
    # Threads wait for each other longer than such small products take.
    with threadpool_limits(1, user_api="blas"):
        real, rounded = schedule.phases
        _rounds(network, inputs, targets, schedule, real, 1.0, rng, is_wide)
        network.fold(_as_int8(inputs[:: max(1, len(inputs) // RANGE_ROWS)]))
        _rounds(network, inputs, targets, schedule, rounded, ROUNDED_RATE, rng, is_wide)
    made = layers([unit.learnt() for unit in network.units], INPUT_STEP)
    verdict = Verdict("highest", "softmax", n_classes)
    return Conv(shape, offset, 1 / (spread * INPUT_STEP), INPUT_STEP, 0, made, verdict)


def _as_int8(x: Float) -> Float:
    step = np.float32(INPUT_STEP)
    return np.asarray(np.rint(np.clip(x / step, -128, 127)) * step)


def _rounds(
    network: Network,
    x: Float,
    targets: Float,
    schedule: Schedule,
    rounds: range,
    part_of_rate: float,
    rng: np.random.Generator,
    is_wide: bool,
) -> None:
    """Some rounds over all rows, at a rate that rises shortly and falls to nothing."""
    size = min(schedule.batch_size, len(x))
    n_batches = len(x) // size
    n_steps = max(1, len(rounds) * n_batches)
    adam = Adam(network.values, schedule.weight_decay)
    most_mixed = schedule.augment.get("mix", 0.0)
    for number, epoch in enumerate(rounds):
        progress.part(epoch / schedule.epochs)
        order = rng.permutation(len(x))
        for at in range(n_batches):
            chosen = order[at * size : (at + 1) * size]
            batch, wanted = x[chosen], targets[chosen]
            if schedule.augment:
                batch = augment(batch, schedule.augment, rng, is_wide=is_wide)
            if most_mixed:
                batch, wanted = mixed(batch, wanted, most_mixed, rng)
            if network.is_rounded:
                batch = _as_int8(batch)
            network.backward(_slope(network.forward(batch, learns=True), wanted, schedule.label_smoothing))
            done = (number * n_batches + at) / n_steps
            adam.step(network.slopes, schedule.learning_rate * part_of_rate * rate(done))


def _slope(values: Float, wanted: Float, smoothing: float) -> Float:
    """Of the mean cross-entropy, by values (n, n_classes); a row of `wanted` sums to what it counts."""
    counts = wanted.sum(axis=1, keepdims=True)
    wanted = (1 - smoothing) * wanted + smoothing / wanted.shape[1] * counts
    powers = np.exp(values - values.max(axis=1, keepdims=True))
    found = powers / powers.sum(axis=1, keepdims=True)
    return np.asarray((found * counts - wanted) / counts.sum(), np.float32)
