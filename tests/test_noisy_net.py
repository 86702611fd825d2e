"""Nets that learn from noisy rows: scikit-learn's net in every respect, and smoother than without noise."""

from __future__ import annotations

import numpy as np
import pytest

import midge
from midge import learners, noisy_net

Rows = tuple[np.ndarray, np.ndarray]


def rings(n: int, seed: int, n_labels: int = 3) -> Rows:
    """Labels by the distance from the middle, in the first two of twelve features; the others say nothing."""
    rng = np.random.default_rng(seed)
    X = rng.normal(0, 1000, (n, 12))
    y = np.digitize(np.hypot(X[:, 0], X[:, 1]), (900, 1700)[: n_labels - 1])
    return np.rint(X).astype(np.int16), y.astype(np.int64)


def fitted(X: np.ndarray, y: np.ndarray, noise: float = 0.2, seed: int = 1, **more: int) -> object:
    params = {**learners.LEARNERS["net"].defaults(), "hidden": 24, "members": 1, "noise": noise, **more}
    return learners.LEARNERS["net"].fit(X, y, params, seed)


@pytest.mark.parametrize("n_labels", [2, 3])
def test_it_learns_and_its_c_answers_alike(n_labels: int) -> None:
    X, y = rings(1500, 1, n_labels)
    made = fitted(X, y)
    Xt, yt = rings(500, 2, n_labels)
    assert np.mean(made.predict(Xt) == yt) > 0.85  # type: ignore[attr-defined]
    compiled = midge.compile(made, X)
    assert compiled.links[0].differ == 0 and compiled.links[1].differ == 0
    assert np.mean(compiled.predict(Xt) == made.predict(Xt)) > 0.99  # type: ignore[attr-defined]


def test_labels_need_not_count_from_zero() -> None:
    X, y = rings(300, 3)
    assert set(fitted(X, 2 * y + 5).predict(X)) <= {5, 7, 9}  # type: ignore[attr-defined]


def test_the_same_seed_gives_the_same_net() -> None:
    X, y = rings(200, 4)
    once, again, other = (fitted(X, y, seed=seed)[1].coefs_[0] for seed in (1, 1, 2))  # type: ignore[index]
    assert (once == again).all() and not (once == other).all()


def test_noise_keeps_few_rows_from_being_learnt_by_heart() -> None:
    X, y = rings(150, 5)
    rng = np.random.default_rng(6)
    guessed = rng.permutation(y)
    scores = [np.mean(fitted(X, guessed, noise).predict(X) == guessed) for noise in (0.01, 2.0)]  # type: ignore[attr-defined]
    assert scores[0] > scores[1] + 0.2


def test_slopes_are_those_of_small_differences() -> None:
    rng = np.random.default_rng(7)
    net = [rng.normal(size=size).astype(np.float32) for size in ((5, 4), (4,), (4, 3), (3,))]
    x = rng.normal(size=(6, 5)).astype(np.float32)
    wanted = rng.random((6, 3)).astype(np.float32)

    def loss() -> float:
        one, one_bias, two, two_bias = (value.astype(np.float64) for value in net)
        values = np.maximum(x @ one + one_bias, 0) @ two + two_bias
        found = values - np.log(np.exp(values).sum(axis=1, keepdims=True))
        return float(-(wanted * found).sum() / wanted.sum())

    slopes = noisy_net._slopes(net, x, wanted)
    for value, slope in zip(net, slopes, strict=True):
        flat, of = value.reshape(-1), slope.reshape(-1)
        for at in range(len(flat)):
            before, step = flat[at], np.float32(1e-3)
            flat[at] = before + step
            above = loss()
            flat[at] = before - step
            assert (above - loss()) / (2 * step) == pytest.approx(of[at], abs=2e-3)
            flat[at] = before
