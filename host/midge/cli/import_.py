"""`midge import`: recordings from anybody's files."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path

from . import output

EXAMPLE = (
    "midge import watch --into data/watch --pattern '{group}/{label}/{take}.txt' --columns t_ms,_,_,x,y,z "
    "--unit m/s^2 --resample 10"
)


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", metavar="SRC", type=Path, help="folder of the files")
    parser.add_argument("--into", metavar="DATASET", type=Path, required=True, help="folder of the dataset")
    parser.add_argument(
        "--pattern", action="append", required=True, metavar="P",
        help="path below SRC with {label} {group} {take} {_}, or P=LABEL; repeatable, first match wins",
    )  # fmt: skip
    parser.add_argument(
        "--columns",
        metavar="C,C,…",
        default="x,y,z",
        help="x y z t_s t_ms t_us t_ns label group _ (default x,y,z)",
    )
    parser.add_argument("--unit", default="g", help="g, mg, m/s^2 or COUNTS/g, such as 16384/g (default g)")
    parser.add_argument("--rate", type=float, metavar="HZ", help="rate of files without a time column")
    parser.add_argument("--resample", type=float, metavar="HZ", help="rate of the dataset")
    parser.add_argument("--range", type=float, metavar="G", help="full scale of the dataset (default 4)")
    parser.add_argument(
        "--app", metavar="APP", help="take rate and range of the dataset from this app's recipe"
    )
    parser.add_argument("--skip-unmatched", action="store_true", help="leave out files that fit no pattern")
    parser.add_argument("--skip-bad", action="store_true", help="leave out files that can't be understood")


def run(args: argparse.Namespace) -> None:
    from .. import importing, motion_files
    from ..recipe import Recipe

    recipe = Recipe.load(args.app) if args.app else None
    how = importing.Source(
        columns=motion_files.parse_columns(args.columns),
        unit=args.unit,
        rate_hz=args.rate,
        to_hz=(recipe.sensor.rate_hz if recipe else None) if args.resample is None else args.resample,
        range_g=(recipe.sensor.range_g if recipe else 4.0) if args.range is None else args.range,
    )
    with output.progress("import") as advance:
        done = importing.import_motion(
            args.source, args.into, args.pattern, how,
            skip_unmatched=args.skip_unmatched, skip_bad=args.skip_bad, on_progress=advance,
        )  # fmt: skip
    output.table(("label", "recordings"), list(done.labels.items()))
    output.say(
        f"{done.recordings} recordings, {done.minutes:.1f} min at {done.rate_hz:g} Hz, "
        f"{len(done.groups)} groups, {done.gaps} gaps, {done.clipped} samples beyond the range → {args.into}"
    )
    for warning in done.warnings:
        output.note(f"warning: {warning}")
    if done.skipped:
        path, why = next(iter(done.skipped.items()))
        output.note(f"left out {len(done.skipped)} files, the first: {path}: {why}")
    output.result({**asdict(done), "into": args.into})
