"""Takes of sound, played by whatever player the machine has."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from ..errors import DatasetError, MidgeError
from ..recording import SOUND
from .takes import Take

# Programs that play a WAV file and end, with their words before the file's name.
PLAYERS: Sequence[tuple[str, ...]] = (
    ("pw-play",),
    ("paplay",),
    ("aplay", "-q"),
    ("afplay",),
    ("play", "-q"),
    ("ffplay", "-v", "error", "-nodisp", "-autoexit"),
    ("powershell", "-c", "(New-Object Media.SoundPlayer $args[0]).PlaySync()"),
)


def player() -> tuple[str, ...]:
    """The first player that is there; MidgeError without one."""
    for words in PLAYERS:
        if shutil.which(words[0]):
            return words
    raise MidgeError(
        f"no player of sound is installed (looked for {', '.join(words[0] for words in PLAYERS)}); install "
        "one, or open the WAV files of the dataset yourself"
    )


def listen(takes: Sequence[Take], on_take: Callable[[Take], None]) -> list[Path]:
    """Play takes one after the other, each told before it begins; returns their files.

    Raises DatasetError if one is no sound, MidgeError if nothing can play it.
    """
    for take in takes:
        if take.about.kind != SOUND:
            raise DatasetError(f"{take.path} is no sound; look at it with: midge data show")
    words = player()
    for take in takes:
        on_take(take)
        done = subprocess.run([*words, str(take.path)], capture_output=True, check=False)
        if done.returncode:
            said = done.stderr.decode(errors="replace").strip().splitlines()
            why = said[-1][:100] if said else f"exit code {done.returncode}"
            raise MidgeError(f"{words[0]} can't play {take.path} ({why}); is a loudspeaker there?")
    return [take.path for take in takes]
