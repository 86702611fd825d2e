"""What hands do all day that is no gesture: each function appends about `duration_s` of it to a track."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .person import Person
from .track import Array, Track, envelope, ring, wander

HANGING = (0.0, 1.35, 0.0)


def _steps(
    track: Track, person: Person, duration_s: float, *, pace: float, bounce_m: float, knock_g: float
) -> None:
    """Walking in general: the arm swings at half the step rate, the body bounces, heels knock."""
    rng, rate = track.rng, track.rate_hz
    track.settle(0.8, HANGING)
    phase = track.phase(duration_s)
    n = len(phase)
    step_hz = person.gait_hz * pace * (1.0 + 0.04 * wander(rng, n, 0.4, rate)[:, 0])
    steps = np.cumsum(step_hz) / rate
    edge = envelope(phase, min(0.4, 1.2 / duration_s))
    swing = edge * np.sin(np.pi * steps) * rng.uniform(0.2, 0.5) * person.reach
    bounce = edge * bounce_m * (1.0 - np.cos(2 * np.pi * steps)) / 2
    position = np.stack([0.35 * swing, 0.01 * edge * np.sin(np.pi * steps + 0.6), bounce], axis=1)
    shaken = np.zeros((n, 3))
    for number in range(1, int(steps[-1])):
        at = int(np.searchsorted(steps, number))
        size = knock_g * person.sharpness * rng.uniform(0.6, 1.4) * edge[at]
        along = np.array([1.0, 0.2, 0.3]) + rng.normal(0.0, 0.2, 3)
        shaken[at:] += size * ring(n - at, rate, rng.uniform(9.0, 16.0), 0.06) * along
    track.add(position, np.stack([0.1 * swing, swing, 0 * swing], axis=1), shaken)
    track.settle(0.9)


def walking(track: Track, person: Person, duration_s: float) -> None:
    """On the level, the arm hanging."""
    _steps(track, person, duration_s, pace=track.rng.uniform(0.92, 1.08), bounce_m=0.03, knock_g=0.25)


def stairs(track: Track, person: Person, duration_s: float) -> None:
    """Slower, higher steps and harder knocks."""
    pace, knock_g = track.rng.uniform(0.75, 0.9), track.rng.uniform(0.3, 0.7)
    _steps(track, person, duration_s, pace=pace, bounce_m=0.05, knock_g=knock_g)


def typing(track: Track, person: Person, duration_s: float) -> None:
    """Bursts of small knocks while the hand shifts over the keys."""
    rng, rate = track.rng, track.rate_hz
    phase = track.phase(duration_s)
    n = len(phase)
    shaken = np.zeros((n, 3))
    at = 0
    while at < n:
        size = rng.uniform(0.03, 0.2) * person.sharpness
        along = np.array([0.1, 0.1, 1.0]) + rng.normal(0.0, 0.15, 3)
        end = min(n, at + int(0.3 * rate))
        shaken[at:end] += size * ring(end - at, rate, rng.uniform(20.0, 35.0), 0.03) * along
        at += int(rate * (rng.uniform(0.12, 0.32) if rng.random() < 0.9 else rng.uniform(0.6, 1.5)))
    drift = envelope(phase, 0.2)[:, None] * wander(rng, n, 0.8, rate)
    track.add(0.012 * drift, 0.05 * drift, shaken)
    track.settle(0.5)


def putting_down(track: Track, person: Person, duration_s: float) -> None:
    """The board is put on a table, lies there, is taken up again."""
    rng = track.rng
    drop = rng.uniform(0.12, 0.3)
    turn = (float(rng.normal(0.0, 0.25)), float(rng.normal(0.0, 0.2)), float(rng.normal(0.0, 0.4)))
    track.move(rng.uniform(0.6, 1.0) / person.tempo, (rng.uniform(0.0, 0.25), 0.0, -drop), turn)
    track.hold(max(0.6, duration_s - 2.5))
    track.knock(track.rate_hz, rng.uniform(0.3, 1.0) * person.sharpness, rng.uniform(18.0, 30.0), 0.03)
    track.settle(rng.uniform(0.7, 1.1) / person.tempo)


def car(track: Track, person: Person, duration_s: float) -> None:
    """Hands on the wheel: engine, road, a pothole now and then, steering."""
    rng, rate = track.rng, track.rate_hz
    phase = track.phase(duration_s)
    n = len(phase)
    time = np.arange(n) / rate
    edge = envelope(phase, 0.15)[:, None]
    engine = rng.uniform(0.01, 0.04) * np.sin(2 * np.pi * rng.uniform(22, 34) * time)[:, None] * np.ones(3)
    road = rng.uniform(0.03, 0.09) * wander(rng, n, 4.0, rate)
    shaken = edge * (engine + road)
    for at in np.flatnonzero(rng.random(n) < 0.15 / rate):
        along = np.array([0.2, 0.2, 1.0])
        size = rng.uniform(0.2, 0.6)
        shaken[at:] += size * ring(n - int(at), rate, rng.uniform(3.0, 7.0), 0.12) * along
    steering = edge * wander(rng, n, 0.35, rate) * np.array([0.35, 0.05, 0.1])
    track.add(edge * 0.03 * wander(rng, n, 0.35, rate), steering, shaken)
    track.settle(0.6)


def turning_pages(track: Track, person: Person, duration_s: float) -> None:
    """A slow sideways move with a roll of the hand, and back, several times."""
    rng = track.rng
    end_s = track.time_s + duration_s
    while track.time_s < end_s:
        roll = rng.uniform(0.5, 1.1)
        across = rng.uniform(0.15, 0.3) * person.reach
        track.move(rng.uniform(0.6, 1.0) / person.tempo, (0.0, across, 0.04), (roll, 0.0, 0.2))
        track.hold(rng.uniform(0.1, 0.4))
        track.settle(rng.uniform(0.6, 1.0))
        track.hold(rng.uniform(0.8, 2.0))


def lifting_cup(track: Track, person: Person, duration_s: float) -> None:
    """Up to the mouth, tilt, sip, down, a small knock on the table."""
    rng = track.rng
    end_s = track.time_s + duration_s
    while track.time_s < end_s:
        up = rng.uniform(0.22, 0.38) * person.reach
        track.move(rng.uniform(0.8, 1.3) / person.tempo, (-0.12, 0.05, up), (0.0, -0.2, 0.3))
        track.move(rng.uniform(0.4, 0.7), (0.0, 0.0, 0.02), (rng.uniform(0.3, 0.6), -0.2, 0.0))
        track.hold(rng.uniform(0.6, 1.5))
        track.settle(rng.uniform(0.9, 1.4) / person.tempo)
        track.hold(rng.uniform(0.5, 1.5))
        track.knock(track.rate_hz, rng.uniform(0.05, 0.25), rng.uniform(15.0, 25.0), 0.04)


def resting(track: Track, person: Person, duration_s: float) -> None:
    """Nothing but tremor and breath."""
    rng, rate = track.rng, track.rate_hz
    phase = track.phase(duration_s)
    breath = (
        0.004
        * envelope(phase, 0.2)
        * np.sin(2 * np.pi * rng.uniform(0.2, 0.3) * np.arange(len(phase)) / rate)
    )
    track.add(np.stack([0 * breath, 0 * breath, breath], axis=1))


def reaching(track: Track, person: Person, duration_s: float) -> None:
    """Arm moves to anywhere and nowhere: the commonest cause of false events."""
    rng = track.rng
    end_s = track.time_s + duration_s
    while track.time_s < end_s:
        by = rng.normal(0.0, 1.0, 3)
        by *= rng.uniform(0.1, 0.45) * person.reach / np.linalg.norm(by)
        roll, pitch, yaw = rng.normal(0.0, 0.35, 3)
        distance = float(np.linalg.norm(by))
        # Far moves take longer, and nobody reaches as hard as they strike.
        duration = rng.uniform(0.9, 2.4) * (0.25 + distance) / person.tempo
        track.move(duration, (by[0], by[1], by[2]), (roll, pitch, yaw))
        track.hold(rng.uniform(0.1, 1.0))
        if rng.random() < 0.6:
            track.settle(rng.uniform(0.7, 1.3))
    track.settle(1.0)


def _round_and_round(
    track: Track, duration_s: float, frequency_hz: float, along: Array, second: Array
) -> None:
    phase = track.phase(duration_s)
    n = len(phase)
    wobble = 1.0 + 0.15 * wander(track.rng, n, 0.8, track.rate_hz)[:, :1]
    turns = 2 * np.pi * frequency_hz * np.cumsum(wobble) / track.rate_hz
    edge = envelope(phase, min(0.4, 0.6 / duration_s))[:, None]
    track.add(edge * (np.sin(turns)[:, None] * along + (1.0 - np.cos(turns))[:, None] * second))
    track.settle(0.5)


def stirring(track: Track, person: Person, duration_s: float) -> None:
    """Small circles, about 1.5 a second: a circle without its size."""
    rng = track.rng
    radius = rng.uniform(0.012, 0.03)
    frequency_hz = rng.uniform(1.0, 1.6) * person.tempo
    _round_and_round(
        track, duration_s, frequency_hz, np.array([radius, 0.0, 0.0]), np.array([0.0, radius, 0.0])
    )


def scratching(track: Track, person: Person, duration_s: float) -> None:
    """Quick and small: a shake without its force."""
    rng = track.rng
    size = rng.uniform(0.003, 0.009)
    frequency_hz = rng.uniform(3.0, 4.2) * person.tempo
    along = rng.normal(0.0, 1.0, 3)
    _round_and_round(track, duration_s, frequency_hz, size * along / np.linalg.norm(along), np.zeros(3))


EVERYDAY: dict[str, Callable[[Track, Person, float], None]] = {
    "walking": walking,
    "stairs": stairs,
    "typing": typing,
    "putting down": putting_down,
    "car": car,
    "turning pages": turning_pages,
    "lifting a cup": lifting_cup,
    "resting": resting,
    "reaching": reaching,
    "stirring": stirring,
    "scratching": scratching,
}
