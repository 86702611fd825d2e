"""Recordings → a model ready to compile: features by the board's C, validation by group, a fit on all."""

from __future__ import annotations

import importlib.metadata
import json
import warnings as python_warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from . import __version__, augment, confusion, dataset, features, model_file
from .dataset import Dataset, Windows
from .errors import DatasetError, RecipeError
from .families import forest
from .model_file import Model
from .progress import Advance
from .recipe import Recipe

REPORT_NAME = "report.json"
PICTURE_NAME = "confusion.png"

Int16 = npt.NDArray[np.int16]
Labels = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Trained:
    """A model, where it was written, and how it did on groups that its validation fits had not seen."""

    model: Model
    folder: Path
    report: Mapping[str, Any]


def train(
    recipe: Recipe,
    data: Dataset,
    *,
    seed: int | None = None,
    into: Path | None = None,
    on_progress: Advance | None = None,
) -> Trained:
    """Fit the recipe's model on a dataset and write model.json, golden.npz, report.json and confusion.png.

    Validation leaves whole groups out, in the recipe's number of folds; never single windows, of which the
    neighbours overlap. The model that is kept is fitted on everything.

    Parameters
    ----------
    seed
        of the fit and of the folds; the recipe's if None
    into
        folder for the files; the app's `build/` if None

    Raises
    ------
    DatasetError
        a label without windows, or recordings that don't fit the recipe
    """
    seed = recipe.train.seed if seed is None else seed
    steps = recipe.train.folds + 4
    advance = on_progress or (lambda done, total=None, text="": None)
    warnings: list[str] = []

    advance(0, steps, "cutting windows")
    empty: list[str] = []
    cut = dataset.windows(data, recipe, note=empty.append)
    if empty:
        warnings.append(f"{len(empty)} of {len(data.recordings)} recordings left out; the first: {empty[0]}")
    _check_labels(cut, recipe)
    varied = None
    if recipe.train.augment:
        more = augment.vary(data, recipe.train.augment, seed)
        varied = dataset.windows(more, recipe, hop=recipe.window.hop)
    advance(1, steps, "features")
    X = _features(recipe, cut)
    key = np.array(_fold_keys(data, warnings))
    of_window = key[cut.recording]
    if varied is None:
        more_X, more_y, of_variant = X[:0], cut.labels[:0], of_window[:0]
    else:
        # Variants come in the recordings' order, once for each copy.
        of_variant = key[varied.recording % len(data.recordings)]
        more_X, more_y = _features(recipe, varied), varied.labels

    answer = np.full(len(X), -1)
    _tell_lonely_labels(cut, of_window, recipe, warnings)
    folds = _folds(cut.labels, of_window, recipe.train.folds, seed, warnings)
    for number, held_out in enumerate(folds):
        advance(2 + number, steps, f"fold {number + 1} of {len(folds)}")
        # No variant of a held-out recording may teach, either.
        kept = ~np.isin(of_variant, of_window[held_out])
        train_X = np.concatenate([X[~held_out], more_X[kept]])
        train_y = np.concatenate([cut.labels[~held_out], more_y[kept]])
        estimator, chosen = fit(recipe, train_X, train_y, seed)
        answer[held_out] = estimator.predict(X[held_out][:, chosen])
    validated = answer >= 0

    advance(steps - 2, steps, "final fit")
    all_X, all_y = np.concatenate([X, more_X]), np.concatenate([cut.labels, more_y])
    estimator, chosen = fit(recipe, all_X, all_y, seed)
    all_X = np.ascontiguousarray(all_X[:, chosen])
    names = [recipe.features.names[i] for i in chosen]
    about = _provenance(recipe, data, cut, seed)
    model = _model(recipe, estimator, names, all_X, windows=cut.windows, provenance=about)

    advance(steps - 1, steps, "writing")
    counts = confusion.count(cut.labels[validated], answer[validated], len(recipe.labels))
    report = {
        "app": recipe.name,
        "accuracy": confusion.accuracy(counts),
        "macro_f1": confusion.macro_f1(counts),
        "n": int(validated.sum()),
        "folds": len(folds),
        "per_class": confusion.per_class(counts, recipe.labels),
        "per_group": confusion.per_group(cut.labels[validated], answer[validated], cut.groups[validated]),
        "labels": list(recipe.labels),
        "confusion": counts.tolist(),
        "features": list(model.frontend.features) if model.frontend else [],
        "model": {"family": recipe.train.family, "digest": model.digest, **_size(model)},
        "provenance": dict(model.provenance),
        "warnings": warnings,
    }
    folder = recipe.build_folder if into is None else into
    model_file.save(model, folder)
    (folder / REPORT_NAME).write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    title = f"{recipe.name}: {confusion.accuracy(counts):.1%} of {counts.sum()} windows of unseen groups"
    confusion.draw(counts, recipe.labels, folder / PICTURE_NAME, title)
    advance(steps, steps, "done")
    return Trained(model, folder, report)


def _features(recipe: Recipe, cut: Windows) -> Int16:
    return features.extract(recipe.features.names, cut.windows, recipe.sensor.channels)


def _check_labels(cut: Windows, recipe: Recipe) -> None:
    there = np.bincount(cut.labels, minlength=len(recipe.labels))
    missing = [label for label, n in zip(recipe.labels, there, strict=True) if n == 0]
    if missing:
        raise DatasetError(
            f"no window of {', '.join(missing)} in the recordings; record some "
            f"(midge record {recipe.name} --device DEVICE --label {missing[0]!r}) or drop the label"
        )


def _tell_lonely_labels(
    cut: Windows, of_window: npt.NDArray[np.str_], recipe: Recipe, warnings: list[str]
) -> None:
    """A label that only one group or recording shows is never both learnt and asked for."""
    lonely = [
        label
        for number, label in enumerate(recipe.labels)
        if len(np.unique(of_window[cut.labels == number])) == 1
    ]
    if lonely:
        warnings.append(
            f"{', '.join(lonely)}: from one recording or group only: nobody can tell how well the model "
            "knows it, and the figures below are not the model's; record it again, best with other people"
        )


def _fold_keys(data: Dataset, warnings: list[str]) -> list[str]:
    """What is held out together, for each recording: its group, or itself if there is nothing better."""
    by_group = len(data.groups) > 1
    if not by_group:
        there = f"all recordings are of {data.groups[0]}" if data.groups else "no recording has a group"
        warnings.append(
            f"{there}: validated by recording, which flatters; record other people or machines with --group"
        )
    elif not all(item.group for item in data.recordings):
        warnings.append(
            "some recordings have no group and count as one each; set it with midge record --group"
        )
    return [
        item.group if by_group and item.group else f"recording {number}"
        for number, item in enumerate(data.recordings)
    ]


def _folds(
    labels: Labels, keys: npt.NDArray[np.str_], n_folds: int, seed: int, warnings: list[str]
) -> list[npt.NDArray[np.bool_]]:
    """Masks of the windows to hold out, whole groups together; none if there is one group only."""
    from sklearn.model_selection import StratifiedGroupKFold

    n_folds = min(n_folds, len(np.unique(keys)))
    if n_folds < 2:
        warnings.append("one recording only: nothing to validate on; record more takes")
        return []
    splitter = StratifiedGroupKFold(n_folds, shuffle=True, random_state=seed)
    masks = []
    with python_warnings.catch_warnings():
        # A label with fewer windows than folds is told by per_class.
        python_warnings.simplefilter("ignore", UserWarning)
        for _, members in splitter.split(labels, labels, keys):
            mask = np.zeros(len(labels), bool)
            mask[members] = True
            if mask.any() and not mask.all():
                masks.append(mask)
    return masks


def fit(recipe: Recipe, X: Int16, y: Labels, seed: int) -> tuple[Any, npt.NDArray[np.intp]]:
    """The recipe's estimator fitted on its best features, and which columns of X those are.

    A first fit on all features ranks them by the impurity that they remove; at most `features` are kept.
    """
    if recipe.train.family != "forest":
        raise RecipeError(f'family {recipe.train.family!r} can\'t be trained; use family = "forest"')
    params = recipe.train.params
    chosen = np.arange(X.shape[1])
    if X.shape[1] > params["features"]:
        ranking = _forest(params, seed).fit(X, y).feature_importances_
        # The stable sort breaks ties by the recipe's order.
        chosen = np.sort(np.argsort(-ranking, kind="stable")[: params["features"]])
    estimator = _forest(params, seed).fit(X[:, chosen], y)
    # Probabilities are added up in the trees' order, so that they are the same on every machine.
    estimator.n_jobs = 1
    return estimator, chosen


def _forest(params: Mapping[str, int], seed: int) -> Any:
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(
        n_estimators=params["trees"],
        max_depth=params["depth"],
        min_samples_leaf=params["min_leaf"],
        # Background is the rule and a gesture the exception; without weights rare labels would be missed.
        class_weight="balanced_subsample",
        random_state=seed,
        n_jobs=-1,
    )


def _model(
    recipe: Recipe,
    estimator: Any,
    names: list[str],
    X: Int16,
    *,
    windows: Int16,
    provenance: Mapping[str, Any],
) -> Model:
    sensor = model_file.Sensor(recipe.sensor.rate_hz, recipe.sensor.range_g)
    scales = features.scales(names, sensor.lsb_per_unit, recipe.sensor.channels)
    return model_file.create(
        forest.to_ir(estimator),
        X,
        name=recipe.name,
        labels=recipe.labels,
        background=recipe.background,
        frontend=model_file.FrontEnd(
            recipe.sensor.kind,
            recipe.sensor.channels,
            recipe.window.length,
            recipe.window.hop,
            tuple(names),
            tuple(scales),
        ),
        sensor=sensor,
        decision=model_file.Decision(
            recipe.decision.threshold, recipe.decision.smooth, recipe.decision.cooldown_ms
        ),
        windows=windows,
        provenance=provenance,
        expected=np.asarray(estimator.predict_proba(X), np.float64),
    )


def _provenance(recipe: Recipe, data: Dataset, cut: Windows, seed: int) -> dict[str, Any]:
    """Where the model is from; no time and no path, so that the same data give the same model file."""
    counts = np.bincount(cut.labels, minlength=len(recipe.labels))
    return {
        "midge": __version__,
        "scikit_learn": importlib.metadata.version("scikit-learn"),
        "family": recipe.train.family,
        "params": dict(recipe.train.params),
        "seed": seed,
        "recordings": len(data.recordings),
        "groups": len(data.groups),
        "minutes": round(sum(item.duration_s for item in data.recordings) / 60, 2),
        "windows": {label: int(n) for label, n in zip(recipe.labels, counts, strict=True)},
        "augment": recipe.train.augment,
    }


def _size(model: Model) -> dict[str, int]:
    trees = getattr(model.ir, "trees", ())
    return {"trees": len(trees), "nodes": sum(len(tree.feature) for tree in trees)}
