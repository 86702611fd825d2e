"""ConvClassifier: scikit-learn's manners, what int8 costs, the way to a module; needs PyTorch."""

from __future__ import annotations

import copy

import numpy as np
import pytest

import midge
from midge.compile import conv_arena
from midge.errors import CompileError, ParityError
from midge.nets import Block, ConvClassifier

LAYERS = [Block("conv", 8, (3, 3)), Block("separable", 8, (3, 3), (2, 2)), Block("residual", 8, (3, 3))]


def chirps(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Three kinds of strokes in noise, anywhere in 16 × 8: level, rising, falling."""
    source = np.random.default_rng(seed)
    X = source.normal(0, 60, (n, 16, 8))
    y = source.integers(0, 3, n)
    for row, kind in zip(X, y, strict=True):
        at, band = source.integers(0, 8), source.integers(0, 3)
        for step in range(8):
            row[at + step, band + (3, step // 2, 5 - step // 2)[kind] - (kind == 0)] += 500
    return np.rint(X).astype(np.int16), np.array(["level", "up", "down"])[y]


@pytest.fixture(scope="module")
def fitted() -> ConvClassifier:
    pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'midge[nets]'")
    X, y = chirps(400, 1)
    return ConvClassifier(layers=LAYERS, epochs=10, batch_size=32, augment={"noise": 0.1}).fit(X, y)


def test_it_learns_and_int8_answers_alike(fitted: ConvClassifier) -> None:
    X, y = chirps(200, 2)
    assert fitted.score(X, y) > 0.95
    compiled = midge.compile(fitted, X)
    assert (compiled.predict(X.reshape(200, -1)) == fitted.predict(X)).mean() >= 0.98
    assert compiled.links[1].differ == 0
    assert 0.98 <= fitted.agreement_ <= 1.0
    probabilities = fitted.predict_proba(X)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0)
    assert np.abs(compiled.predict_scores(X.reshape(200, -1)) - probabilities).mean() < 0.02


def test_features_with_decimals_get_one_scale(fitted: ConvClassifier) -> None:
    X, y = chirps(100, 3)
    again = ConvClassifier((16, 8), LAYERS, epochs=2, batch_size=32).fit(X.reshape(100, -1) / 977.0, y)
    compiled = midge.compile(again, X / 977.0)
    assert (compiled.predict(X.reshape(100, -1) / 977.0) == again.predict(X / 977.0)).mean() >= 0.98


def test_its_module_is_checked_in_emulation(fitted: ConvClassifier) -> None:
    X, _ = chirps(50, 4)
    compiled = midge.compile(fitted, X)
    cost = compiled.measure("armv7emsp", X[:2].reshape(2, -1))
    assert cost.instructions_mean > compiled.model.ir.macs
    assert cost.state_bytes == conv_arena.plan(fitted.net_).size_bytes


def test_the_same_seed_gives_the_same_net(fitted: ConvClassifier) -> None:
    X, y = chirps(80, 5)
    once, again = (
        ConvClassifier(layers=LAYERS, epochs=2, batch_size=16, augment=True).fit(X, y) for _ in "ab"
    )
    assert once.net_.to_json() == again.net_.to_json()


def test_a_net_that_int8_changes_is_refused(fitted: ConvClassifier) -> None:
    again = copy.copy(fitted)
    again.agreement_ = 0.9
    with pytest.raises(ParityError, match=r"90\.0%"):
        midge.compile(again, chirps(20, 6)[0])


def test_estimator_manners(fitted: ConvClassifier) -> None:
    from sklearn.base import clone

    params = fitted.get_params()
    assert params["layers"] is LAYERS
    again = clone(fitted)
    assert not hasattr(again, "net_")
    assert fitted.classes_.tolist() == ["down", "level", "up"]
    assert fitted.n_features_in_ == 128


def test_rows_that_do_not_suit_are_refused() -> None:
    with pytest.raises(CompileError, match="give shape"):
        ConvClassifier().fit(np.zeros((5, 12)), np.arange(5))
    with pytest.raises(CompileError, match="12 values a row"):
        ConvClassifier((3, 5)).fit(np.zeros((5, 12)), np.arange(5))
    with pytest.raises(CompileError, match="1 classes"):
        ConvClassifier((3, 4)).fit(np.zeros((5, 12)), np.zeros(5, int))
