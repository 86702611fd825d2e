"""`midge new`: an own app, in an own folder."""

from __future__ import annotations

import argparse
from pathlib import Path

from . import output

EXAMPLE = "midge new taps --from gesture"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="of the app and its folder")
    parser.add_argument(
        "--from", dest="source", metavar="APP", default="gesture", help="app to start from (gesture)"
    )
    parser.add_argument(
        "--data",
        metavar="DATASET",
        type=Path,
        help="recordings to suit: labels, rate, window, features and training follow from them",
    )
    parser.add_argument(
        "--window", metavar="S", type=float, help="with --data: classify windows of so many seconds"
    )
    parser.add_argument(
        "--into", metavar="FOLDER", type=Path, help="where to make the folder (default: here)"
    )


def run(args: argparse.Namespace) -> None:
    from ..errors import RecipeError
    from ..new import Made, new, new_for

    if args.window is not None and args.data is None:
        raise RecipeError("--window goes with --data; without it, set [window] in app.toml")
    if args.window is not None and not 0.01 <= args.window <= 3600:
        raise RecipeError(f"--window {args.window:g}: it must be 0.01 to 3600 s")
    if args.data is None:
        made = Made(new(args.name, args.source, args.into))
    else:
        made = new_for(args.name, args.source, args.data, args.into, window_s=args.window)
    folder = made.folder
    for reason in made.reasons:
        output.note(reason)
    if args.data is not None:
        output.say(f"made {folder}: look at app.toml, then: midge train {folder} --data {args.data}")
        output.result({"folder": folder, "reasons": list(made.reasons), "files": _files(folder)})
        return
    output.say(f"made {folder}: change the labels in app.toml, then follow {folder / 'README.md'}")
    output.result({"folder": folder, "files": _files(folder)})


def _files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())
