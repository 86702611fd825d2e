"""Makes the keyword app's reference model from people's voices: `python -m midge.reference_keyword DATASET`.

DATASET: words said by many people, imported with `midge import`; what is no keyword counts as background. The
recordings stay where they are: model.json holds weights, and what golden.npz holds is said by espeak-ng.
"""

from __future__ import annotations

import argparse
import tempfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from . import assets, build, dataset, evaluate_stream, model_file, targets, train
from .compile import golden
from .dataset import Dataset
from .evaluate_stream import StreamEvaluation
from .model_file import Model
from .recipe import Recipe
from .simulate import speech

SEED = 2024
# One in so many speakers is kept for the trial.
TRIAL_SHARE = 5
GOLDEN_VOICES = 4

_CARD = """# {name}: reference model

{summary}

Words: {words}; everything else is `{background}`. {rate_hz} Hz, windows of {window} samples every {hop};
a net of {layers} on {n_features} features, {module_bytes} bytes on a Cortex-M0+. Digest `{digest}`.

**Trained on people**: {recordings} recordings of one second by {speakers} speakers, from the test set of
[Speech Commands 0.02](https://arxiv.org/abs/1804.03209) (Pete Warden, Google, 2018), used under
[CC BY 4.0](https://creativecommons.org/licenses/by/4.0/). The recordings are not part of midge; what was
learnt from them is in model.json. Golden rows and windows are of espeak-ng voices.

On speakers that training had not seen, five folds: accuracy {accuracy:.3f}, macro F1 {macro_f1:.3f} of
{n} clips, {words_right:.3f} of those with a word.

A model of the same recipe trained on four of five speakers, and a stream of the others: {said} words laid
into {background_minutes:.1f} minutes of their other words, noise and silence, through the model's C and the
board's decision at threshold {threshold:g}:

| | |
|---|---|
| recognised | {right} of {said} |
| taken for another | {confused} |
| missed | {missed} |
| false accepts | {false} in {background_minutes:.1f} min of nothing but other words |
| an event comes, from the end of the word's clip on | {delay_ms:.0f} ms (median) |

Other words said one after the other without a pause are the hardest background there is. For your own words
and room, record and train again.

```
{importing}
python -m midge.reference_keyword words        # needs espeak-ng
```

The archive is at <http://download.tensorflow.org/data/speech_commands_test_set_v0.02.tar.gz>. The second
command printed these figures.
"""


# Labels come from folders; what has other names is background.
_IMPORTING = (
    "midge import speech_commands_test_set_v0.02.tar.gz --into words --skip-unmatched "
    "--pattern '_silence_/{take}.wav=BACKGROUND' "
    "--pattern '_unknown_/{_}_{group}_nohash_{take}.wav.wav=BACKGROUND' "
    "--pattern '{label}/{group}_nohash_{take}.wav'"
)


@dataclass(frozen=True)
class Reference:
    """A reference model, its card, and the trial on speakers kept apart."""

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


def kept_apart(data: Dataset) -> tuple[Dataset, Dataset]:
    """To train on, and for the trial: one in TRIAL_SHARE speakers, by a hash of the name."""
    is_apart = [
        zlib.crc32((item.group or str(item.path)).encode()) % TRIAL_SHARE == 0 for item in data.recordings
    ]

    def part(wanted: bool) -> Dataset:
        chosen = (item for item, apart in zip(data.recordings, is_apart, strict=True) if apart == wanted)
        return replace(data, recordings=tuple(chosen))

    return part(False), part(True)


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


def make(recipe: Recipe, data: Dataset, into: Path) -> Reference:
    """Train, try and describe; writes model.json, golden.npz and card.md into `into`."""
    speech.require()
    data = training_data(recipe, data)
    known, strangers = kept_apart(data)
    with tempfile.TemporaryDirectory(prefix="midge-reference-") as scratch:
        few = replace(recipe, train=replace(recipe.train, folds=2))
        rehearsed = train.train(few, known, into=Path(scratch) / "trial").model
        trial = evaluate_stream.evaluate_stream(recipe, rehearsed, strangers)
        done = train.train(recipe, data, into=Path(scratch) / "all")
        windows = synthetic(recipe)
        assert done.model.frontend is not None
        rows = done.model.frontend.extract(windows)
        model = replace(done.model, golden=golden.choose(done.model, rows, windows))
        model_file.save(model, into)
    card = _card(recipe, data, replace(done, model=model), trial)
    (into / "card.md").write_text(card, encoding="utf-8")
    return Reference(model, card, trial)


def _card(recipe: Recipe, data: Dataset, done: train.Trained, trial: StreamEvaluation) -> str:
    model, report = done.model, done.report
    assert model.frontend is not None
    per_class = report["per_class"]
    words = [label for label in recipe.labels if label != recipe.background]
    said = sum(per_class[word]["n"] for word in words)
    at = trial.at_recipe
    return _CARD.format(
        name=recipe.name,
        summary=recipe.summary,
        importing=_IMPORTING.replace("BACKGROUND", str(recipe.background)),
        words=", ".join(f"`{word}`" for word in words),
        background=recipe.background,
        rate_hz=recipe.sensor.rate_hz,
        window=recipe.window.length,
        hop=recipe.window.hop,
        layers=" - ".join(map(str, report["model"]["layers"])),
        n_features=len(model.frontend.features),
        module_bytes=build.build(model, targets.get("armv6m")).module_bytes,
        digest=model.digest,
        recordings=len(data.recordings),
        speakers=len(data.groups),
        accuracy=report["accuracy"],
        macro_f1=report["macro_f1"],
        n=report["n"],
        words_right=sum(per_class[word]["recall"] * per_class[word]["n"] for word in words) / said,
        said=trial.said,
        background_minutes=60 * trial.background_hours,
        threshold=at.threshold,
        right=trial.said - at.confused - at.false_rejects,
        confused=at.confused,
        missed=at.false_rejects,
        false=at.false_accepts,
        delay_ms=at.delay_ms_median or 0.0,
    )


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m midge.reference_keyword", description=__doc__)
    parser.add_argument("data", type=Path, help="dataset of words")
    parser.add_argument("--app", default="keyword", help="name or folder of the app (keyword)")
    parser.add_argument("--into", type=Path, help="folder for the files (default models/APP)")
    args = parser.parse_args(argv)
    recipe = Recipe.load(args.app)
    print(make(recipe, dataset.load(args.data), args.into or assets.models_folder() / recipe.name).card)


if __name__ == "__main__":
    main()
