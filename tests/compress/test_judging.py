"""What a smaller model may lose on strangers: sure where groups agree, careful where they don't."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

import midge
from midge.compress import plan
from midge.compress.judging import SURE, lost
from midge.validation import Rows

GROUPS = np.repeat(np.array(list("abcdefgh")), 50)
RIGHT = np.ones(400, bool)


def without(*rows: int) -> np.ndarray:
    found = RIGHT.copy()
    found[list(rows)] = False
    return found


def test_the_same_answers_lose_nothing() -> None:
    assert lost(RIGHT, RIGHT, GROUPS) == (0.0, 0.0)
    assert lost(RIGHT[:0], RIGHT[:0], GROUPS[:0]) == (0.0, 0.0)


def test_what_is_lost_of_one_group_is_less_sure_than_of_all() -> None:
    spread_out = lost(RIGHT, without(*range(0, 400, 50)), GROUPS)
    of_one = lost(RIGHT, without(*range(8)), GROUPS)
    assert spread_out.seen == of_one.seen == pytest.approx(8 / 400)
    # Eight rows on their own; one group of eight.
    assert spread_out.at_most == pytest.approx(8 / 400 + SURE * np.sqrt(8) / 400)
    assert of_one.at_most == pytest.approx(8 / 400 + SURE * np.sqrt(8 / 7 * (7**2 + 7)) / 400)


def test_answers_that_change_both_ways_are_doubtful_though_nothing_is_lost() -> None:
    before, after = without(0, 60, 120, 180), without(1, 61, 121, 181)
    assert lost(before, after, GROUPS).seen == 0
    assert lost(before, after, GROUPS).at_most == pytest.approx(SURE * np.sqrt(8) / 400)


def test_a_gain_is_a_negative_loss() -> None:
    found = lost(without(*range(0, 400, 10)), RIGHT, GROUPS)
    assert found.seen == pytest.approx(-0.1) and found.seen < found.at_most < 0


@pytest.mark.parametrize("n_groups", [6, 15])
def test_the_bound_holds_for_strangers_as_often_as_it_says(n_groups: int) -> None:
    """People differ in what they lose; in the long run the bound is below the truth in about one of 20."""
    rng = np.random.default_rng(n_groups)
    low = 0
    keys = np.repeat([f"p{n:02}" for n in range(n_groups)], 80)
    for _ in range(1000):
        chance = np.repeat(rng.beta(0.5, 24.5, n_groups), 80)
        after = rng.random(len(keys)) >= chance
        low += lost(np.ones(len(keys), bool), after, keys).at_most < 0.02
    # Few, skewed people tell less than the normal distribution takes for granted.
    assert 0.02 < low / 1000 < {6: 0.25, 15: 0.2}[n_groups]


def test_variants_of_the_rows_judge_as_well() -> None:
    rng = np.random.default_rng(7)
    y = np.arange(400) % 2
    X = rng.integers(-300, 300, (400, 2)).astype(np.int16)
    X[:, 0] += np.where(y == 1, 4000, -4000).astype(np.int16)
    X[:, 1] += np.where(y == 1, 9000, -9000).astype(np.int16)
    made: Any = midge.compile(LogisticRegression().fit(X, y), X).model.ir
    rows = Rows(X, y, GROUPS)
    # Where others move otherwise, the first feature says nothing.
    other = X.copy()
    other[:, 0] = 0
    case = plan.Case(made, rows, rows, Rows(other, y, GROUPS))
    # As a technique might do it: the first feature is enough for the rows asked.
    blind = replace(case, ir=replace(made, weights=made.weights * np.array([1.0, 0.0])))
    judges = plan.Judges([case])
    assert judges.accuracy == 1.0
    assert judges.judge([case]) == (1.0, (0.0, 0.0))
    accuracy, loss = judges.judge([blind])
    assert accuracy == 1.0 and loss.seen == pytest.approx(0.5) and loss.at_most > 0.5
    alone = replace(case, varied=plan.NO_ROWS)
    assert plan.Judges([alone]).judge([replace(alone, ir=blind.ir)]) == (1.0, (0.0, 0.0))
