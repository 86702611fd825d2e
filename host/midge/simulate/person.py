"""People: how one hand differs from another."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

LEFT_HANDED_SHARE = 0.15


@dataclass(frozen=True)
class Person:
    """One person with the board on one hand; angles in radians, lengths and times as factors of the average.

    `tempo` is habitual (> 1: faster), `reach` scales the size of motions, `tilt` is the usual roll,
    pitch and yaw of the hand, `mount` how the board sits on it, `bias_g` and `noise_g` are the sensor's,
    tremor the hand's.
    """

    name: str
    left_handed: bool
    clockwise: bool
    tempo: float
    reach: float
    sharpness: float
    tilt: tuple[float, float, float]
    mount: tuple[float, float, float]
    tremor_hz: float
    tremor_g: float
    gait_hz: float
    bias_g: tuple[float, float, float]
    noise_g: float
    seed: int

    def rng(self, *salt: int) -> np.random.Generator:
        """The person's own source of chance for one performance; the same salt gives the same motion."""
        return np.random.default_rng([self.seed, *salt])


def _ordinary(rng: np.random.Generator, deviation: float) -> float:
    """A normal variate of mean 0, drawn again beyond two deviations: ordinary people, no freaks."""
    while abs(value := float(rng.normal(0.0, deviation))) > 2.0 * deviation:
        pass
    return value


def _triple(rng: np.random.Generator, deviation: float) -> tuple[float, float, float]:
    return _ordinary(rng, deviation), _ordinary(rng, deviation), _ordinary(rng, deviation)


def people(count: int, seed: int, prefix: str = "person") -> list[Person]:
    """`count` different people; another seed gives other people.

    In a group of four or more at least one is left-handed, as whoever collects data would see to.
    """
    # Two keys: nobody of one seed's group can come up again under another seed or prefix.
    rng = np.random.default_rng([seed, *prefix.encode()])
    left = set(rng.permutation(count)[: max(1, round(LEFT_HANDED_SHARE * count))] if count >= 4 else [])
    return [
        Person(
            name=f"{prefix}{number + 1:02d}",
            left_handed=number in left,
            clockwise=bool(rng.random() < 0.6),
            tempo=math.exp(_ordinary(rng, 0.12)),
            reach=math.exp(_ordinary(rng, 0.13)),
            sharpness=math.exp(_ordinary(rng, 0.2)),
            tilt=_triple(rng, math.radians(9.0)),
            mount=_triple(rng, math.radians(6.0)),
            tremor_hz=float(rng.uniform(7.5, 11.5)),
            tremor_g=float(rng.uniform(0.003, 0.015)),
            gait_hz=1.85 + _ordinary(rng, 0.12),
            bias_g=_triple(rng, 0.02),
            noise_g=float(rng.uniform(0.003, 0.008)),
            seed=int(rng.integers(2**31)),
        )
        for number in range(count)
    ]
