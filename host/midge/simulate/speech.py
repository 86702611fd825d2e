"""Speakers who say words into a microphone: voices of espeak-ng, each with an accent, a pitch and a room.

espeak-ng is no part of midge: it makes speech for demos and tests, and says so if it is missing.
"""

from __future__ import annotations

import io
import shutil
import subprocess
import wave
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..errors import MidgeError
from .scenes import Played

PROGRAM = "espeak-ng"
RATE_HZ = 16000
ACCENTS = ("en-us", "en-gb", "en-gb-scotland", "en-gb-x-rp", "en-gb-x-gbclan")
# Voices that differ in the vocal tract; whispering and robots are left out.
VARIANTS = (
    *(f"m{number}" for number in range(1, 9)),
    *(f"f{number}" for number in range(1, 6)),
    *("Andrea", "Annie", "Denis", "Gene", "Jacky", "Lee", "Mario", "Mike", "Storm", "anika"),
    *("belinda", "benjamin", "boris", "edward", "linda", "max", "pablo", "robert", "steph", "victor"),
)
# Of other speech, between two changes of pace.
WORDS_A_BREATH = 4
# What is said besides keywords.
OTHER_WORDS: Sequence[str] = """
apple bird bottle careful child cloud dinner eight engine every father five four garden happy
house kitchen letter light machine marvin measure morning mountain music nine number orange
paper people picture river seven sheila six something sugar summer table three tomorrow tree
two visual water weather window winter wow yellow zero
""".split()  # noqa: SIM905

Int16 = npt.NDArray[np.int16]


@dataclass(frozen=True)
class Speaker:
    """One voice: `pitch` 0…99, `pace_wpm` words a minute, `level` and `noise` of its sound in LSB."""

    name: str
    accent: str
    variant: str
    pitch: int
    pace_wpm: int
    level: float
    noise: float
    seed: int


@dataclass(frozen=True)
class Heard:
    """Sound at `RATE_HZ`, and the words in it."""

    samples: Int16
    said: tuple[Played, ...] = ()

    @property
    def duration_s(self) -> float:
        """Its length."""
        return len(self.samples) / RATE_HZ


def is_there() -> bool:
    """True if espeak-ng is installed."""
    return shutil.which(PROGRAM) is not None


def require() -> str:
    """Path of espeak-ng; MidgeError that says how to install it."""
    found = shutil.which(PROGRAM)
    if found is None:
        raise MidgeError(
            f"{PROGRAM} makes the speech and is not installed: apt install {PROGRAM} (Linux), or brew "
            f"install {PROGRAM} (macOS)"
        )
    return found


def speakers(n: int, seed: int, first: int = 0) -> list[Speaker]:
    """`n` speakers of a seed, from number `first` on: no two with the same vocal tract."""
    rng = np.random.default_rng(seed)
    variants = rng.permutation(VARIANTS)
    if first + n > len(variants):
        raise MidgeError(f"there are {len(variants)} voices; ask for fewer speakers")
    found = []
    for number in range(first, first + n):
        of_one = np.random.default_rng([seed, number])
        found.append(
            Speaker(
                name=f"voice-{number}",
                accent=str(of_one.choice(ACCENTS)),
                variant=str(variants[number]),
                pitch=int(of_one.integers(25, 75)),
                pace_wpm=int(of_one.integers(120, 190)),
                level=float(of_one.uniform(3000, 14000)),
                noise=float(of_one.uniform(4, 25)),
                seed=number,
            )
        )
    return found


def utter(speaker: Speaker, text: str, rng: np.random.Generator) -> Int16:
    """`text` as the speaker says it this time, without the silence around it."""
    pitch = int(np.clip(speaker.pitch + rng.integers(-6, 7), 0, 99))
    pace = int(speaker.pace_wpm * rng.uniform(0.9, 1.12))
    command = [require(), "-v", f"{speaker.accent}+{speaker.variant}", "-p", str(pitch), "-s", str(pace)]
    made = subprocess.run([*command, "--stdout", text], capture_output=True, check=False)
    try:
        with wave.open(io.BytesIO(made.stdout)) as file:
            rate_hz = file.getframerate()
            # The header of a stream has no length: what came counts.
            sound = np.frombuffer(made.stdout[44:], "<i2").astype(np.float64)
    except (wave.Error, EOFError):
        said = made.stderr.decode(errors="replace").strip().splitlines()
        why = said[0] if said else f"exit code {made.returncode}"
        raise MidgeError(f"{PROGRAM} does not speak as {command[2]} ({why}); update it") from None
    sound = _resample(sound, rate_hz)
    loud = np.flatnonzero(np.abs(sound) > 0.01 * np.abs(sound).max(initial=1.0))
    if not len(loud):
        raise MidgeError(f"{PROGRAM} says nothing for {text!r}; choose another word")
    sound = sound[loud[0] : loud[-1] + 1]
    level = speaker.level * float(np.exp(rng.normal(0, 0.2)))
    return np.asarray(np.clip(np.rint(sound / np.abs(sound).max() * level), -32768, 32767), np.int16)


def _resample(sound: npt.NDArray[np.float64], rate_hz: int) -> npt.NDArray[np.float64]:
    from scipy.signal import resample_poly

    divisor = int(np.gcd(RATE_HZ, rate_hz))
    return np.asarray(resample_poly(sound, RATE_HZ // divisor, rate_hz // divisor))


def scene(
    speaker: Speaker,
    words: Sequence[str],
    *,
    salt: int = 0,
    pause_s: float = 1.2,
    before_s: float = 0.3,
    labels: Sequence[str] = (),
) -> Heard:
    """The words one after the other, about `pause_s` apart, in the speaker's room; `labels` are told."""
    rng = np.random.default_rng([speaker.seed, salt, len(words)])
    parts, said, at = [np.zeros(round(before_s * RATE_HZ))], [], round(before_s * RATE_HZ)
    for word in words:
        sound = utter(speaker, word, rng)
        if word in labels:
            said.append(Played(word, speaker.name, at / RATE_HZ, (at + len(sound)) / RATE_HZ))
        pause = np.zeros(round(pause_s * rng.uniform(0.8, 1.2) * RATE_HZ))
        parts += [sound.astype(np.float64), pause]
        at += len(sound) + len(pause)
    clean = np.concatenate(parts)
    noisy = clean + speaker.noise * rng.normal(size=len(clean))
    return Heard(np.clip(np.rint(noisy), -32768, 32767).astype(np.int16), tuple(said))


def other_speech(speaker: Speaker, duration_s: float, *, salt: int = 0, avoid: Sequence[str] = ()) -> Heard:
    """Other words and pauses, `duration_s` long: nothing that is a keyword."""
    rng = np.random.default_rng([speaker.seed, salt, 7])
    known = [word for word in OTHER_WORDS if word not in avoid]
    parts: list[Int16] = []
    n, length = 0, round(duration_s * RATE_HZ)
    while n < length:
        words = rng.choice(known, WORDS_A_BREATH).tolist()
        pause_s = float(rng.uniform(0.1, 0.9))
        parts.append(scene(speaker, words, salt=1000 * salt + len(parts), pause_s=pause_s).samples)
        n += len(parts[-1])
    return Heard(np.concatenate([np.zeros(0, np.int16), *parts])[:length])
