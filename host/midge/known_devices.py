"""Boards that were met before, by the serial number of their USB port: kept in the user's state folder."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

# Bridges of one make often share a serial number ('0001'); it must be long enough to tell one from another.
SHORTEST_SERIAL = 6


def _path() -> Path:
    base = os.environ.get("XDG_STATE_HOME")
    if not base:
        base = {
            "darwin": "~/Library/Application Support",
            "win32": os.environ.get("LOCALAPPDATA", "~"),
        }.get(sys.platform, "~/.local/state")
    return Path(base).expanduser() / "midge" / "devices.json"


def load() -> dict[str, Mapping[str, Any]]:
    """What is known by serial number: `usb` ids, `board`, `app`. A file that does not read counts as none."""
    try:
        known = json.loads(_path().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(known, dict):
        return {}
    return {serial: about for serial, about in known.items() if isinstance(about, dict)}


def is_remembered(known: Mapping[str, Mapping[str, Any]], serial_number: str, usb: str) -> bool:
    """True if this very port answered as a midge board before."""
    return known.get(serial_number, {}).get("usb") == usb


def remember(serial_number: str, usb: str, board: str, app: str) -> None:
    """Keep a board that answered; silently nothing if its port has no serial number worth the name.

    A state folder that can't be written is no error: the board is asked again next time.
    """
    if len(serial_number) < SHORTEST_SERIAL:
        return
    known = load()
    about = {"usb": usb, "board": board, "app": app}
    if known.get(serial_number) == about:
        return
    path = _path()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(".new")
        temporary.write_text(json.dumps({**known, serial_number: about}, indent=1), encoding="utf-8")
        temporary.replace(path)
    except OSError:
        return
