"""Which label is taken for which: counts, the figures that follow from them, a picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Counts = npt.NDArray[np.int64]


def count(truth: npt.NDArray[np.int64], answer: npt.NDArray[np.int64], n_labels: int) -> Counts:
    """Matrix (n_labels, n_labels): rows are what was, columns what was answered."""
    counts = np.zeros((n_labels, n_labels), np.int64)
    np.add.at(counts, (truth, answer), 1)
    return counts


def accuracy(counts: Counts) -> float:
    """Share of right answers; 0 if there are none at all."""
    return float(np.trace(counts) / max(1, counts.sum()))


def per_class(counts: Counts, labels: Sequence[str]) -> dict[str, dict[str, float | int]]:
    """Precision, recall, F1 and number of windows of each label."""
    right, was, answered = np.diag(counts), counts.sum(axis=1), counts.sum(axis=0)
    return {
        label: {
            "precision": float(right[i] / max(1, answered[i])),
            "recall": float(right[i] / max(1, was[i])),
            "f1": float(2 * right[i] / max(1, was[i] + answered[i])),
            "n": int(was[i]),
        }
        for i, label in enumerate(labels)
    }


def macro_f1(counts: Counts) -> float:
    """Mean F1 over the labels that occur or were answered: every label counts alike, however rare."""
    there = np.flatnonzero(counts.sum(axis=0) + counts.sum(axis=1))
    scores = per_class(counts, [str(i) for i in range(len(counts))])
    return float(np.mean([scores[str(i)]["f1"] for i in there])) if len(there) else 0.0


def per_group(
    truth: npt.NDArray[np.int64], answer: npt.NDArray[np.int64], groups: npt.NDArray[np.str_]
) -> dict[str, dict[str, float | int]]:
    """Accuracy and number of windows of each group."""
    return {
        str(group): {"accuracy": float(np.mean((truth == answer)[groups == group])), "n": int(members)}
        for group, members in zip(*np.unique(groups, return_counts=True), strict=True)
    }


def rows(counts: Counts, labels: Sequence[str]) -> list[list[object]]:
    """The matrix as rows of a table: label, then a count for each answer."""
    return [[label, *map(int, line)] for label, line in zip(labels, counts, strict=True)]


def draw(counts: Counts, labels: Sequence[str], path: Path, title: str) -> None:
    """Save the matrix as a picture, coloured by the share of each row."""
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    # No pyplot: it would look for a screen.
    side = 2.2 + 0.55 * len(labels)
    with mpl.rc_context({"font.size": 9}):
        figure = Figure(figsize=(max(4.2, side + 0.4), side), layout="constrained")
        FigureCanvasAgg(figure)
        axes: Any = figure.add_subplot()
        shares = counts / np.maximum(1, counts.sum(axis=1, keepdims=True))
        axes.imshow(shares, cmap="Blues", vmin=0.0, vmax=1.0)
        axes.set_xticks(range(len(labels)), labels, rotation=45, ha="right", rotation_mode="anchor")
        axes.set_yticks(range(len(labels)), labels)
        axes.set(xlabel="answered", ylabel="was")
        # Over the figure, not the axes: those are narrow where labels are few and long.
        figure.suptitle(title, fontsize=10, wrap=True)
        for (row, column), number in np.ndenumerate(counts):
            colour = "white" if shares[row, column] > 0.5 else "black" if number else "lightgrey"
            axes.text(column, row, str(number), ha="center", va="center", color=colour)
        # No date in the file: the same counts give the same bytes.
        figure.savefig(path, dpi=110, metadata={"Software": None})
