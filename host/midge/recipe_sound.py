"""What a recipe says of sound: its [sensor], [window] in samples or ms, and how frames are analysed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .features_sound import (
    MAX_WINDOW_SAMPLES,
    MOST_BANDS,
    MOST_ROOM_DB,
    SOUND_CHANNELS,
    USUAL_SHARE,
    SoundSampling,
)

if TYPE_CHECKING:
    from .recipe import Sensor, Window
    from .toml_section import Section

LEAST_RATE_HZ, MOST_RATE_HZ = 4000, 48000


def sensor(section: Section) -> Sensor:
    """A microphone: one channel, int16, full scale ±1."""
    from .recipe import Sensor

    found = Sensor(
        kind=section.one_of("kind", ("sound",)),
        rate_hz=section.number("rate_hz", LEAST_RATE_HZ, MOST_RATE_HZ),
        range_g=1,
        channels=section.names(
            "channels",
            lambda name: None if name in SOUND_CHANNELS else f"{name!r} is not 'sound'",
            list(SOUND_CHANNELS),
        ),
        rate_tolerance=section.number("rate_tolerance", 0.0, 0.5, 0.05, whole=False),
    )
    if found.channels != SOUND_CHANNELS:
        raise section.fail("channels", 'a microphone gives ["sound"]')
    section.done()
    return found


def sampling(section: Section, rate_hz: int) -> SoundSampling:
    """How frames are analysed: `step_ms`, `bands`, `word_share`, `room_db` of [features]."""
    step_ms = section.number("step_ms", 5.0, 30.0, 20.0, whole=False)
    bands = section.number("bands", 8, MOST_BANDS, 32)
    share = section.number("word_share", 0.1, 0.9, USUAL_SHARE / 256, whole=False)
    room_db = section.number("room_db", 0.0, MOST_ROOM_DB, None, whole=False)
    made = SoundSampling.usual(
        rate_hz,
        bands=bands,
        step_ms=step_ms,
        word_share=round(256 * share),
        room_db=None if room_db is None else float(room_db),
    )
    wrong = made.check()
    if wrong is not None:
        raise section.fail("bands", wrong)
    return made


def window(section: Section, analysis: SoundSampling) -> Window:
    """Length and hop, in samples or in ms; the hop is made of whole steps of a frame."""
    from .recipe import Window

    def samples(key: str, least: int) -> int:
        if f"{key}_ms" in section.data:
            most_ms = MAX_WINDOW_SAMPLES * 1000 / analysis.rate_hz
            ms: float = section.number(f"{key}_ms", 1, most_ms, whole=False)
            n = round(ms * analysis.rate_hz / 1000)
        else:
            n = section.number(key, 1, MAX_WINDOW_SAMPLES)
        if n < least:
            raise section.fail(key, f"{n} samples; it must be {least} or more")
        return n

    made = Window(samples("length", 1 << analysis.log2_frame), samples("hop", 1))
    if made.hop > made.length:
        raise section.fail("hop", f"{made.hop} is longer than the window ({made.length} samples)")
    if made.hop % analysis.step:
        nearest = max(1, round(made.hop / analysis.step)) * analysis.step
        raise section.fail(
            "hop", f"{made.hop} samples are no whole steps of a frame ({analysis.step}); use {nearest}"
        )
    section.done()
    return made
