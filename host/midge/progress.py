"""How a stage tells how far it is; the terminal's bar behind it is `cli/output.py`."""

from __future__ import annotations

from typing import Protocol


class Advance(Protocol):
    """Called by a stage as its work goes on: how much is done, of how much (None = open end), and a word."""

    def __call__(self, done: float, total: float | None = None, text: str = "") -> None: ...
