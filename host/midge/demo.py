"""The whole loop on a virtual board, by the functions that the commands call.

The people are simulated (`simulate`), everything else is what a user of a real board goes through.
Nothing of the simulation but the labels of takes, by person, reaches the training.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
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
    new,
    push,
    record,
    recording,
    session,
    simulate,
    train,
)
from .build import BuiltModule
from .dataset import Dataset
from .evaluate import Event, Performance
from .model_file import Model
from .monitor import Monitor
from .mpremote_link import RawRepl
from .progress import Advance
from .recipe import Recipe
from .simulate import Shown
from .targets import Target
from .virtual import Scene, VirtualBoard

# Enough for 90 % of gestures and no false event, whoever they are; fewer people make a worse model.
TRAINING_PEOPLE = 8
TIMES_A_TAKE = 3
OTHER_MOTION_S = 60.0
# Absent from training.
TEST_PEOPLE = 6
TIMES_EACH = 2
TEST_OTHER_MOTION_S = 52.0

Facts = dict[str, Any]
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
    found = Demo(seed=seed, shuffled_labels=shuffle_labels)
    with tempfile.TemporaryDirectory(prefix="midge-demo-") as scratch, ExitStack() as open_things:
        folder = new.new(f"my-{app}", app, Path(scratch))
        loop = _loop(folder)(found, folder, open_things)
        for name, work in loop.stages(seed, shuffle_labels):
            started_s = time.perf_counter()
            with stage(name) as advance:
                facts = work(advance)
            found.stages.append({"name": name, "seconds": round(time.perf_counter() - started_s, 2), **facts})
            on_stage(found.stages[-1])
    return found


def _quiet(done: float, total: float | None = None, text: str = "") -> None:
    """Progress that nobody watches."""


def _loop(folder: Path) -> type[Loop]:
    if Recipe.load(folder).sensor.kind == "sound":
        from .demo_keyword import SpeechLoop

        return SpeechLoop
    return Loop


@dataclass(frozen=True)
class Act:
    """What somebody does before the board: how long, what of it are performances, and how to play it.

    `start` plays it to a board from now on and returns the board's time then, in µs.
    """

    duration_s: float
    played: tuple[Performance, ...]
    start: Callable[[VirtualBoard], int]


class Loop:
    """The stages in their order; each takes a progress callable and returns facts to tell."""

    board: VirtualBoard
    target: Target
    model: Model
    built: BuiltModule

    def __init__(self, found: Demo, folder: Path, open_things: ExitStack) -> None:
        self.found = found
        self.folder = folder
        self.recipe = Recipe.load(folder)
        self.recordings = folder / "recordings"
        self._open_things = open_things

    def stages(self, seed: int, shuffle_labels: bool) -> list[tuple[str, Callable[[Advance], Facts]]]:
        strangers = self.strangers(seed)
        return [
            ("start a board", self.start),
            ("flash", self.flash),
            ("record", lambda advance: self.record(advance, seed)),
            ("train", lambda advance: self.train(advance, seed if shuffle_labels else None)),
            ("build", self.build),
            ("push", self.push),
            ("recognise", lambda advance: self.recognise(advance, strangers)),
            ("compare", lambda advance: self.compare(advance, strangers[-1])),
        ]

    def strangers(self, seed: int) -> Sequence[Any]:
        """Who was not there in training."""
        return simulate.people(TEST_PEOPLE, seed, "stranger")

    def lessons(self, seed: int) -> Iterator[tuple[str, str, Act]]:
        """Who does what for training: a take of each gesture, and other motion."""
        assert self.recipe.background is not None
        for person in simulate.people(TRAINING_PEOPLE, seed):
            for label in self.keywords:
                yield person.name, label, _act(simulate.take(person, label, times=TIMES_A_TAKE))
            yield person.name, self.recipe.background, _act(simulate.other_motion(person, OTHER_MOTION_S))

    def trials(self, strangers: Sequence[Any]) -> list[Act]:
        """Strangers make gestures, then go about their day."""
        shown = [simulate.session([person], TIMES_EACH) for person in strangers]
        shown += [simulate.other_motion(person, TEST_OTHER_MOTION_S) for person in strangers]
        return [_act(one) for one in shown]

    def comparison(self, stranger: Any) -> Act:
        """Gestures and other motion in one."""
        parts = [simulate.session([stranger], 1, salt=1), simulate.other_motion(stranger, 30.0, salt=1)]
        return _act(Shown(np.concatenate([part.samples_g for part in parts]), parts[0].rate_hz))

    @property
    def keywords(self) -> list[str]:
        """The labels that make events."""
        return [label for label in self.recipe.labels if label != self.recipe.background]

    def start(self, _: Advance) -> Facts:
        self.board = self._open_things.enter_context(VirtualBoard(clock="free"))
        with RawRepl(self.board.tty) as repl:
            version = repl.run("import os; print(os.uname().release)").strip()
        self.found.micropython = version
        return {"micropython": version}

    def flash(self, advance: Advance) -> Facts:
        flashed = flash.flash(str(self.folder), self.board.tty, on_progress=advance)
        assert flashed.welcome is not None
        self.target = push.board_target(flashed.welcome)
        self.found.board, self.found.target = flashed.board, self.target.name
        return {"files": len(flashed.sent), "bytes": flashed.sent_bytes}

    def record(self, advance: Advance, seed: int) -> Facts:
        lessons = []
        for who, label, act in self.lessons(seed):
            lessons.append((who, label, act))
            advance(0.0, None, f"{who}: {label} is made")
        total_s = sum(act.duration_s for _, _, act in lessons)
        done_s, lost = 0.0, 0
        with session.connect(self.board.tty) as line:
            for who, label, act in lessons:
                advance(done_s, total_s, f"{who}: {label}")
                act.start(self.board)
                take = record.record(
                    line,
                    self.recipe,
                    label=label,
                    into=self.recordings,
                    group=who,
                    seconds=act.duration_s,
                )
                lost += take.lost
                done_s += act.duration_s
        return {
            "takes": len(lessons),
            "people": len({who for who, _, _ in lessons}),
            "minutes": round(total_s / 60, 1),
            "lost": lost,
        }

    def train(self, advance: Advance, shuffle_seed: int | None) -> Facts:
        data = dataset.load(self.recordings)
        if shuffle_seed is not None:
            data = shuffled(data, shuffle_seed)
        report = train.train(self.recipe, data, on_progress=advance).report
        return {
            "accuracy": round(report["accuracy"], 4),
            "macro_f1": round(report["macro_f1"], 4),
            "of": f"{report['n']} {report['unit']}s of people held out in {report['folds']} folds",
        }

    def build(self, _: Advance) -> Facts:
        self.model = build.find(self.folder).model
        self.built = build.build(self.model, self.target)
        self.found.module_bytes, self.found.ram_bytes = self.built.module_bytes, self.built.ram_bytes
        return {"module_bytes": self.built.module_bytes, "instructions": self.built.instructions_max}

    def push(self, advance: Advance) -> Facts:
        pushed = push.push(self.board.tty, str(self.folder), on_progress=advance)
        return {"bytes": pushed.sent_bytes, "digest": pushed.digest}

    def recognise(self, advance: Advance, strangers: Sequence[Any]) -> Facts:
        """Live: what the board says while strangers are there is set against what they did."""
        found = self.found
        acts = self.trials(strangers)
        total_s = sum(act.duration_s for act in acts)
        done_s = other_s = 0.0
        tally = evaluate.Tally(0, 0, 0, 0, 0)
        for act in acts:
            advance(done_s, total_s, f"{tally.recognised} of {tally.played} recognised")
            more, heard = evaluate.match(watch(self.board, act), act.played)
            tally += more
            for one, label in zip(act.played, heard, strict=True):
                row = found.heard.setdefault(one.label, {})
                row[label or "nothing"] = row.get(label or "nothing", 0) + 1
            done_s += act.duration_s
            other_s += 0.0 if act.played else act.duration_s
        found.other_motion_minutes = round(other_s / 60, 2)
        found.played, found.recognised, found.confused = tally.played, tally.recognised, tally.confused
        found.missed, found.false_events = tally.missed, tally.false_events
        return {"recognised": found.recognised, "played": found.played, "false_events": found.false_events}

    def compare(self, advance: Advance, stranger: Any) -> Facts:
        """One more take over the line, to compare everybody's answers on."""
        assert self.recipe.background is not None
        act = self.comparison(stranger)
        with session.connect(self.board.tty) as line:
            act.start(self.board)
            into = self.folder / "compared"
            take = record.record(
                line, self.recipe, label=self.recipe.background, into=into, seconds=act.duration_s
            )
        samples = dataset.canonical(recording.load(take.path), self.recipe)
        # ^C is for a board that waits now and then; in free time this one never does.
        self.board.set_clock("real")
        compared = board_answers.compare(self.board.tty, self.built, samples)
        self.found.windows, self.found.agree = compared.windows, compared.agree
        return {"windows": compared.windows, "agree": compared.agree}


def _act(shown: Shown) -> Act:
    """A scene of motion."""
    played = tuple(Performance(one.label, one.start_s, one.end_s) for one in shown.played)
    scene = Scene(shown.samples_g, shown.rate_hz)
    return Act(shown.duration_s, played, lambda board: board.play(scene))


def shuffled(data: Dataset, seed: int) -> Dataset:
    """The same recordings with their labels dealt out at random: what can be learnt from them is chance."""
    labels = np.random.default_rng(seed).permutation([item.label for item in data.recordings])
    recordings = tuple(
        replace(item, label=str(label)) for item, label in zip(data.recordings, labels, strict=True)
    )
    return Dataset(data.folder, recordings)


def watch(board: VirtualBoard, act: Act) -> list[Event]:
    """The events that the board reports while something is done, on the act's clock."""
    events: list[Event] = []
    with session.connect(board.tty) as line:
        start_ms = act.start(board) / 1000
        end_ms = start_ms + 1000 * (act.duration_s + evaluate.LATEST_S)
        for said in Monitor(line).lines():
            if "ticks_ms" not in said:
                continue
            if said["kind"] == "event" and said["ticks_ms"] >= start_ms:
                at_s = (said["ticks_ms"] - start_ms) / 1000
                events.append(Event(said["label"], at_s, said["score"]))
            if said["ticks_ms"] >= end_ms:
                break
    return events
