"""Takes that do not look like their label: what a validation that has not seen their group takes them for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from .. import dataset, features
from ..dataset import Dataset
from ..errors import DatasetError
from ..recipe import Recipe
from ..recording import Recording

TREES = 60
FOLDS = 5
# Mean probability of the own label below which a take is told.
DOUBTED = 0.15
ROWS_OF_TAKE = 40


def find(items: Sequence[Recording], recipe: Recipe) -> Iterator[tuple[int, str]]:
    """(number of the take, what it looks like) for takes of which validation doubts the label.

    Extremely randomised trees (Geurts 2006) on the recipe's features; folds hold whole groups out.
    """
    try:
        from sklearn.ensemble import ExtraTreesClassifier
        from sklearn.model_selection import GroupKFold
    except ImportError:
        raise DatasetError("outlying takes need scikit-learn: pip install 'midge[train]'") from None
    kept = [
        number
        for number, item in enumerate(items)
        if item.label in recipe.labels
        and item.channels == recipe.sensor.channels
        and abs(item.rate_hz / recipe.sensor.rate_hz - 1) <= recipe.sensor.rate_tolerance
    ]
    try:
        cut = dataset.windows(Dataset(Path(), tuple(items[number] for number in kept)), recipe)
    except DatasetError:
        return
    rows = np.concatenate([_spread(np.flatnonzero(cut.recording == one)) for one in np.unique(cut.recording)])
    X = features.extract(
        recipe.features.names,
        cut.windows[rows],
        recipe.sensor.channels,
        sampling=recipe.sensor.sampling,
        segment=recipe.features.segment,
    )
    y, groups, owner = cut.labels[rows], cut.groups[rows], cut.recording[rows]
    if len(np.unique(groups)) < 2:
        groups = owner.astype(str)
    folds = min(FOLDS, len(np.unique(groups)))
    if folds < 2 or len(np.unique(y)) < 2:
        return
    scores = np.full((len(X), len(recipe.labels)), np.nan)
    for taught, held_out in GroupKFold(folds).split(X, y, groups):
        trees = ExtraTreesClassifier(
            TREES, min_samples_leaf=2, class_weight="balanced", random_state=1, n_jobs=1
        )
        trees.fit(X[taught], y[taught])
        answer = np.zeros((len(held_out), len(recipe.labels)))
        answer[:, trees.classes_] = trees.predict_proba(X[held_out])
        # A label that the others have none of can't be recognised, and is no outlier.
        answer[~np.isin(y[held_out], trees.classes_)] = np.nan
        scores[held_out] = answer
    background = recipe.labels.index(recipe.background) if recipe.background in recipe.labels else -1
    for take in np.unique(owner):
        label = recipe.labels.index(items[kept[int(take)]].label)
        # Of an event's take, the windows that show it.
        own = (owner == take) & ((y == label) if label != background else True) & np.isfinite(scores[:, 0])
        if not own.any():
            continue
        mean = scores[own].mean(axis=0)
        if mean[label] < DOUBTED and mean.argmax() != label:
            yield (
                kept[int(take)],
                (
                    f"labelled {recipe.labels[label]!r}, looks like {recipe.labels[int(mean.argmax())]!r} "
                    f"({mean.max():.0%} against {mean[label]:.0%}) to a model that has not seen its group"
                ),
            )


def _spread(rows: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
    """At most so many rows, evenly taken: long takes must not outweigh the rest."""
    if len(rows) <= ROWS_OF_TAKE:
        return rows
    return np.asarray(rows[np.linspace(0, len(rows) - 1, ROWS_OF_TAKE).round().astype(int)])
