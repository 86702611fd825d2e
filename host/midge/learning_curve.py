"""The learning curve as a picture: accuracy on unseen groups by the number of groups learnt from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

PICTURE_NAME = "curve.png"


def draw(points: Sequence[tuple[int, float]], path: Path, title: str) -> None:
    """Save the curve; `points` are (groups, accuracy)."""
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with mpl.rc_context({"font.size": 9}):
        figure = Figure(figsize=(5.0, 3.4), layout="constrained")
        FigureCanvasAgg(figure)
        axes: Any = figure.add_subplot()
        axes.plot([size for size, _ in points], [value for _, value in points], marker="o")
        for size, value in points:
            axes.annotate(
                f"{value:.2f}", (size, value), textcoords="offset points", xytext=(0, 6), ha="center"
            )
        axes.set(xlabel="groups learnt from", ylabel="accuracy", ylim=(0.0, 1.05), title=title)
        axes.set_xticks([size for size, _ in points])
        axes.grid(alpha=0.3)
        figure.savefig(path, dpi=110, metadata={"Software": None})
