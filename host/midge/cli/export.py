"""`midge export`: a dataset as files that other tools read."""

from __future__ import annotations

import argparse
import shlex
from dataclasses import asdict
from pathlib import Path

from . import output

EXAMPLE = "midge export data/gesture --format edge-impulse --into for_edge_impulse --hmac-key KEY"
FORMATS = ("csv", "npy", "wav", "parquet", "edge-impulse", "edge-impulse-cbor")


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("dataset", metavar="DATASET", type=Path, help="folder of recordings")
    parser.add_argument("takes", metavar="TAKE", nargs="*", help="names, with * and ?; none means all")
    parser.add_argument("--format", choices=FORMATS, required=True, help="edge-impulse is its JSON")
    parser.add_argument("--into", metavar="FOLDER", type=Path, help="a new folder (default DATASET-FORMAT)")
    parser.add_argument("--label", metavar="L", help="only takes of this label")
    parser.add_argument("--group", metavar="G", help="only takes of this group")
    parser.add_argument(
        "--unit", default="", help="g, mg, m/s^2 or raw (default g; Edge Impulse m/s^2; npy and wav raw)"
    )
    parser.add_argument("--hmac-key", metavar="KEY", help="sign Edge Impulse files with this key")


def run(args: argparse.Namespace) -> None:
    from .. import exporting
    from ..curate import takes

    chosen = takes.choose(args.dataset, args.takes, label=args.label, group=args.group)
    into = args.into or args.dataset.with_name(f"{args.dataset.name}-{args.format}")
    options = exporting.Options(args.unit, args.hmac_key)
    with output.progress("export") as advance:
        done = exporting.export(chosen, into, args.format, options, on_progress=advance)
    output.say(f"{output.counted(done.takes, 'take')} in {output.counted(done.files, 'file')} → {done.into}")
    output.say(f"back again: midge import {done.into} --into DATASET {shlex.join(done.import_again)}")
    output.result(asdict(done))
