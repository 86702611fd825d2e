"""Changes of a dataset: whole or not there wherever they are cut, undone byte for byte."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from midge import dataset, journal
from midge.errors import DatasetError

BEFORE = {"a.csv": b"one", "a.json": b"{1}", "b.csv": b"two", "b.json": b"{2}"}
AFTER = {"a.csv": b"ONE", "a.json": b"{1}", "c.csv": b"three", "c.json": b"{3}"}


def fill(folder: Path) -> Path:
    for name, data in BEFORE.items():
        (folder / name).write_bytes(data)
    return folder


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("*.*") if path.is_file()}


def work(folder: Path) -> None:
    """Replaces a.csv, adds c, removes b."""
    with journal.change(folder, "work") as made:
        (made.new / "a.csv").write_bytes(b"ONE")
        (made.new / "c.csv").write_bytes(b"three")
        (made.new / "c.json").write_bytes(b"{3}")
        made.removed |= {"a.csv", "b.csv", "b.json"}


def test_a_change_is_made_and_taken_back(tmp_path: Path) -> None:
    fill(tmp_path)
    times = {name: (tmp_path / name).stat().st_mtime_ns for name in BEFORE}
    work(tmp_path)
    assert files(tmp_path) == AFTER
    assert [one.what for one in journal.history(tmp_path)] == ["work"]
    assert journal.undo(tmp_path).what == "work"
    assert files(tmp_path) == BEFORE
    assert {name: (tmp_path / name).stat().st_mtime_ns for name in BEFORE} == times
    with pytest.raises(DatasetError, match="nothing to undo"):
        journal.undo(tmp_path)


def test_changes_are_taken_back_one_by_one(tmp_path: Path) -> None:
    fill(tmp_path)
    states = []
    for number in range(4):
        states.append(files(tmp_path))
        with journal.change(tmp_path, f"{number}") as made:
            (made.new / "a.csv").write_bytes(b"%d" % number)
            made.removed.add("a.csv")
    for state in reversed(states):
        journal.undo(tmp_path)
        assert files(tmp_path) == state


class Died(BaseException):
    """As if the process had been killed: nothing that changes the disk works any more."""


def dying_after(n: int, patch: pytest.MonkeyPatch) -> list[int]:
    """The call number n (from 0) that changes the disk, and all after it, are not made."""
    left = [n]

    def dying(call: Callable[..., Any]) -> Callable[..., Any]:
        def made(*args: Any, **kwargs: Any) -> Any:
            left[0] -= 1
            if left[0] < 0:
                raise Died
            return call(*args, **kwargs)

        return made

    for name in ("rename", "mkdir", "touch", "unlink", "write_bytes", "rmdir"):
        patch.setattr(Path, name, dying(getattr(Path, name)))
    patch.setattr(os, "fsync", dying(os.fsync))
    patch.setattr(shutil, "rmtree", dying(shutil.rmtree))
    return left


@pytest.mark.parametrize(("do", "start"), [(work, BEFORE), (journal.undo, AFTER)])
def test_cut_at_any_moment_nothing_is_lost(
    do: Callable[[Path], Any], start: dict[str, bytes], tmp_path: Path
) -> None:
    seen = set()
    for n in range(200):
        folder = tmp_path / str(n)
        folder.mkdir()
        fill(folder)
        if start is AFTER:
            work(folder)
        with pytest.MonkeyPatch.context() as patch, contextlib.suppress(Died):
            left = dying_after(n, patch)
            do(folder)
        taken_back = journal.settle(folder)
        assert files(folder) in (BEFORE, AFTER), n
        assert not taken_back or files(folder) == BEFORE, n
        assert not journal.is_unfinished(folder)
        seen.add(files(folder) == BEFORE)
        if left[0] >= 0:
            assert files(folder) == (BEFORE if start is AFTER else AFTER)
            break
    assert left[0] >= 0 and n > 10 and seen == {True, False}


def test_an_unfinished_change_is_told_before_anybody_trains(tmp_path: Path) -> None:
    fill(tmp_path)
    work(tmp_path)
    (tmp_path / ".midge" / "0001" / "done").unlink()
    with pytest.raises(DatasetError, match=r"midge data check .* --repair"):
        dataset.load(tmp_path)


def test_undo_does_not_lose_what_was_changed_since(tmp_path: Path) -> None:
    fill(tmp_path)
    work(tmp_path)
    (tmp_path / "c.csv").write_bytes(b"edited")
    with pytest.raises(DatasetError, match=r"c\.csv was changed since 'work'"):
        journal.undo(tmp_path)
    (tmp_path / "c.csv").write_bytes(b"three")
    (tmp_path / "b.csv").write_bytes(b"another")
    with pytest.raises(DatasetError, match=r"b\.csv is in the way"):
        journal.undo(tmp_path)
    assert files(tmp_path) == {**AFTER, "b.csv": b"another"}


def test_a_change_that_raises_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), journal.change(tmp_path / "deep" / "new", "x") as made:
        (made.new / "a.csv").write_bytes(b"1")
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []
    fill(tmp_path)
    with pytest.raises(DatasetError, match=r"has a\.csv already"), journal.change(tmp_path, "x") as made:
        (made.new / "a.csv").write_bytes(b"1")
    assert files(tmp_path) == BEFORE and not journal.is_unfinished(tmp_path)


@pytest.mark.skipif(os.name != "posix", reason="locks of other systems can't be shown from one process")
def test_two_changes_at_once_are_refused(tmp_path: Path) -> None:
    program = "import sys, pathlib\nfrom midge import journal\njournal.settle(pathlib.Path(sys.argv[1]))\n"
    with journal.change(tmp_path, "x"):
        other = subprocess.run(
            [sys.executable, "-c", program, tmp_path], capture_output=True, text=True, check=False
        )
    assert other.returncode == 1 and "is being changed by another midge" in other.stderr
