"""A model as sections for midge's own linker: tables, steps of the front end, and which kernels they need."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..errors import UnsupportedModel
from ..features import DERIVED, STEPS_PER_HZ, Plan, Step
from . import c99, kinds, link_tables
from .kernel_objects import Section
from .kernels import BARE, ROOMS
from .link_data import Ref, Value, numbers, structure, structures
from .verdict import SCORE_SCALE, Verdict

if TYPE_CHECKING:
    from ..model_file import Model

_HEADER = "table_model.h"
# table_model.h: of each form
_FORM_CODES = {"row": 0, "percent": 1, "course": 2, "pair": 3, "tilt": 4, "span": 5, "spectrum": 6, "band": 7}
_SPECTRAL = ("spectrum", "band")
_FOREST_CALL = re.compile(r"return (\w+)\(&forest, features, sums, scores\);")


@dataclass(frozen=True)
class ModelTables:
    """Sections of a model, and the kernels that stand for names which kernels leave open."""

    sections: tuple[Section, ...]
    aliases: dict[str, str]


@dataclass(frozen=True)
class _Sums:
    """How a family's sums are made: `kernel` of `model`, of `bits` each; `places` on the stack."""

    kernel: str
    model: str
    bits: int
    places: int
    verdict: Verdict
    shift: int


def tables(model: Model, word_bytes: int) -> ModelTables:
    """The tables of a model.

    Raises
    ------
    UnsupportedModel
        if no kernel that is compiled without knowing the model can run it
    """
    layouts = kinds.KINDS[model.ir.kind].code
    layout = "table" if "table" in layouts else next(iter(layouts))
    source = c99.sources(model, layout=layout, backend="midge")["model.c"]
    sections = link_tables.read(source, word_bytes)
    aliases: dict[str, str] = {}
    made = [*_facts(model, word_bytes)]
    if model.frontend is not None:
        plan = model.frontend.plan()
        if not isinstance(plan, Plan):
            raise UnsupportedModel(
                "a sound front end needs a compiler, which there is none of for this target"
            )
        made += _frontend(plan, word_bytes)
    aliases |= _glue(model)
    lowered = kinds.part(model.ir.kind, "lowering").lower(model.ir)
    if model.ir.kind == "forest":
        call = _FOREST_CALL.search(source)
        if call is None:
            raise UnsupportedModel("this forest is no table; build it with --layout code for another target")
        aliases["midge_classify"] = f"forest_table_judge/32/{_room(lowered.n_classes)}"
        values: dict[str, Value] = {"classify": Ref(call[1]), "forest": Ref("forest")}
        made.append(structure("midge_forest", "table_forest", _HEADER, values, word_bytes))
    else:
        writer = _WRITERS.get(model.ir.kind)
        if writer is None:
            raise UnsupportedModel(
                f"a {model.ir.kind} model needs a compiler, which there is none of for this target"
            )
        more, sums = writer(lowered, word_bytes)
        made += [*more, _judged(sums, model.n_scores, word_bytes)]
        aliases["midge_classify"] = f"sums_table_judge/{sums.bits}/{_room(sums.places)}"
    return ModelTables((*sections.values(), *made), aliases)


def _room(places: int) -> int:
    for room in ROOMS:
        if places <= room:
            return room
    raise UnsupportedModel(f"the model needs {places} places on the stack, {ROOMS[-1]} is the most")


def _glue(model: Model) -> dict[str, str]:
    """The functions that Python calls, in the flavour for this model."""
    suffix = BARE if model.frontend is None else f"/{_room(model.n_features)}"
    names = ("init", "push", "ready", "features", "classify", "predict", "info")
    return {f"model_{name}": f"model_{name}{suffix}" for name in names}


def _facts(model: Model, word_bytes: int) -> list[Section]:
    text = json.dumps(c99.info(model), separators=(",", ":")).encode()
    values: dict[str, Value] = {
        "abi": c99.MODULE_ABI,
        "state_bytes": c99.state_bytes(model),
        "n_features": model.n_features,
        "n_scores": model.n_scores,
        "n_channels": len(model.frontend.channels) if model.frontend else 0,
        "info_bytes": len(text),
        "info": Ref("info"),
    }
    return [
        numbers("info", "char", [*text, 0], word_bytes),
        structure("midge_facts", "table_facts", _HEADER, values, word_bytes),
    ]


def _frontend(plan: Plan, word_bytes: int) -> list[Section]:
    numbered = list(enumerate(plan.steps))
    spectral = [item for item in numbered if item[1].statistic.form in _SPECTRAL]
    others = [item for item in numbered if item[1].statistic.form not in _SPECTRAL]
    spectral.sort(key=lambda item: item[1].rows)
    derived = [Ref(DERIVED[name]) for name in plan.derived]
    is_cut = plan.segmenter is not None and bool(others)
    values: dict[str, Value] = {
        "shape": Ref("shape"),
        "n_steps": len(others),
        "n_spectral": len(spectral),
        "n_derived": len(derived),
        "log2_fft": plan.log2_fft,
        "rows_bytes": plan.rows_bytes,
        **dict(zip("xyz", plan.acceleration or (0, 0, 0), strict=True)),
    }
    made = []
    for name, steps in (("steps", others), ("spectral", spectral)):
        if steps:
            rows = [_step(plan, number, step) for number, step in steps]
            made.append(structures(f"{name}_table", "table_step", _HEADER, rows, word_bytes))
            values[name] = Ref(f"{name}_table")
    if derived:
        made.append(pointers("derived_table", derived, word_bytes))
        values["derived"] = Ref("derived_table")
    if is_cut:
        values |= {
            "segment": Ref("motion_segment"),
            "part": Ref("motion_part"),
            "segmenter": Ref("segmenter"),
        }
    if spectral:
        values |= {"spectra": Ref("table_spectra"), "transform": Ref(f"fft_real_{1 << plan.log2_fft}")}
    return [*made, structure("midge_frontend", "table_frontend", _HEADER, values, word_bytes)]


def pointers(name: str, values: list[Ref], word_bytes: int) -> Section:
    """An array of addresses."""
    # A structure of one pointer is laid out as the pointer.
    return structures(name, "table_pointer", _HEADER, [{"function": value} for value in values], word_bytes)


def _step(plan: Plan, number: int, step: Step) -> dict[str, Value]:
    """The row of a statistic, as c99_frontend writes its call."""
    form, feature = step.statistic.form, step.feature
    if form not in _FORM_CODES:
        raise UnsupportedModel(
            f"the statistic {feature.statistic} needs a compiler: there is none for this target"
        )
    whole = form == "course" and plan.segmenter is None
    more = [0, 0]
    if form == "percent":
        more = [int(feature.low), 0]
    elif form == "course":
        more = [feature.part, feature.parts]
    elif form == "band":
        more = [*step.bins]
    elif form == "spectrum":
        more = [round(plan.rate_hz / (1 << plan.log2_fft) * STEPS_PER_HZ * 256), 0]
    is_part = feature.parts > 1 and form not in ("course", "span")
    return {
        "function": Ref(step.statistic.function),
        "form": _FORM_CODES[form],
        "feature": number,
        "part": feature.part if is_part else 0,
        "parts": feature.parts,
        "row": step.rows[0] if step.rows else 0,
        "other": step.rows[1] if len(step.rows) > 1 else 0,
        "first": 0 if whole else step.first,
        "n": plan.length if whole else step.n_samples,
        "more[0]": more[0],
        "more[1]": more[1],
    }


def _judged(sums: _Sums, n_scores: int, word_bytes: int) -> Section:
    rule = sums.verdict
    winner, scores = _verdict(rule)
    values: dict[str, Value] = {
        "sums": Ref(sums.kernel),
        "model": Ref(sums.model),
        "winner": Ref(f"{winner}/{sums.bits}"),
        "scores": Ref(f"{scores}/{sums.bits}"),
        "n_classes": rule.n_classes,
        "n_scores": n_scores,
        "shift": sums.shift,
        "share": SCORE_SCALE // max(rule.n_classes - 1, 1),
    }
    return structure("midge_judged", "table_judged", _HEADER, values, word_bytes)


def _verdict(rule: Verdict) -> tuple[str, str]:
    """Names of the functions for winner and scores, as c99_verdict writes them."""
    is_duel = rule.decide.startswith("duels") and rule.n_classes == 2
    winner = "winner_duel" if is_duel else f"winner_{rule.decide.replace('-', '_')}"
    is_sign = rule.decide in ("sign", "at-least")
    if rule.scores == "votes":
        return winner, "scores_duel" if is_duel else "scores_votes"
    if rule.scores == "softmax":
        return winner, "scores_softmax"
    if rule.scores == "sigmoid":
        return winner, "scores_sigmoid_sign" if is_sign else "scores_sigmoid"
    if is_sign:
        return winner, "scores_sign"
    return winner, "scores_first" if rule.decide == "duels" else "scores_saturated"


def _linear(lowered: Any, word_bytes: int) -> tuple[list[Section], _Sums]:
    n_values, n_features = lowered.weights.shape
    is_narrow = lowered.limit >= 32768
    values: dict[str, Value] = {
        "weights": Ref("weights"),
        "bias": Ref("bias"),
        "n_in": n_features,
        "n_out": n_values,
        "limit": min(lowered.limit, 2**31 - 1),
    }
    made = [structure("dense", "table_dense", _HEADER, values, word_bytes)]
    kernel = "linear_table_sums" if is_narrow else "linear_table_exact_sums"
    places = max(n_values, lowered.verdict.n_classes)
    return made, _Sums(kernel, "dense", 32 if is_narrow else 64, places, lowered.verdict, lowered.log2_scale)


def _net(lowered: Any, word_bytes: int) -> tuple[list[Section], _Sums]:
    rows: list[dict[str, Value]] = []
    widest = 0
    for number, layer in enumerate(lowered.layers):
        n_out, n_in = layer.weights.shape
        widest = max(widest, n_out)
        is_last = number + 1 == len(lowered.layers)
        rows.append(
            {
                "weights": Ref(f"weights_{number}"),
                "bias": Ref(f"bias_{number}"),
                "activation": Ref("" if is_last else _ACTIVATIONS[lowered.activation]),
                "n_in": n_in,
                "n_out": n_out,
                "shift": 0 if is_last else layer.shift,
            }
        )
    values: dict[str, Value] = {"layers": Ref("layers"), "n_layers": len(rows)}
    made = [
        structures("layers", "table_layer", _HEADER, rows, word_bytes),
        structure("net", "table_net", _HEADER, values, word_bytes),
    ]
    places = max(widest, lowered.verdict.n_classes)
    kernel = f"net_table_sums/{_room(places)}"
    return made, _Sums(kernel, "net", 32, places, lowered.verdict, lowered.log2_scale)


_ACTIVATIONS = {
    "relu": "relu_table",
    "identity": "identity_table",
    "tanh": "activation_tanh",
    "logistic": "activation_logistic",
}


def _kernel(lowered: Any, word_bytes: int) -> tuple[list[Section], _Sums]:
    rule = lowered.verdict
    places = max(rule.n_values, rule.n_classes)
    return [], _Sums(f"kernel_{lowered.function}_sums", "machine", 32, places, rule, lowered.log2_scale)


def _gaussian(lowered: Any, word_bytes: int) -> tuple[list[Section], _Sums]:
    n_classes, n_features = lowered.factors.shape
    values: dict[str, Value] = {
        "terms": Ref("terms"),
        "constants": Ref("constants"),
        "n_in": n_features,
        "n_classes": n_classes,
    }
    made = [structure("gaussian", "table_gaussian", _HEADER, values, word_bytes)]
    return made, _Sums("gaussian_table_sums", "gaussian", 64, n_classes, lowered.verdict, lowered.log2_scale)


def _additive(lowered: Any, word_bytes: int) -> tuple[list[Section], _Sums]:
    rule = lowered.verdict
    places = max(len(lowered.bias), rule.n_classes)
    return [], _Sums("additive_table_sums", "model", 32, places, rule, lowered.log2_scale)


# Family → sections beside those of its generated tables, and how its sums are made.
_WRITERS: dict[str, Callable[[Any, int], tuple[list[Section], _Sums]]] = {
    "linear": _linear,
    "net": _net,
    "kernel": _kernel,
    "gaussian": _gaussian,
    "additive": _additive,
}
