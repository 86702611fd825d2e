"""Simulated hands that carry a board: gestures and everyday motion of different people, from a seed.

What comes out is what an accelerometer on the hand would feel, in g, so it can be played to a virtual
board. The motion is physical (positions, orientations, gravity, impacts), the people differ, and no
model sees this code.
"""

from __future__ import annotations

from .everyday import EVERYDAY
from .gestures import GESTURES
from .person import Person, people
from .recorded import recorded
from .scenes import Played, Shown, by_name, other_motion, session, take

__all__ = [
    "EVERYDAY",
    "GESTURES",
    "Person",
    "Played",
    "Shown",
    "by_name",
    "other_motion",
    "people",
    "recorded",
    "session",
    "take",
]
