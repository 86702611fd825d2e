"""How much a model's accuracy suffers when windows are noisy, stronger, turned, shifted, torn or clipped."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from . import dataset
from .augment import rotation
from .compile.host import HostModel
from .dataset import Dataset
from .progress import Advance
from .recipe import Recipe

PICTURE_NAME = "robustness.png"
VECTOR = 3

Floats = npt.NDArray[np.float64]
# Of a gyroscope's channels, behind those of the acceleration, noise and range are not g's.
# (windows (n, samples, channels) LSB, LSB per g, strength, random numbers) → windows
Disturb = Callable[[Floats, float, float, np.random.Generator], Floats]


def _noise(windows: Floats, lsb_per_g: float, strength: float, rng: np.random.Generator) -> Floats:
    noisy = windows.copy()
    noisy[:, :, :VECTOR] += rng.normal(0.0, strength * lsb_per_g, noisy[:, :, :VECTOR].shape)
    return noisy


def _gain(windows: Floats, lsb_per_g: float, strength: float, rng: np.random.Generator) -> Floats:
    return windows * strength


def _turn(windows: Floats, lsb_per_g: float, strength: float, rng: np.random.Generator) -> Floats:
    """Each window about an axis of its own."""
    axes = rng.normal(0.0, 1.0, (len(windows), VECTOR))
    axes *= np.radians(strength) / np.linalg.norm(axes, axis=1, keepdims=True)
    turned = windows.copy()
    for window, axis in zip(turned, axes, strict=True):
        for first in range(0, window.shape[1], VECTOR):
            window[:, first : first + VECTOR] = window[:, first : first + VECTOR] @ rotation(axis).T
    return turned


def _shift(windows: Floats, lsb_per_g: float, strength: float, rng: np.random.Generator) -> Floats:
    """Later by a share of the window; what is before it rests."""
    late = round(strength * windows.shape[1])
    return np.concatenate([np.repeat(windows[:, :1], late, axis=1), windows[:, : windows.shape[1] - late]], 1)


def _drop(windows: Floats, lsb_per_g: float, strength: float, rng: np.random.Generator) -> Floats:
    """A lost sample is the one before again."""
    n, length = windows.shape[:2]
    kept = np.where(rng.random((n, length)) < strength, 0, np.arange(length))
    at = np.maximum.accumulate(kept, axis=1)
    return np.take_along_axis(windows, at[:, :, None], axis=1)


def _clip(windows: Floats, lsb_per_g: float, strength: float, rng: np.random.Generator) -> Floats:
    clipped = windows.copy()
    np.clip(clipped[:, :, :VECTOR], -strength * lsb_per_g, strength * lsb_per_g, out=clipped[:, :, :VECTOR])
    return clipped


@dataclass(frozen=True)
class Trouble:
    """What is done to the windows: at each of `strengths`, which are in `unit`."""

    name: str
    unit: str
    strengths: tuple[float, ...]
    disturb: Disturb


TROUBLES = (
    Trouble("noise", "g", (0.02, 0.05, 0.1, 0.2), _noise),
    Trouble("gain", "×", (0.7, 0.85, 1.15, 1.4), _gain),
    Trouble("rotation", "°", (5, 10, 20, 40), _turn),
    Trouble("shift", "of a window", (0.05, 0.1, 0.2, 0.3), _shift),
    Trouble("dropped samples", "of all", (0.05, 0.1, 0.2, 0.4), _drop),
    Trouble("saturation", "g", (3, 2, 1.5, 1.1), _clip),
)


@dataclass(frozen=True)
class Robustness:
    """Accuracy as recorded, and (trouble, unit, strength, accuracy) of the others."""

    plain: float
    rows: tuple[tuple[str, str, float, float], ...]


def measure(
    recipe: Recipe,
    library: HostModel,
    data: Dataset,
    *,
    seed: int = 1,
    on_progress: Advance | None = None,
) -> Robustness:
    """Every trouble at every strength, through the model's C; `recipe` says what an example is.

    `library` is the model's C; raises DatasetError as `dataset.windows`.
    """
    cut = dataset.windows(data, recipe, hop=recipe.window.hop)
    plain = cut.windows.astype(np.float64)
    lsb_per_g = dataset.lsb_per_g(recipe)
    todo = [(trouble, strength) for trouble in TROUBLES for strength in trouble.strengths]
    rows = []
    for number, (trouble, strength) in enumerate(todo):
        if on_progress is not None:
            on_progress(number, len(todo), trouble.name)
        # Of each its own numbers, so that a new trouble leaves the others' figures as they are.
        rng = np.random.default_rng([seed, *trouble.name.encode(), round(1000 * strength)])
        disturbed = trouble.disturb(plain, lsb_per_g, strength, rng)
        windows = np.clip(np.rint(disturbed), -32768, 32767).astype(np.int16)
        rows.append((trouble.name, trouble.unit, strength, _accuracy(library, windows, cut.labels)))
    return Robustness(_accuracy(library, cut.windows, cut.labels), tuple(rows))


def _accuracy(library: HostModel, windows: npt.NDArray[np.int16], labels: npt.NDArray[np.int64]) -> float:
    _, winners = library.classify(library.windows(windows))
    return float(np.mean(winners == labels))


def draw(found: Robustness, path: Path, title: str) -> None:
    """Save a picture: a panel a trouble, accuracy over strength."""
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    names: Sequence[str] = list(dict.fromkeys(row[0] for row in found.rows))
    with mpl.rc_context({"font.size": 9}):
        figure = Figure(figsize=(9.6, 5.2), layout="constrained")
        FigureCanvasAgg(figure)
        axes: Any = figure.subplots(2, (len(names) + 1) // 2, sharey=True)
        for panel, name in zip(axes.flat, names, strict=False):
            points = [row for row in found.rows if row[0] == name]
            # Strengths grow by doubling as often as by steps: each has a place of its own.
            at = range(len(points))
            panel.axhline(100 * found.plain, color="grey", linewidth=1.0, linestyle="--", label="as recorded")
            panel.plot(at, [100 * row[3] for row in points], marker="o")
            panel.set_xticks(at, [spoken(row[1], row[2]) for row in points])
            panel.set(title=name, ylim=(-3, 104), xlim=(-0.3, len(points) - 0.7))
            panel.set_yticks(range(0, 101, 20))
            panel.grid(alpha=0.3)
        for panel in axes[:, 0]:
            panel.set_ylabel("accuracy, %")
        axes.flat[0].legend(loc="lower left", frameon=False)
        figure.suptitle(title)
        figure.savefig(path, dpi=110, metadata={"Software": None})


def spoken(unit: str, strength: float) -> str:
    """A strength as people say it: 0.02 g, × 0.7, 10 %."""
    if unit.startswith("of "):
        return f"{strength:.0%}"
    return f"× {strength:g}" if unit == "×" else f"{strength:g}{'' if unit == '°' else ' '}{unit}"
