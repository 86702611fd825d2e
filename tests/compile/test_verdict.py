"""From values to winner, scores and margin, at ties too; the same in integers."""

from __future__ import annotations

import numpy as np
import pytest

from midge.compile import verdict
from midge.compile.verdict import Verdict


def judged(rule: Verdict, *rows: list[float]) -> tuple[list[int], list[float]]:
    found = rule.judge(np.array(rows, float))
    # In integers of the same values, whatever their scale.
    for log2_scale in (0, 5):
        sums = np.rint(np.array(rows) * 2.0**10 * 2.0**log2_scale).astype(np.int64)
        _, winners = verdict.judge_integers(rule, sums, 10 + log2_scale)
        assert winners.tolist() == found.winners.tolist()
    return found.winners.tolist(), found.margins.tolist()


def test_the_highest_wins_and_the_first_of_equals() -> None:
    rule = Verdict("highest", "decision", 3, 1.0)
    assert judged(rule, [1, 3, 2], [2, 2, 1], [0, -1, 0], [-4, -3, -3]) == ([1, 0, 0, 1], [1, 0, 0, 0])


def test_zero_belongs_to_one_side() -> None:
    assert judged(Verdict("sign", "decision", 2, 1.0), [0.0], [1 / 1024], [-2.0])[0] == [0, 1, 0]
    assert judged(Verdict("at-least", "decision", 2, 1.0), [0.0], [-1 / 1024], [2.0])[0] == [1, 0, 1]
    assert judged(Verdict("sign", "decision", 2, 1.0), [-2.0], [3.0])[1] == [2, 3]
    assert judged(Verdict("at-least", "decision", 2, 1.0), [-2.0], [3.0])[1] == [2, 3]


def test_duels_as_libsvm_has_them() -> None:
    # Values of (0, 1), (0, 2), (1, 2): above 0 is a vote for the first.
    rule = Verdict("duels", "votes", 3)
    assert judged(rule, [1, 1, 1], [-1, 1, 1], [-1, -1, -1], [1, -1, 0.5]) == ([0, 1, 2, 0], [1, 1, 1, 0.5])
    # A duel at 0 is lost by the first; three with a vote each: the first of them.
    assert judged(rule, [0, 1, 1], [1, -1, 1])[0] == [1, 0]
    assert np.array_equal(verdict.count_votes(np.array([[1, 1, 1], [-1, 1, 0]]), 3), [[2, 1, 0], [1, 1, 1]])


@pytest.mark.parametrize("n_classes", [3, 5])
def test_a_margin_is_how_far_all_values_may_move(n_classes: int) -> None:
    source = np.random.default_rng(n_classes)
    rule = Verdict("duels", "votes", n_classes)
    values = source.normal(size=(60, rule.n_values))
    found = rule.judge(values)
    # Duels that can't decide don't count.
    assert (found.margins > np.abs(values).min(axis=1)).any()
    for row, winner, margin in zip(values, found.winners, found.margins, strict=True):
        signs = (
            np.array(np.meshgrid(*[[-1.0, 0.0, 1.0]] * min(rule.n_values, 10))).reshape(rule.n_values, -1).T
        )
        for part, changes in ((0.999, False), (1.001, True)):
            winners = rule.judge(row + part * margin * signs).winners
            assert (winners != winner).any() == changes


def test_equal_votes_are_parted_by_sums() -> None:
    rule = Verdict("duels-sum", "votes", 3)
    # Each has a vote; sums are 1 - 2, -1 + 3, 2 - 3.
    assert judged(rule, [1, -2, 3]) == ([1], [pytest.approx(0.75)])
    assert np.array_equal(verdict.duel_sums(np.array([[1.0, -2.0, 3.0]]), 3), [[-1, 2, -1]])
    # The winner has more votes, whatever the sums.
    assert judged(rule, [1, 1, 9]) == ([0], [1])
    # Of three votes the loss of one, with a vote for the next, is a tie.
    assert judged(Verdict("duels-sum", "votes", 4), [2, 3, 4, 9, 9, 9]) == ([0], [2])
    # Two lead together: a third does not count. (0,1) (0,2) (0,3) (1,2) (1,3) (2,3)
    four = Verdict("duels-sum", "votes", 4)
    assert judged(four, [4, 1, -1, 9, 9, -8])[0] == [1]


def test_scores() -> None:
    values = np.array([[1.0, 2.0, -1.0]])
    powers = np.exp(values) / np.exp(values).sum()
    assert np.allclose(Verdict("highest", "softmax", 3).judge(values).scores, powers)
    each = 1 / (1 + np.exp(-values))
    assert np.allclose(Verdict("highest", "sigmoid", 3).judge(values).scores, each / each.sum())
    assert np.allclose(
        Verdict("sign", "sigmoid", 2).judge(values[:, :1]).scores, [[1 - each[0, 0], each[0, 0]]]
    )
    assert np.allclose(Verdict("sign", "decision", 2, 4.0).judge(values[:, 1:2]).scores, [[-0.5, 0.5]])
    assert np.allclose(Verdict("duels", "decision", 2, 4.0).judge(values[:, 1:2]).scores, [[0.5, -0.5]])
    assert np.allclose(Verdict("highest", "decision", 3, 4.0).judge(values).scores, values / 4)
    assert np.allclose(Verdict("value", "value", 0, 4.0, 1.0).judge(values[:, 1:2]).scores, [[0.25]])
    assert np.allclose(Verdict("value", "value", 0, 0.5, 1.0).judge(values[:, 1:2]).scores, [[1.0]])
    assert np.allclose(Verdict("duels", "votes", 3).judge(values).scores, [[1.0, 0, 0.5]])
    # All shares vanish: none is preferred.
    assert np.allclose(Verdict("highest", "sigmoid", 3).judge(np.full((1, 3), -2000.0)).scores, 1 / 3)


@pytest.mark.parametrize(
    "rule",
    [
        Verdict("highest", "softmax", 4),
        Verdict("highest", "sigmoid", 4),
        Verdict("highest", "decision", 4, 8.0),
        Verdict("sign", "sigmoid", 2),
        Verdict("sign", "decision", 2, 8.0),
        Verdict("duels", "votes", 4),
        Verdict("duels", "decision", 2, 8.0),
        Verdict("value", "value", 0, 8.0),
    ],
    ids=str,
)
@pytest.mark.parametrize("log2_scale", [-3, 0, 7, 20])
def test_integer_scores_are_those_of_the_values(rule: Verdict, log2_scale: int) -> None:
    values = np.random.default_rng(1).normal(size=(300, rule.n_values)) * 3
    scale = verdict.grid(rule) * 2.0**log2_scale
    sums = np.rint(values * scale).astype(np.int64)
    scores, winners = verdict.judge_integers(rule, sums, log2_scale)
    # What the sums say, as they are rounded.
    found = rule.judge(sums / scale)
    assert np.array_equal(winners, found.winners)
    assert np.abs(scores / verdict.SCORE_SCALE - found.scores).max() < 2e-3 * (8 if log2_scale < 0 else 1)


def test_a_unit_covers_what_was_seen() -> None:
    seen = np.array([[1.0], [-5.0], [3.0]])
    assert Verdict("sign", "decision", 2).calibrated(seen).unit == 5
    number = Verdict("value", "value", 0).calibrated(seen)
    assert (number.unit, number.center) == (8, -1)
    assert Verdict("value", "value", 0, 2.0).calibrated(seen).unit == 2
    assert Verdict("sign", "sigmoid", 2).calibrated(seen).unit == 0
    assert Verdict("sign", "decision", 2).calibrated(np.zeros((3, 1))).unit == 1


def test_a_constant_with_noise_is_a_constant() -> None:
    noisy = 116 + np.array([[0.0], [1e-14], [3e-14]])
    rule = Verdict("value", "value", 0).calibrated(noisy)
    assert rule.unit == pytest.approx(116)
    assert Verdict("value", "value", 0).calibrated(np.zeros((3, 1))).unit == 1
    fine = Verdict("value", "value", 0).calibrated(np.array([[1e5], [1e5 + 1e-3]]))
    assert fine.unit == pytest.approx(1e-3, rel=1e-4)
