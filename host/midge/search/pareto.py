"""The front: what nothing else beats in accuracy, size and speed at once; and its picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..log_axis import log_x
from .halving import Tried

PICTURE_NAME = "search.png"
COSTS = ("module_bytes", "instructions")


def front(tried: Sequence[Tried]) -> list[Tried]:
    """Of those that have a module, the ones that no other beats; the most accurate first."""
    there = [one for one in tried if "refused" not in one.costs]
    best = [one for one in there if not any(_beats(other, one) for other in there)]
    return sorted(best, key=lambda one: (-one.accuracy, one.costs["module_bytes"]))


def beside(tried: Sequence[Tried]) -> list[Tried]:
    """The best of each family that has modules, but none on the front; the furthest first."""
    there = [one for one in tried if "refused" not in one.costs]
    there.sort(key=lambda one: (-one.rung, -one.accuracy))
    families = {one.candidate.family for one in front(tried)}
    best = {one.candidate.family: one for one in reversed(there)}
    return [
        one for one in there if one is best[one.candidate.family] and one.candidate.family not in families
    ]


def _beats(one: Tried, other: Tried) -> bool:
    mine = (-one.accuracy, *(one.costs[name] for name in COSTS))
    others = (-other.accuracy, *(other.costs[name] for name in COSTS))
    return mine != others and all(a <= b for a, b in zip(mine, others, strict=True))


def draw(tried: Sequence[Tried], path: Path, title: str) -> None:
    """Accuracy against instructions; the larger the dot, the larger the module; rings are the front."""
    from matplotlib.figure import Figure

    there = [one for one in tried if "refused" not in one.costs]
    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.subplots()
    for family in sorted({one.candidate.family for one in there}):
        of_family = [one for one in there if one.candidate.family == family]
        axes.scatter(
            [one.costs["instructions"] for one in of_family],
            [100 * one.accuracy for one in of_family],
            [max(8.0, one.costs["module_bytes"] / 300) for one in of_family],
            alpha=0.6,
            label=family,
        )
    best = front(tried)
    axes.plot(
        [one.costs["instructions"] for one in best],
        [100 * one.accuracy for one in best],
        "o",
        markerfacecolor="none",
        markeredgecolor="black",
        markersize=12,
    )
    log_x(axes)
    axes.set_xlabel("instructions an inference")
    axes.set_ylabel("accuracy on unseen groups, %")
    axes.set_title(title)
    axes.legend(fontsize="small")
    # No time and no version: the same search gives the same picture.
    figure.savefig(path, dpi=100, metadata={"Software": None})
