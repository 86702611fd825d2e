"""Recordings → a model ready to compile: features by the board's C, validation by group, a fit on all."""

from __future__ import annotations

import importlib.metadata
import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from . import (
    __version__,
    augment,
    budgeting,
    confusion,
    dataset,
    families,
    features,
    model_file,
    progress,
    recording,
    validation,
)
from .compile import agreement
from .compile.ir import Node
from .dataset import Dataset, Windows
from .errors import DatasetError
from .learning_curve import PICTURE_NAME as CURVE_NAME
from .learning_curve import draw as draw_curve
from .model_file import Model
from .progress import Advance
from .recipe import Recipe
from .validation import Fitted, Labels, Rows

REPORT_NAME = "report.json"
PICTURE_NAME = "confusion.png"
# Training rows that a net with convolutions is measured and checked on.
CHECKED_CONV_ROWS = 512

Int16 = npt.NDArray[np.int16]


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
    curve: bool = False,
    on_progress: Advance | None = None,
) -> Trained:
    """Fit the recipe's model on a dataset and write model.json, golden.npz, report.json and confusion.png.

    Validation leaves whole groups out, in the recipe's number of folds; never single windows, of which the
    neighbours overlap. Family and parameters, where the recipe leaves them open, are chosen anew inside the
    training groups of each fold. The model that is kept is fitted on everything.

    Parameters
    ----------
    seed
        of the fit and of the folds; the recipe's if None
    into
        folder for the files; the app's `build/` if None
    curve
        also the accuracy by the number of groups learnt from, with a picture, curve.png

    Raises
    ------
    DatasetError
        a label without windows, or recordings that don't fit the recipe
    BudgetExceeded
        family "auto", and none of its families keeps to the recipe's [budget]
    """
    seed = recipe.train.seed if seed is None else seed
    steps = recipe.train.folds + 4
    advance = on_progress or (lambda done, total=None, text="": None)
    warnings: list[str] = []

    found = examples(recipe, data, seed, warnings, lambda done, text: advance(done, steps, text))
    rows, more, cut, kind = found.rows, found.more, found.cut, found.kind

    prices = budgeting.Prices(recipe, found, seed)
    affordable = prices.affordable(warnings)
    answer = np.full(len(rows), -1)
    _tell_lonely_labels(rows, recipe, warnings)
    masks = validation.folds(rows.y, rows.keys, recipe.train.folds, seed, warnings)
    choices = []
    for number, held_out in enumerate(masks):
        # No variant of a held-out recording may teach, either.
        kept = ~np.isin(more.keys, rows.keys[held_out])
        with progress.step(advance, 2 + number, steps, f"fold {number + 1} of {len(masks)}"):
            fitted = _fit(recipe, rows.where(~held_out), more.where(kept), seed, affordable, prices)
        choices.append(validation.name_of(fitted.choice.family, fitted.choice.params))
        answer[held_out] = fitted.predict(rows.X[held_out])
    validated = answer >= 0

    with progress.step(advance, steps - 2, steps, "final fit"):
        fitted = _fit(recipe, rows, more, seed, affordable, prices)
    about = provenance_of(recipe, data, cut, seed) | {"unit": unit_of(kind)}
    about |= {"family": fitted.choice.family, "params": dict(fitted.choice.params)}
    smaller, compression = None, None
    if recipe.compress is not None:
        from .compress.app import in_training  # it makes its models by this file

        advance(steps - 2, steps, "compression")
        smaller, about["compressed"], compression = in_training(recipe, found, fitted, seed)
        warnings += compression["warnings"]
    model = model_of(recipe, fitted, (rows + more).X, windows=cut.windows, provenance=about, ir=smaller)

    advance(steps - 1, steps, "writing")
    counts = confusion.count(rows.y[validated], answer[validated], len(recipe.labels))
    points = validation.learning_curve(recipe.train, rows, more, fitted.choice, seed) if curve else []
    report = {
        "app": recipe.name,
        # Nothing could be held out: then nobody knows.
        "accuracy": confusion.accuracy(counts) if validated.any() else None,
        "macro_f1": confusion.macro_f1(counts) if validated.any() else None,
        "n": int(validated.sum()),
        "unit": about["unit"],
        "folds": len(masks),
        "held_out": validation.held_out(rows.keys),
        "per_class": confusion.per_class(counts, recipe.labels),
        "per_group": confusion.per_group(rows.y[validated], answer[validated], cut.groups[validated]),
        "takes": _by_take(cut, answer, validated, len(recipe.labels)),
        "labels": list(recipe.labels),
        "confusion": counts.tolist(),
        "features": list(model.frontend.features) if model.frontend else [],
        "model": {"family": fitted.choice.family, "digest": model.digest, **_size(model)},
        "choice": {
            "params": dict(fitted.choice.params),
            "tried": dict(fitted.choice.tried),
            "in_folds": choices,
            "costs": {name: cost and cost._asdict() for name, cost in prices.costs.items()},
        },
        "learning_curve": [{"groups": size, "accuracy": value} for size, value in points],
        "compression": compression,
        "provenance": dict(model.provenance),
        "warnings": warnings,
    }
    folder = recipe.build_folder if into is None else into
    model_file.save(model, folder)
    (folder / REPORT_NAME).write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    figures = f"{confusion.accuracy(counts):.1%} of {counts.sum()} {about['unit']}s of unseen groups"
    title = f"{recipe.name}: {figures if validated.any() else 'nothing could be held out'}"
    confusion.draw(counts, recipe.labels, folder / PICTURE_NAME, title)
    if points:
        draw_curve(points, folder / CURVE_NAME, f"{recipe.name}: accuracy on unseen groups")
    advance(steps, steps, "done")
    return Trained(model, folder, report)


@dataclass(frozen=True)
class Examples:
    """What there is to learn from: rows, the rows of varied recordings, the windows, and their kind."""

    rows: Rows
    more: Rows
    cut: Windows
    kind: str


def examples(
    recipe: Recipe,
    data: Dataset,
    seed: int,
    warnings: list[str],
    tell: Callable[[int, str], None] = lambda done, text: None,
) -> Examples:
    """Recordings → rows of features, keyed by what is held out together; what is odd goes to `warnings`.

    Raises DatasetError as `train`.
    """
    tell(0, "cutting windows")
    _tell_other_labels(data, recipe)
    kind = dataset.window_kind(data, recipe)
    empty: list[str] = []
    cut = dataset.windows(data, recipe, note=empty.append)
    if empty:
        warnings.append(f"{len(empty)} of {len(data.recordings)} recordings left out; the first: {empty[0]}")
    _check_labels(cut, recipe)
    _tell_upsampled(data, warnings)
    if kind == "take" and recipe.background is None:
        warnings.append(
            "each take is one performance, and no label is background: a board answers rest and all else "
            'with one of the labels too; record minutes of "other", and add background = "other" to [labels]'
        )
    key = np.array(validation.fold_keys(data, warnings))
    tell(1, "features")
    rows = Rows(_features(recipe, cut), cut.labels, key[cut.recording])
    more = rows.where(np.zeros(len(rows), bool))
    if recipe.train.augment:
        varied = augment.vary(
            data,
            recipe.train.augment,
            seed,
            recipe.train.vary,
            background=recipe.background if kind == "take" else None,
            length=recipe.window.length,
            keys=key.tolist(),
        )
        of_variant = dataset.windows(varied, recipe, hop=recipe.window.hop)
        # Variants come in the recordings' order, once for each copy.
        owner = key[of_variant.recording % len(data.recordings)]
        more = Rows(_features(recipe, of_variant), of_variant.labels, owner)
    return Examples(rows, more, cut, kind)


def _fit(
    recipe: Recipe, rows: Rows, more: Rows, seed: int, among: Collection[str], price: validation.Price
) -> Fitted:
    """The best of the recipe's candidates of families `among`, chosen and fitted on rows and variants."""
    choice = validation.choose(recipe.train, rows, seed, among, price)
    return validation.fit(choice.family, choice.params, rows + more, seed, choice)


def _features(recipe: Recipe, cut: Windows) -> Int16:
    return features.extract(
        recipe.features.names,
        cut.filtered,
        recipe.sensor.channels,
        sampling=recipe.sensor.sampling.unfiltered,
        segment=recipe.features.segment,
    )


def _by_take(
    cut: Windows, answer: Labels, validated: npt.NDArray[np.bool_], n_labels: int
) -> dict[str, float | int]:
    """Whole recordings by what most of their windows were taken for."""
    right = 0
    recordings = np.unique(cut.recording[validated])
    for number in recordings:
        mask = validated & (cut.recording == number)
        usual = np.bincount(cut.labels[mask], minlength=n_labels).argmax()
        right += int(np.bincount(answer[mask], minlength=n_labels).argmax() == usual)
    return {"accuracy": right / max(1, len(recordings)), "n": len(recordings)}


def _tell_other_labels(data: Dataset, recipe: Recipe) -> None:
    """The background must be among the recordings, or it can't be learnt."""
    if recipe.background is not None and recipe.background not in data.labels:
        raise DatasetError(
            f"no recording of the background {recipe.background!r} among {', '.join(data.labels)}; record it "
            f"(midge record {recipe.name} --device DEVICE --label {recipe.background!r}) or remove "
            "background from [labels]"
        )


def _tell_upsampled(data: Dataset, warnings: list[str]) -> None:
    slow = [item for item in data.recordings if recording.is_upsampled(item)]
    if slow:
        usual = float(np.median([item.measured_rate_hz for item in slow if item.measured_rate_hz]))
        warnings.append(
            f"{len(slow)} of {len(data.recordings)} recordings were brought up from about {usual:.3g} Hz to "
            f"{slow[0].rate_hz:g} Hz: nothing above {usual / 2:.3g} Hz is in them, but in what a board "
            f"samples; import them with --resample {usual:.3g}, or record at {slow[0].rate_hz:g} Hz"
        )


def _check_labels(cut: Windows, recipe: Recipe) -> None:
    there = np.bincount(cut.labels, minlength=len(recipe.labels))
    missing = [label for label, n in zip(recipe.labels, there, strict=True) if n == 0]
    if missing:
        raise DatasetError(
            f"no window of {', '.join(missing)} in the recordings; record some "
            f"(midge record {recipe.name} --device DEVICE --label {missing[0]!r}) or drop the label"
        )


def _tell_lonely_labels(rows: Rows, recipe: Recipe, warnings: list[str]) -> None:
    """A label that only one group or recording shows is never both learnt and asked for."""
    lonely = [
        label
        for number, label in enumerate(recipe.labels)
        if len(np.unique(rows.keys[rows.y == number])) == 1
    ]
    if lonely:
        warnings.append(
            f"{', '.join(lonely)}: from one recording or group only: nobody can tell how well the model "
            "knows it, and the figures below are not the model's; record it again, best with other people"
        )


def model_of(
    recipe: Recipe,
    fitted: Fitted,
    X: Int16,
    *,
    windows: Int16,
    provenance: Mapping[str, Any],
    ir: Node | None = None,
) -> Model:
    """The model of a fit on rows `X`, all columns; raises ModelError if it is not its estimator's.

    `ir` is what has become of the fit's own, over the same columns, where it was compressed.
    """
    unit = "FS" if recipe.sensor.kind == "sound" else "g"
    sensor = model_file.Sensor(
        recipe.sensor.rate_hz, recipe.sensor.range_g, unit, range_dps=recipe.sensor.range_dps
    )
    names = [recipe.features.names[column] for column in fitted.columns]
    X = np.ascontiguousarray(X[:, fitted.columns])
    if ir is None:
        ir = families.to_ir(fitted.estimator)
        if ir.kind == "conv":
            # A net is its own reference, and takes milliseconds a row.
            X = X[np.unique(np.linspace(0, len(X) - 1, CHECKED_CONV_ROWS).astype(int))]
        is_forest = ir.kind == "forest"
        seen: npt.NDArray[Any] = X if is_forest else X.astype(np.float64)
        ir = ir.calibrated(X)
        expected, _ = families.answers(fitted.estimator, ir, seen)
        tolerance = agreement.FLOAT_EPSILON if is_forest else agreement.DOT_TOLERANCE
        model_file.check_reference(ir, X, expected, tolerance)
    plan = features.plan(names, recipe.window.length, recipe.sensor.channels, sampling=recipe.sensor.sampling)
    is_usual = not (recipe.features.segment or plan.log2_fft or recipe.sensor.lowpass_hz)
    is_usual = is_usual and not recipe.sensor.highpass_hz
    return model_file.create(
        ir,
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
            tuple(features.scales(names, recipe.sensor.sampling, recipe.sensor.channels)),
            segment=recipe.features.segment,
            # Where no feature asks for it, it is not the front end's business.
            sampling=features.Sampling() if is_usual else recipe.sensor.sampling,
        ),
        sensor=sensor,
        decision=recipe.decision,
        windows=windows,
        provenance=provenance,
    )


def unit_of(kind: str) -> str:
    """What a model taught by examples of this kind is judged by."""
    return "take" if kind == "take" else "window"


def provenance_of(recipe: Recipe, data: Dataset, cut: Windows, seed: int) -> dict[str, Any]:
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
        "data": dataset.fingerprint(data),
    }


def _size(model: Model) -> dict[str, Any]:
    """What there is of it, for people and programs."""
    ir: Any = model.ir
    if hasattr(ir, "trees"):
        trees = len(ir.trees)
        return {"trees": trees, "nodes": sum(len(tree.feature) for tree in ir.trees)}
    if ir.kind == "conv":
        return {"multiplications": ir.macs, "layers": len(ir.layers)}
    if hasattr(ir, "layers"):
        return {"layers": [ir.n_features, *(len(layer.bias) for layer in ir.layers)]}
    if hasattr(ir, "vectors"):
        return {"support_vectors": len(ir.vectors)}
    return {"features": ir.n_features}
