"""The trained model: what lies between training and compiling."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from . import features as feature_names
from .compile import ir as intermediate
from .compile.golden import Golden
from .compile.quantise import Quantisation
from .features import Sampling
from .features_sound import SoundPlan
from .recipe import Decision

SCHEMA = 1
SCORE_SCALE = 32767


@dataclass(frozen=True)
class FrontEnd:
    """How features come from samples: `window` samples of `channels`, a new window every `hop` samples.

    `feature_scales` : int16 steps per unit of each feature; `segment`: features are of the stretch of
    motion in the window alone; `sampling`: what frequencies and rest are, where a feature asks for it
    """

    kind: str
    channels: tuple[str, ...]
    window: int
    hop: int
    features: tuple[str, ...]
    feature_scales: tuple[float, ...]
    segment: bool = False
    sampling: Sampling = field(default_factory=Sampling)

    def plan(self) -> feature_names.Plan | SoundPlan:
        """How the kernels compute the features."""
        return feature_names.plan(
            self.features, self.window, self.channels, sampling=self.sampling, segment=self.segment
        )

    def extract(self, windows: npt.ArrayLike) -> npt.NDArray[np.int16]:
        """Features of windows (n, window, n_channels), as `features.extract`."""
        return feature_names.extract(
            self.features, windows, self.channels, sampling=self.sampling, segment=self.segment
        )

    def to_json(self) -> dict[str, Any]:
        """As in model.json; what is as usual is left out."""
        found = _plain(self) or {}
        del found["segment"], found["sampling"]
        if self.segment:
            found["segment"] = True
        if self.sampling != Sampling():
            found["sampling"] = asdict(self.sampling)
        return found


@dataclass(frozen=True)
class Sensor:
    """What the samples are: `rate_hz` a second, full scale ±`range_g`, and ±`range_dps` of a gyroscope."""

    rate_hz: float
    range_g: float
    unit: str = "g"
    range_dps: float = 1000.0

    @property
    def lsb_per_unit(self) -> float:
        """int16 steps per g."""
        return 32768 / self.range_g

    @property
    def sampling(self) -> Sampling:
        """What features have to know of it."""
        return Sampling(self.rate_hz, self.lsb_per_unit, 32768 / self.range_dps)

    def to_json(self) -> dict[str, Any]:
        """As in model.json; the usual range of a gyroscope is left out."""
        found = _plain(self) or {}
        if self.range_dps == Sensor.range_dps:
            del found["range_dps"]
        return found


@dataclass(frozen=True)
class Model:
    """A trained model: all that the later stages need; no estimator, no pickle."""

    name: str
    labels: tuple[str, ...]
    background: str | None
    frontend: FrontEnd | None
    sensor: Sensor | None
    decision: Decision | None
    ir: intermediate.Node = field(repr=False)
    epsilon: float
    quantisation: Quantisation = field(default_factory=Quantisation, repr=False)
    provenance: Mapping[str, Any] = field(default_factory=dict, repr=False)
    golden: Golden = field(default_factory=Golden.of, repr=False, compare=False)
    score_scale: int = SCORE_SCALE

    @property
    def n_features(self) -> int:
        """Features that `classify` takes."""
        return self.ir.n_features

    @property
    def n_scores(self) -> int:
        """Scores that `classify` gives."""
        return self.ir.n_scores

    def to_json(self) -> dict[str, Any]:
        """The content of model.json."""
        return {
            "schema": SCHEMA,
            "name": self.name,
            "labels": list(self.labels),
            "background": self.background,
            "frontend": None if self.frontend is None else self.frontend.to_json(),
            "sensor": None if self.sensor is None else self.sensor.to_json(),
            "decision": _plain(self.decision),
            "score_scale": self.score_scale,
            "ir": self.ir.to_json(),
            "epsilon": self.epsilon,
            "quantisation": _without_empty_edges(_plain(self.quantisation)),
            "provenance": dict(self.provenance),
        }

    @property
    def digest(self) -> str:
        """First 16 hex digits of the SHA-256 of the canonical JSON: keys sorted, no spaces."""
        text = json.dumps(self.to_json(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def _without_empty_edges(found: Any) -> Any:
    """As files from before there were edges."""
    return {key: value for key, value in found.items() if key != "edges" or value}


def _plain(part: Any) -> dict[str, Any] | None:
    """A dataclass as JSON has it; numbers take their declared type, so that 4 and 4.0 are the same."""
    if part is None:
        return None
    values = asdict(part)
    for key, declared in type(part).__annotations__.items():
        if declared == "float":
            values[key] = float(values[key])
        elif declared == "tuple[float, ...]":
            values[key] = [float(value) for value in values[key]]
        elif declared.startswith("tuple"):
            values[key] = list(values[key])
    return values
