"""The gestures: each a function that appends one performance to a track, as this person does it this time."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .person import Person
from .track import Track, envelope, minimum_jerk


def _vary(track: Track, share: float) -> float:
    """A factor about 1: nobody does the same thing twice alike."""
    return float(np.exp(track.rng.normal(0.0, share)))


def circle(track: Track, person: Person) -> None:
    """Two turns of about 15 cm radius in a plane before the body, 0.7 s a turn."""
    radius = 0.15 * person.reach * _vary(track, 0.08)
    turns = 2.0 + track.rng.normal(0.0, 0.08)
    duration = turns * 0.68 / (person.tempo * _vary(track, 0.06))
    phase = track.phase(duration)
    # Constant speed but for the start and the end, where the hand gathers and loses it.
    speed = envelope(phase, 0.22)
    angle = 2 * np.pi * turns * np.cumsum(speed) / np.sum(speed)
    aspect, lean = track.rng.normal(1.0, 0.08), track.rng.normal(0.1, 0.1)
    across = radius * np.sin(angle) * (-1.0 if person.clockwise else 1.0)
    up = radius * aspect * (1.0 - np.cos(angle))
    position = np.stack([lean * up, across, up], axis=1)
    roll = 0.15 * np.sin(angle) * (1.0 if person.clockwise else -1.0)
    track.add(position, np.stack([roll, -0.4 * up / radius * 0.3, 0 * roll], axis=1))
    track.settle(0.4)


def swipe(track: Track, person: Person) -> None:
    """A quick sideways sweep of about 40 cm, away from the body's middle, then an unhurried return."""
    distance = 0.42 * person.reach * _vary(track, 0.08)
    duration = 0.36 / (person.tempo * _vary(track, 0.07))
    share = minimum_jerk(track.phase(duration))
    bulge = 0.06 * np.sin(np.pi * share)
    rise = track.rng.normal(0.0, 0.03)
    turn = -0.7 * _vary(track, 0.15)
    track.add(
        np.stack([bulge, -distance * share, rise * share], axis=1),
        np.stack([0.25 * np.sin(np.pi * share), 0 * share, turn * share], axis=1),
    )
    track.hold(track.rng.uniform(0.2, 0.5))
    track.settle(track.rng.uniform(0.9, 1.3))


def shake(track: Track, person: Person) -> None:
    """Four to six quick oscillations from the wrist, 4 to 5.5 Hz, a few centimetres."""
    frequency_hz = 4.6 * person.tempo**0.7 * _vary(track, 0.05)
    cycles = track.rng.uniform(4.0, 6.0)
    amplitude = 0.036 * person.reach * _vary(track, 0.1) * (4.6 / frequency_hz)
    phase = track.phase(cycles / frequency_hz)
    swing = np.sin(2 * np.pi * cycles * phase) * envelope(phase, 0.25)
    along = np.array([0.15, 1.0, 0.15]) + track.rng.normal(0.0, 0.15, 3)
    roll = 0.3 * _vary(track, 0.2) * swing
    track.add(amplitude * swing[:, None] * along, np.stack([roll, 0 * roll, 0.2 * swing], axis=1))
    track.settle(0.3)


def chop(track: Track, person: Person) -> None:
    """The hand rises with the fingers, strikes down and stops dead."""
    height = 0.22 * person.reach * _vary(track, 0.08)
    pitch = -0.8 * _vary(track, 0.12)
    track.move(0.5 / (person.tempo * _vary(track, 0.1)), (-0.05, 0.0, height), (0.0, pitch, 0.0))
    track.hold(track.rng.uniform(0.02, 0.15))
    strike = 0.19 / (person.tempo * _vary(track, 0.07))
    track.move(strike, (0.08, 0.0, -1.2 * height), (0.0, 0.15 - pitch, 0.0))
    phase = track.phase(0.25)
    track.add(np.zeros((len(phase), 3)))
    track.knock(0.25, 0.9 * person.sharpness * _vary(track, 0.2), track.rng.uniform(14.0, 22.0), 0.05)
    track.settle(track.rng.uniform(0.5, 0.8))


GESTURES: dict[str, Callable[[Track, Person], None]] = {
    "circle": circle,
    "swipe": swipe,
    "shake": shake,
    "chop": chop,
}
