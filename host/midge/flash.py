"""First install on stock MicroPython: the device library, its native part, an app, and its model.

Everything goes over the raw REPL; files that are there already, by their SHA-256, are not sent again. main.py
comes last, so a board that is unplugged half-way does not boot into half an install. The library goes as
bytecode. Of the board's files, midge's are: the folders /lib/midge_device and /midge, /lib/midge_native.mpy,
the /app.py that it installed and its own /main.py; all others stay as they are.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from . import assets, bytecode
from .board_facts import BoardFacts, KnownBoard, choose_board, read_facts
from .build import find
from .errors import BudgetExceeded, DeviceError, ModelNotFound, RecipeError
from .messages import Welcome
from .model_file import Model
from .mpremote_link import RawRepl
from .progress import Advance
from .push import check_sensor, rejection
from .recipe import Recipe
from .session import connect

MAIN = "/main.py"
CONFIG = "/midge/config.json"
APP = "/app.py"
KEPT = ".before-midge"
# Starts every main.py that midge ever put on a board.
OURS = b'"""main.py of a board with midge'
SPARE_FLASH_BYTES = 8192

# On the board: the slot to fill is emptied first, so a cut install leaves no half module marked as good.
_EMPTY_SLOT = """
from midge_device.slots import Slots, EMPTY
_s = Slots()
_n = _s.to_fill()
_s.mark(_n, EMPTY)
"""
_TRY_SLOT = """
from midge_device.slots import TRIAL
_s.mark(_n, TRIAL)
"""

_HAS_BLUETOOTH = """
try:
    import bluetooth
    print(1)
except ImportError:
    pass
"""

# Files of the library that are not of this version: left by an older midge, or the other form of a module.
_LIBRARY_FILES = """
import os
def _walk(folder):
    try:
        entries = list(os.ilistdir(folder))
    except OSError:
        return
    for entry in entries:
        path = folder + '/' + entry[0]
        if entry[1] & 0x4000:
            for inner in _walk(path):
                yield inner
        else:
            yield path
"""

_REMOVE_FILES = """
import os
for _path in {paths!r}:
    try:
        os.remove(_path)
    except OSError:
        pass
"""

_REMOVE_FOLDERS = """
def _remove(folder):
    for path in list(_walk(folder)):
        os.remove(path)
    for entry in list(os.ilistdir(folder)):
        _remove(folder + '/' + entry[0])
    os.rmdir(folder)
for _folder in ('/midge', '/lib/midge_device'):
    try:
        os.stat(_folder)
    except OSError:
        continue
    _remove(_folder)
"""

Note = Callable[[str], None]


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
        kept = _foreign_files(repl, there)
        removed = _leftovers(repl, files, everything=erase)
        if erase:
            if not dry_run:
                repl.run(_REMOVE_FOLDERS)
                facts = read_facts(repl)
            there = {path: digest if path == MAIN else None for path, digest in there.items()}
        wanted = {path: data for path, data in files.items() if there[path] != _sha256(data)}
        main = assets.board_main().read_bytes()
        is_new_main = there[MAIN] != _sha256(main)
        module = _Parcel.build(model, facts, repl, anew=erase) if model is not None else None
        needed = sum(map(len, wanted.values())) + (module.n_bytes if module else 0)
        if needed and needed + SPARE_FLASH_BYTES > facts.free_flash_bytes:
            raise BudgetExceeded(
                f"{device} has {facts.free_flash_bytes} bytes of flash left and {needed} are to be written; "
                "remove files from the board"
            )
        if is_new_main:
            needed += len(main)
        if not dry_run:
            install = _Install(repl, needed, on_progress)
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


def app_files(recipe: Recipe, board: KnownBoard, ble: str | bool = False) -> dict[str, bytes]:
    """The app, and the board's configuration."""
    main = recipe.folder / "main.py"
    if not main.is_file():
        raise RecipeError(f"{main} is missing: it is what the board runs; copy it from another app")
    config: dict[str, str | bool] = {"board": board.path.stem, "app": recipe.name}
    if ble:
        config["ble"] = ble
    return {APP: main.read_bytes(), CONFIG: json.dumps(config).encode()}


def _model(app: str, facts: BoardFacts, note: Note) -> Model | None:
    try:
        model = find(app).model
    except ModelNotFound:
        note("the app has no model yet: the board will record only; train one, then midge push it")
        return None
    return model if facts.target is not None else None


@dataclass(frozen=True)
class _Parcel:
    """A model's files for the board, or none if the board has them."""

    files: Mapping[str, bytes]

    @classmethod
    def build(cls, model: Model, facts: BoardFacts, repl: RawRepl, *, anew: bool) -> _Parcel:
        from .build import build

        assert facts.target is not None
        check_sensor(model)
        built = build(model, facts.target)
        if built.module_bytes + built.state_bytes > facts.max_alloc_bytes:
            raise BudgetExceeded(
                f"{model.name} needs {built.module_bytes + built.state_bytes} bytes of RAM, the largest "
                f"block is {facts.max_alloc_bytes}; train a smaller model"
            )
        files = {"mpy": built.mpy, "test": built.test_blob}
        running = "" if anew else repl.run(_ACTIVE).strip()
        if running and repl.digests([f"{running}.mpy"])[f"{running}.mpy"] == _sha256(built.mpy):
            return cls({})
        return cls(files)

    @property
    def n_bytes(self) -> int:
        return sum(map(len, self.files.values()))

    @property
    def paths(self) -> tuple[str, ...]:
        return tuple(f"/midge/SLOT.{kind}" for kind in self.files)


# Where the confirmed model lies, without its suffix; nothing on a board that has no midge yet.
_ACTIVE = """
try:
    from midge_device.slots import Slots, CONFIRMED
    _s = Slots()
    if _s.states[_s.active] == CONFIRMED:
        print(_s.path(_s.active)[:-4])
except ImportError:
    pass
"""


def _foreign_files(repl: RawRepl, there: Mapping[str, str | None]) -> dict[str, str]:
    """Files of the owner's in places that we need, and where they are to be kept."""
    kept = {}
    if there[MAIN] is not None and not repl.read_file(MAIN).startswith(OURS):
        kept[MAIN] = _free_name(repl, MAIN + KEPT)
    if there[APP] is not None and there[CONFIG] is None:
        kept[APP] = _free_name(repl, APP + KEPT)
    return kept


def _free_name(repl: RawRepl, path: str) -> str:
    number, name = 1, path
    taken = repl.digests([path, *(f"{path}-{n}" for n in range(2, 10))])
    while taken.get(name) is not None:
        number += 1
        name = f"{path}-{number}"
    return name


def _leftovers(repl: RawRepl, files: Mapping[str, bytes], *, everything: bool) -> list[str]:
    """Files of midge on the board that do not belong to this install; all of them with `everything`."""
    repl.run(_LIBRARY_FILES)
    folders = ("/lib/midge_device", "/midge") if everything else ("/lib/midge_device",)
    found: list[str] = []
    for folder in folders:
        found += repl.value(f"list(_walk({folder!r}))")
    return sorted(path for path in found if everything or path not in files)


class _Install:
    """Writes files over a raw REPL, with one progress over all of them."""

    def __init__(self, repl: RawRepl, total_bytes: int, on_progress: Advance | None) -> None:
        self._repl = repl
        self._total_bytes = total_bytes
        self._done_bytes = 0
        self._on_progress = on_progress

    def write(self, path: str, data: bytes) -> None:
        def advance(done: float, total: float | None = None, text: str = "") -> None:
            if self._on_progress is not None:
                self._on_progress(self._done_bytes + done, self._total_bytes, text)

        self._repl.write_file(path, data, on_progress=advance)
        self._done_bytes += len(data)

    def files(self, files: Mapping[str, bytes]) -> None:
        self._repl.make_folders(_folders([*files, "/midge/x"]))
        for path, data in files.items():
            self.write(path, data)

    def model(self, parcel: _Parcel) -> None:
        """Into the slot that nothing falls back on; the board tries it at its next boot."""
        self._repl.run(_EMPTY_SLOT)
        for kind, data in parcel.files.items():
            self.write(self._repl.run(f"print(_s.path(_n, {kind!r}))").strip(), data)
        self._repl.run(_TRY_SLOT)

    def remove(self, paths: Sequence[str]) -> None:
        for at in range(0, len(paths), 16):
            self._repl.run(_REMOVE_FILES.format(paths=tuple(paths[at : at + 16])))

    def move(self, path: str, kept: str) -> None:
        self._repl.run(f"import os\nos.rename({path!r}, {kept!r})")


def _folders(paths: list[str]) -> list[str]:
    """The folders that hold `paths`, outer ones first."""
    parents = {str(parent) for path in paths for parent in PurePosixPath(path).parents}
    return sorted(parents - {"/"})


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


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
