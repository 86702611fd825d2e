"""`midge doctor`: what a board can, what it lacks, and what to do about it."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from . import output

EXAMPLE = "midge doctor virtual:desk"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "device", metavar="DEVICE", help="serial:PATH, usb:SERIAL, virtual:NAME or a tty path"
    )
    parser.add_argument("--board", metavar="NAME", help="which board it is, if its firmware does not tell")


def run(args: argparse.Namespace) -> int:
    """Print the diagnosis; the exit code is 1 if something is missing."""
    from .. import doctor

    diagnosis = doctor.diagnose(args.device, board=args.board)
    output.result(
        {
            "device": args.device,
            "board": diagnosis.board,
            "lacks": diagnosis.lacks,
            "findings": [asdict(finding) for finding in diagnosis.findings],
        }
    )
    for finding in diagnosis.findings:
        output.say(f"{finding.state:<5} {finding.what:<15} {finding.found}")
        if finding.advice:
            output.say(f"{'':21} → {finding.advice}")
    lacks = diagnosis.lacks
    output.say(
        "all is there" if not lacks else f"{lacks} {'thing is' if lacks == 1 else 'things are'} missing"
    )
    return 1 if lacks else 0
