"""Each constructor parameter of each family: honoured by what is compiled, or refused by name."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from sklearn.base import is_regressor
from sklearn.datasets import load_iris
from sklearn.utils import all_estimators
from threadpoolctl import threadpool_limits

from midge import families
from midge.compile import reference
from midge.compile.neighbors import Neighbors, undecided
from midge.errors import UnsupportedModel

from . import options

CLASSES = {
    name: found for name, found in all_estimators() if name in families.FAMILIES and name != "Pipeline"
}
X, Y = load_iris(return_X_y=True)
# No two rows alike, nor as far from a third.
X = X + np.random.default_rng(1).normal(size=X.shape) / 50


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Threads of such small fits wait for each other longer than they work."""
    with threadpool_limits(1):
        yield


def parameters(name: str) -> list[str]:
    return list(inspect.signature(CLASSES[name]).parameters)


def tried(name: str, *, of_two: bool = False) -> Iterator[tuple[str, Any, dict[str, Any]]]:
    """(parameter, value, all that is given) for each value of each parameter of an estimator."""
    own = (options.OF_TWO_CLASSES if of_two else options.OWN).get(name, {})
    for parameter in parameters(name):
        for value in own.get(parameter, () if of_two else options.COMMON[parameter]):
            several = isinstance(value, dict) and parameter in value
            yield parameter, value, value if several else {parameter: value}


def fit(name: str, given: dict[str, Any], *, of_two: bool = False) -> Any:
    settings = options.SHORT.get(name, {}) | given
    if "random_state" in parameters(name):
        settings = {"random_state": 1} | settings
    estimator = CLASSES[name](**settings)
    y = Y > 0 if of_two else Y
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return estimator.fit(X, X @ [1.0, 2.0, -1.0, 0.5] + 7 if is_regressor(estimator) else y)


@pytest.mark.parametrize("name", CLASSES)
def test_no_parameter_is_left_out(name: str) -> None:
    asked = {parameter for parameter, _, _ in tried(name)}
    asked |= {parameter for parameter, _, _ in tried(name, of_two=True)}
    assert set(parameters(name)) - asked <= set(options.SILENT)


@pytest.mark.parametrize("of_two", [False, True])
@pytest.mark.parametrize("name", CLASSES)
def test_each_value_is_honoured_or_refused(name: str, of_two: bool) -> None:
    for parameter, value, given in tried(name, of_two=of_two):
        where = f"{name}({given})"
        estimator = fit(name, given, of_two=of_two)
        if is_refused(parameter, value):
            with pytest.raises(UnsupportedModel, match=parameter.removesuffix("_params")):
                families.to_ir(estimator)
            continue
        ir = families.to_ir(estimator).calibrated(X)
        rows = X.astype(np.float32).astype(float) if families.reads_single(estimator) else X
        expected, winners = families.answers(estimator, ir, X)
        found = reference.evaluate(ir, rows)
        clear = found.margins > 1e-9
        if isinstance(ir, Neighbors):
            clear &= ~undecided(ir, X)
        assert clear.mean() > 0.3, where
        assert np.abs(found.scores - expected)[clear].max() < 1e-6, where
        assert np.array_equal(found.winners[clear], winners[clear]), where


def is_refused(parameter: str, value: Any) -> bool:
    is_plain = isinstance(value, str | int | float | tuple)
    return (parameter, value if is_plain else type(value).__name__) in options.REFUSED
