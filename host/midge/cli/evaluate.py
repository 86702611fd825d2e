"""`midge evaluate`: a trained model on other recordings, through the very C."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import groups, output

if TYPE_CHECKING:
    from ..dataset import Dataset
    from ..model_file import Model
    from ..recipe import Recipe

EXAMPLE = "midge evaluate gesture --data data/other-people"
# An option without its PICTURE: beside the model.
_IN_BUILD = Path()


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
        const=_IN_BUILD,
        help="also under noise, gain, rotation, shift, lost samples, saturation (default: APP/build)",
    )
    parser.add_argument(
        "--stream",
        metavar="PICTURE",
        type=Path,
        nargs="?",
        const=_IN_BUILD,
        help="takes laid into the background, heard as on a board: false accepts an hour, rejects, delays "
        "(default: APP/build)",
    )
    parser.add_argument(
        "--per-hour", metavar="N", type=float, help="with --stream: false accepts an hour to tune for (1)"
    )
    parser.add_argument(
        "--tune", action="store_true", help="with --stream: write the tuned threshold to app and model"
    )


def run(args: argparse.Namespace) -> None:
    import numpy as np

    from .. import confusion, dataset, evaluate_stream, model_file, robustness
    from ..build import find
    from ..evaluate import evaluate, goes_on, judgeable, judged
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
    groups.show(done.per_group, done.unit)
    output.say(
        f"\naccuracy {done.accuracy:.3f}, macro F1 {done.macro_f1:.3f}; C and reference agree on "
        f"{done.agree_c_reference} of {done.n} windows"
    )
    if done.unit == "window":
        output.say(
            f"whole recordings by their mean scores: {done.takes['accuracy']:.3f} of {done.takes['n']}"
        )
    if done.events is not None:
        _say_events(done.events, goes_on=goes_on(judged(recipe, done.unit)))
    result = {**asdict(done), "model": model.digest}
    if args.stream is not None:
        args.stream = _picture(args.stream, recipe, evaluate_stream.PICTURE_NAME)
        result["stream"] = _stream(args, recipe, model, judgeable(recipe, data)[0])
    if args.robustness is not None:
        args.robustness = _picture(args.robustness, recipe, robustness.PICTURE_NAME)
        result["robustness"] = _robustness(args, recipe, model, judgeable(recipe, data)[0], done.unit)
    output.result(result)


def _picture(path: Path, recipe: Recipe, name: str) -> Path:
    if path != _IN_BUILD:
        return path
    recipe.build_folder.mkdir(parents=True, exist_ok=True)
    return recipe.build_folder / name


def _say_events(events: Mapping[str, Any], *, goes_on: bool) -> None:
    minutes = f"in {60 * (events['background_hours'] or 0):.1f} min of background"
    if goes_on:
        wait = f"; after {events['answer_s']:.1f} s, on average" if events["answer_s"] is not None else ""
        output.say(
            f"as a board hears them, by the first event of each recording: {events['recognised']} of "
            f"{events['played']} right, {events['confused']} wrong, {events['missed']} without any{wait}"
        )
    else:
        output.say(
            f"events: {events['recognised']} of {events['played']} recognised, "
            f"{events['confused']} confused, {events['missed']} missed"
        )
        if events["delay_s"] is not None:
            output.say(
                f"an event comes {events['delay_s']:.2f} s after the end of what was done or said, on average"
            )
    an_hour = events["false_events_per_hour"]
    output.say(
        f"false events: {events['false_events']} {minutes}" + (f", {an_hour:.1f} an hour" if an_hour else "")
    )


def _stream(args: argparse.Namespace, recipe: Recipe, model: Model, data: Dataset) -> dict[str, Any]:
    from .. import evaluate_stream

    wanted = 1.0 if args.per_hour is None else args.per_hour
    with output.progress("stream") as advance:
        found = evaluate_stream.evaluate_stream(recipe, model, data, per_hour=wanted, on_progress=advance)
    shown = [("recipe", found.at_recipe), (f"{wanted:g} an hour", found.tuned)]
    output.say()
    output.table(
        ("threshold", "", "false accepts/h", "missed", "confused", "delay ms", "95 % below"),
        [
            (
                point.threshold,
                name,
                f"{point.false_accepts_per_hour:.1f}",
                point.false_rejects,
                point.confused,
                "" if point.delay_ms_median is None else round(point.delay_ms_median),
                "" if point.delay_ms_95 is None else round(point.delay_ms_95),
            )
            for name, point in shown
            if point is not None
        ],
        title=f"{found.said} takes in {60 * found.hours:.1f} min",
    )
    if found.tuned is None:
        output.note(f"warning: no threshold has {wanted:g} false accepts an hour or fewer")
    if found.background_hours * wanted < 1:
        output.note(
            f"warning: {60 * found.background_hours:.0f} min of background can't show so few false accepts "
            "an hour; record more of it"
        )
    evaluate_stream.draw(found, args.stream, f"{recipe.name}: {found.said} takes")
    output.say(f"picture: {args.stream}")
    if args.tune and found.tuned is not None:
        from pathlib import Path as FilePath

        from ..build import find

        folder = FilePath(args.model) if args.model else find(args.app).folder
        evaluate_stream.keep(
            recipe, model, folder if folder.is_dir() else folder.parent, found.tuned.threshold
        )
        output.say(f"threshold {found.tuned.threshold:g} is in app.toml and the model now: push it")
    return {**found.to_json(), "picture": args.stream}


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
            (name, robustness.spoken(unit, strength), f"{accuracy:.3f}")
            for name, unit, strength, accuracy in found.rows
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
