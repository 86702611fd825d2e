"""Scenes for a virtual board: takes of one gesture, everyday motion, sessions of several people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..errors import DatasetError
from .everyday import EVERYDAY
from .gestures import GESTURES
from .person import Person, people
from .track import Array, Track

RATE_HZ = 200.0


@dataclass(frozen=True)
class Played:
    """One gesture that was played, by whom, from and to when (seconds since the scene's start)."""

    label: str
    person: str
    start_s: float
    end_s: float


@dataclass(frozen=True)
class Shown:
    """A scene: `samples_g` (n, 3) at `rate_hz`, and the gestures in it."""

    samples_g: Array
    rate_hz: float
    played: tuple[Played, ...] = ()

    @property
    def duration_s(self) -> float:
        """Length of the scene."""
        return len(self.samples_g) / self.rate_hz


def take(
    person: Person,
    label: str,
    *,
    times: int = 4,
    salt: int = 0,
    rate_hz: float = RATE_HZ,
    pause_s: float = 1.2,
) -> Shown:
    """A take for training: `label` performed `times` times, with a pause of about `pause_s` around each."""
    track = Track(rate_hz, person.rng(1, salt, list(GESTURES).index(label)))
    played: list[Played] = []
    for _ in range(times):
        track.hold(pause_s * track.rng.uniform(0.8, 1.2))
        start_s = track.time_s
        GESTURES[label](track, person)
        played.append(Played(label, person.name, start_s, track.time_s))
    track.hold(pause_s)
    return Shown(track.feel(person), rate_hz, tuple(played))


def other_motion(
    person: Person,
    duration_s: float,
    *,
    kinds: Sequence[str] | None = None,
    salt: int = 0,
    rate_hz: float = RATE_HZ,
) -> Shown:
    """At least `duration_s` of everyday motion: every kind in turn, in an order of chance."""
    track = Track(rate_hz, person.rng(2, salt))
    kinds = list(EVERYDAY) if kinds is None else list(kinds)
    # Every kind gets the same share, in bouts of 3 to 8 s.
    bout_s = float(np.clip(duration_s / len(kinds) - 1.5, 2.5, 8.0))
    while track.time_s < duration_s:
        for kind in track.rng.permutation(kinds):
            EVERYDAY[kind](track, person, bout_s * track.rng.uniform(0.8, 1.2))
            track.hold(track.rng.uniform(0.2, 0.8))
            if track.time_s >= duration_s:
                break
    return Shown(track.feel(person)[: round(duration_s * rate_hz)], rate_hz)


def session(
    persons: Sequence[Person], times: int, *, salt: int = 0, rate_hz: float = RATE_HZ, pause_s: float = 1.5
) -> Shown:
    """Each person plays every gesture `times` times, in an order of chance, pausing about `pause_s`."""
    parts: list[npt.NDArray[np.float64]] = []
    played: list[Played] = []
    before = 0
    for person in persons:
        track = Track(rate_hz, person.rng(3, salt))
        for label in track.rng.permutation(list(GESTURES) * times):
            track.hold(pause_s * track.rng.uniform(0.8, 1.6))
            start_s = before / rate_hz + track.time_s
            GESTURES[label](track, person)
            played.append(Played(str(label), person.name, start_s, before / rate_hz + track.time_s))
        track.hold(pause_s)
        parts.append(track.feel(person))
        before += len(parts[-1])
    return Shown(np.concatenate(parts), rate_hz, tuple(played))


def by_name(name: str) -> Shown:
    """A scene told by a word, for trying things out: `circle`, `other`, `gestures` (all of them), …

    After a colon stands the person's seed, 1 by default: `circle:7`. Raises DatasetError for another word.
    """
    word, _, seed = name.partition(":")
    known = [*GESTURES, "other", "gestures"]
    if word not in known or not (seed or "1").isdecimal():
        raise DatasetError(
            f"no scene {name!r}: give a .npz or .csv file, or one of {', '.join(known)}, with a person's "
            "number after a colon (circle:7)"
        )
    person = people(1, int(seed or 1))[0]
    if word == "other":
        return other_motion(person, 120.0)
    if word == "gestures":
        return session([person], 3, pause_s=2.5)
    return take(person, word, times=8)
