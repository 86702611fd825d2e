"""A trial: rows are thinned evenly, compression is what the board has."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from midge import learners, reference_model, train
from midge.evaluate import compiled
from midge.recipe import Budget, Recipe
from midge.search import trial
from midge.search.effort import Rung
from midge.search.space import Candidate
from midge.validation import Rows


@pytest.fixture(scope="module")
def task() -> trial.Task:
    recipe = Recipe.load("gesture")
    recipe = replace(recipe, train=replace(recipe.train, augment=0))
    data = reference_model.training_data(recipe, 3, 4, times=1, other_s=6.0)
    return trial.Task(recipe, train.examples(recipe, data, 1, []), "x64", Budget(), 1)


@pytest.mark.parametrize(("family", "left"), [("forest", 0.3), ("svm", 0.3)])
def test_compression_is_in_the_module_and_in_what_is_judged(
    task: trial.Task, family: str, left: float
) -> None:
    params = {**learners.LEARNERS[family].defaults(), "features": 8}
    whole, small = (Candidate(family, params, "table", share) for share in (1.0, left))
    before, after = trial.cost(task, whole), trial.cost(task, small)
    assert after["module_bytes"] < before["module_bytes"]
    assert trial.scores(task, small, Rung(1.0, 2)) != trial.scores(task, whole, Rung(1.0, 2))
    model, predict = trial.fit(task, small)
    assert model.frontend is not None
    X = task.examples.rows.X
    read = [task.recipe.features.names.index(name) for name in model.frontend.features]
    _, winners = compiled(model).classify(X[:, read])
    # What a trial counts right is what the C answers.
    assert (winners == predict(X)).all()


def test_thinned_rows_keep_every_label_of_every_group() -> None:
    rng = np.random.default_rng(3)
    y, keys = rng.integers(0, 3, 200), rng.choice(["ann", "ben", "cem"], 200)
    y[7], keys[7] = 3, "dan"
    rows = Rows(np.arange(200, dtype=np.int16)[:, None], y, keys)
    few = trial.thinned(rows, 0.25)
    assert set(zip(few.y.tolist(), few.keys.tolist(), strict=True)) == set(
        zip(y.tolist(), keys.tolist(), strict=True)
    )
    assert 50 <= len(few) <= 60 and (np.diff(few.X[:, 0]) > 0).all()
    assert trial.thinned(rows, 1.0) is rows and len(trial.thinned(rows.where(np.zeros(200, bool)), 0.25)) == 0


def test_another_split_has_other_groups_together() -> None:
    keys = np.repeat([f"person {n}" for n in range(6)], 10)
    rows = Rows(np.zeros((60, 1), np.int16), np.tile([0, 1], 30), keys)

    def parts(split: int) -> set[frozenset[str]]:
        masks = trial._masks(rows, Rung(1.0, 4, split), 1)
        # Everybody is held out once, with all of his rows.
        assert (np.sum(masks, axis=0) == 1).all()
        return {frozenset(keys[mask].tolist()) for mask in masks}

    assert parts(0) == parts(0) != parts(1) == parts(1)
