"""Nets along time are trained without PyTorch, and answer on a board as they were trained."""

from __future__ import annotations

import sys

import numpy as np
import pytest

import midge
from midge.nets import Block, ConvClassifier
from midge.nets.blocks import usual_augmentation
from midge.nets.time_augment import augment, mixed

LAYERS = [
    Block("conv", 8, (5, 1), (2, 1)),
    Block("separable", 12, (3, 1), (2, 1)),
    Block("residual", 12, (3, 1)),
]
TIMES, BANDS = 24, 6


def glides(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A tone that stays, rises or falls over the bands, anywhere in time, in noise."""
    source = np.random.default_rng(seed)
    X = source.normal(0, 60, (n, TIMES, 1, BANDS))
    y = source.integers(0, 3, n)
    for row, kind in zip(X, y, strict=True):
        at = source.integers(0, TIMES - 12)
        for step in range(12):
            row[at + step, 0, (2, step // 2, 5 - step // 2)[kind]] += 500
    return np.rint(X).astype(np.int16), np.array(["level", "up", "down"])[y]


@pytest.fixture(scope="module")
def fitted() -> ConvClassifier:
    X, y = glides(400, 1)
    return ConvClassifier(layers=LAYERS, epochs=12, batch_size=16, augment={"noise": 0.2}).fit(X, y)


def test_it_learns_and_int8_answers_alike(fitted: ConvClassifier) -> None:
    X, y = glides(200, 2)
    assert fitted.score(X, y) > 0.95
    compiled = midge.compile(fitted, X)
    assert (compiled.predict(X.reshape(200, -1)) == fitted.predict(X)).mean() >= 0.98
    assert compiled.links[1].differ == 0
    assert fitted.agreement_ >= 0.98


def test_pytorch_is_not_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    X, y = glides(40, 3)
    made = ConvClassifier(layers=LAYERS, epochs=1, batch_size=16, augment=True, bands=True).fit(X, y)
    assert made.predict(X).shape == (40,)


def test_the_same_seed_gives_the_same_net() -> None:
    X, y = glides(80, 5)
    once, again, other = (
        ConvClassifier(layers=LAYERS, epochs=2, batch_size=16, augment=True, bands=True, random_state=seed)
        .fit(X, y)
        .net_.to_json()
        for seed in (1, 1, 2)
    )
    assert once == again != other


def test_a_disturbed_row_is_the_same_for_a_seed_and_another_for_the_next() -> None:
    x = np.random.default_rng(1).normal(size=(5, 12, 8)).astype(np.float32)
    once, again, other = (
        augment(x, usual_augmentation(), np.random.default_rng(seed), is_wide=True) for seed in (1, 1, 2)
    )
    assert once.shape == x.shape and once.dtype == np.float32
    assert (once == again).all() and not (once == other).all() and not (once == x).all()
    np.testing.assert_allclose(augment(x, {}, np.random.default_rng(1), is_wide=True), x, atol=1e-5)


def test_bands_move_only_where_channels_are_bands() -> None:
    x = np.zeros((50, 6, 9), np.float32)
    x[:, :, 4] = 1.0
    apart, bands = (
        augment(x, {"bands": 0.5}, np.random.default_rng(2), is_wide=is_wide) for is_wide in (False, True)
    )
    np.testing.assert_allclose(apart, x, atol=1e-6)
    centre = (bands[:, 0] * np.arange(9)).sum(axis=1) / bands[:, 0].sum(axis=1)
    assert centre.std() > 0.5


def test_time_moves_by_the_share_that_is_said() -> None:
    x = np.zeros((300, 41, 2), np.float32)
    x[:, 20] = 1.0
    moved = augment(x, {"shift": 0.2}, np.random.default_rng(3), is_wide=False)[:, :, 0]
    place = (moved * np.arange(41)).sum(axis=1) / moved.sum(axis=1)
    assert 7 < np.abs(place - 20).max() <= 0.2 * 41 + 0.5 and abs(place.mean() - 20) < 1


def test_rows_laid_over_each_other_share_their_labels() -> None:
    x = np.broadcast_to(np.arange(8, dtype=np.float32)[:, None, None], (8, 3, 2))
    y, found = mixed(x, np.eye(8, dtype=np.float32), 0.4, np.random.default_rng(3))
    np.testing.assert_allclose(found.sum(axis=1), 1.0, rtol=1e-6)
    assert (found.diagonal() >= 0.6 - 1e-6).all() and (found.diagonal() < 0.99).any()
    np.testing.assert_allclose(y[:, 0, 0], found @ np.arange(8, dtype=np.float32), rtol=1e-5)
