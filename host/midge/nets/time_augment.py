"""Courses in time as other people and places would have made them; the same as for PyTorch, in numpy."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from .blocks import USUAL_AUGMENTATION
from .learnt import Float


def augment(x: Float, strength: Mapping[str, float], rng: np.random.Generator, *, is_wide: bool) -> Float:
    """Another version of each row (n, times, channels), standardised; `is_wide`: channels are bands."""
    n, times, width = x.shape
    part = {**dict.fromkeys(USUAL_AUGMENTATION, 0.0), **strength}

    def uniform(reach: float, *shape: int) -> Float:
        return rng.uniform(-reach, reach, (n, *shape)).astype(np.float32)

    x = _warp(times, uniform(part["speed"], 1), uniform(2 * part["shift"], 1)) @ x
    if is_wide:
        bands = _warp(width, uniform(part["bands"], 1), uniform(part["bands"], 1))
        x = x @ bands.transpose(0, 2, 1)
    # Louder or quieter, and brighter or darker, as rooms and microphones make it.
    tilt = np.linspace(-1, 1, width, dtype=np.float32) if is_wide else np.zeros(width, np.float32)
    x = x + uniform(part["gain"], 1, 1) + uniform(part["gain"], 1, 1) * tilt
    level = rng.random((n, 1, 1), np.float32) * np.float32(part["noise"])
    x = x + rng.standard_normal(x.shape, np.float32) * level
    x = x * ~_hidden(n, times, part["mask_time"], rng)[:, :, None]
    return x * ~_hidden(n, width, part["mask_bands"], rng)[:, None] if is_wide else x


def _warp(size: int, speed: Float, shift: Float) -> Float:
    """Of each row a matrix (size, size) that reads it quicker and later, in halves of its length."""
    middle = np.float32((size - 1) / 2)
    at = np.arange(size, dtype=np.float32)
    source = np.clip((at - middle) * (1 + speed) + middle + shift * (size / 2), 0, size - 1)
    return np.asarray(np.maximum(0, 1 - np.abs(source[:, :, None] - at)), np.float32)


def _hidden(n: int, size: int, most: float, rng: np.random.Generator) -> npt.NDArray[np.bool_]:
    """One stretch of each row."""
    length = rng.random((n, 1)) * most * size
    first = rng.random((n, 1)) * (size - length)
    at = np.arange(size)
    return np.asarray((at >= first) & (at < first + length))


def mixed(x: Float, targets: Float, most: float, rng: np.random.Generator) -> tuple[Float, Float]:
    """Each row and its target (n, n_classes) with a share of another's (Zhang et al. 2018, mixup)."""
    other = rng.permutation(len(x))
    share = rng.random((len(x), 1), np.float32) * np.float32(most)
    return (
        (1 - share[:, :, None]) * x + share[:, :, None] * x[other],
        (1 - share) * targets + share * targets[other],
    )
