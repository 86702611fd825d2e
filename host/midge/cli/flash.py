"""`midge flash`: first install on stock MicroPython."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..errors import MidgeError
from . import output

EXAMPLE = "midge flash gesture virtual:desk"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("app", metavar="APP", nargs="?", help="name or folder of the app to install")
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
    parser.add_argument(
        "--erase",
        action="store_true",
        help="remove all of midge first, models included (never your own files)",
    )
    parser.add_argument(
        "--micropython",
        metavar="IMAGE",
        help="put MicroPython on it, and nothing else: a .uf2 (DEVICE may be its drive) or an ESP32 .bin "
        "(--erase empties its flash)",
    )


def _ble(text: str) -> str | bool:
    return False if text == "off" else text


def run(args: argparse.Namespace) -> None:
    """Raises MidgeError for a call that asks for nothing."""
    if args.micropython is not None:
        _install_micropython(args)
        return
    if args.app is None:
        raise MidgeError("name the app to install: midge flash gesture DEVICE")
    from ..flash import flash

    with output.progress(f"flash {args.device}") as advance:
        done = flash(
            args.app,
            args.device,
            board=args.board,
            ble=args.ble,
            dry_run=args.dry_run,
            erase=args.erase,
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
            "removed": done.removed,
            "kept": done.kept,
            "seconds": done.seconds,
            "model": done.model,
            "dry_run": args.dry_run,
            "welcome": done.welcome and dict(done.welcome.raw),
        }
    )
    verb = "would write" if args.dry_run else "wrote"
    output.say(
        f"{args.device}: {done.board} ({done.target or 'no native code'}), {verb} {len(done.sent)} files, "
        f"{done.sent_bytes} bytes; {len(done.unchanged)} unchanged; {done.seconds:.1f} s"
    )
    if args.dry_run:
        for path in done.sent:
            output.say(f"  {path}")
        for path in done.removed:
            output.say(f"  {path} (removed)")
    for path in done.kept:
        output.say(f"its own {path.partition('.before-midge')[0]} is kept as {path}")
    if done.welcome is not None:
        model = done.welcome.model
        running = f"model {model['name']} {model.get('digest', '')}" if model else "no model"
        output.say(f"it runs {done.welcome.app}, {running}")
        if done.welcome.raw.get("ble"):
            output.say(f"it is in the air as ble:{done.welcome.raw['ble']}")


def _install_micropython(args: argparse.Namespace) -> None:
    from .. import micropython_image

    if args.app is not None:
        raise MidgeError("one after the other: --micropython first, without APP; then midge flash APP DEVICE")
    if args.dry_run:
        raise MidgeError("--dry-run can't tell of --micropython: leave one of them out")
    done = micropython_image.install(Path(args.micropython), args.device, erase=args.erase, note=output.note)
    output.result({"device": args.device, "micropython": done})
    output.say(f"{args.device}: {done}; now: midge flash APP DEVICE")
