"""`midge monitor`: what a board sees and decides, live."""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
from typing import Any

from . import output

STATUS_EVERY = 10
EXAMPLE = "midge monitor virtual:desk --seconds 30 --scores"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("device", metavar="DEVICE", help="serial:PATH, virtual:NAME or a tty path")
    parser.add_argument("--seconds", type=float, metavar="S", help="stop after so long (default: until ^C)")
    parser.add_argument("--scores", action="store_true", help="the scores of each window too")


def run(args: argparse.Namespace) -> None:
    from ..monitor import Monitor
    from ..session import connect

    with connect(args.device) as session:
        welcome = session.welcome
        model = welcome.model
        output.note(
            f"{args.device}: {welcome.board} ({welcome.target}), app {welcome.app or '-'}, "
            + (f"model {model['name']} {model.get('digest', '')}" if model else "no model: midge push one")
        )
        if welcome.raw.get("trouble"):
            output.note(
                f"{args.device}: {welcome.raw['trouble']}; check its wiring, the app tries again by itself"
            )
        monitor = Monitor(session)
        with contextlib.suppress(KeyboardInterrupt):
            since_status = 0
            for line in monitor.lines(seconds=args.seconds, scores=args.scores):
                # For people one figure of the pace in a while is enough.
                if line["kind"] == "status" and not output.is_json():
                    since_status = (since_status + 1) % STATUS_EVERY
                    if since_status:
                        continue
                _show(line)
    status = monitor.last_status
    if status:
        output.note(
            f"{monitor.events} events, {status['windows']} windows, {status['dropped']} samples dropped, "
            f"{status['missed_frames']} frames missed"
        )


def _show(line: dict[str, Any]) -> None:
    if output.is_json():
        # A stream has no one object: a line each.
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()
        return
    time_s = f"{line['time_s']:8.2f} s  " if "time_s" in line else " " * 12
    if line["kind"] == "event":
        output.say(f"{time_s}{line['label']}  {line['score']:.2f}")
    elif line["kind"] == "scores":
        best = sorted(line["scores"].items(), key=lambda item: -item[1])[:3]
        output.say(f"{time_s}  " + "  ".join(f"{label} {score:.2f}" for label, score in best))
    elif line["kind"] in ("log", "print"):
        output.say(f"{time_s}{line['text']}")
    elif line["rate_hz"] is not None:
        loss = f"{line['dropped']} samples dropped, {line['missed_frames']} frames missed"
        output.note(f"{time_s}{line['rate_hz']:.1f} Hz, {line['windows']} windows, {loss}")
