"""`midge record`: labelled recordings from a board."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from . import EXIT_INTERRUPTED, output

if TYPE_CHECKING:
    from ..progress import Advance
    from ..recipe import Recipe
    from ..record import Take
    from ..sound_line import Choice

CSV = "csv"
CODINGS = ("auto", "16-bit", "adpcm")  # as in sound_line.py
EXAMPLE = "midge record gesture --device virtual:desk --label circle --group ann --takes 3 --seconds 5"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "app", metavar="APP", help="name or folder of the app whose recipe says rate and range"
    )
    parser.add_argument(
        "--device", required=True, metavar="DEVICE", help="serial:PATH, ble:NAME, virtual:NAME or a tty"
    )
    parser.add_argument("--label", required=True, help="what is being done, one of the recipe's labels")
    parser.add_argument("--group", default="", help="who or what does it (person, machine)")
    parser.add_argument("--takes", type=_takes, default=1, metavar="N", help="so many recordings (default 1)")
    parser.add_argument("--seconds", type=_seconds, metavar="S", help="length of a take (default: until ^C)")
    parser.add_argument("--into", type=Path, metavar="DATASET", help="folder for them (default: data/APP)")
    parser.add_argument("--no-countdown", action="store_true", help="start at once")
    parser.add_argument(
        "--coding",
        choices=CODINGS,
        default=CODINGS[0],
        help="how sound comes over the line: as it is, in 4 bits a sample, or as the line's measured speed "
        "allows (default)",
    )
    foreign = parser.add_argument_group(
        "peripherals without midge", "DEVICE is ble:NAME or ble:ADDRESS, whatever notifies"
    )
    foreign.add_argument("--ble-characteristic", metavar="UUID", help="record what this one notifies")
    foreign.add_argument(
        "--layout",
        metavar="LAYOUT",
        default=CSV,
        help="of a notification, as Python's struct: '<hhh', '<H|hhh' with a counter of samples in front; "
        "csv: lines of numbers (default)",
    )
    foreign.add_argument(
        "--unit-per-count",
        type=float,
        metavar="X",
        help="what 1 means in the recipe's unit, 0.000122 for 4 g",
    )


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
    from ..recording import SOUND
    from ..session import connect
    from ..sound_line import choose
    from ..transport import summary

    recipe = Recipe.load(args.app)
    into = args.into or Path("data") / recipe.name
    if args.ble_characteristic:
        return _run_foreign(args, recipe, into)
    with connect(args.device) as session:
        # A wrong label is told before the countdown.
        description(recipe, session.welcome, args.label, args.group)
        sound: Choice | None = None
        if recipe.sensor.kind == SOUND:
            sound = choose(session, recipe.sensor.rate_hz, args.coding)
            output.note(sound.why)

        def take(advance: Advance) -> Take:
            return record(
                session,
                recipe,
                label=args.label,
                group=args.group,
                seconds=args.seconds,
                into=into,
                coding=sound.coding if sound else CODINGS[1],
                on_progress=advance,
            )

        takes = _perform(args, session.idle, take)
        if line := summary(session.transport):
            output.note(line)
    return _tell(takes, args.takes, sound)


def _run_foreign(args: argparse.Namespace, recipe: Recipe, into: Path) -> int:
    """Takes from a peripheral that knows nothing of midge."""
    from ..foreign import decoder, listening, record_foreign

    layout = decoder(args.layout, recipe)
    with listening(args.device, args.ble_characteristic) as link:

        def take(advance: Advance) -> Take:
            return record_foreign(
                link,
                recipe,
                layout,
                label=args.label,
                group=args.group,
                seconds=args.seconds,
                into=into,
                unit_per_count=args.unit_per_count,
                on_progress=advance,
            )

        takes = _perform(args, link.idle, take)
        output.note(link.summary())
    if layout.bad:
        output.note(f"{layout.bad} notifications or lines were not of this layout")
    return _tell(takes, args.takes)


def _perform(
    args: argparse.Namespace, idle: Callable[[float], None], take: Callable[[Advance], Take]
) -> list[Take]:
    """One take after the other, each with its countdown, until all are there or one is cut short."""
    takes: list[Take] = []
    for number in range(1, args.takes + 1):
        what = f"{args.label}, take {number} of {args.takes}"
        try:
            if not args.no_countdown:
                for left in (3, 2, 1):
                    output.note(f"{what} in {left}")
                    idle(1.0)
            with output.progress(what) as advance:
                takes.append(take(advance))
        except KeyboardInterrupt:
            output.note(f"interrupted before take {number} of {args.takes} began")
            break
        output.say(_line(takes[-1]))
        if takes[-1].partial:
            break
    return takes


def _tell(takes: list[Take], n_wanted: int, sound: Choice | None = None) -> int:
    """The result of the command, and its exit code."""
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
                    "reconnects": take.reconnects,
                    "warning": take.warning,
                    **({} if take.peak_dbfs is None else _sound(take)),
                }
                for take in takes
            ],
            **({"coding": sound.coding, "line_bytes_s": sound.line_bytes_s} if sound else {}),
        }
    )
    return 0 if len(takes) == n_wanted and not takes[-1].partial else EXIT_INTERRUPTED


def _sound(take: Take) -> dict[str, object]:
    return {"peak_dbfs": take.peak_dbfs, "clipped": take.clipped}


def _line(take: Take) -> str:
    words = [f"{take.path}: {take.samples} samples"]
    if take.measured_rate_hz is not None:
        off = 100 * (take.measured_rate_hz / take.rate_hz - 1)
        words.append(f"{take.measured_rate_hz:.2f} Hz ({off:+.2f} %)")
    if take.jitter_us is not None:
        words.append(f"jitter {take.jitter_us:.0f} µs")
    gaps = "1 gap" if len(take.gaps) == 1 else f"{len(take.gaps)} gaps"
    words.append(f"{take.lost} lost in {gaps}" if take.lost else "none lost")
    if take.reconnects:
        words.append(f"the line came back {'once' if take.reconnects == 1 else f'{take.reconnects} times'}")
    if take.peak_dbfs is not None:
        words.append(f"peak {take.peak_dbfs:.0f} dBFS")
    if take.warning:
        words.append(take.warning)
    if take.partial:
        words.append(take.partial)
    return ", ".join(words)
