"""A model on hours of sound or motion: false accepts an hour, false rejects and delays, for every threshold.

Takes of words are laid into the dataset's background recordings, one after the other with pauses, so that it
is known when each was said; what the model hears while nothing was said is a false accept. Clips of
background that are shorter than a pause are played one after the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from midge_device.decision import is_event

from . import dataset, quiet
from .compile.host import HostModel
from .dataset import Dataset
from .errors import DatasetError, ModelError
from .evaluate import LATEST_S, Event, Performance, compiled, decide, delays, match
from .log_axis import log_x
from .model_file import Model
from .progress import Advance
from .recipe import Recipe
from .recording import Recording

Int16 = npt.NDArray[np.int16]

PICTURE_NAME = "stream.png"
# Closer where a model that is sure of other words has to be held back.
THRESHOLDS = (
    *(round(0.02 * step, 2) for step in range(10, 45)),
    *(round(0.01 * n, 2) for n in range(90, 100)),
)
# Background between two takes: long enough that no window sees both.
PAUSE_WINDOWS = 2.0


@dataclass(frozen=True)
class Point:
    """One threshold: what it lets in and what it misses."""

    threshold: float
    false_accepts: int
    false_accepts_per_hour: float
    false_rejects: int
    confused: int
    false_reject_rate: float
    delay_ms_median: float | None
    delay_ms_95: float | None


@dataclass(frozen=True)
class StreamEvaluation:
    """The recipe's threshold, the one for the wanted false accepts an hour (None: no threshold has so few),
    and all of them; `said` takes in `hours`, of which `background_hours` held none."""

    hours: float
    background_hours: float
    said: int
    at_recipe: Point
    tuned: Point | None
    wanted_per_hour: float
    points: tuple[Point, ...]

    def to_json(self) -> dict[str, Any]:
        """As the command tells it."""
        return asdict(self)


@dataclass(frozen=True)
class _Stream:
    samples: Int16
    said: tuple[Performance, ...]


def evaluate_stream(
    recipe: Recipe,
    model: Model,
    data: Dataset,
    *,
    per_hour: float = 1.0,
    seed: int = 1,
    on_progress: Advance | None = None,
) -> StreamEvaluation:
    """Stream the takes of `data`, laid into its background, and then the whole background, through the C.

    Raises ModelError without a background label or a decision, DatasetError without takes.
    """
    if recipe.background is None or model.decision is None or model.frontend is None:
        raise ModelError(
            f"{recipe.name} has no background label: say in [labels] which one stands for everything else"
        )
    background = [item for item in data.recordings if not is_event(item.label, recipe.background)]
    takes = [item for item in data.recordings if is_event(item.label, recipe.background)]
    if not takes:
        raise DatasetError(f"{data.folder} holds background only; add takes of the words")
    library = compiled(model)
    rate_hz, length = recipe.sensor.rate_hz, recipe.window.length
    room = _joined(
        [
            dataset.canonical(item, recipe)[slice(*where)]
            for item in background
            for where in dataset.stretches(item)
        ],
        round(PAUSE_WINDOWS * length),
        seed,
    )
    streams = [
        _lay_out(takes, room, recipe, seed),
        *(_Stream(part, ()) for part in room if len(part) >= length),
    ]
    scored = []
    for number, stream in enumerate(streams):
        scored.append((_scores(library, stream.samples), stream))
        if on_progress is not None:
            on_progress(number + 1, len(streams))
    hours = sum(len(stream.samples) for stream in streams) / rate_hz / 3600
    busy_s = sum(one.end_s - one.start_s + LATEST_S for stream in streams for one in stream.said)
    quiet_hours = max(1e-9, hours - busy_s / 3600)
    thresholds = sorted({*THRESHOLDS, model.decision.threshold})
    points = [_point(model, scored, threshold, quiet_hours) for threshold in thresholds]
    return _evaluation(points, hours, quiet_hours, len(takes), model.decision.threshold, per_hour)


def _evaluation(
    points: Sequence[Point], hours: float, quiet_hours: float, said: int, threshold: float, per_hour: float
) -> StreamEvaluation:
    """What the points tell; tuned to the one that misses least with few enough false accepts."""
    enough = [point for point in points if point.false_accepts_per_hour <= per_hour]
    return StreamEvaluation(
        hours=hours,
        background_hours=quiet_hours,
        said=said,
        at_recipe=next(point for point in points if point.threshold == threshold),
        tuned=min(enough, key=lambda point: (point.false_reject_rate, point.threshold)) if enough else None,
        wanted_per_hour=per_hour,
        points=tuple(points),
    )


def together(found: Sequence[StreamEvaluation]) -> StreamEvaluation:
    """Several streams as one, such as those of folds; delays are medians of their own."""
    hours, quiet_hours = sum(one.hours for one in found), sum(one.background_hours for one in found)
    said = sum(one.said for one in found)

    def median(values: Sequence[float | None]) -> float | None:
        known = [value for value in values if value is not None]
        return float(np.median(known)) if known else None

    points = []
    for of_threshold in zip(*(one.points for one in found), strict=True):
        missed = sum(point.false_rejects for point in of_threshold)
        confused = sum(point.confused for point in of_threshold)
        false = sum(point.false_accepts for point in of_threshold)
        points.append(
            Point(
                threshold=of_threshold[0].threshold,
                false_accepts=false,
                false_accepts_per_hour=false / quiet_hours,
                false_rejects=missed,
                confused=confused,
                false_reject_rate=(missed + confused) / max(1, said),
                delay_ms_median=median([point.delay_ms_median for point in of_threshold]),
                delay_ms_95=median([point.delay_ms_95 for point in of_threshold]),
            )
        )
    first = found[0]
    return _evaluation(points, hours, quiet_hours, said, first.at_recipe.threshold, first.wanted_per_hour)


def _joined(parts: Sequence[Int16], least: int, seed: int) -> list[Int16]:
    """The parts; those shorter than `least` as one, in the order of a seed."""
    short = [part for part in parts if len(part) < least]
    long = [part for part in parts if len(part) >= least]
    if short:
        order = np.random.default_rng(seed).permutation(len(short))
        long.append(np.concatenate([short[number] for number in order]))
    return long


def _lay_out(takes: Sequence[Recording], room: Sequence[Int16], recipe: Recipe, seed: int) -> _Stream:
    """Takes in the order of a seed, with background between them; quiet if the dataset has none."""
    rng = np.random.default_rng(seed)
    rate_hz = recipe.sensor.rate_hz
    pause = round(PAUSE_WINDOWS * recipe.window.length)
    sources = [part for part in room if len(part) >= pause]
    parts: list[Int16] = []
    said: list[Performance] = []
    at = 0
    for number in rng.permutation(len(takes)):
        if sources:
            source = sources[int(rng.integers(len(sources)))]
            first = int(rng.integers(len(source) - pause + 1))
            between = source[first : first + pause]
        else:
            between = quiet.around(np.zeros((0, len(recipe.sensor.channels)), np.int16), 0, pause)
        item = takes[int(number)]
        take = dataset.canonical(item, recipe)
        parts += [between, take]
        at += len(between)
        said.append(Performance(item.label, at / rate_hz, (at + len(take)) / rate_hz))
        at += len(take)
    parts.append(parts[0])
    return _Stream(np.concatenate(parts), tuple(said))


def _scores(library: HostModel, samples: Int16) -> Int16:
    return library.classify(library.stream(samples))[0]


def _point(
    model: Model, scored: Sequence[tuple[Int16, _Stream]], threshold: float, quiet_hours: float
) -> Point:
    assert model.decision is not None
    at = replace(model, decision=replace(model.decision, threshold=threshold))
    false = said = right = confused = 0
    waits: list[float] = []
    for scores, stream in scored:
        events: list[Event] = decide(at, scores)
        tally = match(events, stream.said)[0]
        waits += delays(events, stream.said)
        false, said, right = false + tally.false_events, said + tally.played, right + tally.recognised
        confused += tally.confused
    late_ms = 1000 * np.array(waits)
    return Point(
        threshold=threshold,
        false_accepts=false,
        false_accepts_per_hour=false / quiet_hours,
        false_rejects=said - right - confused,
        confused=confused,
        false_reject_rate=1 - right / max(1, said),
        delay_ms_median=float(np.median(late_ms)) if len(late_ms) else None,
        delay_ms_95=float(np.quantile(late_ms, 0.95)) if len(late_ms) else None,
    )


def draw(found: StreamEvaluation, path: Path, title: str) -> None:
    """The picture of detection errors: false rejects over false accepts an hour."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 4.5), layout="constrained")
    axes = figure.subplots()
    least = 0.3 / found.background_hours
    accepts = [max(least, point.false_accepts_per_hour) for point in found.points]
    rejects = [100 * point.false_reject_rate for point in found.points]
    axes.plot(accepts, rejects, "o-", markersize=3)
    for point, name in ((found.at_recipe, "recipe"), (found.tuned, "tuned")):
        if point is not None:
            at = (max(least, point.false_accepts_per_hour), 100 * point.false_reject_rate)
            axes.annotate(f"{name} {point.threshold:g}", at, textcoords="offset points", xytext=(6, 6))
            axes.plot(*at, "s")
    log_x(axes)
    axes.set_xlabel("false accepts an hour")
    axes.set_ylabel("takes missed or confused, %")
    axes.set_title(title)
    axes.grid(visible=True, alpha=0.3)
    figure.savefig(path, dpi=120)


def keep(recipe: Recipe, model: Model, folder: Path, threshold: float) -> Model:
    """Write `threshold` into the app's recipe and its model file; returns the model; raises RecipeError."""
    import re

    from . import model_file
    from .errors import RecipeError
    from .recipe import FILE_NAME

    assert model.decision is not None
    path = recipe.folder / FILE_NAME
    try:
        text = path.read_text(encoding="utf-8")
        changed, n = re.subn(
            r"^(threshold\s*=\s*)[0-9.]+", rf"\g<1>{threshold:g}", text, count=1, flags=re.MULTILINE
        )
        if n != 1:
            raise RecipeError(f"{path}: [decision] has no threshold to set; add: threshold = {threshold:g}")
        path.write_text(changed, encoding="utf-8")
    except OSError as error:
        raise RecipeError(f"{path} can't be written ({error}); set threshold = {threshold:g} there") from None
    tuned = replace(model, decision=replace(model.decision, threshold=threshold))
    model_file.save(tuned, folder)
    return tuned
