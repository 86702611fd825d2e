"""What `midge compress` prints: each step before and after, and what was put aside."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from midge.cli import compress, output
from midge.compress import app, plan
from midge.validation import Rows


def test_each_step_is_a_line_with_what_it_may_lose(capsys: pytest.CaptureFixture[str]) -> None:
    before, after = plan.Costs(1000, 400, "table"), plan.Costs(600, 300, "code")
    taken = plan.Line("drop", 0.3, True, before, after, (0.95, 0.94), (0.96, 0.955), 0.0172)
    left = replace(
        taken, step="prune", strength=0.0, accepted=False, before=after, after=after, may_lose=-0.002,
        why="every strength may lose more than 0.02",
    )  # fmt: skip
    rows = Rows(np.zeros((3, 1), np.int16), np.zeros(3, np.int64), np.array(["ann", "ben", "ben"]))
    case: Any = plan.Case(None, plan.NO_ROWS, rows)  # type: ignore[arg-type]
    report = app.report(plan.Plan(case.ir, (taken, left)), "armv6m", 0.02, case, [])
    output.configure(as_json=False)
    compress.show(report)
    said = " ".join(capsys.readouterr().out.split())
    assert "drop 0.3 1000 → 600 400 → 300 0.950 → 0.940 0.017 0.960 → 0.955" in said
    # What can only be gained is no loss.
    assert "0.000" in said and "not taken: every strength may lose more than 0.02" in said
    assert "1000 B → 600 B on armv6m, 40% smaller; accuracy 0.960 → 0.955 on 3 examples of ann, ben" in said
