"""The whole loop on a virtual board, by the functions that the commands call.

The people are simulated (`simulate`), everything else is what a user of a real board goes through.
Nothing of the simulation but the labels of takes, by person, reaches the training.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from . import (
    board_answers,
    build,
    dataset,
    evaluate,
    flash,
    model_file,
    new,
    push,
    record,
    session,
    simulate,
    train,
)
from .dataset import Dataset
from .evaluate import Event, Performance
from .model_file import Model
from .monitor import Monitor
from .progress import Advance
from .recipe import Recipe
from .simulate import Person, Shown
from .virtual import Scene, VirtualBoard

# Enough for 90 % of gestures and no false event, whoever they are; fewer people make a worse model.
TRAINING_PEOPLE = 8
TIMES_A_TAKE = 3
OTHER_MOTION_S = 40.0
# Absent from training.
TEST_PEOPLE = 6
TIMES_EACH = 2
TEST_OTHER_MOTION_S = 52.0

StageContext = Callable[[str], AbstractContextManager[Advance]]


@dataclass
class Demo:
    """What was found out; `stages` has name, seconds and a few facts of each stage."""

    board: str = ""
    micropython: str = ""
    target: str = ""
    windows: int = 0
    agree: int = 0
    played: int = 0
    recognised: int = 0
    confused: int = 0
    missed: int = 0
    false_events: int = 0
    other_motion_minutes: float = 0.0
    module_bytes: int = 0
    ram_bytes: int = 0
    seed: int = 0
    shuffled_labels: bool = False
    heard: dict[str, dict[str, int]] = field(default_factory=dict)
    stages: list[dict[str, Any]] = field(default_factory=list)


def run(
    app: str = "gesture",
    *,
    seed: int = 1,
    shuffle_labels: bool = False,
    stage: StageContext = lambda _name: nullcontext(_quiet),
    on_stage: Callable[[dict[str, Any]], None] = lambda _done: None,
) -> Demo:
    """Play the whole loop with the people of `seed`; `shuffle_labels` trains on labels dealt out at random.

    `stage` gives a progress context for each stage, `on_stage` hears what it came to.
    """
    demo = Demo(seed=seed, shuffled_labels=shuffle_labels)

    @contextmanager
    def timed(name: str) -> Iterator[tuple[Advance, dict[str, Any]]]:
        facts: dict[str, Any] = {}
        started_s = time.perf_counter()
        with stage(name) as advance:
            yield advance, facts
        demo.stages.append({"name": name, "seconds": round(time.perf_counter() - started_s, 2), **facts})
        on_stage(demo.stages[-1])

    with tempfile.TemporaryDirectory(prefix="midge-demo-") as scratch:
        folder = new.new(f"my-{app}", app, Path(scratch))
        recipe = Recipe.load(folder)
        with timed("start a board") as (_, facts):
            board = VirtualBoard(clock="free")
            board.__enter__()
        try:
            with timed("flash") as (advance, facts):
                flashed = flash.flash(str(folder), board.tty, on_progress=advance)
                facts.update(files=len(flashed.sent), bytes=flashed.sent_bytes)
            with session.connect(board.tty) as line:
                demo.board = line.welcome.board
                demo.micropython = str(line.welcome.raw.get("micropython") or _version(line.welcome.mpy))
                target = push.board_target(line.welcome)
            demo.target = target.name
            with timed("record") as (advance, facts):
                into = Path(scratch) / "data"
                facts.update(_record_training(board, recipe, into, seed, advance))
            with timed("train") as (advance, facts):
                data = dataset.load(into)
                if shuffle_labels:
                    data = shuffled(data, seed)
                trained = train.train(recipe, data, on_progress=advance)
                facts.update(
                    accuracy=round(trained.report["accuracy"], 4),
                    macro_f1=round(trained.report["macro_f1"], 4),
                )
            with timed("build") as (_, facts):
                model = model_file.load(recipe.build_folder)
                built = build.build(model, target)
                demo.module_bytes, demo.ram_bytes = built.module_bytes, built.ram_bytes
                facts.update(module_bytes=built.module_bytes, instructions=built.instructions_max)
            with timed("push") as (advance, facts):
                pushed = push.push(board.tty, str(folder), on_progress=advance)
                facts.update(bytes=pushed.sent_bytes, digest=pushed.digest)
            with timed("recognise") as (advance, facts):
                people = simulate.people(TEST_PEOPLE, seed, "stranger")
                _recognise(board, model, people, demo, advance)
                facts.update(recognised=demo.recognised, played=demo.played)
            with timed("compare") as (advance, facts):
                take = _record_check(board, recipe, Path(scratch) / "check", people)
                # ^C is for a board that waits now and then; in free time this one never does.
                board.set_clock("real")
                compared = board_answers.compare(board.tty, built, dataset.canonical(take, recipe))
                demo.windows, demo.agree = compared.windows, compared.agree
                facts.update(windows=compared.windows, agree=compared.agree)
        finally:
            board.close()
    return demo


def _quiet(done: float, total: float | None = None, text: str = "") -> None:
    """Progress that nobody watches."""


def shuffled(data: Dataset, seed: int) -> Dataset:
    """The same recordings with their labels dealt out at random: what can be learnt from them is chance."""
    labels = np.random.default_rng(seed).permutation([item.label for item in data.recordings])
    recordings = tuple(
        replace(item, label=str(label)) for item, label in zip(data.recordings, labels, strict=True)
    )
    return Dataset(data.folder, recordings)


def training_scenes(recipe: Recipe, seed: int) -> Iterator[tuple[Person, str, Shown]]:
    """What the people of a seed do for training: a take of each gesture, and other motion."""
    assert recipe.background is not None
    for person in simulate.people(TRAINING_PEOPLE, seed):
        for label in recipe.labels:
            if label != recipe.background:
                yield person, label, simulate.take(person, label, times=TIMES_A_TAKE)
        yield person, recipe.background, simulate.other_motion(person, OTHER_MOTION_S)


def _record_training(
    board: VirtualBoard, recipe: Recipe, into: Path, seed: int, advance: Advance
) -> dict[str, Any]:
    scenes = list(training_scenes(recipe, seed))
    total_s = sum(shown.duration_s for _, _, shown in scenes)
    done_s = lost = 0.0
    with session.connect(board.tty) as line:
        for person, label, shown in scenes:
            advance(done_s, total_s, f"{person.name}: {label}")
            board.play(Scene(shown.samples_g, shown.rate_hz))
            take = record.record(
                line, recipe, label=label, into=into, group=person.name, seconds=shown.duration_s
            )
            lost += take.lost
            done_s += shown.duration_s
    return {
        "takes": len(scenes),
        "people": TRAINING_PEOPLE,
        "minutes": round(total_s / 60, 1),
        "lost": int(lost),
    }


def _recognise(
    board: VirtualBoard, model: Model, people: Sequence[Person], demo: Demo, advance: Advance
) -> None:
    """Live: strangers make gestures, then go about their day; what the board says is set against it."""
    scenes = [simulate.session([person], TIMES_EACH) for person in people]
    scenes += [simulate.other_motion(person, TEST_OTHER_MOTION_S) for person in people]
    total_s = sum(shown.duration_s for shown in scenes)
    done_s = 0.0
    tally = evaluate.Tally(0, 0, 0, 0, 0)
    for shown in scenes:
        advance(done_s, total_s, f"{tally.recognised} of {tally.played} recognised")
        events = watch(board, shown)
        played = [Performance(one.label, one.start_s, one.end_s) for one in shown.played]
        found, heard = evaluate.match(events, played)
        tally += found
        for one, label in zip(played, heard, strict=True):
            row = demo.heard.setdefault(one.label, {})
            row[label or "nothing"] = row.get(label or "nothing", 0) + 1
        if not played:
            demo.other_motion_minutes += shown.duration_s / 60
        done_s += shown.duration_s
    demo.other_motion_minutes = round(demo.other_motion_minutes, 2)
    demo.played, demo.recognised, demo.confused = tally.played, tally.recognised, tally.confused
    demo.missed, demo.false_events = tally.missed, tally.false_events


def watch(board: VirtualBoard, shown: Shown) -> list[Event]:
    """The events that the board reports while a scene plays, on the scene's clock."""
    events: list[Event] = []
    with session.connect(board.tty) as line:
        start_ms = board.play(Scene(shown.samples_g, shown.rate_hz)) / 1000
        end_ms = start_ms + 1000 * (shown.duration_s + evaluate.LATEST_S)
        for said in Monitor(line).lines():
            if "ticks_ms" not in said:
                continue
            if said["kind"] == "event" and said["ticks_ms"] >= start_ms:
                at_s = (said["ticks_ms"] - start_ms) / 1000
                events.append(Event(said["label"], at_s, said["score"]))
            if said["ticks_ms"] >= end_ms:
                break
    return events


def _record_check(board: VirtualBoard, recipe: Recipe, into: Path, people: Sequence[Person]) -> Any:
    """One more take over the line: a stranger's gestures and other motion, to compare all answers on."""
    assert recipe.background is not None
    person = people[-1]
    parts = [simulate.session([person], 1, salt=1), simulate.other_motion(person, 30.0, salt=1)]
    samples_g = np.concatenate([part.samples_g for part in parts])
    with session.connect(board.tty) as line:
        board.play(Scene(samples_g, parts[0].rate_hz))
        seconds = len(samples_g) / parts[0].rate_hz
        record.record(line, recipe, label=recipe.background, into=into, seconds=seconds)
    return dataset.load(into).recordings[0]


def _version(mpy: int) -> str:
    return f"mpy {mpy & 0xFF}.{mpy >> 8 & 3}"
