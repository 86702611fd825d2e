"""`midge push`: a new model onto a board, while its app runs."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from . import output

EXAMPLE = "midge push gesture virtual:desk"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", metavar="APP|MODEL", help="name or folder of an app, or a model.json")
    parser.add_argument("device", metavar="DEVICE", help="serial:PATH, virtual:NAME or a tty path")
    parser.add_argument(
        "--force", action="store_true", help="send it even if the board runs it already, or is of another app"
    )


def run(args: argparse.Namespace) -> None:
    from ..push import push
    from ..session import Session, connect
    from ..transport import summary

    sessions: list[Session] = []

    def open_session(device: str) -> Session:
        sessions.append(connect(device))
        return sessions[-1]

    with output.progress(f"push to {args.device}") as advance:
        done = push(args.device, args.what, force=args.force, on_progress=advance, open_session=open_session)
    if sessions and (line := summary(sessions[-1].transport)):
        output.note(line)
    output.result({"device": args.device, **asdict(done)})
    if done.was_there:
        output.say(f"{args.device} runs {done.name} {done.digest} already; --force sends it all the same")
    else:
        output.say(
            f"{args.device} runs {done.name} {done.digest}, confirmed: module {done.module_bytes} bytes "
            f"({done.target}), state {done.state_bytes} bytes, {done.sent_bytes} bytes sent"
        )
    if done.app and done.app != done.name:
        output.note(f"the board's app is {done.app}: it hears the labels of {done.name} now")
