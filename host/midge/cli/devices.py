"""`midge devices`: boards that are there."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from . import output

if TYPE_CHECKING:
    from ..devices import Device

EXAMPLE = "midge devices"
SCAN_S = 4.0


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "device",
        nargs="*",
        metavar="DEVICE",
        help="ask this one, whatever it is (default: all; only known MicroPython boards are asked)",
    )
    parser.add_argument(
        "--ble",
        metavar="SECONDS",
        nargs="?",
        type=float,
        const=SCAN_S,
        help=f"listen for boards in the air too (default: {SCAN_S:g} s)",
    )


def run(args: argparse.Namespace) -> None:
    from .. import devices

    found, trouble = devices.find(args.device), ""
    if args.ble:
        heard, trouble = devices.in_the_air(args.ble)
        found += heard
        if trouble:
            output.note(f"no radio: {trouble}")
    output.result(
        {
            **({"radio": trouble} if trouble else {}),
            "devices": [
                {
                    "address": device.address,
                    "description": device.description,
                    "usb": device.usb,
                    "serial_number": device.serial_number,
                    "state": device.state,
                    "remembered": device.remembered,
                    "board": device.welcome and device.welcome.board,
                    "target": device.welcome and device.welcome.target,
                    "app": device.welcome and device.welcome.app,
                    "model": device.welcome and device.welcome.model,
                }
                for device in found
            ],
        }
    )
    if not found:
        output.note("no board is there; plug one in, or start a virtual one: midge board start desk")
        return
    output.table(["DEVICE", "what", "usb", "serial number", "state"], [_row(device) for device in found])
    for device in found:
        if device.state == "prompt":
            output.note(f"to install midge: midge flash gesture {device.address}")


def _row(device: Device) -> tuple[str, ...]:
    return device.address, device.description, device.usb, device.serial_number, _state(device)


def _state(device: Device) -> str:
    words = {
        "prompt": "MicroPython prompt",
        "in use": "in use by another program",
        "silent": "does not answer",
        "not asked": "not asked (name it to ask it)",
        "gone": "not there",
    }
    if device.welcome is None:
        before = f"; before: {device.remembered}" if device.remembered else ""
        return words.get(device.state, device.state) + before
    model = device.welcome.model
    return f"{device.welcome.board}, app {device.welcome.app or '-'}, " + (
        f"model {model['name']}" if model else "no model"
    )
