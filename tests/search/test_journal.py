"""The journal: begun anew by another search."""

from __future__ import annotations

from pathlib import Path

from midge.search import journal


def test_another_search_begins_anew(tmp_path: Path) -> None:
    path = tmp_path / "search.jsonl"
    journal.Journal(path, "a").add("x", 1)
    assert journal.Journal(path, "a").results == {"x": 1}
    assert journal.Journal(path, "b").results == {}
