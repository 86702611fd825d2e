"""What every command prints with: tables and progress for people, one JSON object for programs.

Results go to stdout. Progress, notes and errors go to stderr.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import Any, Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from ..errors import MidgeError

LONGEST_ERROR = 600
# Without a terminal, progress is a line so often.
LINE_EVERY_S = 5.0

# A pipe or a file has no edge to wrap at.
PIPE_COLUMNS = 1000


class _State:
    as_json = False


def configure(*, as_json: bool) -> None:
    """Choose between output for people and one JSON object on stdout."""
    _State.as_json = as_json


def is_json() -> bool:
    """True if the command was called with --json."""
    return _State.as_json


def _console(*, stderr: bool = False) -> Console:
    return Console(stderr=stderr, highlight=False, soft_wrap=True)


def result(value: Mapping[str, Any]) -> None:
    """Print `value` as the command's one JSON object; does nothing without --json."""
    if _State.as_json:
        json.dump(value, sys.stdout, indent=2, default=_plain)
        sys.stdout.write("\n")
        sys.stdout.flush()


def _plain(value: Any) -> Any:
    """numpy scalars and arrays, and paths, as JSON knows them."""
    return value.tolist() if hasattr(value, "tolist") else str(value)


def say(text: str = "") -> None:
    """A line of the result for people; silent with --json."""
    if not _State.as_json:
        _console().print(Text(text))


def note(text: str) -> None:
    """A line beside the result, on stderr."""
    _console(stderr=True).print(Text(text))


def error(problem: MidgeError) -> None:
    """The one line of an error: what happened and what to do next."""
    line = " ".join(str(problem).split())
    if len(line) > LONGEST_ERROR:  # somebody's name of a file is long; what to do next is at the end
        line = f"{line[: LONGEST_ERROR // 2]} … {line[-LONGEST_ERROR // 2 :]}"
    _console(stderr=True).print(Text.assemble(("midge: ", "bold red"), line))


def counted(number: int, what: str) -> str:
    """`1 fold`, `3 folds`."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def rounded(value: float, digits: int = 2) -> str:
    """A number of so many digits, without an exponent: 0.013, 1.2, 120."""
    return f"{Decimal(f'{value:.{digits}g}'):f}"


def table(headings: Sequence[str], rows: Sequence[Sequence[object]], *, title: str | None = None) -> None:
    """A table for people; numbers are right-aligned. Silent with --json."""
    if _State.as_json:
        return
    drawn = Table(
        title=title, title_justify="left", box=None, header_style="bold", pad_edge=False,
        show_header=any(headings),
    )  # fmt: skip
    for column, heading in enumerate(headings):
        numeric = bool(rows) and all(isinstance(row[column], int | float) for row in rows)
        # The first column is what people copy: addresses, names.
        drawn.add_column(
            heading, justify="right" if numeric else "left", no_wrap=column == 0, overflow="fold"
        )
    for row in rows:
        drawn.add_row(*(Text(str(cell)) for cell in row))
    console = _console()
    if not console.is_terminal:
        console.width = PIPE_COLUMNS  # rich takes 80 columns where it can't ask
    console.print(drawn)


class Advance(Protocol):
    """Called by a stage as its work goes on: how much is done, of how much (None = open end), and a word."""

    def __call__(self, done: float, total: float | None = None, text: str = "") -> None: ...


@contextmanager
def progress(what: str, clock: Callable[[], float] = time.monotonic) -> Iterator[Advance]:
    """Progress on stderr for as long as the block runs: a bar on a terminal, now and then a line elsewhere.

    Yields a callable `(done, total=None, text='')`. Stages take such a callable as `on_progress`, and know
    nothing of the terminal. `clock` in s.
    """
    console = _console(stderr=True)
    if not console.is_terminal or _State.as_json:
        yield _Lines(what, console, clock)
        return
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[text]}"),
        TimeElapsedColumn(),
        console=console,
    )
    with bar:
        task = bar.add_task(what, total=None, text="")

        def advance(done: float, total: float | None = None, text: str = "") -> None:
            bar.update(task, completed=done, total=total, text=text)

        yield advance


class _Lines:
    """Progress for a log: what is short says nothing, what takes minutes shows that it lives."""

    def __init__(self, what: str, console: Console, clock: Callable[[], float]) -> None:
        self._what, self._console, self._clock = what, console, clock
        self._began_s = self._said_s = clock()

    def __call__(self, done: float, total: float | None = None, text: str = "") -> None:
        now_s = self._clock()
        is_done = total is not None and done >= total
        if _State.as_json or is_done or now_s - self._said_s < LINE_EVERY_S:
            return
        self._said_s = now_s
        share = f", {done / total:.0%}" if total else ""
        self._console.print(
            Text(f"{self._what}: {text or 'under way'}{share}, {now_s - self._began_s:.0f} s")
        )
