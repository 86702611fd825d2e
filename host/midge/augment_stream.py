"""Windows as a stream shows them: words among other speech, parts of words, speech that goes on and on.

Clips teach what a word is; what isn't one, a board that listens all day hears at every moment. Everything in
a window is of the recordings given, so that what is held out elsewhere is heard nowhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from . import augment_sound
from .recording import Recording
from .variation import Variation

Int16 = npt.NDArray[np.int16]

# Of each word: windows that show all of it, and of them those that may cut this much of its ends.
WHOLE_WINDOWS = 2
CUT_S = 0.05
# What is louder than its room for longer is noise, of which no more than this is the word.
LONGEST_WORD_S = 0.75
# Of the word: what a window shows that is no example of it.
PART = (0.05, 0.45)
# Between two words: other speech rather than the room alone.
SPEECH_SHARE = 0.62
ROOM_S, ROOM_LSB = (0.1, 0.9), (2.0, 300.0)
BACKGROUND_WINDOWS = 2


def windows(
    recordings: Sequence[Recording],
    background: str,
    length: int,
    rng: np.random.Generator,
    *,
    copies: int,
    how: Variation,
) -> Iterator[tuple[str, Int16]]:
    """Labels and windows (length, 1) of the recordings of words, as they are and in `copies` variants."""
    for copy in range(copies + 1):
        takes = [(item, _varied(item, rng, how) if copy else item.samples) for item in recordings]
        others = [samples for item, samples in takes if item.label == background]
        for item, samples in takes:
            if item.label == background:
                for shown in _other(samples, others, length, item.rate_hz, rng):
                    yield background, shown
                continue
            word, extent = _closely(samples, item.rate_hz, rng)
            before, after = (speech(others, length, item.rate_hz, rng) for _ in range(2))
            joined = np.concatenate([before, word, after])
            first, last = length + extent[0], length + extent[1]
            spare = round(CUT_S * item.rate_hz)
            for _ in range(WHOLE_WINDOWS):
                start = int(rng.integers(last - length - spare, first + spare))
                yield item.label, _cut(joined, start, length)
            part = round((last - first) * rng.uniform(*PART))
            start = first + part - length if rng.random() < 0.5 else last - part
            yield background, _cut(joined, start, length)


def speech(others: Sequence[Int16], length: int, rate_hz: float, rng: np.random.Generator) -> Int16:
    """`length` rows of clips one after the other, with pauses, from anywhere."""
    parts: list[Int16] = []
    n = 0
    while n < length:
        if others and rng.random() < SPEECH_SHARE:
            parts.append(others[int(rng.integers(len(others)))])
        else:
            parts.append(_room(round(rng.uniform(*ROOM_S) * rate_hz), rng))
        n += len(parts[-1])
    start = int(rng.integers(n - length + 1))
    return np.concatenate(parts)[start : start + length]


def _varied(item: Recording, rng: np.random.Generator, how: Variation) -> Int16:
    sound = augment_sound.vary(item.samples, item.rate_hz, rng, how)
    return np.clip(np.rint(sound), -32768, 32767).astype(np.int16)


def _room(n: int, rng: np.random.Generator) -> Int16:
    level = float(np.exp(rng.uniform(*np.log(ROOM_LSB))))
    noise = augment_sound.coloured(rng.normal(size=n), rng.uniform(0.0, 0.95))
    return np.asarray(np.clip(np.rint(level * noise), -32768, 32767), np.int16)[:, None]


def _other(
    samples: Int16, others: Sequence[Int16], length: int, rate_hz: float, rng: np.random.Generator
) -> Iterator[Int16]:
    """Windows of a clip of background before or after others."""
    around = speech(others, 2 * length, rate_hz, rng)
    joined = np.concatenate([samples, around] if rng.random() < 0.5 else [around, samples])
    for _ in range(BACKGROUND_WINDOWS):
        yield _cut(joined, int(rng.integers(len(joined) - length)), length)


def _closely(samples: Int16, rate_hz: float, rng: np.random.Generator) -> tuple[Int16, tuple[int, int]]:
    """A take with its room, or, every other time, without: others speak at once; and where the word is."""
    first, last = augment_sound.extent(samples)
    longest = round(LONGEST_WORD_S * rate_hz)
    if last - first > longest:
        total = np.cumsum(np.concatenate([[0.0], samples[:, 0].astype(np.float64) ** 2]))
        first = int((total[longest:] - total[:-longest]).argmax())
        last = first + longest
    if rng.random() < 0.5:
        return samples, (first, last)
    spare = round(CUT_S * rate_hz)
    start = max(0, first - spare)
    return samples[start : last + spare], (first - start, last - start)


def _cut(joined: Int16, start: int, length: int) -> Int16:
    start = max(0, min(start, len(joined) - length))
    return joined[start : start + length]
