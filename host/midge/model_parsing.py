"""model.json as a `Model`: every part is checked, as nobody knows who wrote it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from .compile import ir as intermediate
from .compile.quantise import Quantisation
from .errors import ModelError, RecipeError
from .features import Sampling
from .features_sound import MAX_WINDOW_SAMPLES, MOST_ROOM_DB, SOUND_CHANNELS, SoundSampling
from .json_part import JsonPart
from .model import SCHEMA, SCORE_SCALE, FrontEnd, Model, Sensor
from .recipe import Decision

# Ranks of features are int16.
MOST_EDGES = 32767


def from_json(data: Any) -> Model:
    """The model without its golden rows; ModelError names the part that is not whole."""
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
