"""The whole loop with a microphone: voices are recorded, a model trained, other voices recognised live."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from . import board_answers, dataset, evaluate, record, recording, session
from .demo import Facts, Loop
from .evaluate import Event, Performance
from .monitor import Monitor
from .progress import Advance
from .simulate import speech
from .simulate.speech import Heard, Speaker
from .virtual import VirtualBoard
from .virtual.microphone import Sound

TRAINING_VOICES = 10
TIMES_A_WORD = 1
OTHER_SPEECH_S = 8.0
# Absent from training.
TEST_VOICES = 4
TIMES_EACH = 1
TEST_OTHER_SPEECH_S = 10.0


class SpeechLoop(Loop):
    """The stages of the demo, for words."""

    def strangers(self, seed: int) -> Sequence[Any]:
        speech.require()
        return speech.speakers(TEST_VOICES, seed, first=TRAINING_VOICES)

    @property
    def keywords(self) -> list[str]:
        """The words that make events."""
        return [label for label in self.recipe.labels if label != self.recipe.background]

    def record(self, advance: Advance, seed: int) -> Facts:
        voices = speech.speakers(TRAINING_VOICES, seed)
        assert self.recipe.background is not None
        done_s, lost, takes = 0.0, 0, 0
        total_s = TRAINING_VOICES * (1.2 * TIMES_A_WORD * len(self.keywords) + OTHER_SPEECH_S)
        with session.connect(self.board.tty) as line:
            for voice, label, heard in self._training(voices):
                advance(done_s, total_s, f"{voice.name}: {label}")
                self.board.play_sound(Sound(heard.samples, speech.RATE_HZ))
                take = record.record(
                    line,
                    self.recipe,
                    label=label,
                    into=self.recordings,
                    group=voice.name,
                    seconds=heard.duration_s,
                )
                lost, takes, done_s = lost + take.lost, takes + 1, done_s + heard.duration_s
        return {"takes": takes, "people": len(voices), "minutes": round(done_s / 60, 1), "lost": lost}

    def _training(self, voices: Sequence[Speaker]) -> Iterator[tuple[Speaker, str, Heard]]:
        """A take of each word, once for each time, and other speech."""
        assert self.recipe.background is not None
        for voice in voices:
            for salt in range(TIMES_A_WORD):
                for word in self.keywords:
                    yield voice, word, speech.scene(voice, [word], salt=salt, pause_s=0.3, before_s=0.3)
            other = speech.other_speech(voice, OTHER_SPEECH_S, avoid=self.keywords)
            yield voice, self.recipe.background, other

    def recognise(self, advance: Advance, strangers: Sequence[Any]) -> Facts:
        """Live: strangers say the words, then other things; what the board says is set against it."""
        found = self.found
        words = self.keywords * TIMES_EACH
        scenes = [
            speech.scene(voice, words, salt=50, pause_s=1.4, labels=self.keywords) for voice in strangers
        ]
        scenes += [
            speech.other_speech(voice, TEST_OTHER_SPEECH_S, salt=60, avoid=self.keywords)
            for voice in strangers
        ]
        total_s = sum(heard.duration_s for heard in scenes)
        done_s = other_s = 0.0
        tally = evaluate.Tally(0, 0, 0, 0, 0)
        for heard in scenes:
            advance(done_s, total_s, f"{tally.recognised} of {tally.played} recognised")
            played = [Performance(one.label, one.start_s, one.end_s) for one in heard.said]
            more, answers = evaluate.match(listen(self.board, heard), played)
            tally += more
            for one, label in zip(played, answers, strict=True):
                row = found.heard.setdefault(one.label, {})
                row[label or "nothing"] = row.get(label or "nothing", 0) + 1
            done_s += heard.duration_s
            other_s += 0.0 if played else heard.duration_s
        found.other_motion_minutes = round(other_s / 60, 2)
        found.played, found.recognised, found.confused = tally.played, tally.recognised, tally.confused
        found.missed, found.false_events = tally.missed, tally.false_events
        return {"recognised": found.recognised, "played": found.played, "false_events": found.false_events}

    def compare(self, advance: Advance, stranger: Any) -> Facts:
        """One more take over the line, to compare everybody's answers on."""
        assert self.recipe.background is not None
        heard = speech.scene(stranger, self.keywords, salt=70, pause_s=1.0)
        with session.connect(self.board.tty) as line:
            self.board.play_sound(Sound(heard.samples, speech.RATE_HZ))
            take = record.record(
                line,
                self.recipe,
                label=self.recipe.background,
                into=self.folder / "compared",
                seconds=heard.duration_s,
            )
        samples = dataset.canonical(recording.load(take.path), self.recipe)
        self.board.set_clock("real")
        compared = board_answers.compare(self.board.tty, self.built, samples)
        self.found.windows, self.found.agree = compared.windows, compared.agree
        return {"windows": compared.windows, "agree": compared.agree}


def listen(board: VirtualBoard, heard: Heard) -> list[Event]:
    """The events that the board reports while a sound plays, on the sound's clock."""
    events: list[Event] = []
    with session.connect(board.tty) as line:
        start_ms = board.play_sound(Sound(heard.samples, speech.RATE_HZ)) / 1000
        end_ms = start_ms + 1000 * (heard.duration_s + evaluate.LATEST_S)
        for said in Monitor(line).lines():
            if "ticks_ms" not in said:
                continue
            if said["kind"] == "event" and said["ticks_ms"] >= start_ms:
                events.append(Event(said["label"], (said["ticks_ms"] - start_ms) / 1000, said["score"]))
            if said["ticks_ms"] >= end_ms:
                break
    return events
