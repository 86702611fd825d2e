"""The table of groups that a model was judged on: all of them, or the hardest of many."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import output

# More lines than this nobody reads.
MOST = 20
# Of many groups, those of fewer examples say little each.
TELLING = 5


def show(per_group: Mapping[str, Mapping[str, Any]], unit: str) -> None:
    """Print accuracy by group; of more than MOST groups the ones with the lowest accuracy."""
    groups = list(per_group.items())
    title = None
    if len(groups) > MOST:
        n_all = len(groups)
        telling = [item for item in groups if item[1]["n"] >= TELLING] or groups
        groups = sorted(telling, key=lambda item: item[1]["accuracy"])[:MOST]
        title = f"the {len(groups)} hardest of {n_all} groups; all are in --json"
    output.table(
        ("group", "accuracy", f"{unit}s"),
        [(name, round(one["accuracy"], 3), one["n"]) for name, one in groups],
        title=title,
    )
