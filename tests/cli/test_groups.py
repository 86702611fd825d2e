"""Accuracy by group: all of a few, the hardest of many."""

from __future__ import annotations

from typing import Any

import pytest

from midge.cli import groups, output


def people(n: int) -> dict[str, dict[str, Any]]:
    return {f"p{i:03}": {"accuracy": i / n, "n": 10 if i else 1} for i in range(n)}


def test_few_are_all_there_and_of_many_the_hardest(capsys: pytest.CaptureFixture[str]) -> None:
    output.configure(as_json=False)
    groups.show(people(groups.MOST), "take")
    said = capsys.readouterr().out
    assert said.count("p0") == groups.MOST and "hardest" not in said
    groups.show(people(100), "take")
    said = capsys.readouterr().out
    assert f"the {groups.MOST} hardest of 100 groups" in said
    # One take tells nothing of p000.
    assert "p001" in said and "p000" not in said and "p099" not in said
