"""The model file: everything between training and compiling, as plain JSON beside its golden rows."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from . import features as feature_names
from .compile import golden as golden_rows
from .compile import ir as intermediate
from .compile import kinds, reference
from .compile.golden import Golden
from .compile.quantise import Quantisation
from .errors import CompileError, ModelError, ParityError, RecipeError
from .features import Sampling
from .features_sound import MAX_WINDOW_SAMPLES, MOST_ROOM_DB, SOUND_CHANNELS, SoundPlan, SoundSampling
from .json_part import JsonPart

SCHEMA = 1
# Ranks of features are int16.
MOST_EDGES = 32767
FILE_NAME = "model.json"
GOLDEN_NAME = "golden.npz"
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
class Decision:
    """Scores to events: mean of `smooth` windows ≥ `threshold` (0…1), then silence for `cooldown_ms`."""

    threshold: float
    smooth: int
    cooldown_ms: int


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


def create(
    ir: intermediate.Node,
    X: npt.NDArray[np.int16],
    *,
    name: str,
    labels: Sequence[str],
    background: str | None = None,
    frontend: FrontEnd | None = None,
    sensor: Sensor | None = None,
    decision: Decision | None = None,
    windows: npt.NDArray[np.int16] | None = None,
    quantisation: Quantisation | None = None,
    provenance: Mapping[str, Any] | None = None,
    expected: npt.NDArray[np.float64] | None = None,
) -> Model:
    """A model out of its IR and the rows that it was trained on.

    With a front end, features that the model never reads are dropped from it.

    Parameters
    ----------
    X
        int16 (n_rows, n_features), the training rows as the model reads them: the golden rows come from them
    windows
        int16 (n_windows, length, n_channels), raw windows to choose golden windows from
    expected
        the estimator's own scores of X, float64 (n_rows, n_scores): every row is checked

    Raises
    ------
    ParityError
        the reference gives another score than the estimator
    """
    if len(labels) != ir.n_scores:
        raise CompileError(f"{len(labels)} labels for {ir.n_scores} scores; give one label a class, in order")
    if expected is not None:
        check_reference(ir, X, expected)
    if frontend is not None:
        kept = ir.used_features() or [0]
        ir = ir.select_features(kept)
        X = np.ascontiguousarray(X[:, kept])
        frontend = replace(
            frontend,
            features=tuple(frontend.features[i] for i in kept),
            feature_scales=tuple(frontend.feature_scales[i] for i in kept),
        )
    ir = ir.calibrated(X)
    model = Model(
        name=name,
        labels=tuple(labels),
        background=background,
        frontend=frontend,
        sensor=sensor,
        decision=decision,
        ir=ir,
        epsilon=kinds.part(ir.kind, "lowering").lower(ir).epsilon,
        quantisation=quantisation or Quantisation(),
        provenance=dict(provenance or {}),
    )
    return replace(model, golden=golden_rows.choose(model, X, windows))


def check_reference(
    ir: intermediate.Node, X: npt.ArrayLike, expected: npt.NDArray[np.float64], tolerance: float = 1e-12
) -> None:
    """ParityError unless the reference gives the estimator's scores `expected` on every row of X."""
    scores = reference.predict(ir, X)
    wrong = np.flatnonzero((np.abs(scores - expected) > tolerance).any(axis=1))
    if len(wrong):
        raise ParityError(
            f"the reference differs from the estimator on {len(wrong)} of {len(scores)} training rows "
            f"(first: row {wrong[0]}); please report this with the estimator's parameters"
        )


def save(model: Model, folder: str | Path) -> Path:
    """Write model.json and golden.npz into `folder`; returns the path of model.json."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    # One line a key: a change of one part is a change of one line.
    parts = [f"{json.dumps(key)}: {json.dumps(value)}" for key, value in model.to_json().items()]
    path = folder / FILE_NAME
    golden_rows.write(model.golden, folder / GOLDEN_NAME)
    path.write_text("{\n" + ",\n".join(parts) + "\n}\n", encoding="utf-8")
    return path


def load(path: str | Path) -> Model:
    """Read a model file, or the one in a folder, with its golden rows.

    Raises
    ------
    ModelError
        no file, no JSON, another schema, or content that is not whole; the message names the part
    """
    path = Path(path)
    if path.is_dir():
        path = path / FILE_NAME
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ModelError(f"no model file {path}; train one with: midge train APP") from None
    except (OSError, UnicodeDecodeError, ValueError, RecursionError) as error:
        raise ModelError(f"{path} is not a model file: {error}; train the model again") from None
    try:
        model = _from_json(data)
        golden_path = path.with_name(GOLDEN_NAME)
        if golden_path.exists():
            golden = golden_rows.read(golden_path)
            golden_rows.check_shape(golden, model)
            model = replace(model, golden=golden)
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from None
    return model


def _from_json(data: Any) -> Model:
    top = JsonPart(data, "model")
    schema = top.get("schema", int)
    if schema != SCHEMA:
        raise ModelError(
            f"model file schema {schema}, this midge reads {SCHEMA}; use the midge that wrote it"
        )
    ir = intermediate.from_json(top.get("ir", dict))
    labels = top.strings("labels")
    if len(labels) != ir.n_scores:
        raise ModelError(f"{len(labels)} labels for {ir.n_scores} scores; train the model again")
    score_scale = top.whole("score_scale", SCORE_SCALE, SCORE_SCALE)
    frontend, sensor = _frontend(top.get("frontend", dict, type(None))), None
    if frontend is not None and len(frontend.features) != ir.n_features:
        raise ModelError(
            f"{len(frontend.features)} features named, {ir.n_features} read; train the model again"
        )
    if top.get("sensor", dict, type(None)) is not None:
        part = JsonPart(data["sensor"], "sensor")
        sensor = Sensor(
            part.number("rate_hz", 1e-3, 1e6),
            part.number("range_g", 1e-3, 1e6),
            part.get("unit", str),
            part.number("range_dps", 1e-3, 1e6) if "range_dps" in part.data else Sensor.range_dps,
        )
    decision = None
    if top.get("decision", dict, type(None)) is not None:
        part = JsonPart(data["decision"], "decision")
        decision = Decision(
            part.number("threshold", 0, 1),
            part.whole("smooth", 1, 255),
            part.whole("cooldown_ms", 0, 2**31 - 1),
        )
    return Model(
        name=top.get("name", str),
        labels=labels,
        background=top.get("background", str, type(None)),
        frontend=frontend,
        sensor=sensor,
        decision=decision,
        ir=ir,
        epsilon=top.number("epsilon", 0, 1e300),
        quantisation=_quantisation(JsonPart(top.get("quantisation", dict), "quantisation"), ir.n_features),
        provenance=top.get("provenance", dict),
        score_scale=score_scale,
    )


def _frontend(data: Any) -> FrontEnd | None:
    if data is None:
        return None
    part = JsonPart(data, "frontend")
    frontend = FrontEnd(
        kind=part.get("kind", str),
        channels=part.strings("channels"),
        window=part.whole("window", 1, MAX_WINDOW_SAMPLES),
        hop=part.whole("hop", 1, MAX_WINDOW_SAMPLES),
        features=part.strings("features"),
        feature_scales=part.numbers("feature_scales"),
        segment=part.get("segment", bool) if "segment" in part.data else False,
        sampling=_sampling(part),
    )
    if frontend.kind not in ("motion", "sound"):
        raise ModelError(
            f"frontend: kind {frontend.kind!r} is not known; is this midge too old for the model?"
        )
    is_sound = isinstance(frontend.sampling, SoundSampling)
    if is_sound != (frontend.kind == "sound") or is_sound != (frontend.channels == SOUND_CHANNELS):
        raise ModelError("frontend: sampling and channels don't fit the kind; train the model again")
    if isinstance(frontend.sampling, SoundSampling) and frontend.hop % max(1, frontend.sampling.step):
        raise ModelError("frontend: the hop is no whole steps of a frame; train the model again")
    if len(frontend.feature_scales) != len(frontend.features):
        raise ModelError("frontend: feature_scales don't fit features; train the model again")
    try:
        frontend.plan()
    except RecipeError as error:
        raise ModelError(f"frontend: {error}") from None
    return frontend


def _sampling(frontend: JsonPart) -> Sampling:
    if "sampling" not in frontend.data:
        return Sampling()
    part = JsonPart(frontend.get("sampling", dict), "frontend: sampling")
    if "bands" in part.data:
        whole = {key: part.whole(key, 0, 1 << 20) for key in ("log2_frame", "step", "bands")}
        rest = ("rate_hz", "lsb_per_g", "lsb_per_dps", "low_hz", "high_hz")
        made = SoundSampling(**{key: part.number(key, 1e-3, 1e6) for key in rest}, **whole)  # type: ignore[arg-type]
        if "word_share" in part.data:
            made = replace(made, word_share=part.whole("word_share", 1, 255))
        if part.data.get("room_db") is not None:
            made = replace(made, room_db=part.number("room_db", 0, MOST_ROOM_DB))
        return made
    usual = [part.number(key, 1e-3, 1e6) for key in ("rate_hz", "lsb_per_g", "lsb_per_dps")]
    filters = ("lowpass_hz", "highpass_hz")
    return Sampling(*usual, *(part.number(key, 0, 1e6) if key in part.data else 0.0 for key in filters))


def _without_empty_edges(found: Any) -> Any:
    """As files from before there were edges."""
    return {key: value for key, value in found.items() if key != "edges" or value}


def _quantisation(part: JsonPart, n_features: int) -> Quantisation:
    made = Quantisation(
        part.get("kind", str),
        part.numbers("offset"),
        part.numbers("scale"),
        part.whole("collisions", 0, 2**53),
        _edges(part.data.get("edges", [])),
    )
    wanted = {"none": (0, 0), "affine": (n_features, 0), "affine64": (n_features, 0)}
    wanted |= {"ranks": (0, n_features), "ranks64": (0, n_features)}
    is_even = len(made.offset) == len(made.scale)
    if not is_even or (len(made.scale), len(made.edges)) != wanted.get(made.kind):
        raise ModelError(f"quantisation: kind {made.kind!r} does not fit its numbers; train the model again")
    return made


def _edges(data: Any) -> tuple[tuple[float, ...], ...]:
    try:
        edges = [np.asarray(own, np.float64) for own in data]
    except (TypeError, ValueError):
        edges = [np.zeros((0, 0))]
    if any(own.ndim != 1 or not (np.diff(own) > 0).all() or len(own) > MOST_EDGES for own in edges):
        raise ModelError("quantisation: edges are not numbers in ascending order; train the model again")
    return tuple(tuple(own.tolist()) for own in edges)
