"""Makes the keyword app's reference model from people's voices: `python -m midge.reference_keyword DATASET`.

DATASET: words said by many people, imported with `midge import`; what is no keyword counts as background. The
recordings stay where they are: model.json holds weights, and what golden.npz holds is said by espeak-ng.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from . import assets, build, confusion, dataset, evaluate_stream, model_file, targets, train, validation
from .compile import golden
from .dataset import Dataset
from .evaluate_stream import StreamEvaluation
from .model_file import Model
from .progress import Advance
from .recipe import Recipe
from .simulate import speech
from .train import Examples

SEED = 2024
# The threshold has so few, where nothing is heard but other words one after the other.
FALSE_ACCEPTS_PER_HOUR = 20.0
GOLDEN_VOICES = 4

_CARD = """# {name}: reference model

{summary}

Words: {words}; everything else is `{background}`. {rate_hz} Hz, windows of {window} samples every {hop};
a net of {layers} on {n_features} features, {module_bytes} bytes on a Cortex-M0+. Digest `{digest}`.

**Trained on people**: {recordings} recordings of one second by {speakers} speakers, from the test set of
[Speech Commands 0.02](https://arxiv.org/abs/1804.03209) (Pete Warden, Google, 2018), used under
[CC BY 4.0](https://creativecommons.org/licenses/by/4.0/). The recordings are not part of midge; what was
learnt from them is in model.json. Golden rows and windows are of espeak-ng voices.

Five folds, each judged by a model that had not heard its speakers: {accuracy:.3f} of {n} clips, macro F1
{macro_f1:.3f}, {words_right:.3f} of those with a word. The same five models on a stream of their strangers:
{said} words laid into {background_minutes:.1f} minutes of other words, noise and silence, through the model's
C and the decision. Threshold {threshold:g} misses least with {wanted:g} false accepts an hour or fewer:

| | |
|---|---|
| recognised | {right} of {said} |
| taken for another | {confused} |
| missed | {missed} |
| false accepts | {false} in {background_minutes:.1f} min of other words and noise, {an_hour:.1f} an hour |
| an event comes, from the end of the word's clip on | {delay_ms:.0f} ms (median) |

| threshold | false accepts an hour | recognised |
|---|---|---|
{points}

Other words said one after the other without a pause are the hardest background there is; in a room where
people talk now and then a lower threshold does. For your own words and room, record and train again.

```
{importing}
python -m midge.reference_keyword words        # needs espeak-ng
```

The archive is at <http://download.tensorflow.org/data/speech_commands_test_set_v0.02.tar.gz>. The second
command printed these figures.
"""
# Of thresholds, those that a card shows.
_SHOWN = (0.6, 0.7, 0.8, 0.9, 0.95)


# Labels come from folders; what has other names is background.
_IMPORTING = (
    "midge import speech_commands_test_set_v0.02.tar.gz --into words --skip-unmatched "
    "--pattern '_silence_/{take}.wav=BACKGROUND' "
    "--pattern '_unknown_/{_}_{group}_nohash_{take}.wav.wav=BACKGROUND' "
    "--pattern '{label}/{group}_nohash_{take}.wav'"
)


@dataclass(frozen=True)
class Reference:
    """A reference model, its card, and the trial on speakers that each fold's model had not heard."""

    model: Model
    card: str
    trial: StreamEvaluation


@dataclass(frozen=True)
class _Clips:
    """How strangers' clips were answered: of `n`, and of those with a word."""

    accuracy: float
    macro_f1: float
    words_right: float
    n: int


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


def make(recipe: Recipe, data: Dataset, into: Path, on_progress: Advance | None = None) -> Reference:
    """Train, try and describe; writes model.json, golden.npz and card.md into `into`."""
    speech.require()
    advance = on_progress or (lambda done, total=None, text="": None)
    data = training_data(recipe, data)
    advance(0, recipe.train.folds + 2, "features")
    found = train.examples(recipe, data, SEED, [])
    clips, trial = _trial(recipe, data, found, advance)
    assert trial.tuned is not None
    advance(recipe.train.folds + 1, recipe.train.folds + 2, "final fit")
    fitted = validation.fit(recipe.train.family, recipe.train.params, found.rows + found.more, SEED)
    about = train.provenance_of(recipe, data, found.cut, SEED) | {"unit": "take"}
    made = train.model_of(
        recipe, fitted, (found.rows + found.more).X, windows=found.cut.windows, provenance=about
    )
    windows = synthetic(recipe)
    assert made.frontend is not None and made.decision is not None
    rows = made.frontend.extract(windows)
    made = replace(
        made,
        decision=replace(made.decision, threshold=trial.tuned.threshold),
        golden=golden.choose(made, rows, windows),
    )
    model_file.save(made, into)
    card = _card(recipe, data, made, clips, trial)
    (into / "card.md").write_text(card, encoding="utf-8")
    return Reference(made, card, trial)


def _trial(
    recipe: Recipe, data: Dataset, found: Examples, advance: Advance
) -> tuple[_Clips, StreamEvaluation]:
    """Each speaker's clips, and a stream of them, by a model of the recipe that was trained without them."""
    rows, more = found.rows, found.more
    answer = np.full(len(rows), -1)
    streams = []
    masks = validation.folds(rows.y, rows.keys, recipe.train.folds, SEED, [])
    for number, held_out in enumerate(masks):
        advance(1 + number, len(masks) + 2, f"fold {number + 1} of {len(masks)}")
        known = rows.where(~held_out) + more.where(~np.isin(more.keys, rows.keys[held_out]))
        fitted = validation.fit(recipe.train.family, recipe.train.params, known, SEED)
        answer[held_out] = fitted.predict(rows.X[held_out])
        model = train.model_of(recipe, fitted, known.X, windows=found.cut.windows, provenance={})
        of_fold = set(found.cut.recording[held_out].tolist())
        strangers = tuple(item for n, item in enumerate(data.recordings) if n in of_fold)
        streams.append(
            evaluate_stream.evaluate_stream(
                recipe, model, replace(data, recordings=strangers), per_hour=FALSE_ACCEPTS_PER_HOUR
            )
        )
    counts = confusion.count(rows.y, answer, len(recipe.labels))
    is_word = rows.y != recipe.labels.index(str(recipe.background))
    return _Clips(
        confusion.accuracy(counts),
        confusion.macro_f1(counts),
        float(np.mean(answer[is_word] == rows.y[is_word])),
        len(rows),
    ), evaluate_stream.together(streams)


def _card(recipe: Recipe, data: Dataset, model: Model, clips: _Clips, trial: StreamEvaluation) -> str:
    assert model.frontend is not None and trial.tuned is not None
    at = trial.tuned
    layers: Any = model.ir
    return _CARD.format(
        name=recipe.name,
        summary=recipe.summary,
        importing=_IMPORTING.replace("BACKGROUND", str(recipe.background)),
        words=", ".join(f"`{word}`" for word in recipe.labels if word != recipe.background),
        background=recipe.background,
        rate_hz=recipe.sensor.rate_hz,
        window=recipe.window.length,
        hop=recipe.window.hop,
        layers=" - ".join(map(str, [layers.n_features, *(len(one.bias) for one in layers.layers)])),
        n_features=len(model.frontend.features),
        module_bytes=build.build(model, targets.get("armv6m")).module_bytes,
        digest=model.digest,
        recordings=len(data.recordings),
        speakers=len(data.groups),
        accuracy=clips.accuracy,
        macro_f1=clips.macro_f1,
        n=clips.n,
        words_right=clips.words_right,
        said=trial.said,
        background_minutes=60 * trial.background_hours,
        threshold=at.threshold,
        wanted=trial.wanted_per_hour,
        right=trial.said - at.confused - at.false_rejects,
        confused=at.confused,
        missed=at.false_rejects,
        false=at.false_accepts,
        an_hour=at.false_accepts_per_hour,
        delay_ms=at.delay_ms_median or 0.0,
        points="\n".join(
            f"| {point.threshold:g} | {point.false_accepts_per_hour:.1f} | "
            f"{trial.said - point.confused - point.false_rejects} of {trial.said} |"
            for point in trial.points
            if point.threshold in _SHOWN
        ),
    )


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
