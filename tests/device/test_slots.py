"""Slots and records, with the power cut before every single change of the file system."""

from __future__ import annotations

import builtins
import os
from pathlib import Path

import pytest

from midge_device import slots as slots_module
from midge_device.slots import BAD, CONFIRMED, EMPTY, RETRYING, TRIAL, TRYING, Slots


class PowerCut(BaseException):
    """The power is gone."""


class Flash:
    """A file system that dies at the n-th change; a write that dies leaves half of its bytes."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.left = 1 << 30
        self.changes = 0
        monkeypatch.setattr(slots_module, "open", self.open, raising=False)
        for name in ("remove", "mkdir", "rename"):
            monkeypatch.setattr(os, name, self.changing(getattr(os, name)))

    def change(self) -> None:
        self.changes += 1
        self.left -= 1
        if self.left < 0:
            raise PowerCut

    def changing(self, function):
        def wrapped(*args):
            self.change()
            return function(*args)

        return wrapped

    def open(self, path, mode="r"):
        if "w" not in mode:
            return builtins.open(path, mode)  # noqa: PTH123
        self.change()  # opening truncates
        file = builtins.open(path, mode)  # noqa: PTH123, SIM115
        flash = self

        class Writing:
            def __enter__(self):
                return self

            def __exit__(self, *_):
                file.close()

            def write(self, data):
                try:
                    flash.change()
                except PowerCut:
                    file.write(data[: len(data) // 2])
                    raise
                file.write(data)

        return Writing()


@pytest.fixture
def flash(monkeypatch):
    return Flash(monkeypatch)


def fresh(folder: Path, *models: str) -> Slots:
    folder.mkdir(exist_ok=True)
    for name in models:
        (folder / f"{name}.mpy").write_text(name)
    return Slots(str(folder))


def boot(folder: Path, good: str) -> str:
    """What a boot does with the slots, by boot.py's rules; returns the content of the module that runs."""
    slots = Slots(str(folder))
    while (slot := slots.to_boot()) >= 0:
        on_trial = slots.states[slot] != CONFIRMED
        if on_trial:
            slots.mark(slot, TRYING if slots.states[slot] == TRIAL else RETRYING)
        text = Path(slots.path(slot)).read_text()
        if text not in good:
            slots.mark(slot, BAD)
            continue
        if on_trial:
            slots.mark(slot, CONFIRMED)
        return text
    return ""


def push(folder: Path, text: str) -> None:
    """What incoming.py and session.py do with the slots."""
    slots = Slots(str(folder))
    part = folder / "mpy.part"
    part.write_text(text)
    slot = slots.to_fill()
    slots.mark(slot, EMPTY)
    slots_module.remove(slots.path(slot, "test"))
    slots_module.remove(slots.path(slot))
    os.rename(str(part), slots.path(slot))  # noqa: PTH104
    assert slots.to_fill() == slot
    slots.mark(slot, TRIAL)


def test_a_fresh_board_has_nothing_to_boot(tmp_path):
    slots = Slots(str(tmp_path / "midge"))
    assert slots.to_boot() == -1
    assert slots.to_fill() == 0


def test_a_module_without_a_record_is_on_trial(tmp_path):
    slots = fresh(tmp_path / "midge", "a")
    assert slots.states == [TRIAL, EMPTY]
    assert slots.to_boot() == 0
    assert fresh(tmp_path / "other", "b").to_boot() == 1


def test_pushes_take_turns(tmp_path):
    fresh(tmp_path, "a")
    assert boot(tmp_path, "a") == "a"
    for text in ("one", "two", "three"):
        push(tmp_path, text)
        assert boot(tmp_path, text) == text
    slots = Slots(str(tmp_path))
    assert slots.states == [CONFIRMED, CONFIRMED]
    assert Path(slots.path(1 - slots.active)).read_text() == "two"


def test_a_bad_model_leaves_the_old_one(tmp_path):
    fresh(tmp_path, "a")
    boot(tmp_path, "a")
    push(tmp_path, "broken")
    assert boot(tmp_path, "a") == "a"
    slots = Slots(str(tmp_path))
    assert (slots.active, slots.states) == (0, [CONFIRMED, BAD])
    push(tmp_path, "good")
    assert boot(tmp_path, "good") == "good"


def test_a_push_over_an_unbooted_push_keeps_the_running_one(tmp_path):
    fresh(tmp_path, "a")
    boot(tmp_path, "a")
    push(tmp_path, "first")
    push(tmp_path, "second")
    slots = Slots(str(tmp_path))
    assert Path(slots.path(0)).read_text() == "a"
    assert boot(tmp_path, "second") == "second"


def test_a_trial_cut_short_twice_is_bad(tmp_path):
    fresh(tmp_path, "a")
    boot(tmp_path, "a")
    push(tmp_path, "hangs")
    for state in (TRYING, RETRYING):
        slots = Slots(str(tmp_path))
        assert slots.to_boot() == 1
        slots.mark(1, state)  # and then the watchdog bites
    slots = Slots(str(tmp_path))
    assert slots.to_boot() == 0
    assert slots.states[1] == BAD
    assert "reset" in slots.why()


def test_the_newest_whole_record_counts(tmp_path):
    slots = fresh(tmp_path, "a", "b")
    slots.mark(0, CONFIRMED)
    slots.mark(1, TRIAL)
    newest = tmp_path / "slot1"
    assert Slots(str(tmp_path)).active == 1
    data = newest.read_bytes()
    for damaged in (data[:-1], b"", data[:8] + b"\xff" + data[9:], data + b"\0"):
        newest.write_bytes(damaged)
        assert Slots(str(tmp_path)).active == 0
        assert Slots(str(tmp_path)).states[0] == CONFIRMED


def test_a_record_of_another_version_is_refused_with_both_numbers(tmp_path, monkeypatch):
    slots = fresh(tmp_path, "a")
    slots.mark(0, CONFIRMED)
    monkeypatch.setattr(slots_module, "SLOT_RECORD", 2)
    with pytest.raises(ValueError, match=r"slot record: version 2 here, 1 there"):
        Slots(str(tmp_path))


def test_a_power_cut_anywhere_leaves_the_old_or_the_new(tmp_path, flash):
    for start in ("confirmed", "after a bad one", "two confirmed"):
        cut = 0
        while True:
            folder = tmp_path / f"{start}-{cut}"
            flash.left = 1 << 30
            fresh(folder, "a")
            boot(folder, "a")
            if start == "after a bad one":
                push(folder, "broken")
                boot(folder, "a")
            if start == "two confirmed":
                push(folder, "a")
                boot(folder, "a")
            before = flash.changes
            flash.left = cut
            try:
                push(folder, "new")
                boot(folder, "new a")
            except PowerCut:
                flash.left = 1 << 30
                assert boot(folder, "new a") in ("a", "new"), (start, cut)
                assert boot(folder, "new a") in ("a", "new"), (start, cut)
                cut += 1
                continue
            assert flash.changes - before > 8
            break
        flash.left = 1 << 30
        assert boot(folder, "new a") == "new"


def test_a_power_cut_in_the_fallback_still_boots_the_old_one(tmp_path, flash):
    cut = 0
    while True:
        folder = tmp_path / str(cut)
        flash.left = 1 << 30
        fresh(folder, "a")
        boot(folder, "a")
        push(folder, "broken")
        flash.left = cut
        try:
            assert boot(folder, "a") == "a"
        except PowerCut:
            flash.left = 1 << 30
            assert boot(folder, "a") == "a", cut
            cut += 1
            continue
        break
    assert cut >= 4
