"""Linear models, kernel machines and nets: integers against the reference, C against the integers."""

from __future__ import annotations

import numpy as np
import pytest
import small_models
from hypothesis import given, settings
from hypothesis import strategies as st
from small_models import linear, rows

from midge import build, model_file
from midge.compile import (
    c99_linear,
    exponential,
    kinds,
    linear_integer,
    reference,
    verdict,
)
from midge.compile.linear import Linear
from midge.compile.verdict import Verdict

MODELS = small_models.DOT_PRODUCTS


@pytest.mark.parametrize(
    "target_name",
    [
        "armv6m",
        "armv7emsp",
        *(pytest.param(name, marks=pytest.mark.check) for name in ("x64", "armv7m", "armv7emdp", "rv32imc")),
    ],
)
@pytest.mark.parametrize("name", MODELS)
def test_the_module_gives_the_bits_of_the_integers(name: str, target_name: str) -> None:
    ir = MODELS[name]
    labels = [str(label) for label in range(ir.n_scores)]
    model = model_file.create(ir, rows(1, ir.n_features), name="small", labels=labels)
    # Golden rows hold extremes, noise over all of int16, and single features pushed to the edge.
    assert build.build(model, target_name).rows >= 100


@pytest.mark.parametrize("name", MODELS)
def test_integers_keep_the_margin(name: str) -> None:
    X = rows(3, MODELS[name].n_features, 400)
    ir = MODELS[name].calibrated(X)
    lowering = kinds.part(ir.kind, "lowering")
    lowered = lowering.lower(ir)
    scores, winners = lowering.predict(lowered, X)
    found = reference.evaluate(ir, X)
    clear = found.margins > lowered.epsilon
    assert np.array_equal(winners[clear], found.winners[clear])
    assert (winners != found.winners).sum() <= 2
    if ir.verdict.scores != "votes":
        assert np.abs(scores / 32767 - found.scores).max() < 0.01


def test_exact_text() -> None:
    ir = Linear(
        np.array([[1.0, -2.0, 0.5]]),
        np.array([0.25]),
        Verdict("sign", "decision", 2, 4.0),
        np.full(3, -9.0),
        np.full(3, 9.0),
    )
    lowered = linear_integer.lower(ir)
    assert (lowered.log2_scale, lowered.limit) == (1, 32768)
    assert lowered.weights.tolist() == [[16384, -32767, 8192]]
    text = c99_linear.code(lowered)
    assert "16384, -32767, 8192, 0,\n" in text
    assert "    dense_int16(x, weights, bias, 3, 1, sums);\n" in text
    assert text.endswith(
        "    const int32_t winner = sums[0] > 0;\n"
        "    scores[1] = q15_int32(sums[0], 1);\n"
        "    scores[0] = (int16_t)-scores[1];\n"
        "    return winner;\n"
        "}\n"
    )


def test_ties_go_to_the_lowest() -> None:
    sums = np.array([[5, 5, 1], [-3, -3, -3]])
    _, winners = verdict.judge_integers(Verdict("highest", "decision", 3, 1.0), sums, 0)
    assert winners.tolist() == [0, 0]
    # Each class wins one duel; the sums decide if they are asked.
    duels = np.array([[2, -7, 3]])
    assert verdict.judge_integers(Verdict("duels", "votes", 3), duels, 0)[1].tolist() == [0]
    assert verdict.judge_integers(Verdict("duels-sum", "votes", 3), duels, 0)[1].tolist() == [2]
    assert verdict.judge_integers(Verdict("sign", "decision", 2, 1.0), np.array([[0], [1]]), 0)[
        1
    ].tolist() == [0, 1]


def test_powers_of_two() -> None:
    exponents = np.arange(exponential.LARGEST + 1)
    exact = 65536 * 2.0 ** (-exponents / 4096)
    assert np.abs(exponential.negative_power(exponents) - exact).max() <= 3


@given(st.integers(0, 2**32 - 1), st.integers(1, 20), st.integers(2, 6), st.floats(-3, 3))
@settings(max_examples=30)
def test_linear_integers_never_differ_outside_epsilon(
    seed: int, n_features: int, n_classes: int, size: float
) -> None:
    check_linear(seed, n_features, n_classes, size)


@pytest.mark.check
@given(st.integers(0, 2**32 - 1), st.integers(1, 300), st.integers(2, 40), st.floats(-6, 6))
@settings(max_examples=3000)
def test_linear_integers_never_differ_outside_epsilon_deep(
    seed: int, n_features: int, n_classes: int, size: float
) -> None:
    check_linear(seed, n_features, n_classes, size)


def check_linear(seed: int, n_features: int, n_classes: int, size: float) -> None:
    source = np.random.default_rng(seed)
    X = (
        (source.normal(size=(80, n_features)) * source.uniform(1, 9000, n_features))
        .clip(-32768, 32767)
        .astype(np.int16)
    )
    ir = linear(seed, Verdict("highest", "softmax", n_classes), n_features)
    ir = ir.rescaled(np.full(n_features, 10.0**size), np.zeros(n_features)).calibrated(X)
    lowered = linear_integer.lower(ir)
    assert np.abs(lowered.weights).max() <= 32767 and np.abs(lowered.bias).max() < 2**31
    found = reference.evaluate(ir, X)
    clear = found.margins > lowered.epsilon
    assert np.array_equal(linear_integer.predict(lowered, X)[1][clear], found.winners[clear])
