"""Makes the reference model of an app from simulated people: `python -m midge.reference_model gesture`.

It writes model.json, golden.npz and card.md into `models/APP`; the same midge makes the same files.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from . import assets, evaluate, model_file, simulate, train
from .dataset import Dataset
from .evaluate import Performance, Tally
from .model_file import Model
from .recipe import Recipe
from .simulate import Person

SEED = 2024
TRAINING_PEOPLE, TIMES_A_TAKE, OTHER_MOTION_S = 16, 4, 60.0
TEST_PEOPLE, TEST_TIMES, TEST_OTHER_MOTION_S = 16, 4, 120.0

_CARD = """# {name}: reference model

{summary}

Gestures: {labels}; everything else is `{background}`. {rate_hz} Hz, ±{range_g} g, windows of {window}
samples every {hop}; a forest of {trees} trees, {nodes} nodes, on {n_features} features. Digest `{digest}`.

**Trained on simulated hands, not on people**: {people} simulated people (`midge.simulate`, seed {seed}),
{minutes:.1f} min. It shows that the chain works and is something to start from; for real hands, record
your own and train again.

On {test_people} simulated people that training had not seen, through the model's C and the board's
decision:

| | |
|---|---|
| gestures recognised | {recognised} of {played} ({share:.1%}) |
| taken for another | {confused} |
| missed | {missed} |
| false events | {false_events} in {other_minutes:.0f} min of other motion |

Validated by person within the training: accuracy {accuracy:.3f}, macro F1 {macro_f1:.3f} of windows.

Made by `python -m midge.reference_model {name}`, which printed these figures.
"""


@dataclass(frozen=True)
class Reference:
    """A reference model, its card, and how it did on people that it had not seen."""

    model: Model
    card: str
    tally: Tally


def training_data(recipe: Recipe, count: int, seed: int, *, times: int, other_s: float) -> Dataset:
    """Takes of every gesture and other motion by `count` simulated people, in memory."""
    assert recipe.background is not None
    recordings = []
    for person in simulate.people(count, seed):
        for label in recipe.labels:
            shown = (
                simulate.other_motion(person, other_s)
                if label == recipe.background
                else simulate.take(person, label, times=times)
            )
            recordings.append(simulate.recorded(shown, recipe, label, person.name))
    return Dataset(Path("simulated"), tuple(recordings))


def trial(recipe: Recipe, model: Model, people: Sequence[Person], *, times: int, other_s: float) -> Tally:
    """Events while people make every gesture `times` times and then do other things for `other_s`."""
    library = evaluate.compiled(model)
    tally = Tally(0, 0, 0, 0, 0)
    for person in people:
        for shown in (simulate.session([person], times), simulate.other_motion(person, other_s)):
            samples = simulate.recorded(shown, recipe, "").samples
            scores, _ = library.classify(library.stream(samples))
            played = [Performance(one.label, one.start_s, one.end_s) for one in shown.played]
            tally += evaluate.match(evaluate.decide(model, scores), played)[0]
    return tally


def make(recipe: Recipe, into: Path, *, seed: int = SEED) -> Reference:
    """Train, try and describe; writes model.json, golden.npz and card.md into `into`."""
    data = training_data(recipe, TRAINING_PEOPLE, seed, times=TIMES_A_TAKE, other_s=OTHER_MOTION_S)
    with tempfile.TemporaryDirectory(prefix="midge-reference-") as scratch:
        done = train.train(recipe, data, into=Path(scratch))
        strangers = simulate.people(TEST_PEOPLE, seed, "stranger")
        tally = trial(recipe, done.model, strangers, times=TEST_TIMES, other_s=TEST_OTHER_MOTION_S)
        into.mkdir(parents=True, exist_ok=True)
        for name in (model_file.FILE_NAME, model_file.GOLDEN_NAME):
            shutil.copyfile(Path(scratch) / name, into / name)
    frontend = done.model.frontend
    card = _CARD.format(
        name=recipe.name,
        summary=recipe.summary,
        labels=", ".join(f"`{label}`" for label in recipe.labels if label != recipe.background),
        background=recipe.background,
        rate_hz=recipe.sensor.rate_hz,
        range_g=recipe.sensor.range_g,
        window=recipe.window.length,
        hop=recipe.window.hop,
        **{key: done.report["model"][key] for key in ("trees", "nodes")},
        n_features=len(frontend.features) if frontend else 0,
        digest=done.model.digest,
        people=TRAINING_PEOPLE,
        seed=seed,
        minutes=sum(item.duration_s for item in data.recordings) / 60,
        test_people=TEST_PEOPLE,
        recognised=tally.recognised,
        played=tally.played,
        share=tally.recognised / tally.played,
        confused=tally.confused,
        missed=tally.missed,
        false_events=tally.false_events,
        other_minutes=TEST_PEOPLE * TEST_OTHER_MOTION_S / 60,
        accuracy=done.report["accuracy"],
        macro_f1=done.report["macro_f1"],
    )
    (into / "card.md").write_text(card, encoding="utf-8")
    return Reference(done.model, card, tally)


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m midge.reference_model", description=__doc__)
    parser.add_argument("app", help="name of a built-in app with simulated gestures")
    parser.add_argument("--into", type=Path, help="folder for the files (default models/APP)")
    args = parser.parse_args(argv)
    recipe = Recipe.load(args.app)
    print(make(recipe, args.into or assets.models_folder() / recipe.name).card)


if __name__ == "__main__":
    main()
