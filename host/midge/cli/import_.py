"""`midge import`: recordings from anybody's files."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from . import groups, output

if TYPE_CHECKING:
    from ..importing import Imported, Source
    from ..recipe import Sensor

EXAMPLE = (
    "midge import watch --into data/watch --pattern '{group}/{label}/{take}.txt' --columns t_ms,_,_,x,y,z "
    "--unit m/s^2 --resample 10"
)
_SHOWN = 3

# Files of which the same is told one by one.
MOST_ALIKE = 3


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", metavar="SRC", type=Path, help="folder, file or archive (.zip, .tar.xz …)")
    parser.add_argument("--into", metavar="DATASET", type=Path, required=True, help="folder of the dataset")
    words = parser.add_argument_group("labels and groups")
    words.add_argument(
        "--pattern", action="append", default=[], metavar="P",
        help="path below SRC with {label} {group} {take} {_}, or P=LABEL; repeatable, first match wins",
    )  # fmt: skip
    words.add_argument(
        "--labels", metavar="FILE", type=Path,
        help="intervals (file,start,end,label), a Label Studio export (CSV, JSON) or info.labels",
    )  # fmt: skip
    words.add_argument("--label", default="", metavar="L", help="of what nothing else labels")
    words.add_argument("--group", default="", metavar="G", help="of what nothing else groups")
    words.add_argument(
        "--relabel", action="append", default=[], metavar="OLD=NEW", help="rename a label; OLD= leaves it out"
    )
    files = parser.add_argument_group("what the files hold")
    files.add_argument(
        "--columns", metavar="C,C,…",
        help="x y z gx gy gz t t_s t_ms t_us t_ns label group take _ (ignore) _*N ... (ignore the rest); or "
        "by name: x=acc_x,y=acc_y,z=acc_z,t_ms=time (default: by their names)",
    )  # fmt: skip
    files.add_argument(
        "--unit", default="auto", help="g, mg, m/s^2 or COUNTS/g, such as 16384/g (default: told by gravity)"
    )
    files.add_argument(
        "--gyro-unit", default="auto", metavar="U",
        help="deg/s, rad/s, mdps, COUNTS/dps, or none: it is left out (default: by how gravity turns)",
    )  # fmt: skip
    files.add_argument("--rate", type=float, metavar="HZ", help="rate of files without a time column")
    files.add_argument("--kind", choices=("auto", "motion", "sound"), default="auto")
    files.add_argument("--encoding", default="", help="of text files (default UTF-8)")
    files.add_argument("--forwarder", action="store_true", help="captured lines of a serial data forwarder")
    files.add_argument("--hmac-key", metavar="KEY", help="verify signatures of Edge Impulse files")
    made = parser.add_argument_group("the dataset")
    made.add_argument("--resample", type=float, metavar="HZ", help="rate of the dataset")
    made.add_argument("--range", type=float, metavar="G", help="full scale of the dataset (default 4)")
    made.add_argument(
        "--gyro-range", type=float, metavar="DPS", help="full scale of a gyroscope (default 1000 degrees/s)"
    )
    made.add_argument(
        "--app", metavar="APP", help="rate, range and labels of this app's recipe; other labels are errors"
    )
    strict = parser.add_argument_group("what is not as it should be")
    strict.add_argument("--skip-unmatched", action="store_true", help="leave out files that fit no pattern")
    strict.add_argument("--skip-bad", action="store_true", help="leave out files that can't be understood")
    strict.add_argument(
        "--drop-rows", action="store_true", help="leave out rows that can't be understood; they become gaps"
    )
    strict.add_argument("--fill-axes", action="store_true", help="an axis that has no column is 0")
    strict.add_argument("--trust-unit", action="store_true", help="don't hold --unit against gravity")
    parser.add_argument("--dry-run", action="store_true", help="read everything, show it, write nothing")


def run(args: argparse.Namespace) -> None:
    from .. import importing

    how = _source(args)
    with output.progress("import") as advance:
        done = importing.import_files(
            args.source, args.into, args.pattern, how, skip_unmatched=args.skip_unmatched,
            skip_bad=args.skip_bad or args.dry_run, dry_run=args.dry_run, on_progress=advance,
        )  # fmt: skip
    _show(done, args)


def _source(args: argparse.Namespace) -> Source:
    from .. import importing
    from ..errors import DatasetError
    from ..recipe import Recipe

    recipe = Recipe.load(args.app) if args.app else None
    relabel = {}
    for text in args.relabel:
        old, equals, new = text.partition("=")
        if not equals or not old:
            raise DatasetError(f"--relabel {text[:60]!r} is not OLD=NEW")
        relabel[old] = new
    of_app = recipe.sensor if recipe else None
    columns = None
    if args.columns is not None:
        columns = importing.columns.parse(args.columns, fill_axes=args.fill_axes)
    return importing.Source(
        columns=columns,
        unit=args.unit,
        rate_hz=args.rate,
        to_hz=(float(of_app.rate_hz) if of_app else None) if args.resample is None else args.resample,
        range_g=(float(getattr(of_app, "range_g", None) or 4)) if args.range is None else args.range,
        kind=of_app.kind if of_app and args.kind == "auto" else args.kind,
        range_dps=float(of_app.range_dps if of_app else 1000) if args.gyro_range is None else args.gyro_range,
        gyro_unit=_gyro_unit(args.gyro_unit, of_app),
        needs_gyro=_has_gyro(of_app) and args.kind != "sound",
        label=args.label,
        group=args.group,
        intervals=importing.intervals.read(args.labels) if args.labels else None,
        relabel=relabel,
        known_labels=recipe.labels if recipe else None,
        hmac_key=args.hmac_key,
        encoding=args.encoding,
        is_forwarder=args.forwarder,
        drop_rows=args.drop_rows,
        fill_axes=args.fill_axes,
        trust_unit=args.trust_unit,
    )


def _has_gyro(of_app: Sensor | None) -> bool:
    return of_app is not None and "gx" in of_app.channels


def _gyro_unit(asked: str, of_app: Sensor | None) -> str:
    """An app that has no gyroscope leaves a file's out, unless somebody asks for it."""
    from ..importing import gyro

    return gyro.NONE if asked == "auto" and of_app is not None and not _has_gyro(of_app) else asked


def _hz(rate: float) -> str:
    return f"{rate:.4g}" if rate < 1000 else f"{rate:.0f}"


def _show(done: Imported, args: argparse.Namespace) -> None:
    for text in done.assumed:
        output.say(text)
    output.table(("label", "recordings"), list(done.labels.items()))
    if 0 < len(done.groups) <= groups.MOST:
        output.table(("group", "recordings"), list(done.groups.items()))
    low, high = done.source_rates_hz
    rates = _hz(low) if high - low < 0.01 * high else f"{_hz(low)} to {_hz(high)}"
    output.say(
        f"{output.counted(done.recordings, 'recording')}, {done.minutes:.1f} min at {done.rate_hz:g} Hz "
        f"(the files: {rates} Hz), "
        f"{output.counted(len(done.groups), 'group')}, "
        f"{output.counted(done.gaps, 'gap')} ({done.lost} samples), "
        f"{done.clipped} samples beyond the range"
        + (f", usually {done.median_g:.2f} g" if done.median_g is not None else "")
        + (" → nothing written (--dry-run)" if args.dry_run else f" → {args.into}")
    )
    told = _gathered(done.warnings)
    for warning in told[:10]:
        output.note(f"warning: {warning}")
    if len(told) > 10:
        output.note(f"warning: … and {len(told) - 10} more")
    if done.skipped:
        output.note(f"left out {output.counted(len(done.skipped), 'file')}:")
        for path, why in list(done.skipped.items())[:_SHOWN]:
            output.note(f"  {path}: {why}" if not why.startswith(path) else f"  {why}")
    output.result({**asdict(done), "into": args.into, "dry_run": args.dry_run})


def _gathered(warnings: Sequence[str]) -> list[str]:
    """What is told of many files once, with the first of them."""
    of_text: dict[str, list[str]] = {}
    for warning in warnings:
        where, _, text = warning.partition(": ")
        of_text.setdefault(text or where, []).append(warning)
    return [
        warning
        for text, same in of_text.items()
        for warning in (
            same
            if len(same) <= MOST_ALIKE
            else [f"{text} ({len(same)} files, first {same[0].partition(': ')[0]})"]
        )
    ]
