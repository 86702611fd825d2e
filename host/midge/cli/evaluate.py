"""`midge evaluate`: a trained model on other recordings, through the very C."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import output

if TYPE_CHECKING:
    from ..dataset import Dataset
    from ..model_file import Model
    from ..recipe import Recipe

EXAMPLE = "midge evaluate gesture --data data/other-people"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("app", metavar="APP", help="name or folder of the app")
    parser.add_argument("--data", metavar="DATASET", type=Path, required=True, help="folder of recordings")
    parser.add_argument(
        "--model", metavar="FILE", help="model file or its folder (default: the app's newest)"
    )
    parser.add_argument(
        "--unit", choices=("window", "take"), help="what is judged (default: as the model was trained)"
    )
    parser.add_argument(
        "--robustness",
        metavar="PICTURE",
        type=Path,
        nargs="?",
        const=Path("robustness.png"),
        help="also under noise, gain, rotation, shift, lost samples, saturation (default robustness.png)",
    )


def run(args: argparse.Namespace) -> None:
    import numpy as np

    from .. import confusion, dataset, model_file
    from ..build import find
    from ..evaluate import evaluate
    from ..recipe import Recipe

    recipe = Recipe.load(args.app)
    model = model_file.load(args.model) if args.model else find(args.app).model
    data = dataset.load(args.data)
    with output.progress("evaluate") as advance:
        done = evaluate(recipe, model, data, unit=args.unit, on_progress=advance)
    for warning in done.warnings:
        output.note(f"warning: {warning}")
    output.table(
        ("was \\ answered", *done.labels),
        confusion.rows(np.array(done.confusion), done.labels),
        title=f"{done.examples} {done.unit}s",
    )
    output.say()
    output.table(
        ("group", "accuracy", f"{done.unit}s"),
        [(group, round(one["accuracy"], 3), one["n"]) for group, one in done.per_group.items()],
    )
    output.say(
        f"\naccuracy {done.accuracy:.3f}, macro F1 {done.macro_f1:.3f}; C and reference agree on "
        f"{done.agree_c_reference} of {done.n} windows"
    )
    if done.unit == "window":
        output.say(
            f"whole recordings by their mean scores: {done.takes['accuracy']:.3f} of {done.takes['n']}"
        )
    if done.events is not None:
        events = done.events
        output.say(
            f"events: {events['recognised']} of {events['played']} recognised, "
            f"{events['confused']} confused, {events['missed']} missed, {events['false_events']} false "
            f"(background: {60 * events['background_hours']:.1f} min)"
        )
        if events["false_events_per_hour"] is not None:
            output.say(f"false events an hour: {events['false_events_per_hour']:.1f}")
        if events["delay_s"] is not None:
            output.say(f"an event comes {events['delay_s']:.2f} s after the end of the motion, on average")
        if recipe.train.windows == "all":
            output.say("a recording of one activity counts as one performance: one event is due")
    result = {**asdict(done), "model": model.digest}
    if args.robustness is not None:
        result["robustness"] = _robustness(args, recipe, model, data, done.unit)
    output.result(result)


def _robustness(
    args: argparse.Namespace, recipe: Recipe, model: Model, data: Dataset, unit: str
) -> dict[str, Any]:
    from .. import robustness
    from ..evaluate import compiled, judged

    with output.progress("robustness") as advance:
        found = robustness.measure(judged(recipe, unit), compiled(model), data, on_progress=advance)
    output.say()
    output.table(
        ("trouble", "strength", "accuracy"),
        [("as recorded", "", f"{found.plain:.3f}")]
        + [
            (name, f"{strength:g} {unit}", f"{accuracy:.3f}") for name, unit, strength, accuracy in found.rows
        ],
    )
    robustness.draw(found, args.robustness, f"{recipe.name}: accuracy when windows are disturbed")
    output.say(f"picture: {args.robustness}")
    return {
        "as_recorded": found.plain,
        "rows": [
            {"trouble": name, "unit": unit, "strength": strength, "accuracy": accuracy}
            for name, unit, strength, accuracy in found.rows
        ],
        "picture": args.robustness,
    }
