"""More takes out of few: each as somebody else might have made it, faster, slower, stronger, weaker, turned.

Physics, not image tricks: a motion done s times as fast accelerates s² as much; another wrist or
mounting turns the axes, gravity included.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from .dataset import Dataset, stretches
from .recording import Gap, Recording

# Standard deviations, of the size of the differences between people.
TEMPO = 0.12
FORCE = 0.15
TURN_RAD = 0.14
# What moves slower than this is posture (gravity), not force.
POSTURE_S = 2.0


def vary(dataset: Dataset, copies: int, seed: int) -> Dataset:
    """`copies` variants of every recording, with its label and group; the originals are not among them."""
    rng = np.random.default_rng(seed)
    made = [_variant(item, rng) for _ in range(copies) for item in dataset.recordings]
    return Dataset(dataset.folder, tuple(made))


def _variant(item: Recording, rng: np.random.Generator) -> Recording:
    tempo, force = np.exp(rng.normal(0.0, TEMPO)), np.exp(rng.normal(0.0, FORCE))
    turn = _rotation(rng.normal(0.0, TURN_RAD, 3))
    parts: list[npt.NDArray[np.int16]] = []
    gaps: list[Gap] = []
    lost = {gap.at: gap.lost for gap in item.gaps}
    n_done = 0
    for start, stop in stretches(item):
        if start in lost:
            gaps.append(Gap(n_done, lost[start]))
        part = _stretch(item.samples[start:stop].astype(np.float64), tempo)
        posture = _moving_mean(part, round(POSTURE_S * item.rate_hz))
        part = (posture + (part - posture) * force * tempo**2) @ turn.T
        parts.append(np.clip(np.rint(part), -32768, 32767).astype(np.int16))
        n_done += len(part)
    samples = np.concatenate(parts) if parts else item.samples
    return replace(item, samples=samples, gaps=tuple(gaps))


def _stretch(samples: npt.NDArray[np.float64], tempo: float) -> npt.NDArray[np.float64]:
    at = np.arange(0.0, len(samples) - 1 + 1e-9, tempo)
    low = np.minimum(at.astype(int), max(0, len(samples) - 2))
    share = (at - low)[:, None]
    return np.asarray(samples[low] * (1.0 - share) + samples[np.minimum(low + 1, len(samples) - 1)] * share)


def _moving_mean(samples: npt.NDArray[np.float64], length: int) -> npt.NDArray[np.float64]:
    half = min(length, len(samples)) // 2
    total = np.cumsum(np.pad(samples, ((half + 1, half), (0, 0)), mode="edge"), axis=0)
    return np.asarray((total[2 * half + 1 :] - total[: -(2 * half + 1)]) / (2 * half + 1))


def _rotation(vector: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The matrix that turns by |vector| about it (Rodrigues)."""
    angle = float(np.linalg.norm(vector))
    if angle == 0.0:
        return np.eye(3)
    x, y, z = vector / angle
    cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    return np.asarray(np.eye(3) + np.sin(angle) * cross + (1.0 - np.cos(angle)) * cross @ cross)
