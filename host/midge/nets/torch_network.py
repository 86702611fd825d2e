"""Operations as a PyTorch module: real numbers with batch normalisation, then folded and rounded as int8."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional

from ..compile.conv_layers import Shape, Window
from .blocks import Operation
from .learnt import Learnt, step_of
from .schedule import LARGEST_WEIGHT, RANGE_OUTLIERS, RANGE_RATE


def weight_scales(weights: torch.Tensor) -> torch.Tensor:
    """Step of the int8 weights of each output channel: (n_out, …) → (n_out,)."""
    largest = weights.detach().abs().flatten(1).amax(dim=1)
    return torch.clamp(largest, min=1e-6) / LARGEST_WEIGHT


class Unit(nn.Module):
    """One operation, with its weights and the range of what it writes."""

    low: torch.Tensor
    high: torch.Tensor

    def __init__(self, operation: Operation, channels: int, size: tuple[int, int], *, is_last: bool) -> None:
        super().__init__()
        self.operation = operation
        self.is_last = is_last
        self.padding = _padding(operation.window, size)
        self.weights: nn.Parameter | None = None
        self.bias: nn.Parameter | None = None
        self.norm: nn.BatchNorm2d | None = None
        kind, n_out = operation.kind, operation.channels
        self.groups = channels if kind == "depthwise" else 1
        if kind in ("conv", "depthwise", "dense"):
            made = nn.Conv2d(channels, n_out, operation.window.kernel, groups=self.groups)
            nn.init.kaiming_normal_(made.weight, nonlinearity="relu")
            self.weights = nn.Parameter(made.weight.detach().clone())
            self.bias = nn.Parameter(torch.zeros(n_out))
            if not is_last:
                self.norm = nn.BatchNorm2d(n_out)
        self.register_buffer("low", torch.zeros(()))
        self.register_buffer("high", torch.zeros(()))

    def fold(self) -> None:
        """Make batch normalisation part of weights and bias."""
        norm = self.norm
        if norm is None or self.weights is None or self.bias is None:
            return
        assert norm.running_var is not None and norm.running_mean is not None
        factor = norm.weight / torch.sqrt(norm.running_var + norm.eps)
        with torch.no_grad():
            self.bias.copy_((self.bias - norm.running_mean) * factor + norm.bias)
            self.weights.mul_(factor[:, None, None, None])
        self.norm = None

    def forward(self, tensors: list[torch.Tensor], is_rounded: bool) -> torch.Tensor:
        kind = self.operation.kind
        x = tensors[self.operation.sources[0]]
        window = self.operation.window
        if kind == "add":
            y = x + tensors[self.operation.sources[1]]
        elif kind == "average":
            # What lies outside does not count.
            y = functional.avg_pool2d(functional.pad(x, self.padding), window.kernel, window.stride)
            if any(self.padding):
                ones = functional.pad(torch.ones_like(x[:1, :1]), self.padding)
                y = y / functional.avg_pool2d(ones, window.kernel, window.stride)
            return y
        elif kind == "max":
            padded = functional.pad(x, self.padding, value=float("-inf"))
            return functional.max_pool2d(padded, window.kernel, window.stride)
        else:
            assert self.weights is not None
            weights = self.weights
            if is_rounded:
                steps = weight_scales(weights)
                zeros = torch.zeros(len(steps), dtype=torch.int32)
                weights = torch.fake_quantize_per_channel_affine(
                    weights, steps, zeros, 0, -LARGEST_WEIGHT, LARGEST_WEIGHT
                )
            left, right, top, bottom = self.padding
            around = (top, left)
            if (left, top) != (right, bottom):
                x, around = functional.pad(x, self.padding), (0, 0)
            y = functional.conv2d(x, weights, self.bias, window.stride, around, groups=self.groups)
            if self.norm is not None:
                y = self.norm(y)
        if self.operation.relu:
            y = torch.relu(y)
        return self._limited(y) if is_rounded and not self.is_last else y

    def _limited(self, y: torch.Tensor) -> torch.Tensor:
        """What int8 keeps of it; in training the range follows the values."""
        if self.training:
            with torch.no_grad():
                self.observe(y, RANGE_RATE)
        # The gradient is that of no rounding (Bengio et al. 2013, straight-through estimator).
        return torch.fake_quantize_per_tensor_affine(y, *self.step(), -128, 127)

    def observe(self, y: torch.Tensor, rate: float) -> None:
        """Move the range towards that of the values y."""
        few = y.detach().flatten()
        few = few[:: max(1, len(few) // 4000)]
        ends = torch.quantile(few, torch.tensor([RANGE_OUTLIERS, 1 - RANGE_OUTLIERS]))
        low = torch.clamp(ends[0], max=0.0) if not self.operation.relu else torch.zeros(())
        self.low += rate * (low - self.low)
        self.high += rate * (torch.clamp(ends[1], min=1e-3) - self.high)

    def step(self) -> tuple[float, int]:
        """(scale, zero) of what it writes."""
        return step_of(float(self.low), float(self.high))

    def learnt(self) -> Learnt:
        """Its weights, in the order of the IR."""
        low, high = float(self.low), float(self.high)
        if self.weights is None or self.bias is None:
            return Learnt(self.operation, None, None, low, high)
        weights = self.weights.detach().numpy().transpose(0, 2, 3, 1)
        return Learnt(self.operation, weights, self.bias.detach().numpy(), low, high)


def _padding(window: Window, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """(left, right, top, bottom) as `functional.pad` wants them."""
    (top, left), (rows, columns) = window.before(size), window.out(size)
    need = (
        (rows - 1) * window.stride[0] + window.kernel[0],
        (columns - 1) * window.stride[1] + window.kernel[1],
    )
    return left, max(0, need[1] - size[1] - left), top, max(0, need[0] - size[0] - top)


class Network(nn.Module):
    """All operations in a row; inputs are (n, channels, height, width), standardised.

    `is_rounded`: batch normalisation is folded, and weights and activations are as int8 will have them
    """

    def __init__(self, operations: Sequence[Operation], shape: Shape) -> None:
        super().__init__()
        size, channels = [(shape[0], shape[1])], [shape[2]]
        units = []
        for number, operation in enumerate(operations):
            here, source = operation.sources[0], len(operations)
            units.append(Unit(operation, channels[here], size[here], is_last=number + 1 == source))
            size.append(operation.window.out(size[here]))
            channels.append(operation.channels)
        self.units = nn.ModuleList(units)
        self.is_rounded = False

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        tensors = [x]
        for unit in self.units:
            tensors.append(unit(tensors, self.is_rounded))
        return tensors[-1].flatten(1)

    def fold(self, x: torch.Tensor) -> None:
        """From now on as int8: ranges of activations are those for the inputs x."""
        for unit in self.units:
            assert isinstance(unit, Unit)
            unit.fold()
        self.eval()
        with torch.no_grad():
            tensors = [x]
            for unit in self.units:
                assert isinstance(unit, Unit)
                tensors.append(unit(tensors, False))
                if unit.operation.kind not in ("average", "max"):
                    unit.observe(tensors[-1], 1.0)
        self.is_rounded = True
