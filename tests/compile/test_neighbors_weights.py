"""Nearest neighbours that count by how near they are: weights of integers, margins, modules."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import small_models
from small_models import rows

from midge import build, model_file
from midge.compile import ir as intermediate
from midge.compile import neighbors_integer, neighbors_weights, reference
from midge.compile.neighbors import Neighbors
from midge.errors import ModelError

MODELS: dict[str, Neighbors] = {
    name: model for name, model in small_models.NEIGHBORS.items() if name.startswith("weighted")
}


def _model(ir: Neighbors) -> model_file.Model:
    labels = [str(label) for label in range(ir.n_scores)]
    return model_file.create(ir, rows(1, ir.n_features), name="small", labels=labels)


@pytest.mark.parametrize(
    ("layout", "target"),
    [
        ("code", "armv6m"),
        ("table", "armv7emsp"),
        ("table", "xtensawin"),
        *(
            pytest.param(layout, target, marks=pytest.mark.check)
            for layout in ("code", "table")
            for target in ("x64", "armv7m", "rv32imc")
        ),
    ],
)
@pytest.mark.parametrize("name", MODELS)
def test_the_module_gives_the_bits_of_the_integers(name: str, layout: str, target: str) -> None:
    # Golden rows hold extremes and noise over all of int16, training rows are near the points.
    assert build.build(_model(MODELS[name]), target, layout=layout).rows >= 60


def test_weights_of_integers() -> None:
    apart = np.array([[0, 0, 4], [1, 4, 9], [100, 100, 400], [1, 2**40, 2**41]])
    one = 1 << 15
    found = neighbors_weights.integer_weights(apart, 2).tolist()
    assert found == [[one, one, 0], [one, one // 2, one // 3], [one, one, one // 2], [one, 0, 0]]
    assert neighbors_weights.integer_weights(np.array([[3, 4, 6]]), 1).tolist() == [
        [one, one * 3 // 4, one // 2]
    ]
    # Rounded towards 0 on both sides.
    halves = np.array([[one, one]])
    assert neighbors_weights.integer_sum(np.array([[5, 0]]), halves).tolist() == [5]
    assert neighbors_weights.integer_sum(np.array([[1, -2]]), np.array([[2, 1]])).tolist() == [0]
    assert neighbors_weights.integer_sum(np.array([[-1, 0]]), np.array([[2, 1]])).tolist() == [-1]


@pytest.mark.parametrize("name", MODELS)
def test_integers_keep_the_margin(name: str) -> None:
    X = rows(3, MODELS[name].n_features, 400)
    ir = MODELS[name].calibrated(X)
    lowered = neighbors_integer.lower(ir)
    scores, winners = neighbors_integer.predict(lowered, X)
    found = reference.evaluate(ir, X)
    clear = found.margins > lowered.epsilon
    assert clear.mean() > 0.9
    assert np.array_equal(winners[clear], found.winners[clear])
    if name != "weighted, on scales":
        assert np.abs(scores / 32767 - found.scores).max() < 0.001


def test_no_winner_changes_within_the_margin() -> None:
    ir = MODELS["weighted"]
    X = rows(5, ir.n_features, 150).astype(np.float64)
    found = reference.evaluate(ir, X)
    source = np.random.default_rng(6)
    for _ in range(20):
        # Every distance changes by at most the length that its point moves.
        moved = source.normal(size=ir.points.shape)
        moved /= np.linalg.norm(moved, axis=1, keepdims=True)
        for row in range(0, 150, 10):
            apart = 0.499 * min(found.margins[row], 50.0)
            other = replace(ir, points=ir.points + apart * moved)
            assert reference.evaluate(other, X[row : row + 1]).winners[0] == found.winners[row]


def test_a_file_holds_how_points_count() -> None:
    data = MODELS["weighted"].to_json()
    again = intermediate.from_json(data)
    assert isinstance(again, Neighbors) and again.by_distance
    bad: Any
    for bad in (1, "yes", None):
        with pytest.raises(ModelError, match="by_distance"):
            intermediate.from_json({**data, "by_distance": bad})
    plain = replace(MODELS["weighted"], by_distance=False).to_json()
    assert "by_distance" not in plain
