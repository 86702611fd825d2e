"""Forests as instructions: the same bits as their integers, in emulation, whatever the forest is like."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier

from midge import families, model_file, targets
from midge.compile import c99, c99_forest_thumb2, ir, module_glue, toolchain, votes
from midge.compile.emulate import Emulator


@pytest.mark.parametrize(
    ("value", "fits"),
    [
        *(
            (value, True)
            for value in (0, 255, 0x00AB00AB, 0xAB00AB00, 0xABABABAB, 0x1FE, 0xFF << 24, 0x80000000)
        ),
        *((value, False) for value in (257, 0x1FF, 0xAB00AB01, 0x101, 0xFF0000FF, -1, 1 << 32)),
    ],
)
def test_constants_of_instructions(value: int, fits: bool) -> None:
    assert c99_forest_thumb2.is_immediate(value) is fits


def _forest(
    n_trees: int, n_features: int, n_classes: int, low: int, high: int, bits: int
) -> model_file.Model:
    rng = np.random.default_rng(n_trees * 1000 + n_features)
    X = rng.integers(low, high + 1, (500, n_features)).astype(np.int16)
    # Learnable, so that many leaves are pure.
    y = (X[:, : min(3, n_features)].astype(int).sum(axis=1) - 3 * low) * n_classes // (3 * (high - low) + 1)
    y[:n_classes] = np.arange(n_classes)
    forest = families.to_ir(RandomForestClassifier(n_trees, random_state=1).fit(X, y))
    assert isinstance(forest, ir.Forest)
    model = model_file.create(forest, X, name="f", labels=[str(c) for c in range(n_classes)])
    assert isinstance(model.ir, ir.Forest)
    return replace(model, ir=replace(model.ir, vote_bits=bits))


def _lower(model: model_file.Model) -> votes.VotingForest:
    assert isinstance(model.ir, ir.Forest)
    return votes.lower(model.ir)


FORESTS = {
    "small limits, counted": (14, 40, 4, 0, 16, 16),
    "large limits, counted": (12, 5, 6, -32768, 32767, 16),
    "many classes, sums in memory": (4, 7, 40, -300, 300, 16),
    "wide sums": (9, 6, 5, -2000, 2000, 32),
    "a hundred classes, wide": (2, 4, 100, -9, 9, 32),
    "two classes": (7, 70, 2, 0, 200, 32),
    "an odd number of classes, counted": (10, 6, 5, 0, 12, 16),
    "one feature, one tree": (1, 1, 3, -5, 5, 16),
    "features in registers, far branches": (12, 31, 3, -32768, 32767, 16),
    "small limits in registers": (9, 32, 10, 0, 90, 16),
}
# Those that ARMv6-M has instructions of its own for.
THUMB1 = ("wide sums", "an odd number of classes, counted", *list(FORESTS)[-3:])


@pytest.mark.parametrize(
    ("name", "target_name"),
    [
        *((name, "armv7emsp") for name in FORESTS),
        *((name, "armv6m") for name in ("small limits, counted", "large limits, counted", *THUMB1)),
        *(
            pytest.param(name, target, marks=pytest.mark.check)
            for target in ("armv6m", "rv32imc")
            for name in FORESTS
        ),
    ],
)
def test_the_bits_of_the_integers(name: str, target_name: str) -> None:
    n_trees, n_features, n_classes, low, high, bits = FORESTS[name]
    model = _forest(n_trees, n_features, n_classes, low, high, bits)
    lowered = _lower(model)
    target = targets.get(target_name)
    module = toolchain.build_module(
        c99.sources(model, layout="code"), target, name="f", exports=module_glue.MODEL
    )
    board = Emulator(module.mpy, target)
    rng = np.random.default_rng(2)
    rows = [rng.integers(low, high + 1, (60, n_features)), rng.integers(-32768, 32768, (40, n_features))]
    # On the limits, and right above.
    limits = np.concatenate([tree.threshold for tree in lowered.trees])
    rows += [
        np.clip(rng.choice(limits, (60, n_features)) + rng.integers(0, 2, (60, n_features)), -32768, 32767)
    ]
    X = np.concatenate(rows).astype(np.int16)
    expected, winners = votes.predict(lowered, X)
    for row, scores, winner in zip(X, expected, winners, strict=True):
        found = board.classify(row)
        assert found[0] == winner and np.array_equal(found[1], scores)


def test_counting_is_chosen_where_leaves_are_pure() -> None:
    pure, mixed = (_lower(_forest(30, 40, 4, 0, 16, 16)), _lower(_forest(7, 3, 4, 0, 900, 16)))
    sums = [(0, 1), (2, 3)]
    assert c99_forest_thumb2.plan(pure, sums).counts == {0: (0, 0), 1: (0, 2), 2: (0, 1), 3: (0, 3)}
    halved = replace(mixed, trees=tuple(replace(t, votes=t.votes // 2 + 1) for t in mixed.trees))
    assert c99_forest_thumb2.plan(halved, sums).counts == {}
