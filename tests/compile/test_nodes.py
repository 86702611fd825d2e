"""What every kind of IR does: other features, JSON and integers leave its answers as they are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import small_models

from midge import model_file
from midge.compile import c99, golden, host, ir, kinds, reference
from midge.errors import ModelError

ALL = small_models.ALL
# Nothing is computed in float64 on the board that has an integer form, so few of these are of interest alone.
INTEGER = {name: model for name, model in ALL.items() if not name.startswith("precise")}
# Kinds that say so by themselves when features are looked for that no number can name.
MOST_FEATURES = 32767


def _same(found: Any, expected: Any, tolerance: float = 1e-9) -> None:
    assert np.allclose(found.scores, expected.scores, atol=tolerance)
    assert np.array_equal(found.winners, expected.winners)
    assert np.allclose(found.margins, expected.margins, rtol=1e-6, atol=tolerance)


@pytest.fixture(params=INTEGER)
def model(request: pytest.FixtureRequest) -> Any:
    node = INTEGER[request.param]
    X = small_models.rows(1, node.n_features)
    return node.calibrated(X) if hasattr(node, "calibrated") else node


def test_on_another_scale_it_answers_alike(model: Any) -> None:
    X = small_models.rows(2, model.n_features).astype(float)
    source = np.random.default_rng(3)
    # Powers of two, so that nothing is rounded: rows at a tie stay there.
    step, offset = (
        2.0 ** source.integers(-3, 4, model.n_features),
        source.integers(-9, 9, model.n_features) * 1.0,
    )
    moved = model.rescaled(step, offset)
    _same(reference.evaluate(moved, (X - offset) / step), reference.evaluate(model, X))
    if hasattr(moved, "low") and moved.low is not None:
        assert np.allclose(moved.low * step + offset, model.low)
        assert np.allclose(moved.high * step + offset, model.high)


def test_among_other_features_it_answers_alike(model: Any) -> None:
    X = small_models.rows(4, model.n_features).astype(float)
    wide = np.random.default_rng(5).normal(size=(len(X), model.n_features + 3)) * 30
    columns = np.random.default_rng(6).permutation(model.n_features + 3)[: model.n_features].tolist()
    wide[:, columns] = X
    if not hasattr(model, "widened"):
        pytest.skip("trees are renumbered by the family")
    widened = model.widened(model.n_features + 3, columns)
    assert widened.n_features == model.n_features + 3
    _same(reference.evaluate(widened, wide), reference.evaluate(model, X))
    assert sorted(widened.used_features()) == sorted(columns[one] for one in model.used_features())
    # And back again, less what nothing reads.
    used = widened.used_features()
    back = widened.select_features(used)
    assert back.n_features == len(used)
    _same(reference.evaluate(back, wide[:, used]), reference.evaluate(model, X))


def test_only_what_is_read_counts(model: Any) -> None:
    X = small_models.rows(7, model.n_features).astype(float)
    used = model.used_features()
    assert used == sorted(set(used))
    other = X.copy()
    other[:, [one for one in range(model.n_features) if one not in used]] += 1e6
    _same(reference.evaluate(model, other), reference.evaluate(model, X))
    _same(reference.evaluate(model.select_features(used), X[:, used]), reference.evaluate(model, X))


def test_no_rows_calibrate_nothing(model: Any) -> None:
    inner = getattr(model, "inner", model)
    if not hasattr(model, "calibrated") or inner.kind in ("forest", "additive", "quadratic"):
        pytest.skip("has no range")
    plain = next(
        one
        for one in INTEGER.values()
        if type(one) is type(model) and type(getattr(one, "inner", one)) is type(inner)
    )
    assert plain.calibrated(np.zeros((0, plain.n_features))).to_json() == plain.to_json()


def test_the_range_is_that_of_the_rows(model: Any) -> None:
    if getattr(model, "low", None) is None:
        pytest.skip("has no range")
    X = small_models.rows(1, model.n_features)
    assert np.array_equal(model.low, X.min(axis=0)) and np.array_equal(model.high, X.max(axis=0))


def test_half_a_step_moves_the_margin_by_no_more_than_is_said(model: Any) -> None:
    """But not by nearly nothing: a bound a thousand times too wide would hide what is wrong."""
    if model.kind == "projected":
        pytest.skip("has it in its slack: test_projected.py")
    X = small_models.rows(8, model.n_features, 200).astype(float)
    source = np.random.default_rng(9)
    bound = model.input_epsilon()
    if model.kind in ("forest", "additive"):
        assert bound == 0.0
        return
    before, most = reference.evaluate(model, X), 0.0
    for _ in range(20):
        after = reference.evaluate(model, X + source.choice([-0.5, 0.5], X.shape))
        changed = after.winners != before.winners
        # A row that changes sides has gone through 0.
        assert (before.margins[changed] <= bound + 1e-9).all()
        moved = np.abs(after.margins - before.margins)[~changed & np.isfinite(before.margins)]
        most = max(most, float(moved.max(initial=0.0)))
    # Margins of neighbours jump where their votes change; the others' bounds are for rows two sigmas out.
    if model.kind not in ("gaussian", "quadratic", "neighbors"):
        assert most <= bound + 1e-9
    if model.verdict.decide != "value":
        assert bound <= 1000 * most


@pytest.mark.parametrize("name", ALL)
def test_json_keeps_everything(name: str) -> None:
    node = ALL[name]
    if hasattr(node, "calibrated"):
        node = node.calibrated(small_models.rows(1, node.n_features))
    again = ir.from_json(node.to_json())
    assert type(again) is type(node) and again.to_json() == node.to_json()
    X = small_models.rows(10, node.n_features)
    assert np.array_equal(reference.predict(again, X), reference.predict(node, X))


@pytest.mark.parametrize("name", ALL)
def test_the_c_gives_the_bits_of_the_integers_and_they_the_models_answers(name: str) -> None:
    node = ALL[name]
    X = small_models.rows(11, node.n_features, 150)
    node = node.calibrated(X) if hasattr(node, "calibrated") else node
    labels = [str(label) for label in range(node.n_scores)]
    model = model_file.create(node, X, name="small", labels=labels)
    edge = np.random.default_rng(12).integers(-32768, 32768, (60, node.n_features)).astype(np.int16)
    edge[0], edge[1], edge[2] = -32768, 32767, 0
    found = reference.evaluate(node, X)
    inner = node.inner if node.kind == "projected" else node
    for layout in kinds.layouts(node):
        compiled = host.HostModel(model, c99.sources(model, layout=layout))
        for which in (X, edge):
            scores, winners = compiled.classify(which)
            expected, expected_winners = golden.expected(node, which)
            assert np.array_equal(scores, expected) and np.array_equal(winners, expected_winners)
        scores, winners = compiled.classify(X)
        clear = found.margins > model.epsilon
        assert np.array_equal(winners[clear], found.winners[clear])
        assert clear.mean() > 0.5 or inner.kind in ("kernel", "gaussian")
        # Nearest points that are nearly equally near are a matter of choice.
        if inner.kind == "forest" or (inner.kind != "neighbors" and inner.verdict.scores != "votes"):
            assert np.abs(scores / 32767 - found.scores).max() < 0.015


@pytest.mark.parametrize("name", ALL)
def test_what_is_left_out_of_a_file_or_no_number_is_refused(name: str) -> None:
    good = ALL[name].to_json()
    ir.from_json(good)
    # What files from before did not have.
    optional = {"vote_bits", "low", "high", "by_distance", "weighed", "kernels", "slope", "stretch"}
    for key in set(good) - optional:
        for broken in (None, "much", [[]], {}):
            with pytest.raises(ModelError):
                ir.from_json({**good, key: broken})
        with pytest.raises(ModelError):
            ir.from_json({other: value for other, value in good.items() if other != key})


@pytest.mark.parametrize("name", ALL)
def test_numbers_that_are_none_are_refused(name: str) -> None:
    good = ALL[name].to_json()
    for key, value in good.items():
        if not isinstance(value, list) or not value or isinstance(value[0], dict):
            continue
        for bad in (float("nan"), float("inf"), "x"):
            broken = [[bad, *value[0][1:]], *value[1:]] if isinstance(value[0], list) else [bad, *value[1:]]
            with pytest.raises(ModelError):
                ir.from_json({**good, key: broken})
