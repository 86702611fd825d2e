"""Gaussian models of features with few whole values: exact sums, near and far from the training rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.naive_bayes import GaussianNB

import midge
from midge.compile import gaussian_integer, gaussian_near, kinds, link_families
from midge.compile.gaussian import Gaussian
from midge.compile.gaussian_near import EXCLUDED, NearIntegers
from midge.compile.verdict import Verdict


def counts(n_features: int, n_classes: int, seed: int = 1) -> tuple[Any, Any]:
    """Counts 0…12, of which each class has seen some at one value only."""
    source = np.random.default_rng(seed)
    y = np.repeat(np.arange(n_classes), 40)
    rate = source.uniform(0.2, 5, (n_classes, n_features))
    X = np.minimum(source.poisson(rate[y]), 12)
    silent = source.random((n_classes, n_features)) < 0.15
    return np.where(silent[y], 3, X), y


@pytest.mark.parametrize(("n_features", "n_classes"), [(7, 3), (64, 10), (65, 2), (131, 20)])
def test_answers_are_the_estimators_everywhere(n_features: int, n_classes: int) -> None:
    X, y = counts(n_features, n_classes)
    estimator = GaussianNB().fit(X, y)
    compiled = midge.compile(estimator, X)
    lowered = gaussian_integer.lower(compiled.model.ir)  # type: ignore[arg-type]
    assert isinstance(lowered, NearIntegers)
    source = np.random.default_rng(2)
    rows = np.vstack(
        [
            X,
            source.integers(0, 13, (200, n_features)),
            source.integers(-32768, 32768, (200, n_features)),
            np.full((1, n_features), -32768),
            np.full((1, n_features), 32767),
        ]
    )
    margin = np.sort(estimator._joint_log_likelihood(rows), axis=1)
    clear = margin[:, -1] - margin[:, -2] > lowered.epsilon + 1e-9 * np.abs(margin[:, -1])
    assert clear.mean() > 0.9
    assert np.array_equal(compiled.predict(rows)[clear], estimator.predict(rows)[clear])
    scores, winners = gaussian_integer.predict(lowered, rows.astype(np.int16))
    assert np.array_equal(compiled.predict(rows), compiled.classes[winners])
    assert np.array_equal(np.rint(compiled.predict_scores(rows) * 32767), scores)


def test_a_class_is_out_by_what_it_never_had() -> None:
    X, y = counts(7, 3)
    compiled = midge.compile(GaussianNB().fit(X, y), X)
    lowered = gaussian_near.lower(compiled.model.ir)  # type: ignore[arg-type]
    assert lowered is not None
    assert lowered.fixed.any()
    sums = gaussian_near.sums(lowered, X.astype(np.int64))
    assert (sums == EXCLUDED).any()
    assert (sums > EXCLUDED).any(axis=1).all()


def test_near_sums_fit_32_bits() -> None:
    X, y = counts(64, 10)
    ir = midge.compile(GaussianNB().fit(X, y), X).model.ir
    lowered = gaussian_near.lower(ir)  # type: ignore[arg-type]
    assert lowered is not None
    corners = np.random.default_rng(3).integers(0, 2, (500, 64)) * lowered.span + lowered.low
    sums = gaussian_near.sums(lowered, corners)
    inside = sums[(sums != EXCLUDED) & (sums > -(2**40))]
    assert np.abs(inside).max() < 2**31


def test_wide_features_stay_deviations() -> None:
    rule = Verdict("highest", "softmax", 2)
    mean, variance = np.array([[0.0, 0.0], [900.0, -50.0]]), np.array([[1e6, 4e6], [2e6, 3e6]])
    unknown = Gaussian(mean, variance, np.zeros(2), rule)
    assert gaussian_near.lower(unknown) is None
    known = unknown.calibrated(np.array([[-30000, -30000], [30000, 30000]]))
    assert not isinstance(gaussian_integer.lower(known), NearIntegers)


@pytest.mark.parametrize("target", ["armv6m", "armv7emsp", "rv32imc", "xtensawin"])
def test_boards_give_the_bits_of_the_integers(target: str) -> None:
    X, y = counts(67, 5)
    # build() compares golden rows, extremes among them.
    assert midge.compile(GaussianNB().fit(X, y), X).measure(target, X).instructions_mean > 0


def test_tables_for_targets_without_a_compiler_name_the_kernel() -> None:
    X, y = counts(7, 3)
    ir = midge.compile(GaussianNB().fit(X, y), X).model.ir
    lowered = kinds.part("gaussian", "lowering").lower(ir)
    _, sums = link_families.WRITERS["gaussian"](lowered, 4)
    assert isinstance(sums, link_families.Sums)
    assert sums.kernel == "gaussian_near_sums"
