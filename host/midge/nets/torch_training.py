"""Trains a net: in real numbers first, then rounded as int8 will be, so that it learns to bear it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from torch.nn import functional

from .. import progress
from ..compile.conv import Conv
from ..compile.conv_layers import Layer, Shape, Weights
from ..compile.verdict import Verdict
from .blocks import Operation
from .torch_augment import augment, mixed
from .torch_network import Network, Unit, weight_scales

# Largest standardised input that int8 holds.
INPUT_REACH = 4.5
# Part of the rounds that are made with rounding, and of their rate of learning.
ROUNDED_PART = 0.2
ROUNDED_RATE = 0.15
# Rows that ranges of activations are taken from.
RANGE_ROWS = 512
RISING_PART = 0.2
MOST_BIAS = 2**29 - 1


@dataclass(frozen=True)
class Schedule:
    """How long, how fast, and with which disturbances."""

    epochs: int
    batch_size: int
    learning_rate: float
    weight_decay: float
    label_smoothing: float
    augment: Mapping[str, float]
    seed: int


def train(
    X: npt.NDArray[np.float64],
    y: npt.NDArray[np.intp],
    weights: npt.NDArray[np.float64],
    *,
    shape: Shape,
    operations: list[Operation],
    schedule: Schedule,
) -> Conv:
    """A net as IR.

    Parameters
    ----------
    X
        (n_rows, height * width * channels)
    y
        class numbers from 0, each of which occurs
    weights
        how much each row counts

    The same X, y and seed give the same net.
    """
    rows = X.reshape(len(X), shape[0], -1)
    offset = rows.mean(axis=(0, 1))
    spread = np.maximum(rows.std(axis=(0, 1)), 1e-9)
    standard = ((rows - offset) / spread).reshape(len(X), *shape).transpose(0, 3, 1, 2)
    inputs = torch.from_numpy(np.ascontiguousarray(standard, np.float32))
    with torch.random.fork_rng(devices=[]), _one_thread():
        torch.manual_seed(schedule.seed)
        # Channels behind are a third faster on processors.
        network = Network(operations, shape).to(memory_format=torch.channels_last)
        _fit(network, inputs, torch.from_numpy(y), torch.from_numpy(weights).float(), schedule)
    step = INPUT_REACH / 127
    layers = _layers(network, step)
    n_classes = operations[-1].channels
    return Conv(shape, offset, 1 / (spread * step), step, 0, layers, Verdict("highest", "softmax", n_classes))


@contextmanager
def _one_thread() -> Iterator[None]:
    """The same sums on every machine; and such small nets gain little by more threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _fit(
    network: Network, x: torch.Tensor, y: torch.Tensor, weights: torch.Tensor, schedule: Schedule
) -> None:
    random = torch.Generator().manual_seed(schedule.seed)
    n_rounded = max(1, round(schedule.epochs * ROUNDED_PART))
    n_real = schedule.epochs - n_rounded
    _epochs(network, x, y, weights, schedule, range(n_real), 1.0, random)
    every = max(1, len(x) // RANGE_ROWS)
    network.fold(_as_int8(x[::every]))
    rounded = range(n_real, schedule.epochs)
    _epochs(network, x, y, weights, schedule, rounded, ROUNDED_RATE, random)
    network.eval()


def _rate(done: float) -> float:
    """Part of the highest rate: it rises during the first fifth, and falls to nothing along a cosine."""
    rising = min(1.0, (done + 0.01) / RISING_PART)
    return rising * (1 + math.cos(math.pi * max(0.0, done - RISING_PART) / (1 - RISING_PART))) / 2


def _as_int8(x: torch.Tensor) -> torch.Tensor:
    step = INPUT_REACH / 127
    return torch.round(torch.clamp(x / step, -128, 127)) * step


def _epochs(
    network: Network,
    x: torch.Tensor,
    y: torch.Tensor,
    weights: torch.Tensor,
    schedule: Schedule,
    epochs: range,
    part_of_rate: float,
    random: torch.Generator,
) -> None:
    """Some rounds over all rows, at a rate that rises shortly and falls to nothing."""
    size = min(schedule.batch_size, len(x))
    n_batches = len(x) // size
    if not epochs:
        return
    optimiser = torch.optim.AdamW(
        network.parameters(), schedule.learning_rate, weight_decay=schedule.weight_decay
    )
    n_steps = len(epochs) * n_batches
    rates = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: part_of_rate * _rate(step / n_steps))
    loss_of = nn.CrossEntropyLoss(reduction="none", label_smoothing=schedule.label_smoothing)
    truth = functional.one_hot(y, int(y.max()) + 1).float()
    most_mixed = schedule.augment.get("mix", 0.0)
    network.train()
    for epoch in epochs:
        progress.part(epoch / schedule.epochs)
        order = torch.randperm(len(x), generator=random)
        for at in range(n_batches):
            rows = order[at * size : (at + 1) * size]
            batch, targets = x[rows], truth[rows] * weights[rows, None]
            if schedule.augment:
                batch = augment(batch, schedule.augment, random)
            if most_mixed:
                batch, targets = mixed(batch, targets, most_mixed, random)
            batch = batch.contiguous(memory_format=torch.channels_last)
            if network.is_rounded:
                batch = _as_int8(batch)
            loss = loss_of(network(batch), targets).sum() / targets.sum()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            rates.step()


def _layers(network: Network, input_step: float) -> tuple[Layer, ...]:
    """The operations with their int8 weights."""
    steps: list[tuple[float, int]] = [(input_step, 0)]
    found = []
    for unit in network.units:
        assert isinstance(unit, Unit)
        made = unit.operation
        scale_in, zero_in = steps[made.sources[0]]
        weights = _weights(unit, scale_in)
        if unit.is_last:
            scale, zero = 0.0, 0
        elif made.kind in ("average", "max"):
            scale, zero = scale_in, zero_in
        else:
            scale, zero = unit.step()
            if weights is not None:
                # A step of the sums is at most half a step of what comes out: it has no finer to give.
                least = 2.01 * scale_in * float(weights.scales.max())
                if scale < least:
                    scale, zero = least, round(-128 - float(unit.low) / least)
        steps.append((scale, zero))
        low = zero if made.relu else -128
        found.append(Layer(made.kind, made.sources, scale, zero, low, 127, made.window, weights))
    return tuple(found)


def _weights(unit: Unit, scale_in: float) -> Weights | None:
    if unit.weights is None or unit.bias is None:
        return None
    scales = weight_scales(unit.weights)
    values = torch.round(unit.weights.detach() / scales[:, None, None, None])
    real = scales.double().numpy()
    bias = np.rint(unit.bias.detach().double().numpy() / (real * scale_in))
    return Weights(
        values.numpy().transpose(0, 2, 3, 1).astype(np.int8),
        real,
        np.clip(bias, -MOST_BIAS, MOST_BIAS).astype(np.int32),
    )
