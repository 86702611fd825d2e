"""What "auto" goes by besides accuracy: real costs of modules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest

from midge import budgeting, learners, reference_model, train, validation
from midge.build import build
from midge.recipe import Budget, Recipe
from midge.validation import Rows

RECIPE = Recipe.load("gesture")
AUTO = replace(
    RECIPE,
    train=replace(RECIPE.train, family="auto", folds=2, windows="event", augment=0, params={}),
    budget=Budget(),
)


@pytest.fixture(scope="module")
def found() -> train.Examples:
    data = reference_model.training_data(AUTO, 3, 5, times=2, other_s=10.0)
    return train.examples(AUTO, data, 1, [])


@pytest.fixture(scope="module")
def clear() -> Rows:
    """One feature tells the labels apart whoever it is; the others say nothing."""
    rng = np.random.default_rng(3)
    y = np.arange(240) % 2
    X = rng.integers(-500, 500, (240, 12)).astype(np.int16)
    X[:, 4] = np.where(y == 1, 3000, -3000) + X[:, 4]
    return Rows(X, y, np.array([f"p{n // 2 % 6}" for n in range(240)]))


def test_of_what_is_as_good_the_cheapest_is_taken(clear: Rows) -> None:
    def price(family: str, params: Mapping[str, float]) -> float:
        return {"forest": 1.0, "extra-trees": 2.0}.get(family, 3.0)

    among = ("linear", "forest", "extra-trees")
    assert validation.choose(AUTO.train, clear, 1, among, price).family == "forest"
    assert validation.choose(AUTO.train, clear, 1, ("linear", "extra-trees"), price).family == "extra-trees"
    assert validation.choose(AUTO.train, clear, 1, among).family == learners.AUTO[0]


def test_what_is_worse_is_not_asked_for_its_price() -> None:
    rng = np.random.default_rng(1)
    X = rng.integers(-1000, 1000, (300, 2)).astype(np.int16)
    y = ((X[:, 0] > 0) ^ (X[:, 1] > 0)).astype(np.int64)
    rows = Rows(X, y, np.array([f"p{n % 6}" for n in range(300)]))
    asked: list[str] = []

    def price(family: str, params: Mapping[str, float]) -> float:
        asked.append(family)
        return 0.0 if family == "linear" else 1.0

    # A line can't tell opposite quarters.
    assert (
        validation.choose(AUTO.train, rows, 1, ("linear", "forest", "extra-trees"), price).family != "linear"
    )
    assert "linear" not in asked


def test_prices_are_of_real_modules(found: train.Examples) -> None:
    prices = budgeting.Prices(AUTO, found, 1)
    params = learners.LEARNERS["forest"].defaults()
    price = prices("forest", params)
    cost = prices.costs["forest"]
    assert cost is not None and price == cost.module_bytes * cost.instructions
    rows = found.rows + found.more
    fitted = validation.fit("forest", params, rows, 1)
    model = train.model_of(AUTO, fitted, rows.X, windows=found.cut.windows, provenance={})
    built = build(model, budgeting.TARGET, layout="table")
    assert cost.module_bytes == built.module_bytes
    assert cost.instructions == round(built.instructions_mean + built.frontend_instructions)
    assert list(prices.costs) == ["forest"]
    # A forest of this size reads a few features, a net all of them.
    assert prices("net", learners.LEARNERS["net"].defaults() | {"members": 1}) > price


def test_what_changes_no_size_is_built_once(found: train.Examples, monkeypatch: pytest.MonkeyPatch) -> None:
    prices = budgeting.Prices(AUTO, found, 1)
    params = learners.LEARNERS["linear"].defaults()
    price = prices("linear", params | {"c": 1.0})
    monkeypatch.setattr(prices, "_cost", lambda *_: pytest.fail("built again"))
    assert prices("linear", params | {"c": 0.01}) == prices("linear", params) == price
    assert set(prices.costs) == {"linear", "linear c 1", "linear c 0.01"}


def test_what_is_over_the_budget_has_no_price(found: train.Examples) -> None:
    prices = budgeting.Prices(replace(AUTO, budget=Budget(module_bytes=1000)), found, 1)
    assert prices("linear", learners.LEARNERS["linear"].defaults()) == float("inf")
    assert prices.costs == {"linear": None}


def test_without_a_budget_every_family_is_affordable(found: train.Examples) -> None:
    prices = budgeting.Prices(AUTO, found, 1)
    assert set(prices.affordable([])) == set(learners.LEARNERS) and not prices.costs
