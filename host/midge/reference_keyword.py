"""Makes the keyword app's reference model from people's voices: `python -m midge.reference_keyword DATASET`.

DATASET: words said by many people, imported with `midge import`; what is no keyword counts as background. The
recordings stay where they are: model.json holds weights, and what golden.npz holds is said by espeak-ng.
"""

from __future__ import annotations

import argparse
import functools
import itertools
import operator
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from . import (
    assets,
    augment_stream,
    confusion,
    dataset,
    evaluate_stream,
    feature_sets,
    features,
    model_file,
    reference_keyword_card,
    train,
    validation,
)
from .compile import golden
from .dataset import Dataset
from .errors import ModelError
from .evaluate_stream import StreamEvaluation
from .model_file import Model
from .nets import ConvClassifier
from .nets.blocks import Block, usual_augmentation
from .progress import Advance
from .recipe import Recipe
from .recording import Recording
from .reference_keyword_card import Clips
from .simulate import speech
from .train import Examples
from .validation import Choice, Fitted, Rows
from .variation import Variation

SEED = 2024
# Every frame of the window, and a net along time, bands being its channels (Choi et al. 2019, TC-ResNet): it
# hears words among others, which what is measured of the loudest stretch doesn't tell apart.
FEATURES = "sound-frames"
NET = (Block("conv", 48, (3, 1), (2, 1)), Block("conv", 64, (5, 1), (2, 1)), Block("conv", 96, (5, 1)))
ROW_VISITS = 150_000
# Less than usual: what lies between two words is taught as it is heard.
MIXED = 0.1
# Variants of each clip, as other people in other rooms might have said it.
COPIES = 2
VARIED = Variation(tempo=0.12, pitch=0.08, force=0.2, shift_ms=0.0, snr_db=5.0, room_s=0.3)
# Windows whose features are computed at once.
TOGETHER = 500
# The threshold has so few, where nothing is heard but other words one after the other.
FALSE_ACCEPTS_PER_HOUR = 20.0
GOLDEN_VOICES = 4


@dataclass(frozen=True)
class Reference:
    """A reference model, its card, and the trial on speakers that each fold's model had not heard."""

    model: Model
    card: str
    trial: StreamEvaluation


def training_data(recipe: Recipe, data: Dataset) -> Dataset:
    """The recordings, of other labels than the recipe's as background."""
    assert recipe.background is not None
    return replace(
        data,
        recordings=tuple(
            item if item.label in recipe.labels else replace(item, label=recipe.background)
            for item in data.recordings
        ),
    )


def synthetic(recipe: Recipe) -> npt.NDArray[np.int16]:
    """Windows (n, length, 1) of espeak-ng voices, words and others: what golden rows are made of."""
    words = [label for label in recipe.labels if label != recipe.background]
    length, hop = recipe.window.length, recipe.window.hop
    found = []
    for voice in speech.speakers(GOLDEN_VOICES, SEED):
        heard = speech.scene(voice, [*words, *speech.OTHER_WORDS[:4]]).samples
        starts = np.arange(0, len(heard) - length + 1, hop)
        found.append(heard[starts[:, None] + np.arange(length)][:, :, None])
    return np.concatenate(found)


def frames_of(recipe: Recipe) -> Recipe:
    """The recipe with what this model reads instead of what the app trains on."""
    names = feature_sets.names(
        FEATURES, recipe.sensor.channels, recipe.sensor.rate_hz, recipe.window.length, recipe.sensor.sound
    )
    return replace(
        recipe,
        features=replace(recipe.features, names=names),
        train=replace(recipe.train, family="conv", params={}, augment=0),
    )


def make(recipe: Recipe, data: Dataset, into: Path, on_progress: Advance | None = None) -> Reference:
    """Train, try and describe; writes model.json, golden.npz and card.md into `into`."""
    speech.require()
    advance = on_progress or (lambda done, total=None, text="": None)
    recipe, data = frames_of(recipe), training_data(recipe, data)
    parts = _parts(recipe, data, advance)
    steps = len(parts) + 1
    advance(0, steps, "fit on everybody")
    made = _model(recipe, data, parts)
    folds = []
    for number in range(len(parts)):
        advance(1 + number, steps, f"fold {number + 1} of {len(parts)}")
        folds.append(_fold(recipe, parts, number))
    return _described(recipe, data, made, folds, into)


def _described(recipe: Recipe, data: Dataset, model: Model, folds: Sequence[_Fold], into: Path) -> Reference:
    clips, trial = _together(recipe, folds)
    if trial.tuned is None or model.decision is None:
        raise ModelError(f"no threshold has {FALSE_ACCEPTS_PER_HOUR:g} false accepts an hour or fewer")
    made = replace(model, decision=replace(model.decision, threshold=trial.tuned.threshold))
    model_file.save(made, into)
    card = reference_keyword_card.text(
        recipe, data, made, clips, trial, [block.channels for block in NET], COPIES
    )
    (into / "card.md").write_text(card, encoding="utf-8")
    return Reference(made, card, trial)


@dataclass(frozen=True)
class _Part:
    """A fifth of the speakers: their clips, and what streams of them alone show."""

    data: Dataset
    clips: Examples
    heard: Rows


def _parts(recipe: Recipe, data: Dataset, advance: Advance) -> list[_Part]:
    """The dataset in parts that share no speaker."""
    labels = np.array([recipe.labels.index(item.label) for item in data.recordings])
    masks = validation.folds(labels, np.array(validation.fold_keys(data, [])), recipe.train.folds, SEED, [])
    found = []
    for number, mask in enumerate(masks):
        advance(number, len(masks), f"windows of part {number + 1} of {len(masks)}")
        of_part = replace(data, recordings=tuple(data.recordings[n] for n in np.flatnonzero(mask)))
        clips = train.examples(recipe, of_part, SEED, [])
        found.append(_Part(of_part, clips, heard(recipe, of_part.recordings, number)))
    return found


def heard(recipe: Recipe, recordings: Sequence[Recording], part: int) -> Rows:
    """Rows of windows that streams of these recordings show."""
    assert recipe.background is not None
    rng = np.random.default_rng([SEED, part])
    shown = augment_stream.windows(
        recordings, recipe.background, recipe.window.length, rng, copies=COPIES, how=VARIED
    )
    rows, labels = [], []
    while some := list(itertools.islice(shown, TOGETHER)):
        labels += [recipe.labels.index(label) for label, _ in some]
        windows = np.stack([window for _, window in some])
        sampling = recipe.sensor.sampling.unfiltered
        rows.append(
            features.extract(recipe.features.names, windows, recipe.sensor.channels, sampling=sampling)
        )
    return Rows(np.concatenate(rows), np.array(labels), np.full(len(labels), str(part)))


def fit(recipe: Recipe, rows: Rows) -> Fitted:
    """The net of this model, fitted."""
    assert recipe.sensor.sound is not None
    bands = recipe.sensor.sound.bands
    estimator = ConvClassifier(
        (rows.X.shape[1] // bands, 1, bands),
        NET,
        epochs=max(5, ROW_VISITS // len(rows)),
        augment={**usual_augmentation(), "mix": MIXED},
        bands=True,
        class_weight=None,
        random_state=SEED,
    ).fit(rows.X, rows.y)
    return Fitted(estimator, np.arange(rows.X.shape[1]), Choice("conv", {}, {}))


def _model(recipe: Recipe, data: Dataset, parts: Sequence[_Part]) -> Model:
    """The model of all parts, with golden rows that nobody said."""
    rows = functools.reduce(operator.add, (part.heard for part in parts))
    cut = parts[0].clips.cut
    about = train.provenance_of(recipe, data, cut, SEED) | {
        "unit": "take",
        "windows": {
            label: int(n)
            for label, n in zip(recipe.labels, np.bincount(rows.y, minlength=len(recipe.labels)), strict=True)
        },
    }
    made = train.model_of(recipe, fit(recipe, rows), rows.X, windows=cut.windows, provenance=about)
    windows = synthetic(recipe)
    assert made.frontend is not None
    return replace(made, golden=golden.choose(made, made.frontend.extract(windows), windows))


@dataclass(frozen=True)
class _Fold:
    """What a model made of speakers that it had not heard: their clips, and a stream of them."""

    truth: npt.NDArray[np.int64]
    answer: npt.NDArray[np.int64]
    stream: StreamEvaluation


def _fold(recipe: Recipe, parts: Sequence[_Part], number: int) -> _Fold:
    """One part, by a model of the others."""
    part = parts[number]
    known = functools.reduce(operator.add, (one.heard for one in parts if one is not part))
    fitted = fit(recipe, known)
    model = train.model_of(recipe, fitted, known.X, windows=part.clips.cut.windows, provenance={})
    rows = part.clips.rows
    return _Fold(
        rows.y,
        fitted.predict(rows.X),
        evaluate_stream.evaluate_stream(recipe, model, part.data, per_hour=FALSE_ACCEPTS_PER_HOUR),
    )


def _together(recipe: Recipe, folds: Sequence[_Fold]) -> tuple[Clips, StreamEvaluation]:
    truth = np.concatenate([one.truth for one in folds])
    answer = np.concatenate([one.answer for one in folds])
    counts = confusion.count(truth, answer, len(recipe.labels))
    is_word = truth != recipe.labels.index(str(recipe.background))
    clips = Clips(
        confusion.accuracy(counts),
        confusion.macro_f1(counts),
        float(np.mean(answer[is_word] == truth[is_word])),
        len(truth),
    )
    return clips, evaluate_stream.together([one.stream for one in folds])


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m midge.reference_keyword", description=__doc__)
    parser.add_argument("data", type=Path, help="dataset of words")
    parser.add_argument("--app", default="keyword", help="name or folder of the app (keyword)")
    parser.add_argument("--into", type=Path, help="folder for the files (default models/APP)")
    args = parser.parse_args(argv)
    recipe = Recipe.load(args.app)
    data = dataset.load(args.data)

    def tell(done: float, total: float | None = None, text: str = "") -> None:
        print(text, file=sys.stderr, flush=True)

    print(make(recipe, data, args.into or assets.models_folder() / recipe.name, tell).card)


if __name__ == "__main__":
    main()
