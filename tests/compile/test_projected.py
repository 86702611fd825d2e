"""Linear maps in front of models: integers against the reference, C against the integers, files."""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
import pytest
import small_models
from small_models import rows

from midge import build, model_file
from midge.compile import ir as intermediate
from midge.compile import projected, projected_integer, reference
from midge.compile.projected import Projected
from midge.errors import ModelError, UnsupportedModel

MODELS: dict[str, Projected] = small_models.PROJECTED


def _model(name: str) -> model_file.Model:
    ir = MODELS[name]
    labels = [str(label) for label in range(ir.n_scores)]
    return model_file.create(ir, rows(1, ir.n_features), name="small", labels=labels)


@pytest.mark.parametrize("layout", ["code", "table"])
@pytest.mark.parametrize("name", [name for name in MODELS if name != "projected precise"])
def test_the_module_gives_the_bits_of_the_integers(name: str, layout: str) -> None:
    targets = ("armv7emsp", "xtensawin") if layout == "table" else ("armv6m",)
    for target in targets:
        assert build.build(_model(name), target, layout=layout).rows >= 60


@pytest.mark.check
@pytest.mark.parametrize("target", ["x64", "armv6m", "armv7m", "armv7emdp", "rv32imc"])
@pytest.mark.parametrize("layout", ["code", "table"])
@pytest.mark.parametrize("name", [name for name in MODELS if name != "projected precise"])
def test_every_target_gives_the_bits_of_the_integers(name: str, layout: str, target: str) -> None:
    assert build.build(_model(name), target, layout=layout).rows >= 60


def test_doubles_behind_a_projection_need_a_compiler() -> None:
    for layout in ("auto", "table"):
        assert build.build(_model("projected precise"), "armv7emsp", layout=layout).rows >= 60
    with pytest.raises(UnsupportedModel, match="double precision"):
        build.build(_model("projected precise"), "xtensawin")


@pytest.mark.parametrize("name", MODELS)
def test_the_projection_of_integers_is_that_of_the_reference(name: str) -> None:
    ir = MODELS[name]
    source = np.random.default_rng(2)
    # All of int16: sums and what is saturated as well.
    X = np.concatenate([rows(2, ir.n_features), source.integers(-32768, 32768, (500, ir.n_features))])
    X = X.astype(np.int16)
    found = projected_integer.project(projected_integer.lower(ir), X)
    assert np.array_equal(found, projected.project(ir, X.astype(np.float64)))
    assert (np.abs(found.astype(int)) == 32767).any() or (found == -32768).any()


@pytest.mark.parametrize("name", MODELS)
def test_no_winner_changes_within_slack(name: str) -> None:
    ir = MODELS[name].calibrated(rows(4, MODELS[name].n_features))
    X = rows(5, ir.n_features, 200).astype(np.float64)
    answers = reference.evaluate(ir, X)
    assert ir.slack is not None
    # A quarter of a step beside the rounding that is in slack already.
    wide = replace(ir, slack=ir.slack + 0.25)
    sure = reference.evaluate(wide, X).margins > projected_integer.lower(wide).epsilon
    source = np.random.default_rng(6)
    for _ in range(20):
        moved = projected.project(replace(ir, slack=None), X) + source.uniform(
            -0.25, 0.25, (200, len(ir.matrix))
        )
        inner = reference.evaluate(ir.inner, moved)
        assert np.array_equal(inner.winners[sure], answers.winners[sure])
    assert ir.verdict is None or ir.verdict.decide == "value" or sure.any()


def test_margins_of_trees_know_what_is_near_a_threshold() -> None:
    stump = intermediate.Tree(
        np.zeros(1, np.int32), np.array([3.0]), np.array([-1], np.int32), np.array([-2], np.int32), np.eye(2)
    )
    ir = Projected(np.ones((1, 1)), np.zeros(1), intermediate.Forest(1, 2, (stump,)), np.array([1.5]))
    found = reference.evaluate(ir, np.arange(8.0)[:, None])
    assert found.winners.tolist() == [0, 0, 0, 0, 1, 1, 1, 1]
    # 3 | 4 is the border, at 3.5: two steps on each side are within 1.5 of it.
    assert found.margins.tolist() == [1, 1, 0, 0, 0, 0, 1, 1]


@pytest.mark.parametrize("name", MODELS)
def test_a_file_holds_it(name: str) -> None:
    data = MODELS[name].to_json()
    ir = intermediate.from_json(copy.deepcopy(data))
    X = rows(7, ir.n_features)
    assert np.array_equal(reference.predict(ir, X), reference.predict(MODELS[name], X))
    for changed in (
        {"matrix": (MODELS[name].matrix / 3).tolist()},
        {"matrix": (MODELS[name].matrix * 2**20).tolist()},
        {"slack": (-np.ones(len(MODELS[name].matrix))).tolist()},
        {"offset": [0.0]},
        {"inner": {"kind": "conv"}},
        {"inner": None},
        {"inner": data},
    ):
        with pytest.raises(ModelError):
            intermediate.from_json({**copy.deepcopy(data), **changed})
