"""How a stage tells how far it is; the terminal's bar behind it is `cli/output.py`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol


class Advance(Protocol):
    """Called by a stage as its work goes on: how much is done, of how much (None = open end), and a word."""

    def __call__(self, done: float, total: float | None = None, text: str = "") -> None: ...


_within: ContextVar[Callable[[float], None] | None] = ContextVar("within", default=None)


@contextmanager
def step(advance: Advance, done: float, total: float, text: str) -> Iterator[None]:
    """A step of a stage that may take minutes: whatever works on it tells its share by `part`."""
    advance(done, total, text)
    token = _within.set(lambda share: advance(done + share, total, text))
    try:
        yield
    finally:
        _within.reset(token)


def part(share: float) -> None:
    """So much of the step that this is done in is over, 0 to 1; nothing if nobody asked."""
    tell = _within.get()
    if tell is not None:
        tell(share)
