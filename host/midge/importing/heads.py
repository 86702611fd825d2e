"""What can be seen of a table before it is read, and where each thing is in it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from . import gyro, units

# Words of a name: aName, a_name, "a name", NAME2; letters of any language.
_TOKEN = re.compile(r"[A-Z]?[^\W\dA-Z_]+|[A-Z]+(?![^\W\dA-Z_])|[^\W\d_]+|\d+")
_BRACKET = re.compile(r"\s*[\[(]\s*([^\])]*?)\s*[\])]\s*")
_SHOWN_LETTERS = 40


@dataclass(frozen=True)
class Head:
    """What can be seen of a table before it is read: names ('' where there are none) and a few rows."""

    names: tuple[str, ...]
    rows: tuple[tuple[object, ...], ...]
    units: tuple[str, ...] = ()

    @property
    def is_named(self) -> bool:
        return any(self.names)


@dataclass(frozen=True)
class Columns:
    """Where each thing is; an axis without a column is None, `turning` a gyroscope's, or empty."""

    axes: tuple[int | None, ...]
    turning: tuple[int, ...] = ()
    time: int | None = None
    time_unit: str = ""
    words: dict[str, int] = field(default_factory=dict)
    width: int | None = None
    unit: str = ""
    gyro_unit: str = ""
    says: tuple[str, ...] = ()

    @property
    def values(self) -> tuple[int | None, ...]:
        """Columns of a sample, in the order of the channels."""
        return (*self.axes, *self.turning)


def with_units(columns: Columns, head: Head, width: int) -> Columns:
    found = {unit_of(head, at, units.spelled) for at in columns.axes if at is not None}
    turning = {unit_of(head, at, gyro.spelled) for at in columns.turning}
    return replace(
        columns,
        width=width,
        unit=found.pop() if len(found) == 1 else "",
        gyro_unit=turning.pop() if len(turning) == 1 else "",
    )


def unit_of(head: Head, at: int, spelled: Callable[[str], str]) -> str:
    """The unit as `spelled` writes it, if the column's name or the units' row says one."""
    bracket = _BRACKET.search(head.names[at])
    for text in (head.units[at] if at < len(head.units) else "", bracket[1] if bracket else ""):
        if spelled(text):
            return spelled(text)
    words = tokens(head.names[at])
    return spelled(words[-1]) if len(words) > 1 and words[-1] in ("mg", "dps", "mdps") else ""


def tokens(name: str) -> list[str]:
    return [token.lower() for token in _TOKEN.findall(_BRACKET.sub(" ", name))]


def bracketed(name: str) -> str:
    """What stands in brackets in a name: mostly its unit."""
    found = _BRACKET.search(name)
    return found[1] if found else ""


def listed(names: Sequence[str], most: int = 12) -> str:
    """Names for an error to show."""
    shown = [name.strip() or "''" for name in names[:most]]
    shown = [name if len(name) <= _SHOWN_LETTERS else f"{name[: _SHOWN_LETTERS - 1]}…" for name in shown]
    return ", ".join(shown) + (f" and {len(names) - most} more" if len(names) > most else "")
