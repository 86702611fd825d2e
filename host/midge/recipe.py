"""The recipe of an app (`app.toml`): the single source of rate, window, features, labels and decision."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from . import assets, feature_sets, learners
from .errors import RecipeError
from .features import Sampling
from .features_sound import SoundSampling
from .toml_section import nearest
from .variation import Variation

FILE_NAME = "app.toml"
SENSOR_KINDS = ("motion", "sound")
WINDOW_KINDS = ("auto", "all", "event", "take")
# One family, or the best of `learners.AUTO` by validation inside the training groups.
FAMILIES = ("auto", *learners.LEARNERS)
# Of the usual sets, for windows of the usual form.
FEATURE_SETS: dict[str, tuple[str, ...]] = {name: feature_sets.names(name) for name in feature_sets.NAMES}

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
    filled in; `search`: nobody set one, so a few values are tried inside the training groups. `offered`: to
    "auto", families with the parameters that their tables set, instead of a few values of each.
    """

    family: str
    seed: int
    folds: int
    windows: str
    augment: int = 0
    params: Mapping[str, float] = field(default_factory=dict)
    search: bool = False
    vary: Variation = field(default_factory=Variation)
    offered: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


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
                f"family {family!r} is not one of {', '.join(FAMILIES)}{nearest(family, FAMILIES)}"
            )
        params = {} if family == "auto" else learners.LEARNERS[family].defaults()
        train = replace(self.train, family=family, params=params, search=True)
        from .recipe_parsing import with_times

        return replace(self, train=with_times(train, self.features.names, self.folder / FILE_NAME))

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
        from .recipe_parsing import parse  # it makes these nouns

        return parse(data, path)


def find(app: str | Path) -> Path:
    """The `app.toml` of an app given by name, folder or file; raises RecipeError if there is none."""
    path = Path(app)
    if path.is_file():
        if path.suffix != ".toml":
            raise RecipeError(
                f"{path} is neither a recipe nor a model: name an app, its folder or {FILE_NAME}, "
                "or a model.json"
            )
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
        f"{nearest(str(app), known)}; make one with: midge new NAME --from gesture"
    )


def built_in() -> list[str]:
    """Names of the apps that midge ships."""
    return sorted(path.parent.name for path in assets.apps_folder().glob(f"*/{FILE_NAME}"))
