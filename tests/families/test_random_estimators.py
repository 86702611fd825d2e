"""C = reference = estimator for estimators that chance makes; hundreds in `make check`, and on boards."""

from __future__ import annotations

import pytest
import random_estimators


def _assert_same(seed: int, targets: tuple[str, ...] = ()) -> None:
    outcome = random_estimators.check(seed, targets)
    # Refusing is allowed for numbers that int16 features can't hold; it is named, and rare.
    allowed = ("same", "unfit", "refused") if "span too much" in outcome.text else ("same", "unfit")
    assert outcome.kind in allowed, f"{outcome.name}: {outcome.kind}: {outcome.text}"


@pytest.mark.parametrize("seed", range(7000, 7030))
def test_a_random_estimator(seed: int) -> None:
    _assert_same(seed)


@pytest.mark.check
@pytest.mark.parametrize("seed", range(8000, 8400))
def test_many_random_estimators(seed: int) -> None:
    _assert_same(seed)


@pytest.mark.check
@pytest.mark.parametrize("seed", range(9000, 9100))
def test_random_estimators_on_emulated_boards(seed: int) -> None:
    _assert_same(seed, ("armv6m", "armv7emsp"))
