"""Techniques: what each may change of a model, and what it must not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from midge import families, learners
from midge.compile import reference
from midge.compress import drop, leaves, names, nets, plan, prune, techniques, vectors
from midge.errors import CompileError
from midge.validation import Rows


def make_rows(n: int, seed: int) -> Rows:
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 3, n)
    X = rng.normal(0, 900, (n, 6)) + 1500 * np.eye(6)[y] + 1000 * np.eye(6)[(y + 3) % 6]
    return Rows(X.astype(np.int16), y, np.array([f"group {i % 5}" for i in range(n)]))


ROWS, OTHERS = make_rows(400, 1), make_rows(400, 2)


def made(family: str, **params: float) -> Any:
    learner = learners.LEARNERS[family]
    estimator = learner.fit(ROWS.X, ROWS.y, {**learner.defaults(), **params}, 1)
    return families.to_ir(estimator).calibrated(ROWS.X)


@pytest.fixture(scope="module")
def forest() -> Any:
    return made("forest", trees=12)


@pytest.fixture(scope="module")
def net() -> Any:
    return made("net", members=1, hidden=12)


def accuracy(ir: Any) -> float:
    return float((plan.answers(ir.calibrated(ROWS.X), OTHERS.X) == OTHERS.y).mean())


def n_leaves(ir: Any) -> int:
    return sum(len(tree.value) for tree in ir.trees)


@pytest.mark.parametrize("family", ["forest", "boosting"])
@pytest.mark.parametrize("share", [0.2, 0.6])
def test_pruned_trees_have_at_most_their_share_of_leaves(family: str, share: float) -> None:
    ir = made(family, **({"rounds": 10.0} if family == "boosting" else {}))
    small = prune.prune(ir, ROWS.X, share)
    assert 0.5 * share * n_leaves(ir) < n_leaves(small) <= share * n_leaves(ir)
    if share > 0.5:
        assert accuracy(small) > accuracy(ir) - 0.05
    # The file's reader checks that every tree is one.
    again = reference.predict(_read(small), OTHERS.X)
    assert np.array_equal(again, reference.predict(small, OTHERS.X))


def _read(ir: Any) -> Any:
    from midge.compile.ir import from_json

    return from_json(ir.to_json())


def test_pruning_takes_the_split_that_tells_least(forest: Any) -> None:
    from midge.compile.ir import Forest, Tree

    # Node 1 parts 0.5 from 0.52, node 2 parts 0 from 1.
    tree = Tree(
        np.array([0, 1, 1], np.int32),
        np.zeros(3),
        np.array([1, ~0, ~2], np.int32),
        np.array([2, ~1, ~3], np.int32),
        np.array([[0.5, 0.5], [0.52, 0.48], [0.0, 1.0], [1.0, 0.0]]),
    )
    small = prune.prune(Forest(6, 2, (tree,)), ROWS.X, 0.75).trees[0]
    assert len(small.value) == 3
    assert [0.0, 1.0] in small.value.tolist() and [1.0, 0.0] in small.value.tolist()
    assert 0.5 < small.value[:, 0].tolist()[0] < 0.52


def test_merged_leaves_are_probabilities_in_steps(forest: Any) -> None:
    for steps in (1, 4):
        small = leaves.merge(forest, steps)
        values = np.concatenate([tree.value for tree in small.trees])
        assert np.array_equal(values * steps, np.round(values * steps))
        assert (values.sum(axis=1) == 1).all() and (values >= 0).all()
        assert n_leaves(small) < n_leaves(forest)
    hard = leaves.merge(forest, 1)
    for tree, whole in zip(hard.trees, forest.trees, strict=True):
        said = tree.value[reference.leaves(tree, OTHERS.X.astype(float))]
        before = whole.value[reference.leaves(whole, OTHERS.X.astype(float))]
        assert (before[said == 1] >= before.max(axis=1) - 1e-9).all()


def test_dropped_trees_are_those_that_are_wrong(forest: Any) -> None:
    from dataclasses import replace

    wrong = tuple(replace(tree, value=np.roll(tree.value, 1, axis=1)) for tree in forest.trees[:3])
    small = drop.from_forest(replace(forest, trees=(*wrong, *forest.trees[3:])), ROWS.X, ROWS.y, 0.75)
    assert small.trees == forest.trees[3:]


def test_dropped_terms_of_a_sum_become_bias() -> None:
    ir = made("boosting", rounds=10)
    small = drop.from_sum(ir, ROWS.X, 0.5)
    assert len(small.trees) == len(small.adds_to) == len(ir.trees) // 2
    from midge.compile import additive

    means = [additive.values(one, ROWS.X.astype(float)).mean(axis=0) for one in (ir, small)]
    assert np.allclose(means[0], means[1], atol=1e-9)


def test_a_net_keeps_its_share_of_weights_and_neurons(net: Any) -> None:
    few = nets.fewer_weights(net, ROWS, 0.3, 1)
    total = sum(layer.weights.size for layer in net.layers)
    assert few is not None
    assert 0.2 * total < sum(np.count_nonzero(layer.weights) for layer in few.layers) <= 0.3 * total + 1
    small = nets.fewer_neurons(net, ROWS, 0.5, 1)
    assert small is not None and len(small.layers[0].bias) == 6
    for one in (few, small):
        assert accuracy(one) > accuracy(net) - 0.04


def test_a_layer_of_low_rank_is_two_that_say_the_same(net: Any) -> None:
    small = nets.low_rank(net, ROWS, 0.8, 1)
    assert small is not None
    assert [layer.weights.shape for layer in small.layers] == [(3, 6), (12, 3), (3, 12)]
    assert accuracy(small) > accuracy(net) - 0.04


def test_fewer_vectors_say_what_all_said() -> None:
    ir = made("svm", gamma=0.1)
    small = vectors.reduce(ir, ROWS.X, 0.3, 1)
    assert small is not None
    assert len(small.vectors) < 0.4 * len(ir.vectors) and small.counts.sum() == len(small.vectors)
    assert accuracy(small) > accuracy(ir) - 0.04
    _read(small)


@pytest.mark.parametrize("family", ["forest", "net"])
def test_a_student_of_a_large_teacher_is_smaller_and_nearly_as_good(family: str, request: Any) -> None:
    ir = request.getfixturevalue(family)
    small = techniques.TECHNIQUES["distil"].of_kind[ir.kind](ir, ROWS, 0.5, 1)
    assert small is not None
    if family == "forest":
        assert len(small.trees) == 6  # type: ignore[attr-defined]
    else:
        assert len(small.layers[0].bias) == 6  # type: ignore[attr-defined]
    assert accuracy(small) > accuracy(ir) - 0.05
    _read(small)


def test_the_same_seed_makes_the_same_model(forest: Any, net: Any) -> None:
    for name, ir in (("prune", forest), ("drop", forest), ("weights", net), ("rank", net)):
        one, other = (techniques.TECHNIQUES[name].of_kind[ir.kind](ir, ROWS, 0.6, 1) for _ in range(2))
        assert one is not None and other is not None
        assert one.to_json() == other.to_json()


def test_what_does_not_suit_is_refused() -> None:
    with pytest.raises(CompileError, match="no technique 'squeeze'; choose among"):
        techniques.steps_for("net", ("squeeze",))
    with pytest.raises(CompileError, match="'net' can't be made smaller by prune; for it there are"):
        techniques.steps_for("net", ("prune",))
    assert techniques.steps_for("net", ("prune", "weights")) == ("weights",)


def test_names_for_recipes_are_those_of_the_techniques() -> None:
    assert set(names.NAMES) == set(techniques.TECHNIQUES)
