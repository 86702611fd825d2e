"""The path of a hand through space, and what an accelerometer on it feels.

World axes: x forward, y left, z up. Angles are roll, pitch and yaw (about x, y, z; yaw · pitch · roll);
positive pitch lowers the fingers. At angles 0 the board's axes are the world's and it feels (0, 0, +1) g.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .person import Person

Array = npt.NDArray[np.float64]
GRAVITY_M_S2 = 9.80665
Triple = tuple[float, float, float]
ORIGIN: Triple = (0.0, 0.0, 0.0)


def minimum_jerk(phase: Array) -> Array:
    """Share of the way made at each `phase` (0…1): how unhurried hands move (Flash and Hogan 1985)."""
    bounded = np.clip(phase, 0.0, 1.0)
    share: Array = bounded**3 * (10.0 - 15.0 * bounded + 6.0 * bounded**2)
    return share


def envelope(phase: Array, edge: float) -> Array:
    """0 → 1 → 0 over `phase`, with smooth edges of the share `edge` at both ends."""
    rise: Array = minimum_jerk(phase / edge) * minimum_jerk((1.0 - phase) / edge)
    return rise


class Track:
    """A path that grows: position (m), angles (rad) and what shakes the board directly (g), at `rate_hz`."""

    def __init__(self, rate_hz: float, rng: np.random.Generator) -> None:
        self.rate_hz = rate_hz
        self.rng = rng
        self._position: list[Array] = [np.zeros((1, 3))]
        self._angles: list[Array] = [np.zeros((1, 3))]
        self._shaken: list[Array] = [np.zeros((1, 3))]
        self._samples = 1

    @property
    def time_s(self) -> float:
        """Length so far."""
        return self._samples / self.rate_hz

    def phase(self, duration_s: float) -> Array:
        """0 (exclusive) … 1 (inclusive), one value for each sample of the next `duration_s`."""
        count = max(2, round(duration_s * self.rate_hz))
        return np.arange(1, count + 1) / count

    def add(self, position: Array, angles: Array | None = None, shaken: Array | None = None) -> None:
        """Append motion relative to where the hand is now; each array is (n, 3)."""
        none = np.zeros_like(position)
        self._position.append(self._position[-1][-1] + position)
        self._angles.append(self._angles[-1][-1] + (none if angles is None else angles))
        self._shaken.append(none if shaken is None else shaken)
        self._samples += len(position)

    def hold(self, duration_s: float) -> None:
        """Keep still; the hand's tremor and slow drift come with `feel`."""
        self.add(np.zeros((len(self.phase(duration_s)), 3)))

    def move(self, duration_s: float, by: Triple = ORIGIN, turn: Triple = ORIGIN) -> None:
        """One smooth move by metres and radians."""
        share = minimum_jerk(self.phase(duration_s))[:, None]
        self.add(share * np.array(by), share * np.array(turn))

    def settle(self, duration_s: float, angles: Triple = ORIGIN) -> None:
        """Go smoothly back to the origin, into the posture `angles`."""
        by, turn = -self._position[-1][-1], np.array(angles) - self._angles[-1][-1]
        share = minimum_jerk(self.phase(duration_s))[:, None]
        self.add(share * by, share * turn)

    def knock(self, at_s: float, size_g: float, ring_hz: float, decay_s: float) -> None:
        """A bump that rings out, from `at_s` seconds before the end of the latest motion on."""
        shaken = self._shaken[-1]
        start = max(0, len(shaken) - max(1, round(at_s * self.rate_hz)))
        rung = ring(len(shaken) - start, self.rate_hz, ring_hz, decay_s)
        shaken[start:] += size_g * rung * direction(self.rng)

    def feel(self, person: Person) -> Array:
        """What the sensor on this person's hand feels, in g, (n, 3), noise and mounting included."""
        position, angles = np.concatenate(self._position), np.concatenate(self._angles)
        shaken = np.concatenate(self._shaken)
        n = len(position)
        angles = angles + np.array(person.tilt) + np.radians(1.5) * wander(self.rng, n, 0.3, self.rate_hz)
        padded = np.concatenate([position[:1], position, position[-1:]])
        force = np.diff(padded, n=2, axis=0) * (self.rate_hz**2 / GRAVITY_M_S2)
        force[:, 2] += 1.0
        felt = np.einsum("nij,ni->nj", rotation(angles), force) + shaken
        felt += person.tremor_g * tremor(self.rng, n, person.tremor_hz, self.rate_hz)
        if person.left_handed:
            # A left hand is a right hand in the mirror of the x-z plane.
            felt[:, 1] *= -1.0
        felt = felt @ rotation(np.array([person.mount]))[0]
        noise = self.rng.normal(0.0, person.noise_g, (n, 3))
        return np.asarray(felt + np.array(person.bias_g) + noise, dtype=np.float64)


def rotation(angles: Array) -> Array:
    """Matrices (n, 3, 3) that turn the board's axes into the world's."""
    (sr, sp, sy), (cr, cp, cy) = np.sin(angles).T, np.cos(angles).T
    rows = [
        [cy * cp, cy * sp * sr - sy * cr, cy * sp * cr + sy * sr],
        [sy * cp, sy * sp * sr + cy * cr, sy * sp * cr - cy * sr],
        [-sp, cp * sr, cp * cr],
    ]
    return np.moveaxis(np.array(rows), 2, 0)


def direction(rng: np.random.Generator) -> Array:
    """A unit vector, mostly up or down: what bumps do."""
    vector = rng.normal(0.0, 1.0, 3) * np.array([0.5, 0.5, 1.0])
    return np.asarray(vector / np.linalg.norm(vector), dtype=np.float64)


def ring(n: int, rate_hz: float, ring_hz: float, decay_s: float) -> Array:
    """A damped oscillation (n, 1) that starts at 1 but for its phase."""
    time = np.arange(n)[:, None] / rate_hz
    damped: Array = np.exp(-time / decay_s) * np.sin(2 * np.pi * ring_hz * time)
    return damped


def wander(rng: np.random.Generator, n: int, bandwidth_hz: float, rate_hz: float) -> Array:
    """Smooth chance (n, 3) of unit deviation, with nothing above about `bandwidth_hz`."""
    knots = max(4, int(np.ceil(n / rate_hz * bandwidth_hz * 2)) + 3)
    values = rng.normal(0.0, 1.0, (knots, 3))
    at = np.linspace(1.0, knots - 2.0, n)
    low = np.clip(at.astype(int), 0, knots - 2)
    share = (at - low)[:, None]
    smooth = share * share * (3.0 - 2.0 * share)
    return np.asarray(values[low] * (1.0 - smooth) + values[low + 1] * smooth, dtype=np.float64)


def tremor(rng: np.random.Generator, n: int, tremor_hz: float, rate_hz: float) -> Array:
    """The involuntary shake of a hand: a narrow band about `tremor_hz`, waxing and waning."""
    phase = 2 * np.pi * tremor_hz * np.arange(n)[:, None] / rate_hz + 1.5 * wander(rng, n, 0.8, rate_hz)
    return np.asarray(np.sin(phase + rng.uniform(0, 2 * np.pi, 3)) * wander(rng, n, 0.5, rate_hz))
