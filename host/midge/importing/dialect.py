"""The dialect of a text table: encoding, separator, decimal sign, quotes, comments, header."""

from __future__ import annotations

import codecs
import csv
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..errors import DatasetError
from . import units

SAMPLE_LINES = 200
COMMENTS = ("#", "%", "//")
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
MIXED = ""
# Nobody means to separate by several signs.
UNLIKELY = 0.8
_MIXED = re.compile(r"\s*[,;\t]\s*|\s+")
_NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar", " ": "space", MIXED: "mixed separators"}


@dataclass(frozen=True)
class Dialect:
    """How lines become cells. `separator` '' is any of comma, semicolon, tab and space."""

    separator: str = ","
    decimal: str = "."
    is_quoted: bool = False
    ends_with: str = ""

    @property
    def says(self) -> str:
        return (
            _NAMES[self.separator]
            + (", decimal comma" if self.decimal == "," else "")
            + (", quotes" if self.is_quoted else "")
        )

    def cells(self, line: str) -> list[str]:
        """Cells of one line, stripped."""
        line = line.strip(" \r\n") if self.separator == "\t" else line.strip()
        if self.ends_with:
            line = line.rstrip(self.ends_with).rstrip()
        if self.is_quoted and '"' in line:
            row = next(csv.reader([line], delimiter=self.separator or ",", skipinitialspace=True), [])
            return [cell.strip() for cell in row]
        if self.separator == MIXED:
            return _MIXED.split(line)
        if self.separator == " ":
            return line.split()
        return [cell.strip() for cell in line.split(self.separator)]

    def number(self, cell: str) -> float:
        """The cell as a number; ValueError if it is none."""
        return float(cell.replace(",", ".") if self.decimal == "," else cell)


# First bytes of what is no text, or no table.
_OTHERS = (
    (b"\x1f\x8b", "packed by gzip: unpack it first"),
    (b"pk\x03\x04", "an Excel file or a zip archive: save it as CSV, or unpack it"),
    (b"\xd0\xcf\x11\xe0", "an old Excel file: save it as CSV"),
    (b"<!doctype", "a web page"),
    (b"<html", "a web page"),
    (b"version https://git-lfs", "a pointer of Git LFS: fetch what it points to"),
)


def decode(path: Path, where: str, encoding: str = "") -> str:
    """The file's text; raises DatasetError naming the row that is not in its encoding."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DatasetError(f"{where}: can't be read ({error.strerror}); check its rights") from None
    other = next((what for magic, what in _OTHERS if data.lstrip()[: len(magic)].lower() == magic), "")
    if other:
        raise DatasetError(f"{where} row 1: it is {other}, whatever its name says; --skip-bad leaves it out")
    known = encoding or next((name for bom, name in _BOMS if data.startswith(bom)), "utf-8")
    try:
        text = data.decode(known)
    except LookupError:
        raise DatasetError(f"--encoding {encoding!r} is not known; try utf-8, latin-1 or utf-16") from None
    except UnicodeDecodeError as error:
        row = data.count(b"\n", 0, error.start) + 1
        raise DatasetError(
            f"{where} row {row}: byte 0x{data[error.start]:02x} is not {known}; save the file as UTF-8, "
            "or give --encoding latin-1"
        ) from None
    if "\0" in text[:10_000]:
        raise DatasetError(f"{where} row 1: it is binary, not text; --skip-bad leaves it out")
    return text


def detect(lines: Sequence[str]) -> Dialect:
    """The dialect in which most cells of the first lines are numbers, and rows equally long."""
    body = [line for line in lines if line.strip() and not line.lstrip().startswith(COMMENTS)][:SAMPLE_LINES]
    # Names and preambles come first and look like nothing else.
    first = body[0].rstrip() if body else ""
    body = body[min(2, len(body) // 2) :]
    best, best_score = Dialect(), (-1.0, 0)
    is_quoted = any('"' in line for line in body)
    for ends_with in _ends(first, body):
        for separator in ("\t", ";", ",", "|", " ", MIXED):
            for decimal in ".,":
                if decimal == separator or (decimal == "," and separator == MIXED):
                    continue
                dialect = Dialect(separator, decimal, is_quoted, ends_with)
                score = _score(dialect, body)
                if score > best_score:
                    best, best_score = dialect, score
    if any('"' in line for line in lines[:SAMPLE_LINES]):
        best = replace(best, is_quoted=True)
    return best


def _ends(first: str, body: Sequence[str]) -> list[str]:
    """Separators behind the last cell of every row mean nothing; behind that of some, a cell is empty."""
    signs = {line.rstrip()[-1] for line in body}
    sign = signs.pop() if len(signs) == 1 else ""
    is_end = sign == ";" and first.count(";") <= 1
    return [sign] if is_end or (sign in (";", ",") and first.endswith(sign)) else [""]


def _score(dialect: Dialect, body: Sequence[str]) -> tuple[float, int]:
    rows = [dialect.cells(line) for line in body]
    if not rows:
        return (0.0, 0)
    width, same = Counter(map(len, rows)).most_common(1)[0]
    if width < 2:
        return (0.0, 0)
    right = n = 0
    for row in rows:
        for cell in row:
            n += 1
            right += is_number(dialect, cell) or units.iso_s(cell) is not None
    share = same / len(rows) * right / n
    return (round(share * UNLIKELY, 6), 0) if dialect.separator == MIXED else (round(share, 6), width)


def is_number(dialect: Dialect, cell: str) -> bool:
    if cell[-1:] == ",":
        return False
    try:
        dialect.number(cell)
    except ValueError:
        return False
    return True
