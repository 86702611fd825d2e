"""The IR in JSON: nothing lost, and nothing taken that is not whole."""

from __future__ import annotations

import copy
import json
from typing import Any

import numpy as np
import pytest

from midge.compile import ir
from midge.errors import ModelError

TREE = {
    "feature": [0, 2],
    "threshold": [0.1, -3.5000000000000004],
    "left": [1, -1],
    "right": [-2, -3],
    "value": [[0.25, 0.75], [1.0, 0.0], [0.1, 0.9]],
}
FOREST = {"kind": "forest", "n_features": 3, "n_classes": 2, "trees": [TREE]}


def test_json_comes_back_to_the_last_bit() -> None:
    assert ir.from_json(json.loads(json.dumps(FOREST))).to_json() == FOREST


def test_files_from_before_vote_bits_have_wide_votes() -> None:
    forest = ir.from_json(FOREST)
    assert isinstance(forest, ir.Forest)
    assert forest.vote_bits == 32
    narrow = {**FOREST, "vote_bits": 16}
    assert ir.from_json(narrow).to_json() == {**FOREST, "vote_bits": 16}


def test_selecting_features_renumbers_them() -> None:
    forest = ir.from_json(FOREST)
    assert forest.used_features() == [0, 2]
    assert forest.select_features([0, 2]).trees[0].feature.tolist() == [0, 1]


def _with(**changes: Any) -> dict[str, Any]:
    data = copy.deepcopy(FOREST)
    data["trees"][0].update(changes)
    return data


@pytest.mark.parametrize(
    "broken",
    [
        None,
        [],
        {"kind": "oracle"},
        {**FOREST, "n_classes": 3},
        {**FOREST, "n_classes": "2"},
        {**FOREST, "n_features": 2},
        {**FOREST, "trees": []},
        {**FOREST, "trees": [[]]},
        {**FOREST, "vote_bits": 8},
        _with(left=[0, -1]),  # a circle
        _with(left=[1, -2]),  # a leaf with two parents, another with none
        _with(right=[-2, -4]),  # a leaf that is not there
        _with(right=[-2, 7]),
        _with(right=[-2, -3.5]),
        _with(feature=[0, -1]),
        _with(feature=[0, 2**40]),
        _with(threshold=[0.1, float("nan")]),
        _with(threshold=[0.1]),
        _with(threshold="high"),
        _with(value=[[0.25, 0.75], [1.0, 0.0]]),
        _with(value=[[0.25, 0.75], [1.0, 0.0], [-0.1, 0.9]]),
        _with(value=[[0.25, 0.75], [1.0, 0.0], [0.1]]),
        _with(value=[[0.25, 0.75], [1.0, 0.0], [1.5, 0.9]]),
    ],
)
def test_what_is_not_whole_is_refused(broken: Any) -> None:
    with pytest.raises(ModelError):
        ir.from_json(broken)


def test_random_damage_is_refused_or_harmless() -> None:
    """Whatever is taken can be walked: children come after their parents, indices are inside."""
    rng = np.random.default_rng(0)
    for _ in range(400):
        data = copy.deepcopy(FOREST)
        key = rng.choice(["feature", "threshold", "left", "right"])
        data["trees"][0][str(key)][rng.integers(2)] = int(rng.integers(-5, 5))
        try:
            forest = ir.from_json(data)
        except ModelError:
            continue
        tree = forest.trees[0]
        assert (np.concatenate([tree.left, tree.right]) < 2).all()
        assert 0 <= tree.feature.min() <= tree.feature.max() < 3
