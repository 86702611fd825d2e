"""How many rows models in double precision are checked with."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import small_models

from midge.compile import golden, precise_probes, range_probes
from midge.compile.kernel import Kernel
from midge.compile.precise import Precise


@pytest.mark.parametrize("name", [*small_models.PRECISE, "quadratic"])
def test_small_models_are_checked_as_others_are(name: str) -> None:
    model = small_models.ALL[name]
    X = small_models.rows(1, model.n_features)
    assert golden.most_rows(model) == golden.MAX_ROWS
    assert np.array_equal(golden.probes(model, X, 99), range_probes.probes(model, X, 99))


def test_large_ones_have_fewer_rows() -> None:
    small = small_models.PRECISE["precise rbf, two"].inner
    assert isinstance(small, Kernel)
    source = np.random.default_rng(1)
    large = replace(
        small,
        vectors=source.normal(size=(900, 64)),
        coefficients=source.normal(size=(1, 900)),
        counts=np.array([500, 400], np.int32),
        offsets=np.zeros(900),
        metric=np.ones(64),
        low=np.zeros(64),
        high=np.zeros(64),
    )
    model = Precise(large)
    assert precise_probes.products(model) > 100_000
    assert golden.most_rows(model) == precise_probes.LEAST_ROWS
    assert len(golden.probes(model, small_models.rows(2, 64), 2048)) == precise_probes.LEAST_ROWS


@pytest.mark.parametrize("name", small_models.PROJECTED)
def test_a_projection_has_as_many_rows_as_what_is_behind_it(name: str) -> None:
    model = small_models.PROJECTED[name]
    assert golden.most_rows(model) == golden.most_rows(model.inner)
    assert 0 < len(golden.probes(model, small_models.rows(3, model.n_features), 40)) <= 40
