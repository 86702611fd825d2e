"""A trained model on other recordings: through the very C and the very decision that run on the board."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from midge_device import decision

from . import confusion, dataset, features, quiet, segmenting
from .compile import agreement, c99
from .compile.host import HostModel
from .dataset import Dataset
from .errors import DatasetError, ModelError
from .model_file import Model
from .progress import Advance
from .recipe import Recipe
from .recording import SOUND, Recording

Int16 = npt.NDArray[np.int16]
# An event comes when enough windows have seen the gesture, so often a little after its end.
LATEST_S = 1.0


@dataclass(frozen=True)
class Event:
    """What the decision reported: `label` at `at_s` (the deciding window's end), smoothed `score` 0…1."""

    label: str
    at_s: float
    score: float


@dataclass(frozen=True)
class Performance:
    """A gesture that was really made, from `start_s` to `end_s` on the events' clock."""

    label: str
    start_s: float
    end_s: float


@dataclass(frozen=True)
class Tally:
    """Events against performances.

    `recognised`: the first event of the performance has its label; `confused`: another one; `missed`: none.
    `false_events` belong to no performance: between gestures, in other motion, or a second one for the
    same gesture.
    """

    played: int
    recognised: int
    confused: int
    missed: int
    false_events: int

    def __add__(self, other: Tally) -> Tally:
        return Tally(*(a + b for a, b in zip(_counts(self), _counts(other), strict=True)))


def _counts(tally: Tally) -> Iterable[int]:
    return asdict(tally).values()


def _pair(events: Sequence[Event], played: Sequence[Performance], latest_s: float) -> list[int | None]:
    """For each performance the first event in its time, each event once at most."""
    used: set[int] = set()
    found: list[int | None] = []
    for performance in played:
        first = next(
            (
                number
                for number, event in enumerate(events)
                if number not in used and performance.start_s <= event.at_s <= performance.end_s + latest_s
            ),
            None,
        )
        found.append(first)
        if first is not None:
            used.add(first)
    return found


def match(
    events: Sequence[Event], played: Sequence[Performance], *, latest_s: float = LATEST_S
) -> tuple[Tally, list[str | None]]:
    """Set events against performances; also what was heard for each performance (None: nothing)."""
    found = _pair(events, played, latest_s)
    heard = [None if first is None else events[first].label for first in found]
    right = sum(label == item.label for label, item in zip(heard, played, strict=True))
    missed = heard.count(None)
    n_used = len(played) - missed
    return Tally(len(played), right, len(played) - right - missed, missed, len(events) - n_used), heard


def delays(
    events: Sequence[Event], played: Sequence[Performance], *, latest_s: float = LATEST_S
) -> list[float]:
    """From the end of each performance that was recognised to its event, s; below 0: before it was over."""
    return [
        events[first].at_s - performance.end_s
        for first, performance in zip(_pair(events, played, latest_s), played, strict=True)
        if first is not None and events[first].label == performance.label
    ]


def crowded(played: Sequence[Performance], heard: Sequence[str | None], window_s: float) -> int:
    """Performances of which nothing was heard, less than a window after the one before."""
    return sum(
        answer is None and after.start_s - before.end_s < window_s
        for before, after, answer in zip(played, played[1:], heard[1:], strict=False)
    )


def compiled(model: Model) -> HostModel:
    """The model's generated C, compiled for this machine."""
    return HostModel(model, c99.sources(model))


def decide(model: Model, scores: Int16) -> list[Event]:
    """Events of one uninterrupted stream: `scores` int16 (n_windows, n_scores), one row a hop."""
    frontend, sensor, rules = model.frontend, model.sensor, model.decision
    if frontend is None or sensor is None or rules is None:
        raise ModelError(f"{model.name} has no front end or no decision; events need an app's model")
    judge = decision.from_info(
        {
            "labels": list(model.labels),
            "background": model.background,
            "rate_hz": sensor.rate_hz,
            "window": frontend.window,
            "hop": frontend.hop,
            "score_scale": model.score_scale,
            "threshold": rules.threshold,
            "smooth": rules.smooth,
            "cooldown_ms": rules.cooldown_ms,
        }
    )
    events: list[Event] = []
    for number, row in enumerate(scores.tolist()):
        label = judge.update(array("h", row))
        if label != decision.NO_EVENT:
            at_s = (frontend.window + number * frontend.hop) / sensor.rate_hz
            events.append(Event(model.labels[label], at_s, judge.score / model.score_scale))
    return events


@dataclass(frozen=True)
class Evaluation:
    """How a model does on a dataset; of `n` windows the C answers `agree_c_reference` as the reference.

    `accuracy`, `macro_f1`, `per_class`, `per_group` and `confusion` count examples, of which there are
    `examples`: windows, or whole takes, as `unit` says. `takes`: recordings by the mean of their windows'
    scores. `known`: recordings that the model was trained on, so that their figures flatter. `events`, with a
    background label, counts performances; an activity that goes on all the time is one, its first event
    counts, and instead of `delay_s` after its end there is `answer_s` after its beginning.
    """

    accuracy: float
    macro_f1: float
    per_class: Mapping[str, Any]
    per_group: Mapping[str, Any]
    agree_c_reference: int
    n: int
    unit: str
    examples: int
    takes: Mapping[str, float | int]
    known: int
    labels: tuple[str, ...]
    confusion: list[list[int]]
    events: Mapping[str, float | int | None] | None
    warnings: list[str]


def evaluate(
    recipe: Recipe,
    model: Model,
    data: Dataset,
    *,
    unit: str | None = None,
    on_progress: Advance | None = None,
) -> Evaluation:
    """Stream every recording through the model's C, as the board would, and compare with the labels.

    Windows are judged as in training (`dataset.windows`), but at the board's hop. A model that was trained
    on whole takes (or `unit` "take") is judged by them: a take that rests before and after, as on a board.
    With a background label, events are judged too: against the performances found in each take, and as
    false events an hour of background.

    Raises ModelError if the model is not of this recipe, DatasetError if the recordings don't fit it.
    """
    _check_same(recipe, model)
    assert model.frontend is not None
    data, warnings = judgeable(recipe, data)
    unit = unit or str(model.provenance.get("unit", "window"))
    recipe = judged(recipe, unit)
    empty: list[str] = []
    cut = dataset.windows(data, recipe, hop=recipe.window.hop, note=empty.append)
    if empty:
        warnings.append(f"{len(empty)} recordings left out; the first: {empty[0]}")
    library = compiled(model)
    rows = library.windows(cut.windows) if cut.filtered is cut.windows else _after_filters(model, cut)
    scores, winners = library.classify(rows)
    answer = winners.astype(np.int64)
    counts = confusion.count(cut.labels, answer, len(recipe.labels))
    tally, hours = Tally(0, 0, 0, 0, 0), 0.0
    waits: list[float] = []
    n_crowded = 0
    all_rows = [rows]
    for number, item in enumerate(data.recordings if recipe.background is not None else ()):
        samples = dataset.canonical(item, recipe)
        for start, stop in dataset.stretches(item):
            part = _as_heard(recipe, item, samples[start:stop])
            stretch_rows = library.stream(part)
            all_rows.append(stretch_rows)
            found, late, close = _judge(recipe, model, item.label, part, library.classify(stretch_rows)[0])
            tally, waits, n_crowded = tally + found, waits + late, n_crowded + close
            if not decision.is_event(item.label, recipe.background):
                hours += (stop - start) / recipe.sensor.rate_hz / 3600
        if on_progress is not None:
            on_progress(number + 1, len(data.recordings))
    # With a background every window of every stretch is in the streams.
    X = np.concatenate(all_rows[1:]) if len(all_rows) > 1 else rows
    link = agreement.reference_c(model, library, X if len(X) else rows)
    events = None
    if recipe.background is not None:
        events = {
            **asdict(tally),
            "background_hours": hours,
            "false_events_per_hour": tally.false_events / hours if hours else None,
            "delay_s": float(np.mean(waits)) if waits and not goes_on(recipe) else None,
            "answer_s": float(np.mean(waits)) if waits and goes_on(recipe) else None,
        }
    if n_crowded:
        window_s = recipe.window.length / recipe.sensor.rate_hz
        warnings.append(
            f"{n_crowded} of {tally.missed} missed gestures came less than a window ({window_s:.1f} s) after "
            "the one before, so that one window sees both: rest longer, or train with a shorter [window]"
        )
    known = set(model.provenance.get("data", ())) & set(dataset.fingerprint(data))
    if known:
        warnings.append(
            f"{len(known)} of {len(data.recordings)} recordings are among those that the model was trained "
            "on: these figures flatter; evaluate on other people's or machines' recordings"
        )
    return Evaluation(
        accuracy=confusion.accuracy(counts),
        macro_f1=confusion.macro_f1(counts),
        per_class=confusion.per_class(counts, recipe.labels),
        per_group=confusion.per_group(cut.labels, answer, cut.groups),
        agree_c_reference=link.rows - link.differ - link.differ_inside,
        n=link.rows,
        unit=unit,
        examples=len(answer),
        takes=_by_take(cut, scores),
        known=len(known),
        labels=recipe.labels,
        confusion=counts.tolist(),
        events=events,
        warnings=warnings,
    )


def _after_filters(model: Model, cut: dataset.Windows) -> Int16:
    """Features of windows whose filters have run since their stretch began, as on a board."""
    frontend = model.frontend
    assert frontend is not None
    return features.extract(
        frontend.features,
        cut.filtered,
        frontend.channels,
        sampling=frontend.sampling.unfiltered,
        segment=frontend.segment,
    )


def judgeable(recipe: Recipe, data: Dataset) -> tuple[Dataset, list[str]]:
    """Recordings with labels that the recipe has, and what to tell of the others.

    They count as background, or are left out where there is none. Raises DatasetError if nothing is left.
    """
    strange = sorted({item.label for item in data.recordings} - set(recipe.labels))
    if not strange:
        return data, []
    names, n = ", ".join(strange), sum(item.label in strange for item in data.recordings)
    which = f"{n} recording{'s' * (n > 1)} of {names}"
    if recipe.background is not None:
        # Right is what the model takes for nothing that it knows.
        there = tuple(
            replace(item, label=recipe.background) if item.label in strange else item
            for item in data.recordings
        )
        told = f"{which}, which the model has not learnt: taken for {recipe.background}, which is right then"
    else:
        there = tuple(item for item in data.recordings if item.label not in strange)
        told = f"{which} left out: the model has not learnt that, and has no background"
    if not there:
        raise DatasetError(
            f"{data.folder} holds recordings of {names} only, and {recipe.name} knows "
            f"{', '.join(recipe.labels)}; evaluate on recordings of these, or add the label and train again"
        )
    return Dataset(data.folder, there), [told]


def judged(recipe: Recipe, unit: str) -> Recipe:
    """The recipe with windows that are examples of `unit`, "window" or "take"."""
    kind = recipe.train.windows if recipe.train.windows not in ("auto", "take") else "all"
    return replace(recipe, train=replace(recipe.train, windows="take" if unit == "take" else kind))


def _by_take(cut: dataset.Windows, scores: Int16) -> dict[str, float | int]:
    """Recordings, each by the mean scores of its windows."""
    recordings = np.unique(cut.recording)
    right = 0
    for number in recordings:
        mask = cut.recording == number
        right += int(scores[mask].mean(axis=0).argmax() == np.bincount(cut.labels[mask]).argmax())
    return {"accuracy": right / max(1, len(recordings)), "n": len(recordings)}


def goes_on(recipe: Recipe) -> bool:
    """Whether a recording is an activity that goes on all the time, and no performance with rest around."""
    return recipe.sensor.kind != SOUND and recipe.train.windows == "all"


def _is_performance(recipe: Recipe, label: str) -> bool:
    """Whether a recording as a whole is one performance: a word, or a take that was cut."""
    is_cut = recipe.sensor.kind == SOUND or recipe.train.windows == "take"
    return is_cut and decision.is_event(label, recipe.background)


def _as_heard(recipe: Recipe, item: Recording, samples: Int16) -> Int16:
    """A word as a microphone hears it, with the room before and after it; a gesture between rests."""
    if not _is_performance(recipe, item.label) or not len(samples):
        return samples
    room = recipe.window.length
    if recipe.sensor.kind == SOUND:
        return quiet.around(samples, room, len(samples) + 2 * room)
    return np.pad(samples, ((room, room), (0, 0)), mode="edge")


def _judge(
    recipe: Recipe, model: Model, label: str, samples: Int16, scores: Int16
) -> tuple[Tally, list[float], int]:
    """Events of one stretch against what its label says was done, how late they came, and how many `crowded`.

    Late is after the end of a performance, or after the beginning of an activity that goes on.
    """
    events = decide(model, scores)
    if not decision.is_event(label, recipe.background):
        return match(events, [])[0], [], 0
    rate_hz = recipe.sensor.rate_hz
    if _is_performance(recipe, label):
        room = recipe.window.length
        found = [(room, len(samples) - room)]
    elif goes_on(recipe):
        # One event is due, more of them say nothing new.
        found, events = [(0, len(samples))], events[:1]
    else:
        found = segmenting.performances(samples, rate_hz, dataset.lsb_per_g(recipe))
    played = [Performance(label, start / rate_hz, stop / rate_hz) for start, stop in found]
    tally, heard = match(events, played)
    if goes_on(recipe):
        return tally, [events[0].at_s] if tally.recognised else [], 0
    return tally, delays(events, played), crowded(played, heard, recipe.window.length / rate_hz)


def _check_same(recipe: Recipe, model: Model) -> None:
    frontend = model.frontend
    same = (
        frontend is not None
        and model.labels == recipe.labels
        and (frontend.window, frontend.hop) == (recipe.window.length, recipe.window.hop)
        and frontend.channels == recipe.sensor.channels
        and model.sensor is not None
        and (model.sensor.rate_hz, model.sensor.range_g) == (recipe.sensor.rate_hz, recipe.sensor.range_g)
    )
    if not same:
        raise ModelError(
            f"the model {model.name} was trained with another recipe than {recipe.folder}; train again: "
            f"midge train {recipe.name}"
        )
