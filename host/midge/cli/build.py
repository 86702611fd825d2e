"""`midge build`: a model as a .mpy module for a target."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from .. import targets
from . import output

if TYPE_CHECKING:
    from ..build import Found

EXAMPLE = "midge build gesture --target armv6m --out gesture.mpy"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `midge build`."""
    parser.add_argument("model", metavar="APP|MODEL", help="an app, or a model.json or its folder")
    parser.add_argument("--target", required=True, metavar="T", help=", ".join(targets.TARGETS))
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help="where the result goes (folder for --emit c)"
    )
    parser.add_argument("--emit", choices=("mpy", "c"), default="mpy", help="the module, or its generated C")
    parser.add_argument("--layout", choices=("auto", "code", "table"), default="auto", help="fast or small")
    parser.add_argument(
        "--backend", choices=("auto", "midge", "emlearn"), default="auto", help="who writes the C"
    )
    parser.add_argument(
        "--optimise",
        choices=("auto", "speed", "size"),
        default="auto",
        help="speed: code by -Os and -O2, the faster; size: the smallest; auto: code by -Os",
    )


def run(args: argparse.Namespace) -> None:
    """Build, check, write and print what was built."""
    from .. import build as builder

    found = builder.find(args.model)
    options = {"layout": args.layout, "backend": args.backend}
    if args.emit == "c":
        _emit_c(args, found, options)
        return
    with output.progress(f"building {found.model.name}") as advance:
        built = builder.build(
            found.model,
            args.target,
            **options,
            optimise=args.optimise,
            budget=found.budget,
            on_progress=advance,
        )
    path = args.out or found.folder / f"{found.model.name}-{built.target.name}.mpy"
    builder.write(built, path)
    output.table(
        [
            "target",
            "layout",
            "flags",
            "module",
            "state",
            "stack",
            "ram",
            "instructions",
            "at most",
            "golden rows",
        ],
        [
            [
                built.target.name,
                built.layout if built.backend == "midge" else f"{built.layout} ({built.backend})",
                built.level,
                built.module_bytes,
                built.state_bytes,
                built.stack_bytes,
                built.ram_bytes,
                round(built.instructions_mean),
                built.instructions_max,
                f"{built.rows}/{built.rows}",
            ]
        ],
    )
    output.say(f"sizes in bytes; instructions a classification, counted on an emulated {built.target.name}")
    if built.target.kernels_only:
        output.say(f"expected to run on {built.target.boards}: checked in emulation, not yet on a chip")
    output.say(f"wrote {path}")
    output.result({**built.to_json(), "out": str(path)})


def _emit_c(args: argparse.Namespace, found: Found, options: dict[str, str]) -> None:
    from .. import build as builder

    folder = args.out or found.folder / f"{found.model.name}-c"
    written = builder.write_c(found.model, folder, **options)
    for path in written:
        output.say(str(path))
    output.result({"out": str(folder), "files": [str(path) for path in written]})
