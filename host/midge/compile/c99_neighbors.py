"""Nearest neighbours as C: tables of points and targets, one kernel, the vote."""

from __future__ import annotations

import numpy as np

from . import c99_verdict
from .c99_table import table
from .neighbors_integer import NeighborsIntegers, vote_worth

# As NEIGHBORS_CHUNK in firmware/native/neighbors.h.
_CHUNK = 32
_INT32_MAX = 2**31 - 1


def code(lowered: NeighborsIntegers) -> str:
    """C of midge_classify() for nearest neighbours."""
    n_points, n_features = lowered.points.shape
    padded = np.zeros((n_points, n_features + n_features % 2), np.int64)
    padded[:, :n_features] = lowered.points
    squares = (lowered.points**2).sum(axis=1)
    is_value = lowered.verdict.decide == "value"
    tables = [
        table("points", "int16_t", padded, aligned_bytes=4),
        table("targets", "int32_t" if is_value else "uint8_t", lowered.targets),
    ]
    fields = [".points = points"]
    if lowered.power == 2:
        tables += [
            table("zeros", "int32_t", np.zeros(_CHUNK, np.int64)),
            table("lengths", "int32_t", np.minimum(squares, _INT32_MAX)),
        ]
        fields += [".zeros = zeros", ".lengths = lengths"]
        if lowered.narrow < 32768:
            tables.append(table("squares", "int64_t", squares))
            fields.append(".squares = squares")
    if lowered.factors is not None and lowered.centers is not None:
        tables += [
            table("centers", "int16_t", lowered.centers),
            table("factors", "int16_t", lowered.factors),
        ]
        fields += [
            ".centers = centers",
            ".factors = factors",
            f".factor_shift = {lowered.factor_shift}",
        ]
    fields += [
        f".n_in = {n_features}",
        f".n_points = {n_points}",
        f".n_neighbors = {lowered.n_neighbors}",
        f".narrow = {lowered.narrow}",
    ]
    function = "neighbors_euclidean" if lowered.power == 2 else "neighbors_manhattan"
    lines = [
        '#include "neighbors.h"',
        *(['#include "distance_weights.h"'] if lowered.by_distance else []),
        '#include "q15.h"',
        "",
        *tables,
        "",
        "static const neighbors_model model = {",
        *(f"    {field}," for field in fields),
        "};",
        "",
        "int32_t midge_classify(const int16_t *x, int16_t *scores)",
        "{",
        f"    uint16_t nearest[{lowered.n_neighbors}];",
        "",
        f"    {function}(&model, x, nearest);",
        *(_weighted(lowered) if lowered.by_distance else []),
        *(_value(lowered) if is_value else _vote(lowered)),
        "}",
        "",
    ]
    return "\n".join(lines)


def _weighted(lowered: NeighborsIntegers) -> list[str]:
    return [
        f"    int32_t weights[{lowered.n_neighbors}];",
        f"    distance_weights(&model, {lowered.power}, x, nearest, weights);",
    ]


def _value(lowered: NeighborsIntegers) -> list[str]:
    if lowered.by_distance:
        mean = f"weighted_sum(targets, nearest, weights, {lowered.n_neighbors})"
        return [
            f"    const int32_t sums[1] = {{{mean}}};",
            *c99_verdict.code(lowered.verdict, lowered.log2_scale, "int32_t"),
        ]
    return [
        f"    int32_t sums[1] = {{{lowered.bias}}};",
        f"    for (int32_t i = 0; i < {lowered.n_neighbors}; i++) {{",
        "        sums[0] += targets[nearest[i]];",
        "    }",
        *c99_verdict.code(lowered.verdict, lowered.log2_scale, "int32_t"),
    ]


def _vote(lowered: NeighborsIntegers) -> list[str]:
    n_classes, n_neighbors = lowered.verdict.n_classes, lowered.n_neighbors
    if lowered.by_distance:
        return [f"    return weighted_vote(targets, nearest, weights, {n_neighbors}, {n_classes}, scores);"]
    return [
        "    int32_t winner = 0;",
        f"    for (int32_t c = 0; c < {n_classes}; c++) {{",
        "        scores[c] = 0;",
        "    }",
        f"    for (int32_t i = 0; i < {lowered.n_neighbors}; i++) {{",
        "        scores[targets[nearest[i]]]++;",
        "    }",
        f"    for (int32_t c = 1; c < {n_classes}; c++) {{",
        "        winner = scores[c] > scores[winner] ? c : winner;",
        "    }",
        f"    for (int32_t c = 0; c < {n_classes}; c++) {{",
        f"        scores[c] = (int16_t)(scores[c] * {vote_worth(lowered.n_neighbors)} >> 8);",
        "    }",
        "    return winner;",
    ]
