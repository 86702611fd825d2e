"""`midge monitor`: what a board sees and decides, live."""

from __future__ import annotations

import argparse
import contextlib
import json
import queue
import sys
import threading
from pathlib import Path
from typing import Any

from . import output

STATUS_EVERY = 10
EXAMPLE = "midge monitor virtual:desk --seconds 30 --scores"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("device", metavar="DEVICE", help="serial:PATH, ble:NAME, virtual:NAME or a tty path")
    parser.add_argument("--seconds", type=float, metavar="S", help="stop after so long (default: until ^C)")
    parser.add_argument(
        "--into",
        metavar="DATASET",
        type=Path,
        help="that was wrong: type what it really was, and Enter; the last seconds become a recording there",
    )
    parser.add_argument("--group", metavar="G", default="", help="person or machine of such recordings")
    parser.add_argument(
        "--wrong", metavar="LABEL", help="for scripts: at the end, keep the last seconds as LABEL (--into)"
    )
    parser.add_argument("--scores", action="store_true", help="the scores of each window too")


def run(args: argparse.Namespace) -> None:
    from ..errors import RecipeError
    from ..monitor import Monitor
    from ..session import connect
    from ..transport import summary

    if args.wrong is not None and args.into is None:
        raise RecipeError("--wrong needs a dataset to put the recording into: add --into DATASET")
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
        corrections: queue.SimpleQueue[str] = queue.SimpleQueue()
        if args.into is not None and args.wrong is None:
            _listen(corrections)
            labels = ", ".join((model or {}).get("labels") or ())
            output.note(f"was it wrong? type what it was ({labels}) and Enter")
        with contextlib.suppress(KeyboardInterrupt):
            since_status = 0
            lines = monitor.lines(
                seconds=args.seconds,
                scores=args.scores,
                corrections=corrections,
                into=args.into,
                group=args.group,
            )
            for line in lines:
                # For people one figure of the pace in a while is enough.
                if line["kind"] == "status" and not output.is_json():
                    since_status = (since_status + 1) % STATUS_EVERY
                    if since_status:
                        continue
                _show(line)
        if args.wrong is not None:
            _show(monitor.correct(args.wrong, args.into, args.group))
    status = monitor.last_status
    if status:
        output.note(
            f"{monitor.events} {'event' if monitor.events == 1 else 'events'}, {status['windows']} windows, "
            f"{status['dropped']} samples dropped, "
            f"{status['missed_frames']} frames missed"
        )
    if told := summary(session.transport):
        output.note(told)


def _listen(corrections: queue.SimpleQueue[str]) -> None:
    """Lines that somebody types, from a thread: the terminal must not hold up the session."""

    def read() -> None:
        for text in sys.stdin:
            if text.strip():
                corrections.put(text.strip())

    threading.Thread(target=read, daemon=True).start()


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
    elif line["kind"] == "kept":
        lost = f", {line['lost']} samples lost" if line["lost"] else ""
        output.say(f"{time_s}kept {line['seconds']:.1f} s as {line['label']}{lost}: {line['path']}")
    elif line["kind"] == "not_kept":
        output.note(f"{time_s}not kept: {line['text']}")
    elif line["kind"] in ("log", "print"):
        output.say(f"{time_s}{line['text']}")
    elif line["rate_hz"] is not None:
        loss = f"{line['dropped']} samples dropped, {line['missed_frames']} frames missed"
        output.note(f"{time_s}{line['rate_hz']:.1f} Hz, {line['windows']} windows, {loss}")
