"""How much the variants of a take differ from it: [train.vary] in a recipe."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Variation:
    """How much variants differ: standard deviations, of the size of the differences between people.

    Attributes
    ----------
    tempo, force : float
        of the logarithm of pace and strength
    warp : float
        pace within the take, as a share of it: hurried here, slow there
    turn_rad : float
        about each axis, gravity included
    mirror : str
        channels whose sign is turned in every other variant: 'y' makes a left hand of a right one
    noise_g : float
        of the sensor, each sample for itself
    drop : float
        share of samples that repeat the one before, as after a loss that nobody noticed
    snr_db : float
        of sound: the least distance between voice and noise
    """

    tempo: float = 0.12
    force: float = 0.15
    turn_rad: float = 0.14
    warp: float = 0.0
    mirror: str = ""
    noise_g: float = 0.0
    drop: float = 0.0
    snr_db: float = 12.0
