"""The recipe of an app (`app.toml`): the single source of rate, window, features, labels and decision."""

from __future__ import annotations

import difflib
import math
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from . import assets, courses, feature_sets, learners, recipe_sound, targets
from . import features as feature_names
from .compress import names as compress_names
from .errors import RecipeError
from .features import GYRO_CHANNELS, MOTION_CHANNELS, Sampling
from .features_sound import SoundSampling
from .variation import Variation

FILE_NAME = "app.toml"
SENSOR_KINDS = ("motion", "sound")
WINDOW_KINDS = ("auto", "all", "event", "take")
# One family, or the best of `learners.AUTO` by validation inside the training groups.
FAMILIES = ("auto", *learners.LEARNERS)
# Of the usual sets, for windows of the usual form.
FEATURE_SETS: dict[str, tuple[str, ...]] = {name: feature_sets.names(name) for name in feature_sets.NAMES}

# No ':' or '/' in labels: they become file and folder names on every system.
_LABEL = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_ .+-]{0,30}\Z")
NAME = re.compile(r"[a-z][a-z0-9_-]{0,30}\Z")


@dataclass(frozen=True)
class Sensor:
    """What is sampled: `rate_hz` samples a second, full scale ±`range_g`, the channels in order.

    Samples go through Butterworth filters first, if `lowpass_hz` or `highpass_hz` is above 0.
    A gyroscope's channels, after the accelerometer's, have full scale ±`range_dps` (degrees/s). Sound has
    full scale ±1, and `sound` says how it is analysed.
    """

    kind: str
    rate_hz: int
    range_g: int
    channels: tuple[str, ...]
    rate_tolerance: float = 0.05
    range_dps: int = 1000
    sound: SoundSampling | None = None
    lowpass_hz: float = 0.0
    highpass_hz: float = 0.0

    @property
    def sampling(self) -> Sampling:
        """What features have to know of it."""
        if self.sound is not None:
            return self.sound
        return Sampling(
            float(self.rate_hz),
            32768 / self.range_g,
            32768 / self.range_dps,
            self.lowpass_hz,
            self.highpass_hz,
        )


@dataclass(frozen=True)
class Window:
    """What is classified: `length` samples, a new one every `hop` samples."""

    length: int
    hop: int


@dataclass(frozen=True)
class Features:
    """Names of the features offered to training; the model keeps those that it reads.

    `segment`: they are of the stretch of motion in the window, wherever it begins and however long it is.
    """

    names: tuple[str, ...]
    segment: bool = False


@dataclass(frozen=True)
class Decision:
    """Scores to events: mean of `smooth` windows ≥ `threshold` (0…1), then silence for `cooldown_ms`."""

    threshold: float
    smooth: int
    cooldown_ms: int


@dataclass(frozen=True)
class Train:
    """How the model is fitted.

    `family`: see `learners`, or "auto". `windows`: what is an example (see `dataset.windows`): "all"
    windows of a recording, those over an "event" in it, the "take" as a whole, or "auto". `augment`:
    variants made of every take, as different as `vary` says. `params` are the family's, with its defaults
    filled in; `search`: nobody set one, so a few values are tried inside the training groups.
    """

    family: str
    seed: int
    folds: int
    windows: str
    augment: int = 0
    params: Mapping[str, float] = field(default_factory=dict)
    search: bool = False
    vary: Variation = field(default_factory=Variation)


@dataclass(frozen=True)
class Budget:
    """Upper bounds, None = none: bytes of the module, bytes of its state, instructions an inference."""

    module_bytes: int | None = None
    state_bytes: int | None = None
    instructions: int | None = None

    @classmethod
    def parse(cls, text: str) -> Budget:
        """From `module=16k,state=2k,instructions=20k`; k and M are thousands and millions.

        Raises RecipeError.
        """
        fields = {"module": "module_bytes", "state": "state_bytes", "instructions": "instructions"}
        limits: dict[str, int] = {}
        for part in text.split(","):
            found = re.fullmatch(r"\s*(\w+)\s*=\s*(\d+(?:\.\d+)?)([kM]?)\s*", part)
            if not found or found[1] not in fields:
                raise RecipeError(
                    f"{part!r} is no limit; write a budget as module=16k,state=2k,instructions=20k, "
                    "each part if you need it"
                )
            limits[fields[found[1]]] = round(float(found[2]) * {"": 1, "k": 1000, "M": 1_000_000}[found[3]])
        return cls(**limits)


@dataclass(frozen=True)
class Compress:
    """What `train` does after the fit: techniques (None: all that suit), their loss at most, the target."""

    steps: tuple[str, ...] | None
    loss: float
    target: str


@dataclass(frozen=True)
class Recipe:
    """One `app.toml`, checked."""

    name: str
    summary: str
    folder: Path
    sensor: Sensor
    window: Window
    features: Features
    labels: tuple[str, ...]
    background: str | None
    decision: Decision
    train: Train
    budget: Budget
    compress: Compress | None = None

    @property
    def build_folder(self) -> Path:
        """Where model, report and modules of this app land."""
        return self.folder / "build"

    def with_family(self, family: str) -> Recipe:
        """The same recipe with another family, at its defaults; raises RecipeError if there is none."""
        if family == self.train.family:
            return self
        if family not in FAMILIES:
            raise RecipeError(
                f"family {family!r} is not one of {', '.join(FAMILIES)}{_nearest(family, FAMILIES)}"
            )
        params = {} if family == "auto" else learners.LEARNERS[family].defaults()
        train = replace(self.train, family=family, params=params, search=True)
        return replace(self, train=_with_times(train, self.features.names, self.folder / FILE_NAME))

    @classmethod
    def load(cls, app: str | Path) -> Recipe:
        """Read and check a recipe.

        Parameters
        ----------
        app
            name of a built-in app (`gesture`, `apps/gesture`), an app's folder, or an `app.toml`

        Raises
        ------
        RecipeError
            no such app, no TOML, or a key that is missing, unknown or impossible; names file and key
        """
        path = find(app)
        try:
            data = tomllib.loads(path.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, RecursionError) as error:
            raise RecipeError(f"{path}: not valid TOML: {error}") from error
        except (OSError, UnicodeDecodeError) as error:
            raise RecipeError(f"{path}: can't be read: {error}") from error
        return _parse(data, path)


def find(app: str | Path) -> Path:
    """The `app.toml` of an app given by name, folder or file; raises RecipeError if there is none."""
    path = Path(app)
    if path.is_file():
        return path
    if (path / FILE_NAME).is_file():
        return path / FILE_NAME
    shipped = assets.apps_folder()
    parts = path.parts[1:] if path.parts[:1] == ("apps",) else path.parts
    if len(parts) == 1 and (shipped / parts[0] / FILE_NAME).is_file():
        return shipped / parts[0] / FILE_NAME
    known = built_in()
    raise RecipeError(
        f"no app {str(app)!r}: neither a folder with {FILE_NAME} nor a built-in app ({', '.join(known)})"
        f"{_nearest(str(app), known)}; make one with: midge new NAME --from gesture"
    )


def built_in() -> list[str]:
    """Names of the apps that midge ships."""
    return sorted(path.parent.name for path in assets.apps_folder().glob(f"*/{FILE_NAME}"))


def _nearest(word: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else ""


class _Section:
    """One table of the TOML file; knows which keys were asked for, so that the rest are errors."""

    def __init__(self, data: Mapping[str, Any], path: Path, name: str) -> None:
        self.path, self.name = path, name
        self.label = f"[{name}] " if name else ""
        self._asked: list[str] = []
        value = data.get(name.rpartition(".")[2], {}) if name else data
        if not isinstance(value, dict):
            raise RecipeError(f"{path}: [{name}] must be a table of its own")
        self.data: Mapping[str, Any] = value

    def fail(self, key: str, why: str) -> RecipeError:
        return RecipeError(f"{self.path}: {self.label}{key}: {why}")

    def get(self, key: str, kind: type | tuple[type, ...], default: Any = ..., *, says: str) -> Any:
        """The value of `key`; `says` is what it must be, in words."""
        self._asked.append(key)
        if key not in self.data:
            if default is ...:
                close = difflib.get_close_matches(key, list(self.data), n=1, cutoff=0.75)
                typo = f" ({close[0]!r} is there: is that it?)" if close else ""
                raise self.fail(key, f"missing; it must be {says}{typo}")
            return default
        value = self.data[key]
        if not isinstance(value, kind) or isinstance(value, bool):
            raise self.fail(key, f"{value!r} is not {says}")
        return value

    def number(self, key: str, low: float, high: float, default: Any = ..., *, whole: bool = True) -> Any:
        says = f"{'a whole number' if whole else 'a number'} from {low} to {high}"
        value = self.get(key, int if whole else (int, float), default, says=says)
        if value is not None and not low <= value <= high:
            raise self.fail(key, f"{value!r} is not {says}")
        return value

    def one_of(self, key: str, known: Sequence[str], default: Any = ...) -> str:
        value: str = self.get(key, str, default, says=f"one of {', '.join(known)}")
        if value not in known:
            raise self.fail(key, f"{value!r} is not one of {', '.join(known)}{_nearest(value, known)}")
        return value

    def flag(self, key: str, default: bool) -> bool:
        self._asked.append(key)
        value = self.data.get(key, default)
        if not isinstance(value, bool):
            raise self.fail(key, f"{value!r} is not true or false")
        return value

    def names(self, key: str, check: Callable[[str], str | None], default: Any = ...) -> tuple[str, ...]:
        """A list of distinct strings; `check` says what is wrong with one, or None."""
        value = self.get(key, list, default, says="a list of strings")
        for item in value:
            if not isinstance(item, str):
                raise self.fail(key, f"{item!r} is not a string")
            problem = check(item)
            if problem:
                raise self.fail(key, problem)
            if value.count(item) > 1:
                raise self.fail(key, f"{item!r} is there twice")
        return tuple(value)

    def done(self) -> None:
        """Whatever was not asked for is a mistake of the writer's."""
        for key in self.data:
            if key not in self._asked:
                known = ", ".join(self._asked)
                raise self.fail(key, f"unknown key{_nearest(key, self._asked) or f'; known here: {known}'}")


def _parse(data: Mapping[str, Any], path: Path) -> Recipe:
    top = _Section(data, path, "")
    for name in ("app", "sensor", "window", "features", "labels"):
        top.get(name, dict, says="a table")
    for name in ("decision", "train", "budget", "compress"):
        top.get(name, dict, {}, says="a table")
    top.done()

    app = _Section(data, path, "app")
    name = app.get("name", str, says="the app's name")
    if not NAME.match(name):
        raise app.fail("name", f"{name!r} must be small letters, digits, '_' or '-', a letter first")
    summary = app.get("summary", str, "", says="one sentence")
    app.done()

    sensor, window_section = _sensor(_Section(data, path, "sensor")), _Section(data, path, "window")
    features_section = _Section(data, path, "features")
    if sensor.kind == "sound":
        analysis = recipe_sound.sampling(features_section, sensor.rate_hz)
        sensor = replace(sensor, sound=analysis)
        window = recipe_sound.window(window_section, analysis)
    else:
        window = _window(window_section)
    features = _features(features_section, sensor, window)
    labels, background = _labels(_Section(data, path, "labels"))
    train = _with_times(_train(_Section(data, path, "train"), background, path), features.names, path)
    decision, budget = _decision(_Section(data, path, "decision")), _budget(_Section(data, path, "budget"))
    compress = _compress(_Section(data, path, "compress")) if "compress" in data else None
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


def _sensor(section: _Section) -> Sensor:
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
        feature_names.Section.all_of(Sampling(sensor.rate_hz, 1, 1, sensor.lowpass_hz, sensor.highpass_hz))
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


def _window(section: _Section) -> Window:
    window = Window(section.number("length", 4, 4096), section.number("hop", 1, 4096))
    if window.hop > window.length:
        raise section.fail("hop", f"{window.hop} is longer than the window ({window.length} samples)")
    section.done()
    return window


def _features(section: _Section, sensor: Sensor, window: Window) -> Features:
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


def _labels(section: _Section) -> tuple[tuple[str, ...], str | None]:
    def label(name: str) -> str | None:
        return (
            None if _LABEL.match(name) else f"{name!r} must be at most 31 letters, digits, spaces or '_.+-'"
        )

    names = section.names("names", label)
    if not 2 <= len(names) <= 64:
        raise section.fail("names", f"{len(names)} labels; there must be 2 to 64")
    background = section.get("background", str, None, says="one of the labels")
    if background is not None and background not in names:
        raise section.fail(
            "background",
            f"{background!r} is not one of the labels ({', '.join(names)}){_nearest(background, names)}",
        )
    section.done()
    return names, background


def _decision(section: _Section) -> Decision:
    decision = Decision(
        threshold=float(section.number("threshold", 0.0, 1.0, 0.6, whole=False)),
        smooth=section.number("smooth", 1, 16, 2),
        cooldown_ms=section.number("cooldown_ms", 0, 60_000, 1000),
    )
    section.done()
    return decision


def _train(section: _Section, background: str | None, path: Path) -> Train:
    family = section.one_of("family", FAMILIES, "forest")
    for name in learners.LEARNERS:
        section.get(name, dict, {}, says="a table")
    params: dict[str, float] = {}
    search = family == "auto"
    if family != "auto":
        of_family = _Section(section.data, path, f"train.{family}")
        learner = learners.LEARNERS[family]
        for key, one in learner.parameters.items():
            whole = isinstance(one.default, int)
            params[key] = of_family.number(key, one.low, one.high, one.default, whole=whole)
        of_family.done()
        # Whoever sets a parameter that would be tried has chosen.
        tried = {key for values in learner.grid for key in values}
        search = bool(tried) and not tried & set(of_family.data)
    section.get("vary", dict, {}, says="a table")
    train = Train(
        family=family,
        seed=section.number("seed", 0, 2**31 - 1, 1),
        folds=section.number("folds", 2, 100, 4),
        windows=section.one_of("windows", WINDOW_KINDS, "auto"),
        augment=section.number("augment", 0, 20, 0),
        params=params,
        search=search,
        vary=_vary(_Section(section.data, path, "train.vary")),
    )
    if train.windows == "event" and background is None:
        raise section.fail("windows", '"event" needs a background label in [labels]')
    section.done()
    return train


def _with_times(train: Train, names: Sequence[str], path: Path) -> Train:
    """With the times that the features tell of, for a family that reads a course; RecipeError without."""
    if "times" not in train.params or train.params["times"]:
        return train
    times = courses.times_of(names)
    if times is None:
        raise RecipeError(
            f"{path}: train.family {train.family!r} reads a course in time: let [features] have "
            f'set = "{feature_sets.COURSES}" or "sound-frames"'
        )
    return replace(train, params={**train.params, "times": times})


def _vary(section: _Section) -> Variation:
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


def _budget(section: _Section) -> Budget:
    budget = Budget(
        module_bytes=section.number("module", 1, 2**31, None),
        state_bytes=section.number("state", 1, 2**31, None),
        instructions=section.number("instructions", 1, 2**40, None),
    )
    section.done()
    return budget


def _compress(section: _Section) -> Compress:
    def step(name: str) -> str | None:
        known = compress_names.NAMES
        return None if name in known else f"{name!r} is not one of {', '.join(known)}{_nearest(name, known)}"

    steps = section.names("steps", step, [])
    compress = Compress(
        steps=steps or None,
        loss=float(section.number("loss", 0.0, 0.99, compress_names.USUAL_LOSS, whole=False)),
        target=section.one_of("target", tuple(targets.TARGETS), compress_names.USUAL_TARGET),
    )
    section.done()
    return compress
