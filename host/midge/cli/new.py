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
        "--into", metavar="FOLDER", type=Path, help="where to make the folder (default: here)"
    )


def run(args: argparse.Namespace) -> None:
    from ..new import new

    folder = new(args.name, args.source, args.into)
    output.say(f"made {folder}: change the labels in app.toml, then follow {folder / 'README.md'}")
    output.result({"folder": folder, "files": sorted(path.name for path in folder.iterdir())})
