"""Constant tables out of generated C, as sections: what a compiler would make of them, without one.

Reads what midge itself writes (c99_*.py), and refuses everything else.
"""

from __future__ import annotations

import re

from ..errors import LinkError
from . import native_sources
from .kernel_sections import Section
from .link_data import Ref, Value, fields, numbers, structures

_TABLE = re.compile(
    r"^ *static const (\w+) (\w+)(\[\d*\])?(?: __attribute__\(\(aligned\((\d+)\)\)\))? = \{(.*?)\};",
    re.DOTALL | re.MULTILINE,
)
_IS_NUMBER = re.compile(r"u?int\d+_t|char")
_LITERAL = re.compile(r"-?(?:0[xX][0-9a-fA-F]+|\d+)[uUlL]*")


def read(source: str, word_bytes: int) -> dict[str, Section]:
    """Sections by the name of each `static const` array or structure of numbers in a generated C file.

    Raises
    ------
    LinkError
        for an initialiser that is none of numbers and names
    """
    headers = native_sources.includes(source)
    found = {}
    for c_type, name, is_array, aligned, body in _TABLE.findall(source):
        if _IS_NUMBER.fullmatch(c_type):
            values = [_number(item) for item in _items(body)]
            found[name] = numbers(name, c_type, values, word_bytes, align=int(aligned or 1))
            continue
        header = _header_of(c_type, headers)
        rows = [item.strip(" {}\n") for item in re.findall(r"\{[^}]*\}", body)] if is_array else [body]
        found[name] = structures(
            name, c_type, header, [_structure(row, c_type, header) for row in rows], word_bytes
        )
    return found


def _items(body: str) -> list[str]:
    return [item.strip() for item in body.split(",") if item.strip(" {}\n")]


def _number(text: str) -> int:
    if not _LITERAL.fullmatch(text):
        raise LinkError(f"{text!r} in a generated table is no number")
    return int(text.rstrip("uUlL"), 0)


def _structure(body: str, c_type: str, header: str) -> dict[str, Value]:
    names = [name for name, _ in fields(c_type, header)]
    values: dict[str, Value] = {}
    for place, inner in enumerate(_items(body)):
        item = inner.strip(" {}\n")
        designated = re.fullmatch(r"\.(\w+) = (.+)", item)
        name, text = designated.groups() if designated else (names[place], item)
        pointed = "" if text == "NULL" else text.lstrip("&")
        values[name] = _number(text) if _LITERAL.fullmatch(text) else Ref(pointed)
    return values


def _header_of(c_type: str, headers: tuple[str, ...]) -> str:
    for header in headers:
        try:
            fields(c_type, header)
        except LinkError:
            continue
        return header
    raise LinkError(f"no header of the generated C declares {c_type}")
