"""`midge data`: takes are shown, mended and checked; whatever was done is undone byte for byte."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from midge import cli, dataset, recording, simulate, storing
from midge.curate import activity, checks, content, takes
from midge.curate.activity import Cutting
from midge.recipe import Recipe
from midge.recording import Description, Gap, Int16, Recording
from midge.take import TakeWriter

RECIPE = Recipe.load("gesture")
RNG = np.random.default_rng(11)


def still(n: int, noise: float = 60.0) -> Int16:
    return np.rint(RNG.normal([0, 0, 8192], noise, (n, 3))).astype(np.int16)


def bursts(n_bursts: int, rest: int = 200, length: int = 60) -> Int16:
    """Rest, shake, rest, … at 100 Hz."""
    shake = 6000 * np.sin(np.arange(length) * 0.6)[:, None] * np.array([1.0, 0.5, 0.2]) + [0, 0, 8192]
    parts = [still(rest)]
    for _ in range(n_bursts):
        parts += [
            np.rint(shake).astype(np.int16) + RNG.integers(-50, 50, (length, 3)).astype(np.int16),
            still(rest),
        ]
    return np.concatenate(parts)


def put(folder: Path, name: str, samples: Int16, gaps: tuple[Gap, ...] = (), **about: Any) -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    known = {
        "label": "shake",
        "channels": ("x", "y", "z"),
        "rate_hz": 100.0,
        "scale": 8192.0,
        "group": "ann",
        **about,
    }
    storing.write((folder / name).parent, Path(name).name, Description(**known), samples, gaps)


def tree(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {
        path.relative_to(folder).as_posix(): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".midge" not in path.parts
    }


@pytest.fixture
def ask(capsys: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    def run(*words: object, code: int = 0) -> Any:
        capsys.readouterr()
        assert cli.main(["data", *map(str, words), "--json"]) == code
        captured = capsys.readouterr()
        return json.loads(captured.out) if captured.out else captured.err

    return run


def kinds(said: dict[str, Any], name: str = "") -> set[str]:
    return {one["kind"] for one in said["findings"] if not name or name in one["takes"]}


def test_list_and_show(tmp_path: Path, ask: Callable[..., Any]) -> None:
    put(tmp_path, "a", bursts(3))
    put(tmp_path, "sub/b", still(400), label="rest", group="bo", gaps=(Gap(100, 20),))
    listed = ask("list", tmp_path)
    assert [(one["name"], one["label"], one["group"], one["lost"]) for one in listed["takes"]] == [
        ("a", "shake", "ann", 0),
        ("sub/b", "rest", "bo", 20),
    ]
    assert [one["name"] for one in ask("list", tmp_path, "--group", "bo")["takes"]] == ["sub/b"]
    shown = ask("show", tmp_path, "a", "--picture", tmp_path / "out" / "a.png")["takes"][0]
    assert len(shown["events_s"]) == 3
    assert shown["peak_hz"] == pytest.approx(0.6 / (2 * np.pi) * 100, abs=1.0)
    # Rest is low and the three shakes are high.
    assert len(shown["energy"]) > 20 and shown["energy"].count("█") >= 3 and shown["energy"][0] in " ▁"
    assert (tmp_path / "out" / "a.png").read_bytes().startswith(b"\x89PNG")
    assert "no take 'nothing'" in ask("list", tmp_path, "nothing", code=1)


def test_a_long_take_is_cut_into_its_events_and_put_together_again(
    tmp_path: Path, ask: Callable[..., Any]
) -> None:
    samples = bursts(4)
    put(tmp_path, "long", samples, gaps=(Gap(230, 3),))
    before = tree(tmp_path)
    planned = ask("cut", tmp_path, "--dry-run", "--margin", "0.1")
    assert tree(tmp_path) == before
    done = ask("cut", tmp_path, "--margin", "0.1")
    assert done["changed"] == planned["changed"]
    items = dataset.load(tmp_path).recordings
    assert len(items) == 4
    for number, item in enumerate(items):
        played = 200 + number * 260
        (at,) = [
            k for k in range(len(samples)) if np.array_equal(samples[k : k + len(item.samples)], item.samples)
        ]
        assert played - 40 < at <= played and at + len(item.samples) >= played + 60
        assert item.gaps == ((Gap(230 - at, 3),) if number == 0 else ())
    assert ask("undo", tmp_path)["what"] == "cut long"
    assert tree(tmp_path) == before


def test_cutting_by_time_keeps_every_sample(tmp_path: Path, ask: Callable[..., Any]) -> None:
    samples = still(1050)
    put(tmp_path, "long", samples)
    ask("cut", tmp_path, "--every", "2.5")
    items = dataset.load(tmp_path).recordings
    assert [len(item.samples) for item in items] == [250, 250, 250, 250, 50]
    assert np.array_equal(np.concatenate([item.samples for item in items]), samples)
    ask("undo", tmp_path)
    ask("cut", tmp_path, "--every", "2.6")
    assert [len(item.samples) for item in dataset.load(tmp_path).recordings] == [260, 260, 260, 270]
    ask("undo", tmp_path)
    ask("cut", tmp_path, "--at", "1,4")
    assert [len(item.samples) for item in dataset.load(tmp_path).recordings] == [100, 300, 650]
    ask("undo", tmp_path)
    # Marks behind the end cut nothing, and lose nothing.
    ask("cut", tmp_path, "--at", "99,4,4")
    assert [len(item.samples) for item in dataset.load(tmp_path).recordings] == [400, 650]
    ask("undo", tmp_path)
    assert ask("cut", tmp_path, "--at", "10.5")["changed"] == []


@pytest.mark.parametrize(
    "words", [("--at", "nan"), ("--at=-1",), ("--every", "1e-5"), ("--every", "nan"), ("--threshold", "nan")]
)
def test_impossible_times_are_one_line(
    tmp_path: Path, ask: Callable[..., Any], words: tuple[str, ...]
) -> None:
    put(tmp_path, "long", still(100))
    said = ask("cut", tmp_path, *words, code=1)
    assert words[0].partition("=")[0] in said and said.count("\n") == 1


def test_trim_takes_silence_off_both_ends(tmp_path: Path, ask: Callable[..., Any]) -> None:
    put(tmp_path, "a", bursts(2))
    put(tmp_path, "quiet", still(300))
    before = tree(tmp_path)
    done = ask("trim", tmp_path)
    assert [one["name"] for one in done["changed"]] == ["a"]
    (a, quiet) = dataset.load(tmp_path).recordings
    assert 320 < len(a.samples) < 320 + 80 and len(quiet.samples) == 300
    ask("undo", tmp_path)
    assert tree(tmp_path) == before


def test_relabel_remove_and_undo_in_turn(tmp_path: Path, ask: Callable[..., Any]) -> None:
    for number in range(3):
        put(tmp_path, f"shake_{number}", bursts(1))
    states = [tree(tmp_path)]
    ask("relabel", tmp_path, "shake_1", "--to", "chop", "--to-group", "bo")
    states.append(tree(tmp_path))
    ask("remove", tmp_path, "--label", "shake")
    assert [(item.label, item.group) for item in dataset.load(tmp_path).recordings] == [("chop", "bo")]
    assert [one["what"] for one in ask("undo", tmp_path, "--list")["changes"]] == [
        "relabel shake_1",
        "remove 2 takes",
    ]
    for state in reversed(states):
        ask("undo", tmp_path)
        assert tree(tmp_path) == state
    assert "nothing to undo" in ask("undo", tmp_path, code=1)
    assert "which takes?" in ask("remove", tmp_path, code=1)
    assert "can't be one" in ask("relabel", tmp_path, "shake_1", "--to", "a/b", code=1)
    assert tree(tmp_path) == states[0]


def test_check_finds_what_was_planted(tmp_path: Path, ask: Callable[..., Any]) -> None:
    for group in ("ann", "bo"):
        for label in ("shake", "chop"):
            put(tmp_path, f"{label}_{group}", bursts(2), label=label, group=group)
    assert ask("check", tmp_path)["findings"] == []
    loud = np.clip(bursts(1).astype(int) * 6, -32768, 32767).astype(np.int16)
    put(tmp_path, "clipped", loud)
    # A sensor of ±2 g in a dataset of ±4 g clips in the middle of the range.
    put(tmp_path, "clipped_inside", np.clip(bursts(2), -3000, 10000).astype(np.int16))
    put(tmp_path, "clipped_elsewhere", loud[:-1], sensor="imported", measured_rate_hz=40.0)
    flat = bursts(1)
    flat[:, 1] = 17
    put(tmp_path, "flat", flat)
    put(tmp_path, "slow", bursts(1), measured_rate_hz=80.0, sensor="lis3dh")
    put(tmp_path, "other_rate", bursts(1), rate_hz=50.0)
    twice = bursts(1)
    put(tmp_path, "twin_a", twice)
    put(tmp_path, "twin_b", twice)
    leaked = bursts(3)
    put(tmp_path, "from_ann", leaked[:600])
    put(tmp_path, "from_bo", leaked[217:], group="bo")
    put(tmp_path, "lossy", bursts(1), gaps=(Gap(100, 90),))
    put(tmp_path, "spelled", bursts(1), label="Shake")
    (tmp_path / "orphan.csv").write_text("x,y,z\n1,2,3\n")
    put(tmp_path, "broken", bursts(1))
    (tmp_path / "broken.csv").write_text("x,y,z\n1,2\n")
    said = ask("check", tmp_path, code=1)
    planted = {
        "clipped": "clipped", "clipped_inside": "clipped", "clipped_elsewhere": "upsampled",
        "flat": "flat", "slow": "rate",
        "other_rate": "rate", "twin_a": "duplicate", "from_ann": "leak", "from_bo": "leak", "lossy": "lossy",
        "spelled": "label",
        "orphan.csv": "orphan", "broken": "broken",
    }  # fmt: skip
    for name, kind in planted.items():
        assert kind in kinds(said, name), (name, kind)
    advice = {one["takes"][0]: one["says"] for one in said["findings"] if one["kind"] == "clipped"}
    assert "±4 g are not enough: set range_g = 8 in app.toml" in advice["clipped"]
    assert "the sensor itself was set to a smaller range" in advice["clipped_inside"]
    assert "import again with --range 8" in advice["clipped_elsewhere"]
    for name in ("shake_ann", "chop_bo"):
        assert kinds(said, name) <= {"label"}, name


def test_check_finds_takes_that_do_not_look_like_their_label(tmp_path: Path, ask: Callable[..., Any]) -> None:
    for number, person in enumerate(simulate.people(3, 5)):
        for label in simulate.GESTURES:
            item = simulate.recorded(simulate.take(person, label, times=2), RECIPE, label)
            put(tmp_path, f"{label}_{number}", item.samples, label=label, group=f"p{number}")
    ask("relabel", tmp_path, "shake_2", "--to", "swipe")
    said = ask("check", tmp_path, "--app", "gesture")
    outlying = [one for one in said["findings"] if one["kind"] == "outlier"]
    assert [one["takes"] for one in outlying] == [["shake_2"]]
    assert "labelled 'swipe', looks like 'shake'" in outlying[0]["says"]


def test_content_is_found_wherever_it_begins() -> None:
    long, other = bursts(6), bursts(6)
    cut = [content.anchors(long[:900]), content.anchors(long[333:]), content.anchors(other)]
    (pair,) = content.shared(cut)
    assert (pair.first, pair.second) == (0, 1) and pair.share > 0.4
    assert not list(content.shared([content.anchors(np.zeros((500, 3), np.int16))] * 2))


def test_a_killed_recording_is_taken_up_with_its_gaps(tmp_path: Path, ask: Callable[..., Any]) -> None:
    samples = bursts(1)
    about = Description(
        label="chop", channels=("x", "y", "z"), rate_hz=100.0, scale=8192.0, group="bo", board="b"
    )
    writer = TakeWriter(tmp_path, "chop_bo_001", about)
    writer.append(samples[:100])
    writer.lose(7)
    writer.append(samples[100:])
    del writer  # as kill -9 leaves it: two files with .part
    with (tmp_path / "chop_bo_001.csv.part").open("ab") as file:
        file.write(b"12,34")
    put(tmp_path, "shake_ann_001", bursts(1))
    assert "torn" in kinds(ask("check", tmp_path, code=1), "chop_bo_001")
    assert [item.label for item in dataset.load(tmp_path).recordings] == ["shake"]
    said = ask("check", tmp_path, "--repair")
    assert said["taken_up"] == ["chop_bo_001"]
    (item, _) = dataset.load(tmp_path).recordings
    assert (item.label, item.group, item.board, item.partial) == ("chop", "bo", "b", "recording was killed")
    assert np.array_equal(item.samples, samples)
    assert item.gaps == (Gap(100, 7), Gap(len(samples), 1))
    ask("undo", tmp_path)
    assert (tmp_path / "chop_bo_001.csv.part").read_bytes().endswith(b"12,34")


@pytest.mark.skipif(os.name != "posix", reason="kill -9 is of posix")
def test_a_recorder_killed_for_real_is_taken_up(tmp_path: Path, ask: Callable[..., Any]) -> None:
    program = (
        "import sys, pathlib, numpy as np\n"
        "from midge.take import TakeWriter\nfrom midge.recording import Description\n"
        "about = Description(label='walk', channels=('x', 'y', 'z'), rate_hz=50.0, scale=8192.0)\n"
        "writer = TakeWriter(pathlib.Path(sys.argv[1]), 'walk_001', about)\n"
        "while True:\n"
        "    writer.append(np.arange(30, dtype=np.int16).reshape(10, 3))\n"
        "    print(writer.n_samples, flush=True)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, tmp_path], stdout=subprocess.PIPE, text=True
    ) as recorder:
        assert recorder.stdout is not None
        said = [int(recorder.stdout.readline()) for _ in range(5)]
        recorder.send_signal(signal.SIGKILL)
    assert ask("check", tmp_path, "--repair", code=0)["taken_up"] == ["walk_001"]
    (item,) = dataset.load(tmp_path).recordings
    assert (item.label, item.rate_hz) == ("walk", 50.0) and len(item.samples) >= said[-1]


@pytest.mark.parametrize("room", [20, 1500])
def test_sound_has_events_too(room: int) -> None:
    """In a loud room as well: words 11 dB above it."""
    noise = RNG.normal(0, room, 32000)
    for start in (6000, 18000):
        noise[start : start + 4000] += 8000 * np.sin(np.arange(4000) * 0.3)
    item = Recording(
        label="yes", channels=("sound",), rate_hz=16000.0, scale=32768.0, kind="sound",
        samples=np.rint(noise).astype(np.int16)[:, None],
    )  # fmt: skip
    found = activity.events(item, Cutting(margin_s=0.0))
    assert len(found) == 2
    for (start, stop), played in zip(found, (6000, 18000), strict=True):
        assert abs(start - played) < 500 and abs(stop - played - 4000) < 700


def test_a_picture_of_silence_is_drawn_without_a_warning(
    tmp_path: Path, ask: Callable[..., Any], recwarn: pytest.WarningsRecorder
) -> None:
    sound = {"channels": ("sound",), "rate_hz": 8000.0, "scale": 32768.0, "kind": "sound"}
    put(tmp_path, "silence", np.zeros((4000, 1), np.int16), **sound)
    ask("show", tmp_path, "--picture", tmp_path / "silence.png")
    assert (tmp_path / "silence.png").stat().st_size > 1000
    assert not [one for one in recwarn if "log10" in str(one.message)]


@pytest.mark.check
def test_a_thousand_takes_are_listed_and_checked(tmp_path: Path) -> None:
    for number in range(1000):
        put(tmp_path, f"t{number:04d}", still(60), group=f"g{number % 7}")
    assert len(takes.index(tmp_path)) == 1000
    found = checks.check(tmp_path)
    assert {one.kind for one in found} <= {"flat"}


def test_every_check_of_the_app_is_told(tmp_path: Path) -> None:
    put(tmp_path, "a", still(20), label="hop", rate_hz=50.0)
    found = {one.kind for one in checks.check(tmp_path, replace(RECIPE))}
    assert {"label", "rate", "short"} <= found
    assert recording.find(tmp_path)


def test_a_killed_recording_of_sound_is_taken_up(tmp_path: Path, ask: Callable[..., Any]) -> None:
    samples = RNG.integers(-9000, 9000, (700, 1)).astype(np.int16)
    about = Description(
        label="yes", channels=("sound",), rate_hz=8000.0, scale=32768.0, kind="sound", unit="FS", group="bo"
    )
    writer = TakeWriter(tmp_path, "yes_bo_001", about)
    writer.append(samples)
    del writer
    with (tmp_path / "yes_bo_001.wav.part").open("ab") as file:
        file.write(b"\x01")
    assert ask("check", tmp_path, "--repair")["taken_up"] == ["yes_bo_001"]
    (item,) = dataset.load(tmp_path).recordings
    assert np.array_equal(item.samples, samples) and (item.kind, item.group) == ("sound", "bo")


def test_without_its_note_a_torn_take_is_told_by_its_name(tmp_path: Path, ask: Callable[..., Any]) -> None:
    put(tmp_path, "shake_ann_001", bursts(1))
    (tmp_path / "shake_ann_002.csv.part").write_bytes(b"x,y,z\n1,2,3\n4,5,6\n7,8")
    (tmp_path / "shake_ann_002.json.part").write_bytes(b" " * 4096)
    (tmp_path / "elsewhere.csv.part").write_bytes(b"x,y,z\n1,2,3\n9,8,7\n3,1,2\n")
    said = ask("check", tmp_path, "--repair", code=1)
    assert said["taken_up"] == ["shake_ann_002"]
    assert any("--label L" in one["says"] for one in said["findings"] if one["takes"] == ["elsewhere"])
    (_, item) = dataset.load(tmp_path).recordings
    assert (item.label, item.group, item.samples.tolist()) == ("shake", "ann", [[1, 2, 3], [4, 5, 6]])
    assert ask("check", tmp_path, "--repair", "--label", "chop")["taken_up"] == ["elsewhere"]
