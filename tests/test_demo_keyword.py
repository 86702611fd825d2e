"""The whole loop with voices: needs espeak-ng."""

from __future__ import annotations

import numpy as np
import pytest

from midge import demo
from midge.errors import MidgeError
from midge.simulate import speech

needs_voices = pytest.mark.skipif(not speech.is_there(), reason="espeak-ng is not installed")


@pytest.mark.check
@needs_voices
def test_voices_that_were_not_in_the_training_are_recognised() -> None:
    found = demo.run("keyword")
    assert found.recognised >= 0.75 * found.played
    assert found.played == 16
    assert found.agree == found.windows > 20


@needs_voices
def test_voices_say_words_where_they_are_told_to_be() -> None:
    voice = speech.speakers(1, 3)[0]
    heard = speech.scene(voice, ["yes", "water", "no"], labels=["yes", "no"])
    assert [one.label for one in heard.said] == ["yes", "no"]
    power = heard.samples.astype(float) ** 2
    for one in heard.said:
        inside = power[int(one.start_s * speech.RATE_HZ) : int(one.end_s * speech.RATE_HZ)]
        before = power[int((one.start_s - 0.2) * speech.RATE_HZ) : int(one.start_s * speech.RATE_HZ)]
        assert inside.mean() > 100 * before.mean()
    again = speech.scene(voice, ["yes", "water", "no"], labels=["yes", "no"])
    assert np.array_equal(heard.samples, again.samples)


def test_training_and_test_voices_have_other_vocal_tracts() -> None:
    training = {voice.variant for voice in speech.speakers(10, 1)}
    strangers = {voice.variant for voice in speech.speakers(4, 1, first=10)}
    assert not training & strangers
    with pytest.raises(MidgeError, match="voices"):
        speech.speakers(1000, 1)


def test_a_machine_without_voices_is_told_how_to_get_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(MidgeError, match="apt install"):
        speech.require()
