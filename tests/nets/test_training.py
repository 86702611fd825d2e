"""How nets learn: rows laid over each other, disturbances, progress that is told; needs PyTorch."""

from __future__ import annotations

import numpy as np
import pytest

from midge import progress
from midge.nets import Block, ConvClassifier
from midge.nets.blocks import usual_augmentation

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'midge[nets]'")

LAYERS = [Block("conv", 4, (3, 3), (2, 2))]


def test_rows_laid_over_each_other_share_their_labels() -> None:
    from midge.nets.torch_augment import mixed

    x = torch.arange(8.0).reshape(8, 1, 1, 1).expand(8, 1, 3, 2)
    y, found = mixed(x, torch.eye(8), 0.4, torch.Generator().manual_seed(3))
    assert torch.allclose(found.sum(1), torch.ones(8))
    assert (found.diagonal() >= 0.6 - 1e-6).all() and (found.diagonal() < 0.99).any()
    # What a row has become is told by its label.
    assert torch.allclose(y[:, 0, 0, 0], found @ torch.arange(8.0))


def test_a_disturbed_row_is_the_same_for_a_seed_and_another_for_the_next() -> None:
    from midge.nets.torch_augment import augment

    x = torch.randn(5, 1, 12, 8, generator=torch.Generator().manual_seed(1))
    once, again, other = (
        augment(x, usual_augmentation(), torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)
    )
    assert once.shape == x.shape and torch.equal(once, again)
    assert not torch.equal(once, other) and not torch.equal(once, x)
    assert torch.allclose(augment(x, {}, torch.Generator()), x, atol=1e-5)


def test_louder_and_brighter_are_told_apart() -> None:
    from midge.nets.torch_augment import augment

    x = torch.zeros(400, 1, 4, 8)
    y = augment(x, {"gain": 1.0}, torch.Generator().manual_seed(1))[:, 0]
    level, tilt = y.mean((1, 2)), y[:, 0, -1] - y[:, 0, 0]
    assert torch.allclose(y[:, 0], y[:, 3]) and level.std() > 0.4 and tilt.std() > 0.8
    assert abs(np.corrcoef(level, tilt)[0, 1]) < 0.15


def test_progress_is_told_round_by_round() -> None:
    told: list[tuple[float, float | None, str]] = []

    def advance(done: float, total: float | None = None, text: str = "") -> None:
        told.append((done, total, text))

    rows = np.random.default_rng(1).integers(-500, 500, (40, 6, 4)).astype(np.int16)
    with progress.step(advance, 2, 7, "fold 1"):
        ConvClassifier(layers=LAYERS, epochs=4).fit(rows, np.arange(40) % 2)
    assert [done for done, *_ in told] == [2, 2.0, 2.25, 2.5, 2.75]
    assert {(total, text) for _, total, text in told} == {(7, "fold 1")}
    progress.part(0.5)
    assert len(told) == 5


def test_one_round_is_enough_to_have_a_net() -> None:
    rows = np.random.default_rng(2).integers(-500, 500, (30, 6, 4)).astype(np.int16)
    made = ConvClassifier(layers=LAYERS, epochs=1, augment=True).fit(rows, np.arange(30) % 3)
    assert made.predict(rows).shape == (30,)
