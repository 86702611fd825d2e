"""`midge bench`: what models cost on every target."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from .. import targets
from ..errors import ModelError
from . import output

if TYPE_CHECKING:
    from ..bench import Bench, Refused

EXAMPLE = "midge bench gesture --target all"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `midge bench`."""
    parser.add_argument(
        "models", metavar="APP|MODEL", nargs="+", help="apps, or model.json files or their folders"
    )
    parser.add_argument(
        "--target",
        action="append",
        metavar="T",
        choices=["all", *targets.TARGETS],
        help=f"all (the default), or one of {', '.join(targets.TARGETS)}; repeatable",
    )
    parser.add_argument("--layout", choices=("auto", "code", "table"), default="auto", help="fast or small")
    parser.add_argument(
        "--optimise",
        choices=("auto", "speed", "size"),
        default="auto",
        help="speed: code by -Os and -O2, the faster; size: the smallest; auto: code by -Os",
    )
    parser.add_argument(
        "--data", type=Path, metavar="DATASET", help="measure the accuracy on these recordings"
    )
    parser.add_argument(
        "--picture", type=Path, metavar="FILE", help="accuracy against cost as a picture (.png, .svg)"
    )


def run(args: argparse.Namespace) -> None:
    """Build, measure and print."""
    from .. import bench

    asked = args.target or ["all"]
    chosen = bench.ALL if "all" in asked else tuple(dict.fromkeys(asked))
    found: list[Bench | Refused] = []
    for name in args.models:
        found += _of_model(name, chosen, args)
    measured = [one for one in found if isinstance(one, bench.Bench)]
    _print(measured)
    for one in found:
        if isinstance(one, bench.Refused):
            output.note(f"{one.name} for {one.target}: {one.why}")
    if args.picture is not None:
        of = "unseen groups" if args.data is None else args.data.name
        title = ", ".join(dict.fromkeys(one.name for one in measured))
        bench.draw(measured, args.picture, title, of=of)
        output.say(f"picture: {args.picture}")
    output.result({"benches": [one.to_json() for one in found], "picture": args.picture})


def _of_model(name: str, chosen: tuple[str, ...], args: argparse.Namespace) -> list[Bench | Refused]:
    from .. import bench, build, dataset
    from ..compress.recipe_of_model import recipe_of
    from ..evaluate import evaluate

    there = build.find(name)
    accuracy = bench.accuracy_of(there.folder, there.model)
    if args.data is not None:
        with output.progress(f"{there.model.name}: accuracy") as advance:
            data = dataset.load(args.data)
            recipe = there.recipe or recipe_of(there.model)
            accuracy = evaluate(recipe, there.model, data, on_progress=advance).accuracy
    if args.picture is not None and accuracy is None:
        raise ModelError(
            f"the accuracy of {there.model.name} is not known; train it, or name recordings with --data"
        )
    with output.progress(f"measuring {there.model.name}") as advance:
        return bench.bench(
            there.model,
            chosen,
            layout=args.layout,
            optimise=args.optimise,
            accuracy=accuracy,
            on_progress=advance,
        )


def _print(measured: list[Bench]) -> None:
    output.table(
        ["model", "target", "layout", "flags", "module", "state", "stack", "accuracy"],
        [
            [
                one.name,
                one.target,
                one.layout,
                one.level,
                one.module_bytes,
                one.state_bytes,
                one.stack_bytes,
                "—" if one.accuracy is None else f"{one.accuracy:.3f}",
            ]
            for one in measured
        ],
    )
    output.say()
    output.table(
        ["model", "target", "instructions", "at most", "features", "cycles"],
        [
            [
                one.name,
                one.target,
                round(one.instructions_mean),
                one.instructions_max,
                round(one.features_instructions),
                f"{one.cycles[0]}…{one.cycles[1]}" if one.cycles else "—",
            ]
            for one in measured
        ],
    )
    rows = [(one, chip) for one in measured for chip in one.on_chips]
    output.say()
    output.table(
        ["model", "chip", "MHz", "µs", "load", "µJ"],
        [
            [
                one.name,
                chip.chip,
                chip.clock_hz // 1_000_000,
                f"{chip.low_us:.0f}…{chip.high_us:.0f}",
                "—" if chip.load_percent is None else f"≤ {output.rounded(chip.load_percent)} %",
                "—" if chip.energy_uj is None else f"≤ {output.rounded(chip.energy_uj)}",
            ]
            for one, chip in rows
        ],
    )
    output.say(
        "module, state, stack in bytes; instructions of a classification over golden rows, in emulation;"
    )
    output.say(
        "features: those of a window and of taking in one hop. Cycles, time, load and energy are estimated"
    )
    output.say("ranges, of both together.")
