"""An `app.toml` that has been read → a recipe: every key by its kind and bounds, and what goes together."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from . import courses, feature_sets, filtering, learners, recipe_sound, targets
from . import features as feature_names
from .compress import names as compress_names
from .errors import RecipeError
from .features import GYRO_CHANNELS, MOTION_CHANNELS, Sampling
from .recipe import (
    FAMILIES,
    NAME,
    SENSOR_KINDS,
    WINDOW_KINDS,
    Budget,
    Compress,
    Decision,
    Features,
    Recipe,
    Sensor,
    Train,
    Window,
)
from .toml_section import Section, nearest
from .variation import Variation

# Labels become file and folder names on every system, `OLD=NEW` of --relabel, and JSON that a board reads
# (which knows no surrogate pairs).
LABEL = re.compile(r'(?![. -])[^<>:"/\\|?*=\U00010000-\U0010ffff]{1,31}(?<![. ])\Z')


def parse(data: Mapping[str, Any], path: Path) -> Recipe:
    """The recipe in the content of an `app.toml`; raises RecipeError that names file and key."""
    top = Section(data, path, "")
    for name in ("app", "sensor", "window", "features", "labels"):
        top.get(name, dict, says="a table")
    for name in ("decision", "train", "budget", "compress"):
        top.get(name, dict, {}, says="a table")
    top.done()

    app = Section(data, path, "app")
    name = app.get("name", str, says="the app's name")
    if not NAME.match(name):
        raise app.fail("name", f"{name!r} must be small letters, digits, '_' or '-', a letter first")
    summary = app.get("summary", str, "", says="one sentence")
    app.done()

    sensor, window_section = _sensor(Section(data, path, "sensor")), Section(data, path, "window")
    features_section = Section(data, path, "features")
    if sensor.kind == "sound":
        analysis = recipe_sound.sampling(features_section, sensor.rate_hz)
        sensor = replace(sensor, sound=analysis)
        window = recipe_sound.window(window_section, analysis)
    else:
        window = _window(window_section)
    features = _features(features_section, sensor, window)
    labels, background = _labels(Section(data, path, "labels"))
    train = with_times(_train(Section(data, path, "train"), background, path), features.names, path)
    decision, budget = _decision(Section(data, path, "decision")), _budget(Section(data, path, "budget"))
    compress = _compress(Section(data, path, "compress")) if "compress" in data else None
    return Recipe(
        name,
        summary,
        path.parent,
        sensor,
        window,
        features,
        labels,
        background,
        decision,
        train,
        budget,
        compress,
    )


def _sensor(section: Section) -> Sensor:
    kind = section.one_of("kind", SENSOR_KINDS)
    if kind == "sound":
        return recipe_sound.sensor(section)
    known = (*MOTION_CHANNELS, *GYRO_CHANNELS)

    def channel(name: str) -> str | None:
        return None if name in known else f"{name!r} is not one of {', '.join(known)}"

    sensor = Sensor(
        kind=kind,
        rate_hz=section.number("rate_hz", 1, 6400),
        range_g=section.get("range_g", int, 4, says="2, 4, 8 or 16"),
        channels=section.names("channels", channel, list(MOTION_CHANNELS)),
        rate_tolerance=section.number("rate_tolerance", 0.0, 0.5, 0.05, whole=False),
        range_dps=section.number("range_dps", 100, 4000, 1000),
        lowpass_hz=float(section.number("lowpass_hz", 0.0, 3200.0, 0.0, whole=False)),
        highpass_hz=float(section.number("highpass_hz", 0.0, 3200.0, 0.0, whole=False)),
    )
    try:
        filtering.Section.all_of(Sampling(sensor.rate_hz, 1, 1, sensor.lowpass_hz, sensor.highpass_hz))
    except RecipeError as error:
        raise section.fail("filters", str(error)) from None
    if sensor.range_g not in (2, 4, 8, 16):
        raise section.fail("range_g", f"{sensor.range_g} is not 2, 4, 8 or 16")
    if sensor.channels not in (MOTION_CHANNELS, (*MOTION_CHANNELS, *GYRO_CHANNELS)):
        raise section.fail(
            "channels",
            'a motion sensor gives ["x", "y", "z"], or these and "gx", "gy", "gz", in this order',
        )
    section.done()
    return sensor


def _window(section: Section) -> Window:
    window = Window(section.number("length", 4, 4096), section.number("hop", 1, 4096))
    if window.hop > window.length:
        raise section.fail("hop", f"{window.hop} is longer than the window ({window.length} samples)")
    section.done()
    return window


def _features(section: Section, sensor: Sensor, window: Window) -> Features:
    segment = section.flag("segment", False)

    def feature(name: str) -> str | None:
        try:
            feature_names.plan(
                [name], window.length, sensor.channels, sampling=sensor.sampling, segment=segment
            )
        except RecipeError as error:
            return str(error)
        return None

    chosen = section.get("set", str, None, says=f"one of {', '.join(feature_sets.NAMES)}")
    names = section.names("names", feature, [])
    if chosen is not None:
        section.one_of("set", feature_sets.NAMES)
        offered = feature_sets.names(chosen, sensor.channels, sensor.rate_hz, window.length, sensor.sound)
        wrong = next((why for name in offered if (why := feature(name)) is not None), None)
        if wrong is not None:
            raise section.fail("set", f"{chosen!r} does not fit [window] and [sensor]: {wrong}")
        names = tuple(dict.fromkeys((*offered, *names)))
    if not names:
        raise section.fail("names", f"missing; list features, or say set = {feature_sets.NAMES[0]!r}")
    section.done()
    return Features(names, segment)


def _labels(section: Section) -> tuple[tuple[str, ...], str | None]:
    def label(name: str) -> str | None:
        if LABEL.match(name) and name.isprintable():
            return None
        return (
            f"{name!r} must be at most 31 letters, digits, spaces or signs but <>:\"/\\|?*= (a recording's "
            "label changes with: midge data relabel)"
        )

    names = section.names("names", label)
    if not 2 <= len(names) <= 64:
        raise section.fail("names", f"{len(names)} labels; there must be 2 to 64")
    background = section.get("background", str, None, says="one of the labels")
    if background is not None and background not in names:
        raise section.fail(
            "background",
            f"{background!r} is not one of the labels ({', '.join(names)}){nearest(background, names)}",
        )
    section.done()
    return names, background


def _decision(section: Section) -> Decision:
    decision = Decision(
        threshold=float(section.number("threshold", 0.0, 1.0, 0.6, whole=False)),
        smooth=section.number("smooth", 1, 16, 2),
        cooldown_ms=section.number("cooldown_ms", 0, 60_000, 1000),
    )
    section.done()
    return decision


def _train(section: Section, background: str | None, path: Path) -> Train:
    family = section.one_of("family", FAMILIES, "forest")
    for name in learners.LEARNERS:
        section.get(name, dict, {}, says="a table")
    params: dict[str, float] = {}
    search = family == "auto"
    offered = {name: _params(section, name, path) for name in learners.AUTO if section.data.get(name)}
    if family != "auto":
        params = _params(section, family, path)
        # Whoever sets a parameter that would be tried has chosen.
        tried = {key for values in learners.LEARNERS[family].grid for key in values}
        search = bool(tried) and not tried & set(section.data.get(family, ()))
    section.get("vary", dict, {}, says="a table")
    train = Train(
        family=family,
        seed=section.number("seed", 0, 2**31 - 1, 1),
        folds=section.number("folds", 2, 100, 4),
        windows=section.one_of("windows", WINDOW_KINDS, "auto"),
        augment=section.number("augment", 0, 20, 0),
        params=params,
        search=search,
        offered=offered if family == "auto" else {},
        vary=_vary(Section(section.data, path, "train.vary")),
    )
    if train.windows == "event" and background is None:
        raise section.fail("windows", '"event" needs a background label in [labels]')
    section.done()
    return train


def _params(section: Section, family: str, path: Path) -> dict[str, float]:
    """Parameters of a family: those of its table, the others at their defaults."""
    of_family = Section(section.data, path, f"train.{family}")
    found: dict[str, float] = {}
    for key, one in learners.LEARNERS[family].parameters.items():
        whole = isinstance(one.default, int)
        found[key] = of_family.number(key, one.low, one.high, one.default, whole=whole)
    of_family.done()
    return found


def with_times(train: Train, names: Sequence[str], path: Path) -> Train:
    """With the times that the features tell of, for a family that reads a course; RecipeError without."""
    if "times" not in train.params or train.params["times"]:
        return train
    times = courses.times_of(names)
    if times is None:
        raise RecipeError(
            f"{path}: train.family {train.family!r} reads a course in time: let [features] have "
            f'set = "{feature_sets.COURSES}" or "sound-frames"'
        )
    bands = int(courses.are_bands(names))
    return replace(train, params={**train.params, "times": times, "bands": bands})


def _vary(section: Section) -> Variation:
    usual = Variation()
    made = Variation(
        tempo=section.number("tempo", 0.0, 1.0, usual.tempo, whole=False),
        force=section.number("force", 0.0, 1.0, usual.force, whole=False),
        turn_rad=math.radians(
            section.number("turn_deg", 0.0, 180.0, math.degrees(usual.turn_rad), whole=False)
        ),
        warp=section.number("warp", 0.0, 0.5, usual.warp, whole=False),
        mirror=section.get("mirror", str, usual.mirror, says="channels with commas between, such as 'y'"),
        noise_g=section.number("noise_g", 0.0, 1.0, usual.noise_g, whole=False),
        drop=section.number("drop", 0.0, 0.9, usual.drop, whole=False),
        snr_db=section.number("snr_db", -10.0, 100.0, usual.snr_db, whole=False),
        pitch=section.number("pitch", 0.0, 0.5, usual.pitch, whole=False),
        shift_ms=section.number("shift_ms", 0.0, 1000.0, usual.shift_ms, whole=False),
        room_s=section.number("room_s", 0.0, 3.0, usual.room_s, whole=False),
    )
    if "turn_deg" not in section.data:
        made = replace(made, turn_rad=usual.turn_rad)
    wrong = [channel for channel in made.mirror.split(",") if made.mirror and channel not in MOTION_CHANNELS]
    if wrong:
        raise section.fail("mirror", f"{wrong[0]!r} is not one of {', '.join(MOTION_CHANNELS)}")
    section.done()
    return made


def _budget(section: Section) -> Budget:
    budget = Budget(
        module_bytes=section.number("module", 1, 2**31, None),
        state_bytes=section.number("state", 1, 2**31, None),
        instructions=section.number("instructions", 1, 2**40, None),
    )
    section.done()
    return budget


def _compress(section: Section) -> Compress:
    def step(name: str) -> str | None:
        known = compress_names.NAMES
        return None if name in known else f"{name!r} is not one of {', '.join(known)}{nearest(name, known)}"

    steps = section.names("steps", step, [])
    compress = Compress(
        steps=steps or None,
        loss=float(section.number("loss", 0.0, 0.99, compress_names.USUAL_LOSS, whole=False)),
        target=section.one_of("target", tuple(targets.TARGETS), compress_names.USUAL_TARGET),
    )
    section.done()
    return compress
