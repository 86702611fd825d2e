"""Frames as other people and places would have made them: warped, shifted, louder, noisier, masked."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch.nn import functional

from .blocks import USUAL_AUGMENTATION


def augment(x: torch.Tensor, strength: Mapping[str, float], random: torch.Generator) -> torch.Tensor:
    """Another version of each row: (n, channels, time, bands), standardised."""
    n, _, height, width = x.shape
    part = {**dict.fromkeys(USUAL_AUGMENTATION, 0.0), **strength}

    def uniform(reach: float, *shape: int) -> torch.Tensor:
        return (torch.rand((n, *shape), generator=random) * 2 - 1) * reach

    grid = torch.zeros((n, 2, 3))
    grid[:, 0, 0] = 1 + uniform(part["bands"]) if width > 1 else 1
    grid[:, 0, 2] = uniform(part["bands"]) if width > 1 else 0
    grid[:, 1, 1] = 1 + uniform(part["speed"])
    grid[:, 1, 2] = uniform(2 * part["shift"])
    places = functional.affine_grid(grid, list(x.shape), align_corners=False)
    x = functional.grid_sample(x, places, padding_mode="border", align_corners=False)
    # Louder or quieter, and brighter or darker, as rooms and microphones make it.
    tilt = torch.linspace(-1.0, 1.0, width) if width > 1 else torch.zeros(1)
    x = x + uniform(part["gain"], 1, 1, 1) + uniform(part["gain"], 1, 1, 1) * tilt
    level = torch.rand((n, 1, 1, 1), generator=random) * part["noise"]
    x = x + torch.randn(x.shape, generator=random) * level
    x = _masked(x, part["mask_time"], height, 2, random)
    return _masked(x, part["mask_bands"], width, 3, random) if width > 1 else x


def _masked(x: torch.Tensor, most: float, size: int, axis: int, random: torch.Generator) -> torch.Tensor:
    """One stretch of each row at 0, the mean."""
    if not most:
        return x
    length = torch.rand(len(x), generator=random) * most * size
    first = torch.rand(len(x), generator=random) * (size - length)
    at = torch.arange(size)
    hidden = (at >= first[:, None]) & (at < (first + length)[:, None])
    shape = [len(x), 1, 1, 1]
    shape[axis] = size
    return x.masked_fill(hidden.reshape(shape), 0.0)


def mixed(
    x: torch.Tensor, targets: torch.Tensor, most: float, random: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """Each row and its target (n, n_classes) with a share of another's, `most` at most.

    Zhang et al. 2018, mixup: what lies between two words is taught to be doubtful, so that a net can't learn
    few recordings by heart.
    """
    other = torch.randperm(len(x), generator=random)
    share = torch.rand(len(x), generator=random) * most
    part = share[:, None, None, None]
    return (
        (1 - part) * x + part * x[other],
        (1 - share[:, None]) * targets + share[:, None] * targets[other],
    )
