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
    pitch : float
        of sound: of the logarithm of pitch and formants, at the same pace
    shift_ms : float
        of sound: of the place in the take
    room_s : float
        of sound: every other variant is said in a room with an echo, of so many seconds at most (RT60)
    """

    tempo: float = 0.12
    force: float = 0.15
    turn_rad: float = 0.14
    warp: float = 0.0
    mirror: str = ""
    noise_g: float = 0.0
    drop: float = 0.0
    snr_db: float = 12.0
    pitch: float = 0.0
    shift_ms: float = 60.0
    room_s: float = 0.0
