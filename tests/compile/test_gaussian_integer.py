"""Deviations and constants of Gaussian models in integers keep what decides."""

import numpy as np
import pytest
from sklearn.naive_bayes import GaussianNB

import midge
from midge.compile import gaussian_integer, reference


@pytest.mark.parametrize("seed", range(3))
def test_constants_of_many_wide_features_fit(seed: int) -> None:
    """Three hundred wide features make constants large, however fine their deviations could be."""
    source = np.random.default_rng(seed)
    X = source.normal(size=(180, 300)) * 3000
    y = (X @ source.normal(size=300) > 0).astype(int)
    estimator = GaussianNB().fit(X[:90], y[:90])
    compiled = midge.compile(estimator, X[:90])
    integers = gaussian_integer.lower(compiled.model.ir)
    assert np.diff(integers.constants) / 2.0**integers.log2_scale == pytest.approx(
        np.diff(compiled.model.ir.constant) * np.log2(np.e), abs=1e-5
    )
    rows = compiled.model.quantisation.apply(X[90:])
    found = reference.evaluate(compiled.model.ir, rows)
    winners = gaussian_integer.predict(integers, rows)[1]
    differ = winners != found.winners
    assert (found.margins[differ] <= compiled.model.epsilon).all()
