"""`midge compress`: a smaller model that answers as well."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from . import output

EXAMPLE = "midge compress gesture --data data/gesture --target armv6m --loss 0.01"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="APP|MODEL", help="app, fitted anew; or a model.json or its folder")
    parser.add_argument(
        "--data", metavar="DATASET", type=Path, help="recordings that teach and judge (default data/APP)"
    )
    parser.add_argument("--target", metavar="T", default="armv6m", help="default: armv6m, a Pico's")
    parser.add_argument(
        "--loss", metavar="SHARE", type=float, default=0.01, help="of accuracy, at most (default: 0.01)"
    )
    parser.add_argument("--family", metavar="F", help="of an app's model (default: the recipe's)")
    parser.add_argument(
        "--steps",
        metavar="NAMES",
        help="of distil, drop, prune, leaves (trees), distil, neurons, rank, weights, bits (nets), bits "
        "(linear), vectors (svm), "
        "in this order, with commas (default: all that suit, without distil)",
    )
    parser.add_argument(
        "--into", metavar="FOLDER", type=Path, help="for the files (default: compressed beside the model)"
    )


def run(args: argparse.Namespace) -> None:
    from .. import dataset, model_file
    from ..compress.app import compress_app, compress_model
    from ..errors import CompileError
    from ..model_file import FILE_NAME
    from ..recipe import Recipe

    if not 0 <= args.loss < 1:
        raise CompileError(f"--loss {args.loss:g} is no share of accuracy; write 0.01 for a point")
    steps = None if args.steps is None else [name.strip() for name in args.steps.split(",")]
    path = Path(args.model)
    options = {"target": args.target, "loss": args.loss, "steps": steps}
    with output.progress("compress") as advance:
        if path.suffix == ".json" or (path / FILE_NAME).is_file():
            model = model_file.load(path)
            into = args.into or (path.parent if path.is_file() else path) / "compressed"
            data = dataset.load(args.data or Path("data") / model.name)
            done = compress_model(model, data, into=into, on_progress=advance, **options)
        else:
            recipe = Recipe.load(args.model)
            recipe = recipe if args.family is None else recipe.with_family(args.family)
            into = args.into or recipe.build_folder / "compressed"
            data = dataset.load(args.data or Path("data") / recipe.name)
            done = compress_app(recipe, data, into=into, on_progress=advance, **options)
    for warning in done.report["warnings"]:
        output.note(f"warning: {warning}")
    show(done.report)
    output.say(f"model: {done.folder / FILE_NAME}")
    output.result({**done.report, "folder": done.folder})


def show(report: Mapping[str, Any]) -> None:
    """The line before and after each step, and the whole way."""
    kept = report["held_out"]
    output.table(
        ("step", "strength", "module bytes", "instructions", "validated", "may lose", "held out", ""),
        [
            (
                one["step"],
                f"{one['strength']:g}",
                f"{one['before']['module_bytes']} → {one['after']['module_bytes']}",
                f"{one['before']['instructions']} → {one['after']['instructions']}",
                f"{one['validated'][0]:.3f} → {one['validated'][1]:.3f}",
                f"{max(one['may_lose'], 0):.3f}",
                f"{one['held_out'][0]:.3f} → {one['held_out'][1]:.3f}",
                "" if one["accepted"] else f"not taken: {one['why']}",
            )
            for one in report["steps"]
        ],
    )
    (before, after), (was, now) = report["module_bytes"], kept["accuracy"]
    output.say(
        f"\n{before} B → {after} B on {report['target']}, {report['smaller']:.0%} smaller; accuracy "
        f"{was:.3f} → {now:.3f} on {kept['n']} examples of {', '.join(kept['groups'])}, "
        "which nothing was chosen by"
    )
