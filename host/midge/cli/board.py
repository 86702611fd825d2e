"""`midge board start`: a virtual board in the foreground."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import MidgeError
from . import output

if TYPE_CHECKING:
    from ..virtual.scene import Scene

SUMMARY = "a virtual board in the foreground"
EXAMPLE = "midge board start desk    # then: midge flash gesture virtual:desk"

CLOCKS = ("real", "free")
HEAP_BYTES = 512 * 1024
# As in `virtual.chips.CHIPS`, which needs numpy.
CHIPS = ("lis3dh", "lsm6dsox", "lsm6dsl", "lsm6ds3", "mpu6050", "mpu6500", "mpu6886", "adxl345")


def configure(parser: argparse.ArgumentParser) -> None:
    """Options of `midge board`."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    start = actions.add_parser("start", help="run a board until ^C", description="Run a board until ^C.")
    start.add_argument(
        "name", metavar="NAME", nargs="?", default="board", help="it keeps its files (default: board)"
    )
    start.add_argument(
        "--scene",
        metavar="SCENE",
        help="motion to play: a .npz or .csv file, or circle, other, gestures:7 …",
    )
    start.add_argument(
        "--sound", metavar="FILE.wav", type=Path, help="what its microphone hears, again and again"
    )
    start.add_argument("--clock", choices=CLOCKS, default="real", help="free: as fast as this machine can")
    start.add_argument("--heap", metavar="BYTES", type=int, default=HEAP_BYTES, help="MicroPython's heap")
    start.add_argument(
        "--sensor",
        metavar="CHIP",
        default=CHIPS[0],
        help=f"on the I2C bus: {', '.join(CHIPS)} (default: {CHIPS[0]})",
    )
    start.add_argument("--no-sensor", action="store_true", help="nothing on the I2C bus")
    start.add_argument("--no-native", action="store_true", help="a firmware that loads no native code")
    start.add_argument(
        "--ble", action="store_true", help="a firmware with bluetooth; then: midge flash --ble"
    )
    start.add_argument(
        "--uf2",
        metavar="FILE",
        type=Path,
        help="a Pico's own firmware, on an emulated RP2040: exact and slow",
    )
    start.add_argument("--json", action="store_true", help="print one JSON object when the board is ready")


def _scene(name: str) -> Scene:
    """Motion from a file, or simulated hands by a word."""
    from .. import simulate
    from ..virtual.scene import Scene

    path = Path(name)
    if path.suffix in (".npz", ".csv") or path.exists():
        return Scene.load(path)
    shown = simulate.by_name(name)
    return Scene(shown.samples_g, shown.rate_hz, loop=True)


def run(args: argparse.Namespace) -> int:
    """Run the board; raises MidgeError if it can't start."""
    if args.sensor not in CHIPS:
        raise MidgeError(f"no chip {args.sensor!r}: choose one of {', '.join(CHIPS)}")
    if os.name != "posix":
        raise MidgeError("the virtual board needs Linux or macOS: use a real board, or WSL")
    from ..virtual import service
    from ..virtual.microphone import Sound
    from ..virtual.registry import Running

    def announce(running: Running) -> None:
        if args.json:
            # One line, so that whoever started this can read it with one readline.
            about = {key: getattr(running, key) for key in ("tty", "name", "control", "folder")}
            sys.stdout.write(json.dumps(about) + "\n")
            sys.stdout.flush()
        output.say(f"board    virtual:{running.name}")
        output.say(f"tty      {running.tty}")
        output.say(f"files    {running.folder}")
        output.say("^C stops it.")

    scene = None if args.scene is None else _scene(args.scene)
    if args.uf2 is not None:
        from ..virtual.pico import board as pico

        chip = None if args.no_sensor else args.sensor
        pico.run_named(args.name, announce, image=args.uf2, chip=chip, scene=scene)
        return 0
    service.run_named(
        args.name,
        announce,
        clock=args.clock,
        heap_bytes=args.heap,
        has_sensor=not args.no_sensor,
        chip=args.sensor,
        native=not args.no_native,
        ble=args.ble,
        scene=None if scene is None else scene.to_message(),
        sound=None if args.sound is None else Sound.load(args.sound).to_message(),
    )
    return 0
