"""The loop of the demo with a microphone: what voices say for training, and other voices afterwards."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from .demo import Act, Demo, Loop
from .evaluate import Performance
from .simulate import speech
from .simulate.speech import Heard
from .virtual.microphone import Sound

# Another voice teaches more than the same one again.
TRAINING_VOICES = 24
TIMES_A_WORD = 1
OTHER_SPEECH_S = 4.0
# Enough to see that it hears voices it was not trained on; strangers are heard live afterwards.
FOLDS = 2
# A model of few voices is less sure than the shipped one, which hears people talk of other things all day.
THRESHOLD = 0.7
# Absent from training.
TEST_VOICES = 4
TIMES_EACH = 1
TEST_OTHER_SPEECH_S = 10.0


class SpeechLoop(Loop):
    """Words instead of gestures."""

    def __init__(self, found: Demo, folder: Path, open_things: ExitStack) -> None:
        super().__init__(found, folder, open_things)
        self.recipe = replace(
            self.recipe,
            train=replace(self.recipe.train, folds=FOLDS),
            decision=replace(self.recipe.decision, threshold=THRESHOLD),
        )

    def strangers(self, seed: int) -> Sequence[Any]:
        speech.require()
        return speech.speakers(TEST_VOICES, seed, first=TRAINING_VOICES)

    def lessons(self, seed: int) -> Iterator[tuple[str, str, Act]]:
        """A take of each word, once for each time, and other speech."""
        assert self.recipe.background is not None
        for voice in speech.speakers(TRAINING_VOICES, seed):
            for salt in range(TIMES_A_WORD):
                for word in self.keywords:
                    heard = speech.scene(voice, [word], salt=salt, pause_s=0.3, before_s=0.3)
                    yield voice.name, word, _act(heard)
            other = speech.other_speech(voice, OTHER_SPEECH_S, avoid=self.keywords)
            yield voice.name, self.recipe.background, _act(other)

    def trials(self, strangers: Sequence[Any]) -> list[Act]:
        """Strangers say the words, then other things."""
        words = self.keywords * TIMES_EACH
        heard = [
            speech.scene(voice, words, salt=50, pause_s=1.4, labels=self.keywords) for voice in strangers
        ]
        heard += [
            speech.other_speech(voice, TEST_OTHER_SPEECH_S, salt=60, avoid=self.keywords)
            for voice in strangers
        ]
        return [_act(one) for one in heard]

    def comparison(self, stranger: Any) -> Act:
        """Each word once."""
        return _act(speech.scene(stranger, self.keywords, salt=70, pause_s=1.0))


def _act(heard: Heard) -> Act:
    """A scene of sound."""
    said = tuple(Performance(one.label, one.start_s, one.end_s) for one in heard.said)
    sound = Sound(heard.samples, speech.RATE_HZ)
    return Act(heard.duration_s, said, lambda board: board.play_sound(sound))
