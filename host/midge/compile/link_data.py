"""Lays out constants as a C compiler would: numbers, structures of firmware/native, arrays of both."""

from __future__ import annotations

import itertools
import re
import struct
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from ..errors import LinkError
from . import native_sources
from .kernel_sections import WORD, Relocation, Section

_SIZES = {
    **{f"{sign}int{bits}_t": bits // 8 for sign in ("", "u") for bits in (8, 16, 32, 64)},
    "char": 1,
}
_CODES = {1: "B", 2: "H", 4: "I", 8: "Q"}
# Names of function types.
_POINTERS = ("mp_native_t", "table_function")
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_STRUCT = re.compile(r"(?:typedef struct|^struct (\w+)) \{(.*?)\}( \w+)?;", re.DOTALL | re.MULTILINE)
_FUNCTION_POINTER = re.compile(r"\(\*(\w+)\)")
_NAME = re.compile(r"(\w+)$")


@dataclass(frozen=True)
class Ref:
    """The address of a symbol, or null without one."""

    symbol: str = ""


Value = int | Ref


def _flat(name: str, kind: str, header: str) -> Iterator[tuple[str, str]]:
    """The field itself, or those of the structure that it is."""
    if kind == "*" or kind in _SIZES:
        yield name, kind
        return
    inner = fields(kind, header)
    if len({a_kind for _, a_kind in inner}) > 1:
        raise LinkError(f"{kind} in a structure is of several types, which the linker can't lay out")
    yield from ((f"{name}.{field}", a_kind) for field, a_kind in inner)


def _fields(text: str) -> Iterator[tuple[str, str]]:
    """(name, type or '*') of the fields of a structure's body, in order."""
    for declaration in filter(None, (part.strip() for part in text.split(";"))):
        pointer = _FUNCTION_POINTER.search(declaration)
        if pointer:
            yield pointer[1], "*"
            continue
        head, *others = (part.strip() for part in declaration.split(","))
        words = head.replace("const ", "").replace("*", " ").split()
        kind = "*" if "*" in head or words[0] in _POINTERS else words[0]
        for name in (words[-1], *others):
            array = re.fullmatch(r"(\w+)\[(\d+)\]", name)
            if array:
                yield from ((f"{array[1]}[{i}]", kind) for i in range(int(array[2])))
            else:
                yield name, kind


@cache
def fields(c_type: str, header: str) -> tuple[tuple[str, str], ...]:
    """Fields of a structure in a header of firmware/native; LinkError if it is not there."""
    text = _COMMENT.sub("", native_sources.read(header))
    for found in _STRUCT.finditer(text):
        if c_type in (found[1], (found[3] or "").strip()):
            given = _fields(found[2])
            return tuple(itertools.chain.from_iterable(_flat(name, kind, header) for name, kind in given))
    raise LinkError(f"no structure {c_type} in {header}: install midge again")


def _check_fits(value: int, kind: str, bits: int) -> None:
    if not -(1 << bits - 1) <= value < 1 << bits:
        raise LinkError(f"{value} is no {kind}: the tables of this model are too large")


class _Bytes:
    """Bytes with naturally aligned values and relocations in them."""

    def __init__(self, word_bytes: int) -> None:
        self.word_bytes = word_bytes
        self.data = bytearray()
        self.relocations: list[Relocation] = []
        self.align = 1

    def put(self, value: Value, kind: str) -> None:
        if kind != "*" and kind not in _SIZES:
            raise LinkError(f"a table holds {kind}, which the linker can't lay out: use --layout code")
        size = self.word_bytes if kind == "*" else _SIZES[kind]
        self.pad(size)
        if isinstance(value, Ref):
            if kind != "*":
                raise LinkError(f"{value.symbol} is the value of a number in a table")
            if value.symbol:
                self.relocations.append(Relocation(len(self.data), WORD, value.symbol, 0))
            value = 0
        bits = 8 * size
        _check_fits(value, kind, bits)
        self.data += (value & (1 << bits) - 1).to_bytes(size, "little")

    def pad(self, align: int) -> None:
        self.align = max(self.align, align)
        self.data += bytes(-len(self.data) % align)

    def section(self, name: str, align: int = 1) -> Section:
        return Section(name, bytes(self.data), tuple(self.relocations), max(self.align, align))


def numbers(name: str, c_type: str, values: Iterable[int], word_bytes: int, *, align: int = 1) -> Section:
    """An array of whole numbers."""
    if c_type not in _SIZES:
        raise LinkError(f"a table holds {c_type}, which the linker can't lay out: use --layout code")
    given, size = list(values), _SIZES[c_type]
    bits = 8 * size
    for value in (min(given, default=0), max(given, default=0)):
        _check_fits(value, c_type, bits)
    mask = (1 << bits) - 1
    data = struct.pack(f"<{len(given)}{_CODES[size]}", *(value & mask for value in given))
    return Section(name, data, (), max(size, align))


def structures(
    name: str, c_type: str, header: str, rows: Iterable[Mapping[str, Value]], word_bytes: int
) -> Section:
    """An array of structures; fields that are not named are 0. LinkError for a field that there is not."""
    layout = fields(c_type, header)
    made = _Bytes(word_bytes)
    made.align = max(word_bytes if kind == "*" else _SIZES.get(kind, 1) for _, kind in layout)
    for row in rows:
        unknown = set(row) - {field for field, _ in layout}
        if unknown:
            raise LinkError(f"{c_type} in {header} has no {', '.join(sorted(unknown))}")
        made.pad(made.align)
        for field, kind in layout:
            made.put(row.get(field, 0), kind)
    made.pad(made.align)
    return made.section(name)


def structure(name: str, c_type: str, header: str, values: Mapping[str, Value], word_bytes: int) -> Section:
    """One structure."""
    return structures(name, c_type, header, [values], word_bytes)
