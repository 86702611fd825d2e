"""Where the tensors of a net lie in the caller's state: as few bytes as the lives of the tensors allow."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .conv import Conv
from .conv_layers import Layer, Shape

# Blocks begin where pointers may.
ALIGNMENT_BYTES = 8
STATE_ALIGNMENT_BYTES = 8


@dataclass(frozen=True)
class Arena:
    """Offsets in bytes.

    features : where a front end may write the int16 features before they are classified
    tensors : of every int8 tensor but sums, which lie on the stack (None)
    scratch : of each layer's scratch (None: it needs none)
    """

    size_bytes: int
    features: int
    tensors: tuple[int | None, ...]
    scratch: tuple[int | None, ...]


@dataclass
class _Block:
    """Bytes that are needed from one step to another, both included."""

    size_bytes: int
    first: int
    last: int
    offset: int = -1

    def meets(self, other: _Block) -> bool:
        """Both are needed at some step."""
        return self.first <= other.last and other.first <= self.last


def scratch_bytes(layer: Layer, shape: Shape, out: Shape) -> int:
    """What a kernel of firmware/native/conv*.c needs beside its tensors."""
    if layer.kind == "depthwise":
        # Pointers to the taps, and values for what lies outside.
        taps = layer.window.kernel[0] * layer.window.kernel[1]
        return 8 * taps + _padded(shape[2])
    if layer.weights is None or layer.kind == "add":
        return 0
    n_products = _padded(int(np.prod(layer.weights.values.shape[1:])))
    # What the kernel sees at a place, and at two in 16 bits.
    return (5 if out[0] * out[1] > 1 else 1) * n_products


def _padded(n_bytes: int) -> int:
    return -(-n_bytes // ALIGNMENT_BYTES) * ALIGNMENT_BYTES


def plan(ir: Conv) -> Arena:
    """The arena of a net: the largest blocks are placed first, each as low as it goes.

    Step 0 makes tensor 0 of the features; step k + 1 is layer k.
    """
    shapes = ir.shapes
    features = _Block(_padded(2 * ir.n_features), 0, 0)
    tensors = [_Block(_padded(int(np.prod(shape))), number, number) for number, shape in enumerate(shapes)]
    scratch = []
    for number, layer in enumerate(ir.layers):
        for source in layer.sources:
            tensors[source].last = number + 1
        size = scratch_bytes(layer, shapes[layer.sources[0]], shapes[number + 1])
        scratch.append(_Block(size, number + 1, number + 1))
    if not ir.layers[-1].scale:
        tensors[-1].size_bytes = 0
    blocks = [block for block in (features, *tensors, *scratch) if block.size_bytes]
    placed: list[_Block] = []
    for block in sorted(blocks, key=lambda block: -block.size_bytes):
        _place(block, placed)
        placed.append(block)
    size = max(block.offset + block.size_bytes for block in placed)
    return Arena(
        -(-size // STATE_ALIGNMENT_BYTES) * STATE_ALIGNMENT_BYTES,
        features.offset,
        tuple(block.offset if block.size_bytes else None for block in tensors),
        tuple(block.offset if block.size_bytes else None for block in scratch),
    )


def _place(block: _Block, placed: list[_Block]) -> None:
    """The lowest place beside everything that is needed at the same time."""
    block.offset = 0
    for other in sorted((one for one in placed if one.meets(block)), key=lambda one: one.offset):
        if block.offset + block.size_bytes <= other.offset:
            return
        block.offset = max(block.offset, other.offset + other.size_bytes)
