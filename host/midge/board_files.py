"""What `midge flash` puts on a board, by path there: the device library, its native part, the app."""

from __future__ import annotations

import json
from collections.abc import Callable

from . import assets
from .board_facts import BoardFacts, KnownBoard
from .errors import RecipeError
from .recipe import Recipe

MAIN = "/main.py"
CONFIG = "/midge/config.json"
APP = "/app.py"

Note = Callable[[str], None]


def library_files(board: KnownBoard) -> dict[str, bytes]:
    """The device library for `board`, by path on the board; other boards' files stay at home."""
    root = assets.device_library()
    files = {}
    for path in sorted(root.rglob("*.py")):
        relative = path.relative_to(root)
        if relative.parts[0] == "boards" and path.stem not in ("__init__", board.path.stem):
            continue
        files[f"/lib/midge_device/{relative.as_posix()}"] = path.read_bytes()
    return files


def native_file(facts: BoardFacts, note: Note) -> dict[str, bytes]:
    """`midge_native.mpy` for the board's firmware, or nothing where it loads no native code."""
    if facts.target is None:
        note(
            "this firmware loads no native code that midge builds: the library runs in Python (slower), "
            "and models can't run"
        )
        return {}
    from .compile import link_kernels

    return {"/lib/midge_native.mpy": link_kernels.build_native(facts.target).mpy}


def app_files(recipe: Recipe, board: KnownBoard, ble: str | bool = False) -> dict[str, bytes]:
    """The app, and the board's configuration."""
    main = recipe.folder / "main.py"
    if not main.is_file():
        raise RecipeError(f"{main} is missing: it is what the board runs; copy it from another app")
    config: dict[str, str | bool] = {"board": board.path.stem, "app": recipe.name}
    if ble:
        config["ble"] = ble
    return {APP: main.read_bytes(), CONFIG: json.dumps(config).encode()}
