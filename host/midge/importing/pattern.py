"""What the path of a file says of its recording: `{group}/{label}/{take}.txt`, `noise/{_}.wav=other`."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import DatasetError

FIELDS = ("label", "group", "take")
ANYTHING = "_"
_FIELD = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True)
class Pattern:
    """One `--pattern`: fields of a path, and a label that is fixed."""

    text: str
    regex: re.Pattern[str]
    label: str | None

    @classmethod
    def parse(cls, text: str) -> Pattern:
        """Fields are {label}, {group}, {take} and {_} for anything but '/'; a fixed label follows '='.

        Raises DatasetError for a brace without its partner, an unknown field or two labels.
        """
        path, equals, label = text.partition("=")
        path, regex, at = unicodedata.normalize("NFC", path), "", 0
        seen: set[str] = set()
        for match in _FIELD.finditer(path):
            name = match[1]
            if name != ANYTHING and name not in FIELDS:
                raise DatasetError(
                    f"--pattern {text!r}: {{{name}}} is not one of {{label}} {{group}} {{take}} {{_}}"
                )
            regex += _literal(path[at : match.start()], text)
            regex += (
                "[^/]+?" if name == ANYTHING else f"(?P={name})" if name in seen else f"(?P<{name}>[^/]+?)"
            )
            seen.add(name)
            at = match.end()
        if equals and "label" in seen:
            raise DatasetError(f"--pattern {text!r}: the label is in the path and after '='; keep one")
        if equals and not label:
            raise DatasetError(f"--pattern {text!r}: no label after '='; name one or leave '=' out")
        regex += _literal(path[at:], text) + r"\Z"
        return cls(text, re.compile(regex), label if equals else None)

    def match(self, path: str) -> dict[str, str] | None:
        """Fields of a path (with '/'), or None; an umlaut of macOS, two characters, is one as elsewhere."""
        found = self.regex.match(unicodedata.normalize("NFC", path))
        if found is None:
            return None
        return {**found.groupdict(), **({} if self.label is None else {"label": self.label})}


def _literal(part: str, text: str) -> str:
    for brace in "{}":
        if brace in part:
            raise DatasetError(
                f"--pattern {text!r}: a {brace} stands alone; fields look like {{label}}, and file names "
                "with braces match {_}"
            )
    return re.escape(part)


def suggest(paths: Sequence[str]) -> str:
    """A pattern that paths such as these probably want, for an error to show."""
    path = paths[0]
    *folders, name = path.split("/")
    stem, dot, suffix = name.partition(".")
    alike = {other for other in paths if other.count("/") == len(folders) and other.endswith(dot + suffix)}
    if folders and len(alike) > 1 and {other.rpartition("/")[2] for other in alike} == {name}:
        # Loggers make a folder for each take, and files of the same names in it.
        return "/".join([*folders[:-1], _parted(folders[-1]), name])
    if len(folders) >= 2:
        return "/".join([*folders[:-2], "{group}", "{label}", "{take}"]) + dot + suffix
    if folders and not any(char.isalpha() for char in stem):
        return f"{{label}}/{{take}}{dot}{suffix}"
    if _parted(stem) != "{label}":
        return "/".join([*folders, _parted(stem) + dot + suffix])
    return "/".join(
        [*folders[:-1], *(["{label}"] if folders else []), "{take}" if folders else "{label}"]
    ) + (dot + suffix)


def _parted(stem: str) -> str:
    """`{label}_{group}_{take}` for a name of three parts, and so on."""
    words = ["{label}", "{group}", "{take}"]
    for separator in ("_", " ", "-", "."):
        n = stem.count(separator) + 1
        if n > 1:
            fields = [*words[: min(n, 3) - 1], "{take}"] if n < 4 else [*words, *["{_}"] * (n - 3)]
            return separator.join(fields)
    return "{label}"
