"""`midge flash`: first install on stock MicroPython."""

from __future__ import annotations

import argparse

from . import output

EXAMPLE = "midge flash gesture virtual:desk"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("app", metavar="APP", help="name or folder of the app to install")
    parser.add_argument("device", metavar="DEVICE", help="serial:PATH, virtual:NAME or a tty path")
    parser.add_argument("--board", metavar="NAME", help="which board it is, if its firmware does not tell")
    parser.add_argument(
        "--ble",
        metavar="NAME",
        nargs="?",
        const=True,
        type=_ble,
        help="reach it by Bluetooth too, as ble:NAME; off ends that (default: as it was)",
    )
    parser.add_argument("--dry-run", action="store_true", help="say what would be written, write nothing")


def _ble(text: str) -> str | bool:
    return False if text == "off" else text


def run(args: argparse.Namespace) -> None:
    from ..flash import flash

    with output.progress(f"flash {args.device}") as advance:
        done = flash(
            args.app,
            args.device,
            board=args.board,
            ble=args.ble,
            dry_run=args.dry_run,
            on_progress=advance,
            note=output.note,
        )
    output.result(
        {
            "device": args.device,
            "board": done.board,
            "target": done.target,
            "sent": done.sent,
            "unchanged": done.unchanged,
            "sent_bytes": done.sent_bytes,
            "kept": done.kept,
            "model": done.model,
            "dry_run": args.dry_run,
            "welcome": done.welcome and dict(done.welcome.raw),
        }
    )
    verb = "would write" if args.dry_run else "wrote"
    output.say(
        f"{args.device}: {done.board} ({done.target or 'no native code'}), {verb} {len(done.sent)} files, "
        f"{done.sent_bytes} bytes; {len(done.unchanged)} unchanged"
    )
    if args.dry_run:
        for path in done.sent:
            output.say(f"  {path}")
    if done.kept:
        output.say(f"its own main.py is kept as {done.kept}")
    if done.welcome is not None:
        model = done.welcome.model
        running = f"model {model['name']} {model.get('digest', '')}" if model else "no model"
        output.say(f"it runs {done.welcome.app}, {running}")
        if done.welcome.raw.get("ble"):
            output.say(f"it is in the air as ble:{done.welcome.raw['ble']}")
