"""A dataset: a folder of recordings; and the windows that a recipe cuts out of it."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from . import filtering, journal, quiet, recording, segmenting
from .errors import DatasetError
from .recipe import Recipe
from .recording import Recording

# Windows of one take overlap more in training than on the board, so that every alignment is seen.
STEPS_PER_HOP = 2


@dataclass(frozen=True)
class Dataset:
    """Recordings below a folder, in the order of their paths."""

    folder: Path
    recordings: tuple[Recording, ...]

    @property
    def labels(self) -> tuple[str, ...]:
        """Labels that occur, sorted."""
        return tuple(sorted({item.label for item in self.recordings}))

    @property
    def groups(self) -> tuple[str, ...]:
        """Groups that occur, sorted; recordings without one don't count."""
        return tuple(sorted({item.group for item in self.recordings if item.group}))


class Windows(NamedTuple):
    """Windows of a dataset, n of them.

    `windows` int16 (n, length, channels) canonical samples; `labels` int (n,) indices into the recipe's
    labels; `groups` str (n,), a recording without a group being a group of its own; `recording` int (n,)
    indices into the dataset's recordings; `start` int (n,) the window's first row there; `filtered` like
    `windows`, as the recipe's filters leave them that have run since the stretch began.
    """

    windows: npt.NDArray[np.int16]
    labels: npt.NDArray[np.int64]
    groups: npt.NDArray[np.str_]
    recording: npt.NDArray[np.int64]
    start: npt.NDArray[np.int64]
    filtered: npt.NDArray[np.int16]


def load(folder: str | Path) -> Dataset:
    """Read every recording below `folder`; raises DatasetError if there is none or one is not whole."""
    folder = Path(folder)
    if not folder.is_dir():
        raise DatasetError(
            f"{folder} is no folder; record into one with: midge record APP --device DEVICE --label L"
        )
    if journal.is_unfinished(folder):
        raise DatasetError(
            f"{folder}: a change was cut off, or is under way; take it back with: midge data check {folder} "
            "--repair"
        )
    found = [recording.load(path) for path in recording.find(folder)]
    if not found:
        raise DatasetError(f"{folder} holds no recording; make one with: midge record, or midge import")
    return Dataset(folder, tuple(found))


def fingerprint(dataset: Dataset) -> list[str]:
    """8 hex digits of each recording's samples, sorted: data that were trained on are known by them."""
    return sorted({hashlib.sha256(item.samples.tobytes()).hexdigest()[:8] for item in dataset.recordings})


def lsb_per_g(recipe: Recipe) -> float:
    """Scale of canonical motion samples at the recipe's range."""
    return 32768 / recipe.sensor.range_g


def canonical(item: Recording, recipe: Recipe) -> npt.NDArray[np.int16]:
    """The samples as the recipe's board gives them; raises DatasetError if rate, channels or unit differ."""
    where = item.path or "recording"
    if item.channels[: len(recipe.sensor.channels)] == recipe.sensor.channels:
        # More channels than the app reads: a gyroscope's.
        item = replace(
            item,
            channels=recipe.sensor.channels,
            samples=item.samples[:, : len(recipe.sensor.channels)],
        )
    if item.channels != recipe.sensor.channels:
        raise DatasetError(
            f"{where} has the channels {','.join(item.channels)} and app {recipe.name!r} needs "
            f"{','.join(recipe.sensor.channels)}; import it again with --columns"
        )
    if abs(item.rate_hz / recipe.sensor.rate_hz - 1.0) > recipe.sensor.rate_tolerance:
        raise DatasetError(
            f"{where} is at {item.rate_hz:g} Hz and app {recipe.name!r} needs {recipe.sensor.rate_hz} Hz; "
            "import it again (that resamples), or set rate_hz in app.toml"
        )
    unit = recording.SOUND_UNIT if recipe.sensor.kind == "sound" else "g"
    if item.unit != unit:
        raise DatasetError(f"{where} is in {item.unit!r}, not in {unit}; import it again with --unit")
    wanted = recording.scales(
        replace(item, scale=lsb_per_g(recipe), gyro_scale=recording.FULL_SCALE / recipe.sensor.range_dps)
    )
    there = recording.scales(item)
    if (there == wanted).all():
        return item.samples
    scaled = np.rint(item.samples * (wanted / there))
    return np.asarray(np.clip(scaled, -32768, 32767), dtype=np.int16)


def stretches(item: Recording) -> list[tuple[int, int]]:
    """First and last + 1 row of each part of a recording that has no gap inside."""
    cuts = sorted({0, len(item.samples), *(gap.at for gap in item.gaps)})
    return list(itertools.pairwise(cuts))


def windows(
    dataset: Dataset, recipe: Recipe, *, hop: int | None = None, note: Callable[[str], None] | None = None
) -> Windows:
    """Cut the dataset as the board would, but never across a gap.

    With `windows = "all"` in the recipe's [train], every window carries its recording's label. With
    `"event"`, a recording of another label than the background is rest, gesture, rest (several times):
    windows that show a whole performance carry the label, windows that show next to none the
    background's, the others are left out. With `"take"`, a recording of another label than the background
    is one performance and gives one window (`whole_take`), as does a clip of background that is shorter
    than a window. "auto" is what `window_kind` says.

    `hop` (samples) defaults to half the recipe's for "event", else to the recipe's. `note` hears of
    recordings that give no window. Raises DatasetError if a label is not the recipe's or nothing is left.
    """
    length = recipe.window.length
    kind = window_kind(dataset, recipe)
    by_event = kind == "event"
    if hop is None:
        hop = max(1, recipe.window.hop // STEPS_PER_HOP) if by_event else recipe.window.hop
    cut: list[npt.NDArray[np.int16]] = []
    after_filters: list[npt.NDArray[np.int16]] = []
    sampling = recipe.sensor.sampling
    has_filters = sampling != sampling.unfiltered
    labels: list[npt.NDArray[np.int64]] = []
    owners: list[npt.NDArray[np.int64]] = []
    begins: list[npt.NDArray[np.int64]] = []
    for number, item in enumerate(dataset.recordings):
        label = _label_index(item, recipe)
        samples = canonical(item, recipe)
        before = len(cut)
        if kind == "take" and (item.label != recipe.background or _is_short_sound(item, length)):
            window, start = whole_take(item, samples, length)
            cut.append(window[None])
            if has_filters:
                after_filters.append(filtering.filtered(window, sampling)[None])
            labels.append(np.array([label]))
            owners.append(np.array([number]))
            begins.append(np.array([start]))
            continue
        for start, stop in stretches(item):
            starts = np.arange(start, stop - length + 1, hop)
            chosen = np.full(len(starts), label)
            if by_event and item.label != recipe.background:
                starts, chosen = _around_events(samples[start:stop], starts, start, recipe, label)
            if len(starts):
                cut.append(samples[starts[:, None] + np.arange(length)])
                if has_filters:
                    part = filtering.filtered(samples[start:stop], sampling)
                    after_filters.append(part[starts[:, None] - start + np.arange(length)])
                labels.append(chosen)
                owners.append(np.full(len(starts), number))
                begins.append(starts)
        if note is not None and len(cut) == before:
            note(f"{item.path}: too short for a window of {length} samples")
    if not cut:
        raise DatasetError(
            f"{dataset.folder} holds no stretch of {length} samples without a gap; record longer takes"
        )
    owner = np.concatenate(owners)
    names = [item.group or f"recording {number}" for number, item in enumerate(dataset.recordings)]
    raw = np.concatenate(cut)
    return Windows(
        raw,
        np.concatenate(labels),
        np.array(names)[owner],
        owner,
        np.concatenate(begins),
        np.concatenate(after_filters) if has_filters else raw,
    )


def _is_short_sound(item: Recording, length: int) -> bool:
    """A clip of background that no window fits in is one example, with its room around it, as words are."""
    return item.kind == recording.SOUND and 0 < len(item.samples) < length


# A take that is shorter than so many windows is one example as a whole …
TAKE_WINDOWS = 1.5
# … if most of them are.
TAKE_SHARE = 0.8


def window_kind(dataset: Dataset, recipe: Recipe) -> str:
    """What an example is: the recipe's [train] windows; "auto" is "take" if takes are short, else "all"."""
    if recipe.train.windows != "auto":
        return recipe.train.windows
    short = [
        max(stop - start for start, stop in stretches(item)) < TAKE_WINDOWS * recipe.window.length
        for item in dataset.recordings
        if item.label != recipe.background and len(item.samples)
    ]
    return "take" if short and np.mean(short) >= TAKE_SHARE else "all"


def whole_take(
    item: Recording, samples: npt.NDArray[np.int16], length: int
) -> tuple[npt.NDArray[np.int16], int]:
    """The window of a take that is one performance, and its first row, below 0 if the take is shorter.

    A longer take gives the window with most motion; a shorter one rests before and after, as on a board.
    """
    start, stop = max(stretches(item), key=lambda bounds: bounds[1] - bounds[0], default=(0, 0))
    part = samples[start:stop]
    if len(part) <= length:
        before = (length - len(part)) // 2
        if not len(part):
            return np.zeros((length, samples.shape[1]), np.int16), start
        if item.kind == recording.SOUND:
            return quiet.around(part, before, length), start - before
        return np.pad(part, ((before, length - len(part) - before), (0, 0)), mode="edge"), start - before
    motion = np.abs(np.diff(part.astype(np.float64), axis=0, prepend=part[:1])).sum(axis=1)
    total = np.concatenate([[0.0], np.cumsum(motion)])
    first = int(np.argmax(total[length:] - total[:-length]))
    return part[first : first + length], start + first


def _label_index(item: Recording, recipe: Recipe) -> int:
    if item.label not in recipe.labels:
        raise DatasetError(
            f"{item.path} is labelled {item.label!r}, app {recipe.name!r} knows {', '.join(recipe.labels)}; "
            "add it to [labels] in app.toml or remove the recording"
        )
    return recipe.labels.index(item.label)


def _around_events(
    samples: npt.NDArray[np.int16], starts: npt.NDArray[np.int64], offset: int, recipe: Recipe, label: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The windows of a gesture's take that say something, and what they say."""
    assert recipe.background is not None
    found = segmenting.performances(samples, recipe.sensor.rate_hz, lsb_per_g(recipe))
    shares = segmenting.shown(starts - offset, recipe.window.length, found)
    says = (shares >= segmenting.SHOWS) | (shares <= segmenting.SHOWS_NOT)
    background = recipe.labels.index(recipe.background)
    return starts[says], np.where(shares >= segmenting.SHOWS, label, background)[says]
