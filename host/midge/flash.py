"""First install on stock MicroPython: the device library, its native part, an app, and its model.

Everything goes over the raw REPL; files that are there already, by their SHA-256, are not sent again. main.py
comes last, so a board that is unplugged half-way does not boot into half an install. The library goes as
bytecode. Of the board's files, midge's are: the folders /lib/midge_device and /midge, /lib/midge_native.mpy,
the /app.py that it installed and its own /main.py; all others stay as they are.
"""

from __future__ import annotations

import contextlib
import json
import time
from dataclasses import dataclass

from . import assets, bytecode
from .board_facts import BoardFacts, choose_board, read_facts
from .board_files import CONFIG, MAIN, Note, app_files, library_files, native_file
from .build import find
from .driver_channels import check_channels
from .errors import BudgetExceeded, DeviceError, ModelNotFound
from .install import Install, Parcel, foreign_files, leftovers, sha256
from .install import erase as erase_all
from .messages import Welcome
from .model_file import Model
from .mpremote_link import RawRepl
from .progress import Advance
from .push import rejection
from .recipe import Recipe
from .session import connect

SPARE_FLASH_BYTES = 8192

_HAS_BLUETOOTH = """
try:
    import bluetooth
    print(1)
except ImportError:
    pass
"""


@dataclass(frozen=True)
class Flashed:
    """What `flash` did, or with `dry_run` would do.

    Attributes
    ----------
    board, target : str
        the board, and the instruction set of its native modules ('' if it loads none)
    sent, unchanged : tuple of str
        paths on the board
    sent_bytes : int
        bytes of the files sent
    removed : tuple of str
        files of midge that were there and are not any more
    kept : tuple of str
        where a main.py and an app.py that were not ours are now
    seconds : float
        how long it took
    model : str
        name and digest of the model that went along, '' for none
    welcome : Welcome or None
        what the board says now; None with `dry_run`
    """

    board: str
    target: str
    sent: tuple[str, ...]
    unchanged: tuple[str, ...]
    sent_bytes: int
    removed: tuple[str, ...]
    kept: tuple[str, ...]
    seconds: float
    model: str
    welcome: Welcome | None


def flash(
    app: str,
    device: str,
    *,
    board: str | None = None,
    ble: str | bool | None = None,
    dry_run: bool = False,
    erase: bool = False,
    on_progress: Advance | None = None,
    note: Note = lambda _text: None,
) -> Flashed:
    """Install midge, the app and its model on the board at `device`, start it, and check that it answers.

    `board` names the board if its firmware does not tell. `ble` is the name to advertise, True for one of the
    board's own, False for none, None for what it was. `erase` removes everything of midge first, models
    included. Raises as `RawRepl`, `read_facts`, `Session.open`;
    BudgetExceeded if the board's file system is too small; RecipeError for an app without a main.py.
    """
    recipe = Recipe.load(app)
    check_channels(recipe.name, recipe.sensor.channels)
    begin_s = time.monotonic()
    with RawRepl(device) as repl:
        facts = read_facts(repl)
        known = choose_board(facts, board)
        model = _model(app, facts, note)
        ble = _ble(repl, device, ble)
        library, why = bytecode.compile_library(library_files(known), facts.mpy & 0xFF)
        if why:
            note(why)
        files = {**library, **native_file(facts, note), **app_files(recipe, known, ble)}
        there = repl.digests([*files, MAIN, CONFIG])
        kept = foreign_files(repl, there)
        removed = leftovers(repl, files, everything=erase)
        if erase:
            if not dry_run:
                erase_all(repl)
                facts = read_facts(repl)
            there = {path: digest if path == MAIN else None for path, digest in there.items()}
        wanted = {path: data for path, data in files.items() if there[path] != sha256(data)}
        main = assets.board_main().read_bytes()
        is_new_main = there[MAIN] != sha256(main)
        module = Parcel.build(model, facts, repl, anew=erase) if model is not None else None
        needed = sum(map(len, wanted.values())) + (module.n_bytes if module else 0)
        if needed and needed + SPARE_FLASH_BYTES > facts.free_flash_bytes:
            raise BudgetExceeded(
                f"{device} has {facts.free_flash_bytes} bytes of flash left and {needed} are to be written; "
                "remove files from the board"
            )
        if is_new_main:
            needed += len(main)
        if not dry_run:
            install = Install(repl, needed, on_progress)
            for (
                path,
                to,
            ) in kept.items():  # ours is not there yet: unplugged now, the board boots to its prompt
                install.move(path, to)
            if removed:
                install.remove(removed)
            install.files(wanted)
            if module and module.files:
                install.model(module)
            if is_new_main:
                install.write(MAIN, main)
            repl.restart()
    sent = (*wanted, *(module.paths if module else ()), *((MAIN,) if is_new_main else ()))
    welcome = None if dry_run else _verify(device, recipe, model)
    if model is None and welcome is not None and welcome.model:
        note(f"the board still runs the model {welcome.model['name']}, which was there: push one of its own")
    return Flashed(
        board=known.name,
        target=facts.target.name if facts.target else "",
        sent=sent,
        unchanged=tuple(path for path in files if path not in wanted),
        sent_bytes=needed,
        removed=tuple(removed),
        kept=tuple(kept.values()),
        seconds=round(time.monotonic() - begin_s, 2),
        model=f"{model.name} {model.digest}" if model else "",
        welcome=welcome,
    )


def _ble(repl: RawRepl, device: str, wanted: str | bool | None) -> str | bool:
    """What the board's configuration is to say of Bluetooth. Raises DeviceError if its firmware has none."""
    if wanted is None:
        with contextlib.suppress(DeviceError, ValueError, AttributeError):
            return json.loads(repl.read_file(CONFIG)).get("ble", False)  # type: ignore[no-any-return]
        return False
    if wanted is False:
        return False
    if not repl.run(_HAS_BLUETOOTH).strip():
        raise DeviceError(
            f"the firmware on {device} has no bluetooth; official firmware of RPI_PICO_W, RPI_PICO2_W, "
            "ESP32_GENERIC, ESP32_GENERIC_S3, ESP32_GENERIC_C3 and NUCLEO_WB55 has; leave --ble out"
        )
    if wanted is True and device.startswith("virtual:"):
        return device.removeprefix("virtual:")
    return wanted


def _model(app: str, facts: BoardFacts, note: Note) -> Model | None:
    try:
        model = find(app).model
    except ModelNotFound:
        note("the app has no model yet: the board will record only; train one, then midge push it")
        return None
    return model if facts.target is not None else None


def _verify(device: str, recipe: Recipe, model: Model | None) -> Welcome:
    with connect(device) as session:
        welcome = session.welcome
    running = (welcome.model or {}).get("digest")
    if model is not None and running != model.digest:
        raise DeviceError(
            f"{device} runs {recipe.name} but rejected the model {model.name} {model.digest}"
            f"{rejection(welcome)}; train it again, then midge push it"
        )
    return welcome
