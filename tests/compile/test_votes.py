"""Forests in integers: the same leaves as the reference, and winners that differ inside ε at most."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier

from midge import families
from midge.compile import ir, reference, votes


def _tree(**arrays: list) -> ir.Tree:  # type: ignore[type-arg]
    kinds = {"threshold": np.float64, "value": np.float64}
    return ir.Tree(**{name: np.array(values, kinds.get(name, np.int32)) for name, values in arrays.items()})


def test_thresholds_are_rounded_down() -> None:
    tree = _tree(feature=[0], threshold=[-2.5], left=[-1], right=[-2], value=[[1, 0, 0], [0, 1, 0]])
    forest = votes.lower(ir.Forest(1, 3, (tree,)))
    assert forest.trees[0].threshold.tolist() == [-3]
    assert votes.predict(forest, np.array([[-3], [-2]], np.int16))[1].tolist() == [0, 1]


def test_branches_that_no_int16_reaches_are_dropped() -> None:
    tree = _tree(
        feature=[0, 0, 0, 0],
        threshold=[10.5, 10.9, 1e9, 20.0],
        left=[1, -1, -3, -4],
        right=[2, -2, 3, -5],
        value=[[1, 0], [0, 1], [0.5, 0.5], [0.2, 0.8], [0.3, 0.7]],
    )
    small = votes.lower(ir.Forest(1, 2, (tree,))).trees[0]
    # 10.9 says after 10.5 nothing new; 1e9 sends everything left.
    assert small.threshold.tolist() == [10]
    assert small.votes.shape == (2, 2)


def test_equal_leaves_are_merged() -> None:
    tree = _tree(
        feature=[0, 1], threshold=[0, 0], left=[1, -1], right=[-3, -2], value=[[1, 0], [1, 0], [0, 1]]
    )
    assert votes.lower(ir.Forest(2, 2, (tree,))).trees[0].feature.tolist() == [0]


def test_a_full_vote_is_full_scale() -> None:
    leaf = _tree(feature=[], threshold=[], left=[], right=[], value=[[0.0, 1.0, 0.0]])
    for n_trees in (1, 2, 3, 10, 100, 255):
        scores, winner = votes.predict(
            votes.lower(ir.Forest(1, 3, (leaf,) * n_trees)), np.zeros((1, 1), np.int16)
        )
        assert scores.tolist() == [[0, 32767, 0]]
        assert winner.tolist() == [1]


def test_narrow_sums_stay_inside_16_bits() -> None:
    leaf = _tree(feature=[], threshold=[], left=[], right=[], value=[[0.0, 1.0, 0.0]])
    for n_trees in [*range(1, 20), 100, 254, ir.MAX_NARROW_TREES]:
        forest = votes.lower(ir.Forest(1, 3, (leaf,) * n_trees, vote_bits=16))
        assert forest.total <= 65535
        assert forest.total >= 65535 - n_trees


def test_near_ties_get_wide_sums() -> None:
    close = _tree(feature=[], threshold=[], left=[], right=[], value=[[0.500001, 0.499999, 0.0]])
    clear = _tree(feature=[], threshold=[], left=[], right=[], value=[[0.7, 0.3, 0.0]])
    rows = np.zeros((1, 1), np.int16)
    assert ir.Forest(1, 3, (close,)).calibrated(rows).vote_bits == 32
    assert ir.Forest(1, 3, (clear,)).calibrated(rows).vote_bits == 16


def test_pure_leaves_are_exact_even_at_ties() -> None:
    a = _tree(feature=[], threshold=[], left=[], right=[], value=[[0.0, 1.0, 0.0]])
    b = _tree(feature=[], threshold=[], left=[], right=[], value=[[0.0, 0.0, 1.0]])
    forest = ir.Forest(1, 3, (b, a)).calibrated(np.zeros((1, 1), np.int16))
    assert forest.vote_bits == 16
    assert votes.lower(forest).epsilon < 1e-9
    assert votes.predict(votes.lower(forest), np.zeros((1, 1), np.int16))[1].tolist() == [1]


def _check_winners(seed: int, n_trees: int, depth: int, n_classes: int, vote_bits: int, rows: int) -> None:
    rng = np.random.default_rng(seed)
    X = rng.integers(-50, 50, (200, 5)).astype(np.int16)
    y = rng.integers(0, n_classes, 200)
    y[:n_classes] = np.arange(n_classes)
    kind = ExtraTreesClassifier if seed % 2 else RandomForestClassifier
    forest = families.to_ir(kind(n_trees, max_depth=depth, random_state=seed % 2**31).fit(X, y))
    forest = replace(forest, vote_bits=vote_bits)
    lowered = votes.lower(forest)
    probes = rng.integers(-60, 60, (rows, 5)).astype(np.int16)
    exact = reference.predict(forest, probes)
    scores, winners = votes.predict(lowered, probes)
    outside = reference.margins(exact) > lowered.epsilon
    assert np.array_equal(winners[outside], reference.winners(exact)[outside])
    step = 2 / 32767 + n_trees / 65535
    assert np.abs(scores / 32767 - exact).max() <= lowered.epsilon + step


@given(
    seed=st.integers(0, 2**32 - 1),
    n_trees=st.integers(1, 12),
    depth=st.integers(1, 8),
    n_classes=st.integers(2, 7),
    vote_bits=st.sampled_from([16, 32]),
)
@settings(max_examples=15)
def test_winners_differ_inside_epsilon_at_most(
    seed: int, n_trees: int, depth: int, n_classes: int, vote_bits: int
) -> None:
    _check_winners(seed, n_trees, depth, n_classes, vote_bits, 500)


@pytest.mark.check
@given(
    seed=st.integers(0, 2**32 - 1),
    n_trees=st.integers(1, 60),
    depth=st.integers(1, 14),
    n_classes=st.integers(2, 12),
    vote_bits=st.sampled_from([16, 32]),
)
@settings(max_examples=300)
def test_winners_differ_inside_epsilon_at_most_deep(
    seed: int, n_trees: int, depth: int, n_classes: int, vote_bits: int
) -> None:
    _check_winners(seed, n_trees, depth, n_classes, vote_bits, 5000)
