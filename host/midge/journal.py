"""Changes of a dataset that are whole or not there, and can be undone byte for byte.

    DATASET/.midge/0007/about.json    what was done, the names removed and added, digests of the added
    DATASET/.midge/0007/old/          what was there before, moved, never copied
    DATASET/.midge/0007/new/          what is to come, written before anything moves
    DATASET/.midge/0007/done          the change is complete

A change is written as `0007.part`, renamed when it is on disk, carried out by renames, and marked. Cut at any
moment it is found unmarked, and `settle` takes it back; undoing one is the same after the mark is gone.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from .errors import DatasetError

FOLDER = ".midge"


@dataclass
class Change:
    """A change being put together: write new files below `new`, name those to go in `removed`."""

    new: Path
    removed: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Done:
    """A change that was carried out."""

    number: int
    what: str
    when: str
    removed: tuple[str, ...]
    added: tuple[str, ...]


@contextlib.contextmanager
def change(dataset: Path, what: str) -> Iterator[Change]:
    """Put a change together in the block; it is carried out at its end, or not at all if the block raises.

    Raises DatasetError if another change is under way, or a new file would overwrite one that stays.
    """
    there = dataset
    while not there.exists():
        there = there.parent
    try:
        with _changing(dataset, what) as made:
            yield made
    except BaseException:
        _remove_made(dataset, there)
        raise


@contextlib.contextmanager
def _changing(dataset: Path, what: str) -> Iterator[Change]:
    with _locked(dataset):
        settle(dataset, locked=True)
        number = max([done.number for done in history(dataset)], default=0) + 1
        waiting = dataset / FOLDER / f"{number:04d}.part"
        (waiting / "new").mkdir(parents=True)
        (waiting / "old").mkdir()
        try:
            made = Change(waiting / "new")
            yield made
            folder = _begin(dataset, waiting, what, made)
        except BaseException:
            shutil.rmtree(waiting, ignore_errors=True)
            raise
        if folder is not None:
            _carry_out(dataset, folder)


def _remove_made(dataset: Path, there: Path) -> None:
    """Folders that came with a change that did not."""
    if dataset == there:
        return
    with contextlib.suppress(OSError):
        (dataset / FOLDER / "lock").unlink(missing_ok=True)
        (dataset / FOLDER).rmdir()
        while dataset != there:
            dataset.rmdir()
            dataset = dataset.parent


def history(dataset: Path) -> list[Done]:
    """Changes that can be undone, the last one last."""
    found = []
    for folder in _folders(dataset):
        if (folder / "done").is_file():
            about = _about(folder)
            found.append(
                Done(
                    int(folder.name),
                    about["what"],
                    about["when"],
                    *map(tuple, (about["removed"], about["added"])),
                )
            )
    return found


def is_unfinished(dataset: Path) -> bool:
    """A change was cut off, or is under way."""
    return any(not (folder / "done").is_file() for folder in _folders(dataset))


def settle(dataset: Path, *, locked: bool = False) -> list[str]:
    """Take back changes that were cut off; returns what they were. DatasetError if one is under way."""
    if not (dataset / FOLDER).is_dir():
        return []
    with contextlib.nullcontext() if locked else _locked(dataset):
        for waiting in (dataset / FOLDER).glob("*.part"):
            shutil.rmtree(waiting)
        taken_back = []
        for folder in reversed(_folders(dataset)):
            if not (folder / "done").is_file():
                taken_back.append(str(_about(folder)["what"]))
                _take_back(dataset, folder)
        return taken_back


def undo(dataset: Path) -> Done:
    """Take the last change back; files get their bytes, names and times again.

    Raises DatasetError if there is none, or if a file it made was changed since.
    """
    if not (dataset / FOLDER).is_dir():
        raise DatasetError(f"{dataset}: nothing to undo; midge data changes are undone, one by one")
    with _locked(dataset):
        settle(dataset, locked=True)
        changes = history(dataset)
        if not changes:
            raise DatasetError(f"{dataset}: nothing to undo; midge data changes are undone, one by one")
        last = changes[-1]
        folder = dataset / FOLDER / f"{last.number:04d}"
        for name, digest in _about(folder)["digests"].items():
            path = dataset / name
            if not path.is_file() or _digest(path) != digest:
                raise DatasetError(
                    f"{path} was changed since {last.what!r}; undoing would lose that: move it away, or put "
                    "back what was there"
                )
        for name in last.removed:
            if name not in last.added and (dataset / name).exists():
                raise DatasetError(f"{dataset / name} is in the way of what undo brings back; move it away")
        (folder / "done").unlink()
        _take_back(dataset, folder)
        return last


def _begin(dataset: Path, waiting: Path, what: str, made: Change) -> Path | None:
    added = sorted(path.relative_to(made.new).as_posix() for path in made.new.rglob("*") if path.is_file())
    if not added and not made.removed:
        shutil.rmtree(waiting)
        return None
    there = [name for name in added if name not in made.removed and (dataset / name).exists()]
    if there:
        raise DatasetError(
            f"{dataset} has {there[0]} already ({len(there)} of {len(added)} files); choose another folder "
            "or remove those first"
        )
    about = {
        "what": what,
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "removed": sorted(made.removed),
        "added": added,
        "digests": {name: _digest(made.new / name) for name in added},
    }
    with (waiting / "about.json").open("w", encoding="utf-8") as file:
        json.dump(about, file, ensure_ascii=False)
        file.flush()
        os.fsync(file.fileno())
    folder = waiting.with_suffix("")
    _sync(waiting)
    waiting.rename(folder)
    _sync(folder.parent)
    return folder


def _carry_out(dataset: Path, folder: Path) -> None:
    about = _about(folder)
    for name in about["removed"]:
        _move(dataset / name, folder / "old" / name)
    # The samples first: where the sidecar is, the recording is whole.
    for name in sorted(about["added"], key=lambda name: name.endswith(".json")):
        _move(folder / "new" / name, dataset / name)
    _sync(dataset)
    (folder / "done").touch()
    _sync(folder)
    shutil.rmtree(folder / "new", ignore_errors=True)


def _take_back(dataset: Path, folder: Path) -> None:
    about = _about(folder)
    for name in sorted(about["added"], key=lambda name: not name.endswith(".json")):
        # Not in `new` any more, and what it replaced is out of the way: the dataset's is the new one.
        is_replaced = name not in about["removed"] or (folder / "old" / name).exists()
        if not (folder / "new" / name).exists() and is_replaced and (dataset / name).exists():
            _move(dataset / name, folder / "new" / name)
    for name in about["removed"]:
        if (folder / "old" / name).exists():
            _move(folder / "old" / name, dataset / name)
    _sync(dataset)
    going = folder.with_name(f"{folder.name}.part")
    folder.rename(going)
    shutil.rmtree(going, ignore_errors=True)


def _move(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    source.rename(target)


def _folders(dataset: Path) -> list[Path]:
    below = dataset / FOLDER
    return sorted(path for path in below.iterdir() if path.name.isdigit()) if below.is_dir() else []


def _about(folder: Path) -> dict[str, Any]:
    try:
        about: dict[str, Any] = json.loads((folder / "about.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DatasetError(
            f"{folder}: the note of a change does not read ({error}); its files are in old and new below it"
        ) from None
    return about


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync(folder: Path) -> None:
    """Names on disk, where the system can promise that for folders."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def _locked(dataset: Path) -> Iterator[None]:
    """One change at a time; the lock goes with its process, however that ends."""
    try:
        (dataset / FOLDER).mkdir(parents=True, exist_ok=True)
        file = (dataset / FOLDER / "lock").open("ab")
    except OSError as error:
        raise DatasetError(
            f"{dataset} can't be a dataset ({error.strerror}); make it writable, or choose another --into"
        ) from None
    with file:
        try:
            _lock(file)
        except OSError:
            raise DatasetError(f"{dataset} is being changed by another midge; wait for it") from None
        yield


def _lock(file: BinaryIO) -> None:
    try:
        import fcntl
    except ImportError:  # Windows
        import msvcrt

        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        return
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
