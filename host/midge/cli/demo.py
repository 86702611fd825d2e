"""`midge demo`: the whole loop on a virtual board."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import Any

from . import output

EXAMPLE = "midge demo gesture --seed 7"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("app", metavar="APP", choices=["gesture", "keyword"], help="gesture or keyword")
    parser.add_argument(
        "--seed", type=int, default=1, metavar="N", help="other people for another number (1)"
    )
    parser.add_argument("--shuffle-labels", action="store_true", help="train on labels dealt out at random")


def run(args: argparse.Namespace) -> None:
    from .. import demo

    is_speech = args.app == "keyword"
    what, verb = ("words", "said") if is_speech else ("gestures", "made")
    other = "other speech" if is_speech else "other motion"

    def told(done: dict[str, Any]) -> None:
        facts = ", ".join(
            f"{key.replace('_', ' ')} {value}" for key, value in done.items() if key not in _SHOWN
        )
        output.say(f"  {done['name']:<14}{done['seconds']:>6.1f} s   {facts}")

    found = demo.run(
        args.app, seed=args.seed, shuffle_labels=args.shuffle_labels, stage=output.progress, on_stage=told
    )
    answers = list(dict.fromkeys(label for row in found.heard.values() for label in row))
    output.say()
    output.table(
        (f"{verb} \\ heard", *answers),
        [[label, *(row.get(answer, 0) for answer in answers)] for label, row in found.heard.items()],
        title=f"{what} of people who were not in the training",
    )
    output.say()
    output.table(
        ("", ""),
        [
            ("board", f"{found.board}, {found.micropython}, {found.target}"),
            ("recognised", f"{found.recognised} of {found.played} {what}"),
            (
                "false events",
                f"{found.false_events} in {found.other_motion_minutes:g} min of {other}",
            ),
            (
                "bit for bit",
                f"{found.agree} of {found.windows} windows: board = C on this machine = emulation",
            ),
            ("module", f"{found.module_bytes} bytes, RAM {found.ram_bytes} bytes"),
        ],
    )
    output.result(asdict(found))


_SHOWN = ("name", "seconds")
