"""`midge train`: a model from recordings."""

from __future__ import annotations

import argparse
from pathlib import Path

from . import output

EXAMPLE = "midge train gesture --data data/gesture"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("app", metavar="APP", help="name or folder of the app whose recipe is followed")
    parser.add_argument(
        "--data", metavar="DATASET", type=Path, help="folder of recordings (default data/APP)"
    )
    parser.add_argument("--seed", type=int, metavar="N", help="of fit and folds (default: the recipe's)")
    parser.add_argument("--into", metavar="FOLDER", type=Path, help="for the files (default APP/build)")


def run(args: argparse.Namespace) -> None:
    from .. import confusion, dataset
    from ..recipe import Recipe
    from ..train import PICTURE_NAME, train

    recipe = Recipe.load(args.app)
    data = dataset.load(args.data or Path("data") / recipe.name)
    with output.progress("train") as advance:
        done = train(recipe, data, seed=args.seed, into=args.into, on_progress=advance)
    report = done.report
    for warning in report["warnings"]:
        output.note(f"warning: {warning}")
    import numpy as np

    output.table(
        ("was \\ answered", *report["labels"]),
        confusion.rows(np.array(report["confusion"]), report["labels"]),
        title=f"{report['n']} windows, each from a fit that had not seen its group",
    )
    output.say()
    output.table(
        ("group", "accuracy", "windows"),
        [(group, round(one["accuracy"], 3), one["n"]) for group, one in report["per_group"].items()],
    )
    output.say(
        f"\naccuracy {report['accuracy']:.3f}, macro F1 {report['macro_f1']:.3f} "
        f"in {report['folds']} folds by group; {report['model']['trees']} trees, "
        f"{report['model']['nodes']} nodes, {len(report['features'])} features"
    )
    output.say(f"model: {done.folder / 'model.json'}   picture: {done.folder / PICTURE_NAME}")
    output.result({**report, "folder": done.folder})
