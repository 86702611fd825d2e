"""More takes out of few: each as somebody else might have made it, faster, slower, stronger, weaker, turned.

Physics, not image tricks: a motion done s times as fast accelerates s² as much and turns s times as fast;
another wrist or mounting turns the axes, gravity included; a mirror reverses an axis of acceleration, and the
two others of turning.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from midge_device.decision import is_event

from . import augment_sound
from .dataset import Dataset, stretches
from .recording import GYRO_CHANNELS, SOUND, Gap, Recording
from .variation import Variation

# What moves slower than this is posture (gravity), not force.
POSTURE_S = 2.0
MOTION = 3  # channels of a vector
# Windows that show a part of a word, for each word: more of them, and words are taken for parts.
PARTS_A_WORD = 0.25
# Of clips of background, those that another one follows.
JOINED = 0.33
# Windows long; what is longer shows its own course.
LONGEST_CLIP = 2.0
# Of a performance: so much of it is not yet the performance.
SHOWN = (0.1, 0.55)

Clips = Sequence[npt.NDArray[np.int16]]


def vary(
    dataset: Dataset,
    copies: int,
    seed: int,
    how: Variation | None = None,
    *,
    background: str | None = None,
    length: int = 0,
    keys: Sequence[str] = (),
) -> Dataset:
    """`copies` variants of every recording, with its label and group; the originals are not among them.

    With a `background` label there are more: windows of `length` samples that a performance just enters, or
    is about to leave, labelled background, as on a stream most windows show a part of one. Of words there are
    fewer of those, but words among other speech, and clips of background one after the other; words are also
    mixed with their group's background. What is joined has the same key of `keys` (default: groups), so that
    nothing of a recording that is held out later is heard in another one.
    """
    rng = np.random.default_rng(seed)
    how = how or Variation()
    rooms = {item.group: item.samples for item in dataset.recordings if item.label == background}
    made = [
        _sound(item, rng, how, None if item.label == background else rooms.get(item.group))
        if item.kind == SOUND
        else _variant(item, rng, how, is_mirrored=bool(how.mirror) and copy % 2 == 0)
        for copy in range(copies)
        for item in dataset.recordings
    ]
    if background is not None:
        owners = list(keys) or [item.group for item in dataset.recordings]
        clips = _clips(dataset, owners, background, LONGEST_CLIP * length)
        for enters in (True, False):
            # Of one copy: with more of them, whatever is not quite a word would be background.
            for owner, item in zip(owners, made[: len(dataset.recordings)], strict=True):
                of_kind = _heard if item.kind == SOUND else _moved
                made.append(of_kind(item, background, length, rng, clips.get(owner, []), enters=enters))
    return Dataset(dataset.folder, tuple(made))


def _clips(
    dataset: Dataset, owners: Sequence[str], background: str, longest: float
) -> dict[str, list[npt.NDArray[np.int16]]]:
    """Short recordings of background, by owner."""
    found: dict[str, list[npt.NDArray[np.int16]]] = {}
    for owner, item in zip(owners, dataset.recordings, strict=True):
        if item.label == background and 0 < len(item.samples) <= longest:
            found.setdefault(owner, []).append(item.samples)
    return found


def _moved(
    item: Recording,
    background: str,
    length: int,
    rng: np.random.Generator,
    clips: Clips,
    *,
    enters: bool,
) -> Recording:
    """A part of a gesture, which is background; nothing of background."""
    if not is_event(item.label, background):
        return replace(item, samples=item.samples[:0])
    return replace(item, label=background, samples=_partial(item.samples, length, rng, enters=enters))


def _heard(
    item: Recording,
    background: str,
    length: int,
    rng: np.random.Generator,
    clips: Clips,
    *,
    enters: bool,
) -> Recording:
    """A part of a word, which is background, or a word among other speech; background that goes on."""
    nothing = item.samples[:0]
    if not is_event(item.label, background):
        goes_on = enters and item.label == background and clips and rng.random() < JOINED
        return replace(item, samples=np.concatenate([item.samples, _any(clips, rng)]) if goes_on else nothing)
    if rng.random() < PARTS_A_WORD / 2:
        part = augment_sound.partial(item.samples, length, rng, enters=enters)
        return replace(item, label=background, samples=part)
    return replace(item, samples=_among(item.samples, clips, length, rng) if clips else nothing)


def _any(clips: Clips, rng: np.random.Generator) -> npt.NDArray[np.int16]:
    return clips[int(rng.integers(len(clips)))]


def _sound(
    item: Recording, rng: np.random.Generator, how: Variation, around: npt.NDArray[np.int16] | None
) -> Recording:
    longest = max(stretches(item), key=lambda bounds: bounds[1] - bounds[0], default=(0, 0))
    sound = augment_sound.vary(item.samples[slice(*longest)], item.rate_hz, rng, how, around)
    return replace(item, samples=np.clip(np.rint(sound), -32768, 32767).astype(np.int16), gaps=())


def _among(
    word: npt.NDArray[np.int16], clips: Clips, length: int, rng: np.random.Generator
) -> npt.NDArray[np.int16]:
    """A window of `length` rows that shows the whole word, and around it what is said before and after."""
    first, last = augment_sound.extent(word)
    if last - first >= length:
        return word[:0]
    start = int(rng.integers(last - length, first + 1))
    before, after = _any(clips, rng), _any(clips, rng)
    joined = np.concatenate([before, word, after])
    start += len(before)
    if start < 0 or start + length > len(joined):
        return word[:0]
    return joined[start : start + length]


def _partial(
    samples: npt.NDArray[np.int16], length: int, rng: np.random.Generator, *, enters: bool
) -> npt.NDArray[np.int16]:
    """A window of `length` rows whose last ones show a performance's beginning, or the first ones its end."""
    shown = min(length, max(1, round(len(samples) * rng.uniform(*SHOWN))))
    rest = length - shown
    if enters:
        return np.pad(samples[:shown], ((rest, 0), (0, 0)), mode="edge")
    return np.pad(samples[len(samples) - shown :], ((0, rest), (0, 0)), mode="edge")


def _variant(item: Recording, rng: np.random.Generator, how: Variation, *, is_mirrored: bool) -> Recording:
    tempo, force = np.exp(rng.normal(0.0, how.tempo)), np.exp(rng.normal(0.0, how.force))
    turn = rotation(rng.normal(0.0, how.turn_rad, 3))
    parts: list[npt.NDArray[np.int16]] = []
    gaps: list[Gap] = []
    lost = {gap.at: gap.lost for gap in item.gaps}
    n_done = 0
    is_turning = np.isin(item.channels, GYRO_CHANNELS)
    for start, stop in stretches(item):
        if start in lost:
            gaps.append(Gap(n_done, lost[start]))
        part = item.samples[start:stop].astype(np.float64)
        at = np.arange(0.0, len(part) - 1 + 1e-9, tempo)
        if how.warp:
            at = _warped(at, len(part), rng.normal(0.0, how.warp, 2))
        if how.drop:
            at = _dropped(at, rng.random(len(at)) < how.drop)
        part = _read_at(part, at)
        posture = _moving_mean(part, round(POSTURE_S * item.rate_hz))
        posture[:, MOTION:] = 0.0
        part = posture + (part - posture) * force * np.where(is_turning, tempo, tempo**2)
        for first in range(0, part.shape[1] - MOTION + 1, MOTION):
            part[:, first : first + MOTION] = part[:, first : first + MOTION] @ turn.T
        if is_mirrored:
            part *= _mirror(item, how.mirror.split(","))
        if how.noise_g:
            part += rng.normal(0.0, how.noise_g * item.scale, part.shape) * ~is_turning
        parts.append(np.clip(np.rint(part), -32768, 32767).astype(np.int16))
        n_done += len(part)
    samples = np.concatenate(parts) if parts else item.samples
    return replace(item, samples=samples, gaps=tuple(gaps))


def _mirror(item: Recording, axes: list[str]) -> npt.NDArray[np.float64]:
    """Signs of the channels in a mirror across each of the axes; turning is an axial vector."""
    signs = np.ones(len(item.channels))
    for number, channel in enumerate(item.channels):
        is_turning = channel in GYRO_CHANNELS
        flips = sum((channel[-1] == axis) != is_turning for axis in axes)
        signs[number] = (-1.0) ** flips
    return signs


def _warped(
    at: npt.NDArray[np.float64], n_samples: int, strength: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Times that run ahead and fall behind within the take; its ends stay where they are."""
    share = at / max(1, n_samples - 1)
    ahead = strength[0] * np.sin(np.pi * share) + strength[1] * np.sin(2 * np.pi * share) / 2
    return np.asarray(np.clip(at + ahead * (n_samples - 1) / np.pi, 0, n_samples - 1))


def _dropped(at: npt.NDArray[np.float64], is_lost: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    kept = np.maximum.accumulate(np.where(is_lost, 0, np.arange(len(at))))
    return at[kept]


def _read_at(samples: npt.NDArray[np.float64], at: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    low = np.minimum(at.astype(int), max(0, len(samples) - 2))
    share = (at - low)[:, None]
    return np.asarray(samples[low] * (1.0 - share) + samples[np.minimum(low + 1, len(samples) - 1)] * share)


def _moving_mean(samples: npt.NDArray[np.float64], length: int) -> npt.NDArray[np.float64]:
    half = min(length, len(samples)) // 2
    total = np.cumsum(np.pad(samples, ((half + 1, half), (0, 0)), mode="edge"), axis=0)
    return np.asarray((total[2 * half + 1 :] - total[: -(2 * half + 1)]) / (2 * half + 1))


def rotation(vector: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The matrix that turns by |vector| about it (Rodrigues)."""
    angle = float(np.linalg.norm(vector))
    if angle == 0.0:
        return np.eye(3)
    x, y, z = vector / angle
    cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    return np.asarray(np.eye(3) + np.sin(angle) * cross + (1.0 - np.cos(angle)) * cross @ cross)
