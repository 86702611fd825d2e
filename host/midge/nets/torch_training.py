"""Trains a net: in real numbers first, then rounded as int8 will be, so that it learns to bear it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from torch.nn import functional

from .. import progress
from ..compile.conv import Conv
from ..compile.conv_layers import Shape
from ..compile.verdict import Verdict
from .blocks import Operation
from .learnt import layers
from .schedule import INPUT_STEP, RANGE_ROWS, ROUNDED_RATE, Schedule, rate
from .torch_augment import augment, mixed
from .torch_network import Network, Unit


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
    made = layers([unit.learnt() for unit in network.units if isinstance(unit, Unit)], INPUT_STEP)
    verdict = Verdict("highest", "softmax", operations[-1].channels)
    return Conv(shape, offset, 1 / (spread * INPUT_STEP), INPUT_STEP, 0, made, verdict)


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
    real, rounded = schedule.phases
    _epochs(network, x, y, weights, schedule, real, 1.0, random)
    every = max(1, len(x) // RANGE_ROWS)
    network.fold(_as_int8(x[::every]))
    _epochs(network, x, y, weights, schedule, rounded, ROUNDED_RATE, random)
    network.eval()


def _as_int8(x: torch.Tensor) -> torch.Tensor:
    return torch.round(torch.clamp(x / INPUT_STEP, -128, 127)) * INPUT_STEP


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
    rates = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: part_of_rate * rate(step / n_steps))
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
