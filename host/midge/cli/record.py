"""`midge record`: labelled recordings from a board."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from . import EXIT_INTERRUPTED, output

if TYPE_CHECKING:
    from ..record import Take

EXAMPLE = "midge record gesture --device virtual:desk --label circle --group ann --takes 3 --seconds 5"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "app", metavar="APP", help="name or folder of the app whose recipe says rate and range"
    )
    parser.add_argument(
        "--device", required=True, metavar="DEVICE", help="serial:PATH, virtual:NAME or a tty"
    )
    parser.add_argument("--label", required=True, help="what is being done, one of the recipe's labels")
    parser.add_argument("--group", default="", help="who or what does it (person, machine)")
    parser.add_argument("--takes", type=_takes, default=1, metavar="N", help="so many recordings (default 1)")
    parser.add_argument("--seconds", type=_seconds, metavar="S", help="length of a take (default: until ^C)")
    parser.add_argument("--into", type=Path, metavar="DATASET", help="folder for them (default: data/APP)")
    parser.add_argument("--no-countdown", action="store_true", help="start at once")


def _takes(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not 1 or more")
    return number


def _seconds(text: str) -> float:
    number = float(text)
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return number


def run(args: argparse.Namespace) -> int:
    from ..recipe import Recipe
    from ..record import description, record
    from ..session import connect

    recipe = Recipe.load(args.app)
    into = args.into or Path("data") / recipe.name
    takes: list[Take] = []
    with connect(args.device) as session:
        description(
            recipe, session.welcome, args.label, args.group
        )  # a wrong label is told before the countdown
        for number in range(1, args.takes + 1):
            what = f"{args.label}, take {number} of {args.takes}"
            try:
                if not args.no_countdown:
                    for left in (3, 2, 1):
                        output.note(f"{what} in {left}")
                        session.idle(1.0)
                with output.progress(what) as advance:
                    take = record(
                        session,
                        recipe,
                        label=args.label,
                        group=args.group,
                        seconds=args.seconds,
                        into=into,
                        on_progress=advance,
                    )
            except KeyboardInterrupt:
                output.note(f"interrupted before take {number} of {args.takes} began")
                break
            takes.append(take)
            output.say(_line(take))
            if take.partial:
                break
    output.result(
        {
            "takes": [
                {
                    "path": take.path,
                    "samples": take.samples,
                    "lost": take.lost,
                    "gaps": [{"at": gap.at, "lost": gap.lost} for gap in take.gaps],
                    "rate_hz": take.rate_hz,
                    "measured_rate_hz": take.measured_rate_hz,
                    "jitter_us": take.jitter_us,
                    "partial": take.partial,
                }
                for take in takes
            ]
        }
    )
    return 0 if len(takes) == args.takes and not takes[-1].partial else EXIT_INTERRUPTED


def _line(take: Take) -> str:
    words = [f"{take.path}: {take.samples} samples"]
    if take.measured_rate_hz is not None:
        off = 100 * (take.measured_rate_hz / take.rate_hz - 1)
        words.append(f"{take.measured_rate_hz:.2f} Hz ({off:+.2f} %)")
    if take.jitter_us is not None:
        words.append(f"jitter {take.jitter_us:.0f} µs")
    words.append(f"{take.lost} lost in {len(take.gaps)} gaps" if take.lost else "none lost")
    if take.partial:
        words.append(take.partial)
    return ", ".join(words)
