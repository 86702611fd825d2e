"""Families as tables: which kernel makes the sums, and which functions make winner and scores of them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..errors import UnsupportedModel
from .c99_conv import OFFSET
from .gaussian_near import NearIntegers
from .kernel_sections import Section
from .kernels import ROOMS
from .link_data import Ref, Value, structure, structures
from .neighbors_integer import vote_worth
from .verdict import SCORE_SCALE, Verdict

HEADER = "table_model.h"


@dataclass(frozen=True)
class Sums:
    """How a family's sums are made: `kernel` of `model`, of `bits` each; `places` on the stack."""

    kernel: str
    model: str
    bits: int
    places: int
    verdict: Verdict
    shift: int


def room(places: int) -> int:
    """The least room on the stack that kernels were compiled for; UnsupportedModel if none does."""
    for found in ROOMS:
        if places <= found:
            return found
    raise UnsupportedModel(f"the model needs {places} places on the stack, {ROOMS[-1]} is the most")


def judged(sums: Sums, n_scores: int, word_bytes: int) -> Section:
    """What sums_table_judge() reads."""
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
    return structure("midge_judged", "table_judged", HEADER, values, word_bytes)


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


def _linear(lowered: Any, word_bytes: int) -> tuple[list[Section], Sums]:
    n_values, n_features = lowered.weights.shape
    is_narrow = lowered.limit >= 32768
    values: dict[str, Value] = {
        "weights": Ref("weights"),
        "bias": Ref("bias"),
        "n_in": n_features,
        "n_out": n_values,
        "limit": min(lowered.limit, 2**31 - 1),
    }
    made = [structure("dense", "table_dense", HEADER, values, word_bytes)]
    kernel = "linear_table_sums" if is_narrow else "linear_table_exact_sums"
    places = max(n_values, lowered.verdict.n_classes)
    return made, Sums(kernel, "dense", 32 if is_narrow else 64, places, lowered.verdict, lowered.log2_scale)


def _net(lowered: Any, word_bytes: int) -> tuple[list[Section], Sums]:
    rows: list[dict[str, Value]] = []
    widest = 0
    for number, layer in enumerate(lowered.layers):
        n_out, n_in = layer.weights.shape
        widest = max(widest, n_out)
        is_last = number + 1 == len(lowered.layers)
        is_packed = layer.multipliers is not None
        kernel = "scaled" if layer.shifts is not None else "packed"
        rows.append(
            {
                "dense": Ref(f"dense_{kernel}_{layer.bits}" if is_packed else "dense_table"),
                "weights": Ref(f"weights_{number}"),
                "multipliers": Ref(f"multipliers_{number}" if is_packed else ""),
                "bias": Ref(f"bias_{number}"),
                "activation": Ref("" if is_last else _ACTIVATIONS[lowered.activation]),
                "n_in": n_in,
                "n_out": n_out,
                "shift": 0 if is_last else layer.shift,
            }
        )
    values: dict[str, Value] = {"layers": Ref("layers"), "n_layers": len(rows)}
    made = [
        structures("layers", "table_layer", HEADER, rows, word_bytes),
        structure("net", "table_net", HEADER, values, word_bytes),
    ]
    places = max(widest, lowered.verdict.n_classes)
    kernel = f"net_table_sums/{room(places)}"
    return made, Sums(kernel, "net", 32, places, lowered.verdict, lowered.log2_scale)


_ACTIVATIONS = {
    "relu": "relu_table",
    "identity": "identity_table",
    "tanh": "activation_tanh",
    "logistic": "activation_logistic",
}


def _kernel(lowered: Any, word_bytes: int) -> tuple[list[Section], Sums]:
    rule = lowered.verdict
    places = max(rule.n_values, rule.n_classes)
    return [], Sums(f"kernel_{lowered.function}_sums", "machine", 32, places, rule, lowered.log2_scale)


def _gaussian(lowered: Any, word_bytes: int) -> tuple[list[Section], Sums]:
    if isinstance(lowered, NearIntegers):
        n_classes = len(lowered.constants)
        return [], Sums("gaussian_near_sums", "model", 64, n_classes, lowered.verdict, lowered.log2_scale)
    n_classes, n_features = lowered.factors.shape
    values: dict[str, Value] = {
        "terms": Ref("terms"),
        "constants": Ref("constants"),
        "n_in": n_features,
        "n_classes": n_classes,
    }
    made = [structure("gaussian", "table_gaussian", HEADER, values, word_bytes)]
    return made, Sums("gaussian_table_sums", "gaussian", 64, n_classes, lowered.verdict, lowered.log2_scale)


def _additive(lowered: Any, word_bytes: int) -> tuple[list[Section], Sums]:
    rule = lowered.verdict
    places = max(len(lowered.bias), rule.n_classes)
    kernel = "additive_table_wide_sums" if lowered.sum_bits == 64 else "additive_table_sums"
    return [], Sums(kernel, "model", lowered.sum_bits, places, rule, lowered.log2_scale)


def _neighbors(lowered: Any, word_bytes: int) -> tuple[list[Section], Sums | str]:
    rule = lowered.verdict
    is_value = rule.decide == "value"
    form = "weighted" if lowered.by_distance else "neighbors"
    values: dict[str, Value] = {
        "find": Ref("neighbors_euclidean" if lowered.power == 2 else "neighbors_manhattan"),
        "model": Ref("model"),
        "values" if is_value else "classes": Ref("targets"),
        "n_neighbors": lowered.n_neighbors,
        "n_classes": rule.n_classes,
    }
    if lowered.by_distance:
        values["power"] = lowered.power
    else:
        values |= {"bias": lowered.bias if is_value else 0, "worth": vote_worth(lowered.n_neighbors)}
    header = "table_weighted.h" if lowered.by_distance else HEADER
    made = [structure(f"midge_{form}", f"table_{form}", header, values, word_bytes)]
    places = room(lowered.n_neighbors)
    if not is_value:
        return made, f"{form}_table_judge/{places}"
    return made, Sums(f"{form}_table_sums/{places}", f"midge_{form}", 32, 1, rule, lowered.log2_scale)


_POOLS = {"average": "conv_average_int8", "max": "conv_max_int8"}
# table_model.h: how a step is called.
_WEIGHTED, _SUMS, _POOL, _ADD, _WIDEN = range(5)


def _conv(lowered: Any, word_bytes: int) -> tuple[list[Section], str]:
    ir, arena, rule = lowered.ir, lowered.arena, lowered.verdict
    rows = [_conv_step(number, one, arena) for number, one in enumerate(lowered.layers)]
    last = lowered.layers[-1]
    n_values = ir.verdict.n_values
    if not last.is_last:
        rows.append({"form": _WIDEN, "from": arena.tensors[-1] or 0, "n": n_values})
    values: dict[str, Value] = {
        "input": Ref("input"),
        "steps": Ref("conv_steps"),
        "last": Ref("last"),
        "n_steps": len(rows),
        "n_features": ir.n_features,
        "first": arena.tensors[0] or 0,
        "n_values": n_values,
        "n_last": len(lowered.last.multiplier),
        "center": lowered.center,
        "zero": 0 if last.is_last else last.layer.zero + OFFSET,
    }
    places = max(n_values, rule.n_classes)
    sums = Sums("", "", 32, places, rule, lowered.log2_scale)
    made = [
        structures("conv_steps", "table_conv_step", HEADER, rows, word_bytes),
        structure("midge_conv", "table_conv", HEADER, values, word_bytes),
        judged(sums, ir.n_scores, word_bytes),
    ]
    return made, f"conv_table_judge/{room(places)}"


def _conv_step(number: int, one: Any, arena: Any) -> dict[str, Value]:
    """The call that c99_conv writes for a layer."""
    sources = [arena.tensors[source] or 0 for source in one.layer.sources]
    step: dict[str, Value] = {
        "layer": Ref(f"layer_{number}"),
        "from": sources[0],
        "to": arena.tensors[number + 1] or 0,
    }
    if one.layer.kind == "add":
        n = math.prod(int(size) for size in one.out)
        return step | {"function": Ref("conv_add_int8"), "form": _ADD, "other": sources[1], "n": n}
    if one.layer.kind in _POOLS:
        return step | {"function": Ref(_POOLS[one.layer.kind]), "form": _POOL}
    function = "conv_depthwise_int8" if one.layer.kind == "depthwise" else "conv_int8"
    step |= {"scratch": arena.scratch[number] or 0}
    if one.is_last:
        return step | {"function": Ref("conv_sums"), "form": _SUMS, "to": 0}
    return step | {"function": Ref(function), "form": _WEIGHTED}


# Family → sections beside those of its generated tables; how its sums are made, or what classifies.
WRITERS: dict[str, Callable[[Any, int], tuple[list[Section], Sums | str]]] = {
    "linear": _linear,
    "net": _net,
    "kernel": _kernel,
    "neighbors": _neighbors,
    "gaussian": _gaussian,
    "additive": _additive,
    "conv": _conv,
}
