"""What a net is made of before it has weights: blocks as people write them, operations as computed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ..compile.conv_layers import Shape, Window
from ..errors import CompileError

ONE = Window()
KINDS = ("conv", "separable", "residual", "average", "max")


@dataclass(frozen=True)
class Block:
    """A block of a net; every one but a pool ends in a ReLU.

    kind : 'conv'; 'separable': a depthwise convolution and one of 1 × 1; 'residual': the same, added to its
        input (stride 1, as many channels as come in); 'average' or 'max': a pool
    channels : that come out; of no meaning for a pool
    kernel, stride : (time, bands)
    """

    kind: str
    channels: int = 0
    kernel: tuple[int, int] = (3, 3)
    stride: tuple[int, int] = (1, 1)


# Zhang et al. 2017, "Hello Edge: Keyword Spotting on Microcontrollers", DS-CNN small, as MLPerf Tiny has it.
DS_CNN = (Block("conv", 64, (10, 4), (2, 2)), *(Block("separable", 64),) * 4)
# The same idea for boards with little memory: a wide look at the beginning, halved twice.
SMALL = (
    Block("conv", 32, (7, 5), (2, 2)),
    Block("separable", 40, (5, 3), (1, 2)),
    Block("residual", 40, (5, 3)),
    Block("separable", 64, (5, 3), (2, 2)),
    Block("residual", 64, (5, 3)),
    Block("residual", 64, (3, 3)),
)
# Along time only, every axis or band a channel.
ALONG_TIME = (
    Block("conv", 32, (5, 1), (2, 1)),
    Block("separable", 48, (5, 1), (2, 1)),
    Block("residual", 48, (5, 1)),
    Block("separable", 64, (5, 1), (2, 1)),
)
NAMED = {"ds-cnn": DS_CNN, "small": SMALL, "along-time": ALONG_TIME}


# Disturbances of the rows while a net learns, as shares of the whole time or of all bands.
USUAL_AUGMENTATION: Mapping[str, float] = {
    # Moved in time, and quicker or slower.
    "shift": 0.1,
    "speed": 0.15,
    # Bands moved up or down, as shorter or longer vocal tracts do (Jaitly and Hinton 2013); 0: none.
    "bands": 0.08,
    # Added to all of it, and a tilt over the bands; noise on every value; in standard deviations.
    "gain": 0.25,
    "noise": 0.2,
    # Longest stretch of time and of bands that is blotted out (Park et al. 2019, SpecAugment).
    "mask_time": 0.2,
    "mask_bands": 0.2,
    # Largest share of another row, and of its label (Zhang et al. 2018, mixup).
    "mix": 0.4,
}


def usual_augmentation(strength: float = 1.0) -> dict[str, float]:
    """The usual disturbances, all of them times `strength`."""
    return {name: min(0.9, strength * part) for name, part in USUAL_AUGMENTATION.items() if strength}


def widened(layers: str | Sequence[Block], factor: float) -> tuple[Block, ...]:
    """The same net with `factor` times the channels, whole fours of them."""
    return tuple(
        replace(block, channels=max(4, round(block.channels * factor / 4) * 4)) if block.channels else block
        for block in chosen(layers)
    )


@dataclass(frozen=True)
class Operation:
    """One layer to come: the fields of `compile.conv_layers.Layer` that are known before training."""

    kind: str
    sources: tuple[int, ...]
    channels: int
    relu: bool
    window: Window = ONE


def chosen(layers: str | Sequence[Block]) -> tuple[Block, ...]:
    """Blocks by name, or as they are given; CompileError for what is neither."""
    if isinstance(layers, str):
        if layers not in NAMED:
            raise CompileError(
                f"no net {layers!r}; choose one of {', '.join(NAMED)}, or give a list of Blocks"
            )
        return NAMED[layers]
    found = tuple(layers)
    for block in found:
        if not isinstance(block, Block) or block.kind not in KINDS:
            raise CompileError(f"{block!r} is no Block of a kind {', '.join(KINDS)}")
    return found


def operations(blocks: Sequence[Block], shape: Shape, n_values: int) -> list[Operation]:
    """Operations of a net over inputs of `shape` that ends in a mean over time and `n_values` values.

    Kernels never reach beyond a small input; CompileError for a block that can't be.
    """
    found: list[Operation] = []
    size, channels = (shape[0], shape[1]), shape[2]

    def add(kind: str, n: int, window: Window, *, relu: bool, extra: tuple[int, ...] = ()) -> None:
        nonlocal size, channels
        found.append(Operation(kind, (len(found), *extra), n, relu, window))
        if kind != "add":
            size, channels = window.out(size), n

    for block in blocks:
        kernel = (min(block.kernel[0], size[0]), min(block.kernel[1], size[1]))
        stride = (block.stride[0] if size[0] > 1 else 1, block.stride[1] if size[1] > 1 else 1)
        window = Window(kernel, stride, same=True)
        if block.kind in ("average", "max"):
            add(block.kind, channels, window, relu=False)
            continue
        if block.channels < 1:
            raise CompileError(f"{block} has no channels; say how many come out")
        if block.kind == "conv":
            add("conv", block.channels, window, relu=True)
            continue
        is_residual = block.kind == "residual"
        if is_residual and (block.channels != channels or stride != (1, 1)):
            raise CompileError(
                f"{block} can't be added to its input of {channels} channels: a residual block keeps "
                "channels and size; use 'separable'"
            )
        before = len(found)
        add("depthwise", channels, window, relu=True)
        add("conv", block.channels, Window(), relu=not is_residual)
        if is_residual:
            add("add", channels, Window(), relu=True, extra=(before,))
    if size != (1, 1):
        add("average", channels, Window(size), relu=False)
    found.append(Operation("dense", (len(found),), n_values, False))
    return found
