"""A trial: rows are thinned evenly."""

from __future__ import annotations

import numpy as np

from midge.search import trial
from midge.validation import Rows


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
