"""Writes an install over a raw REPL: files, a model into its slot; what is its owner's is moved, not lost."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from .board_facts import BoardFacts
from .board_files import APP, CONFIG, MAIN
from .errors import BudgetExceeded
from .model_file import Model
from .mpremote_link import RawRepl
from .progress import Advance
from .push import check_sensor

KEPT = ".before-midge"
# Starts every main.py that midge ever put on a board.
OURS = b'"""main.py of a board with midge'

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


def sha256(data: bytes) -> str:
    """Digest in hex, as the board gives it."""
    return hashlib.sha256(data).hexdigest()


def erase(repl: RawRepl) -> None:
    """Remove everything of midge; needs `leftovers` before it."""
    repl.run(_REMOVE_FOLDERS)


@dataclass(frozen=True)
class Parcel:
    """A model's files for the board, or none if the board has them."""

    files: Mapping[str, bytes]

    @classmethod
    def build(cls, model: Model, facts: BoardFacts, repl: RawRepl, *, anew: bool) -> Parcel:
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
        if running and repl.digests([f"{running}.mpy"])[f"{running}.mpy"] == sha256(built.mpy):
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


def foreign_files(repl: RawRepl, there: Mapping[str, str | None]) -> dict[str, str]:
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


def leftovers(repl: RawRepl, files: Mapping[str, bytes], *, everything: bool) -> list[str]:
    """Files of midge on the board that do not belong to this install; all of them with `everything`."""
    repl.run(_LIBRARY_FILES)
    folders = ("/lib/midge_device", "/midge") if everything else ("/lib/midge_device",)
    found: list[str] = []
    for folder in folders:
        found += repl.value(f"list(_walk({folder!r}))")
    return sorted(path for path in found if everything or path not in files)


class Install:
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

    def model(self, parcel: Parcel) -> None:
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
