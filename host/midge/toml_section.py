"""One table of a TOML file that people write: keys by kind and bounds; a mistake is named with its place."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from .errors import RecipeError


def nearest(word: str, known: Sequence[str]) -> str:
    """What may have been meant, as the end of a message; '' if nothing is near."""
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else ""


class Section:
    """One table of the TOML file; knows which keys were asked for, so that the rest are errors."""

    def __init__(self, data: Mapping[str, Any], path: Path, name: str) -> None:
        self.path, self.name = path, name
        self.label = f"[{name}] " if name else ""
        self._asked: list[str] = []
        value = data.get(name.rpartition(".")[2], {}) if name else data
        if not isinstance(value, dict):
            raise RecipeError(f"{path}: [{name}] must be a table of its own")
        self.data: Mapping[str, Any] = value

    def fail(self, key: str, why: str) -> RecipeError:
        return RecipeError(f"{self.path}: {self.label}{key}: {why}")

    def get(self, key: str, kind: type | tuple[type, ...], default: Any = ..., *, says: str) -> Any:
        """The value of `key`; `says` is what it must be, in words."""
        self._asked.append(key)
        if key not in self.data:
            if default is ...:
                close = difflib.get_close_matches(key, list(self.data), n=1, cutoff=0.75)
                typo = f" ({close[0]!r} is there: is that it?)" if close else ""
                raise self.fail(key, f"missing; it must be {says}{typo}")
            return default
        value = self.data[key]
        if not isinstance(value, kind) or isinstance(value, bool):
            raise self.fail(key, f"{value!r} is not {says}")
        return value

    def number(self, key: str, low: float, high: float, default: Any = ..., *, whole: bool = True) -> Any:
        says = f"{'a whole number' if whole else 'a number'} from {low} to {high}"
        value = self.get(key, int if whole else (int, float), default, says=says)
        if value is not None and not low <= value <= high:
            raise self.fail(key, f"{value!r} is not {says}")
        return value

    def one_of(self, key: str, known: Sequence[str], default: Any = ...) -> str:
        value: str = self.get(key, str, default, says=f"one of {', '.join(known)}")
        if value not in known:
            raise self.fail(key, f"{value!r} is not one of {', '.join(known)}{nearest(value, known)}")
        return value

    def flag(self, key: str, default: bool) -> bool:
        self._asked.append(key)
        value = self.data.get(key, default)
        if not isinstance(value, bool):
            raise self.fail(key, f"{value!r} is not true or false")
        return value

    def names(self, key: str, check: Callable[[str], str | None], default: Any = ...) -> tuple[str, ...]:
        """A list of distinct strings; `check` says what is wrong with one, or None."""
        value = self.get(key, list, default, says="a list of strings")
        for item in value:
            if not isinstance(item, str):
                raise self.fail(key, f"{item!r} is not a string")
            problem = check(item)
            if problem:
                raise self.fail(key, problem)
            if value.count(item) > 1:
                raise self.fail(key, f"{item!r} is there twice")
        return tuple(value)

    def done(self) -> None:
        """Whatever was not asked for is a mistake of the writer's."""
        for key in self.data:
            if key not in self._asked:
                known = ", ".join(self._asked)
                raise self.fail(key, f"unknown key{nearest(key, self._asked) or f'; known here: {known}'}")
