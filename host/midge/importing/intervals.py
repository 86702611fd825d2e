"""Labels from a file of their own: intervals (CSV), Label Studio's export, Edge Impulse's info.labels."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import DatasetError
from . import dialect as dialects
from . import units
from .dialect import Dialect
from .edge_impulse import LABELS_FILE

_FILE_NAMES = (
    "file",
    "filename",
    "path",
    "file_name",
    "name",
    "recording",
    "timeseriesurl",
    "csv",
    "audio",
    "url",
)
_START_NAMES = ("start", "begin", "from", "onset", "start_s", "begin_s", "start_time")
_END_NAMES = ("end", "stop", "to", "offset", "end_s", "stop_s", "end_time")
_LABEL_NAMES = ("label", "class", "activity", "annotation", "text")
_GROUP_NAMES = ("group", "subject", "person", "user", "speaker", "machine")
# Label Studio puts a hash before the name of an uploaded file, and .csv behind one that it was made of.
_UPLOADED = re.compile(r"\A[0-9a-f]{6,8}-")
_PLAIN_CSV = Dialect(is_quoted=True)


@dataclass(frozen=True)
class Interval:
    """From `start` to `end` (None: the whole file) it is `label`. `by` is s (the file's own time), or row."""

    label: str
    start: float | None = None
    end: float | None = None
    by: str = "s"
    group: str = ""


@dataclass(frozen=True)
class Intervals:
    """Intervals of files, by the last part of their names; '' holds for any file. `names`: of their takes."""

    path: Path
    of_file: Mapping[str, Sequence[Interval]]
    names: Mapping[str, str] = field(default_factory=dict)

    def of(self, where: str) -> Sequence[Interval] | None:
        """The intervals of one file, by path or name; None if the file does not name it."""
        name = where.rpartition("/")[2]
        for key in (where, name, f"{name}.csv", name.rpartition(".")[0], ""):
            if key in self.of_file:
                return self.of_file[key]
        return None


def read(path: Path) -> Intervals:
    """A file of labels; raises DatasetError naming its row."""
    if not path.is_file():
        raise DatasetError(f"{path} is not there; --labels takes a file")
    text = dialects.decode(path, str(path))
    found: dict[str, list[Interval]] = {}
    is_table = path.suffix.lower() not in (".json", ".labels")
    if not is_table:
        try:
            content = json.loads(text)
        except ValueError as error:
            raise DatasetError(f"{path}: not whole JSON ({str(error)[:80]})") from None
        pairs = (
            _edge_impulse(content)
            if isinstance(content, dict) and "files" in content
            else _studio(path, content)
        )
    else:
        pairs = _table(path, text)
    for name, interval in pairs:
        found.setdefault(name, []).append(interval)
    if not found:
        raise DatasetError(
            f"{path}: holds no labels; it needs file,start,end,label, or a Label Studio export"
        )
    return Intervals(path, found, {} if is_table else _names(content))


def beside(folder: Path) -> Intervals | None:
    """What Edge Impulse's exports below `folder` say of their files; None if there is none."""
    found: dict[str, Sequence[Interval]] = {}
    names: dict[str, str] = {}
    paths = sorted(folder.rglob(LABELS_FILE))
    for path in paths:
        below, said = path.parent.relative_to(folder), read(path)
        found.update({(below / name).as_posix(): labels for name, labels in said.of_file.items()})
        names.update({(below / file).as_posix(): name for file, name in said.names.items()})
    return Intervals(paths[0], found, names) if paths else None


def _names(content: Any) -> dict[str, str]:
    """Edge Impulse's names of samples, by the files they are in."""
    files = content.get("files", ()) if isinstance(content, dict) else ()
    return {item["path"]: str(item["name"]) for item in files if item.get("name")}


def _edge_impulse(content: Mapping[str, Any]) -> list[tuple[str, Interval]]:
    pairs = []
    for item in content["files"]:
        about = item.get("label", {})
        group = str((item.get("metadata") or {}).get("group", ""))
        several = about.get("labels") if isinstance(about, dict) else None
        if several:
            pairs += [
                (
                    item["path"],
                    Interval(str(one["label"]), one["startIndex"], one["endIndex"] + 1, "row", group),
                )
                for one in several
            ]
        elif isinstance(about, dict) and about.get("type") == "label":
            pairs.append((item["path"], Interval(str(about["label"]), group=group)))
    return pairs


def _studio(path: Path, content: Any) -> list[tuple[str, Interval]]:
    """Label Studio's JSON and JSON_MIN."""
    if not isinstance(content, list):
        raise DatasetError(f"{path}: no list of tasks; export from Label Studio as JSON or CSV")
    pairs = []
    for task in content:
        data = task.get("data", task) if isinstance(task, dict) else {}
        url = next((str(value) for value in data.values() if _is_name(value)), "")
        results = [one for made in task.get("annotations", ()) for one in made.get("result", ())]
        values = [one.get("value", {}) for one in results] or [
            one
            for value in task.values()
            for one in (value if isinstance(value, list) else [value])
            if isinstance(one, dict) and "start" in one
        ]
        labels = [_studio_interval(value) for value in values]
        choice = next(
            (task[key] for key in ("trend_forecast", "label", "choice") if isinstance(task.get(key), str)), ""
        )
        if not labels and choice:
            labels = [Interval(choice)]
        pairs += [(_uploaded(url), label) for label in labels if label is not None]
    return pairs


def _studio_interval(value: Mapping[str, Any]) -> Interval | None:
    named = value.get("timeserieslabels") or value.get("labels") or value.get("choices")
    if not named:
        return None
    if "start" not in value:
        return Interval(str(named[0]))
    return Interval(str(named[0]), float(value["start"]), float(value["end"]), "stamp")


def _is_name(value: object) -> bool:
    return isinstance(value, str) and "." in value.rpartition("/")[2]


def _uploaded(url: str) -> str:
    return _UPLOADED.sub("", url.rpartition("/")[2].partition("?")[0])


def _table(path: Path, text: str) -> list[tuple[str, Interval]]:
    lines = text.splitlines()
    dialect = dialects.detect(lines)
    if any('"' in line for line in lines[:20]):
        dialect = _PLAIN_CSV
    numbered = [(number, dialect.cells(line)) for number, line in enumerate(lines, start=1) if line.strip()]
    if not numbered:
        raise DatasetError(f"{path}: it is empty; it needs file,start,end,label")
    names = [cell.lower() for cell in numbered[0][1]]
    at = {
        role: next((names.index(name) for name in known if name in names), None)
        for role, known in (
            ("file", _FILE_NAMES), ("start", _START_NAMES), ("end", _END_NAMES), ("label", _LABEL_NAMES),
            ("group", _GROUP_NAMES),
        )
    }  # fmt: skip
    by = "s"
    if at["start"] is None and {"start_row", "end_row"} <= set(names):
        at["start"], at["end"], by = names.index("start_row"), names.index("end_row"), "row"
    if "annotation_id" in names and at["file"] is not None:
        return _studio_rows(path, numbered, names, at["file"])
    if at["label"] is None or (at["start"] is None) != (at["end"] is None):
        raise DatasetError(
            f"{path} row 1: columns {', '.join(names)[:80]}; a file of labels needs label, and start "
            "and end (s) or start_row and end_row, and file if there are several"
        )
    pairs = []
    for number, cells in numbered[1:]:
        if len(cells) != len(names):
            raise DatasetError(
                f"{path} row {number}: {len(cells)} columns, {len(names)} expected; mend the row"
            )
        edges = (at["start"], at["end"])
        start, end = (None if place is None else _seconds(path, number, cells[place]) for place in edges)
        if start is not None and end is not None and not end > start:
            raise DatasetError(
                f"{path} row {number}: it ends at {end:g}, before it starts at {start:g}; mend the row"
            )
        label, group, name = (
            "" if place is None else cells[place] for place in (at["label"], at["group"], at["file"])
        )
        if by == "row" and end is not None:
            end += 1
        pairs.append((_uploaded(name) if "://" in name else name, Interval(label, start, end, by, group)))
    return pairs


def _seconds(path: Path, number: int, cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        seconds = units.iso_s(cell)
        if seconds is None:
            raise DatasetError(f"{path} row {number}: {cell[:40]!r} is no time; give seconds") from None
        return seconds


def _studio_rows(
    path: Path, numbered: Sequence[tuple[int, Sequence[str]]], names: Sequence[str], file_at: int
) -> list[tuple[str, Interval]]:
    """Label Studio's CSV: one row an annotation, with a choice or a JSON list of intervals."""
    known = {"annotation_id", "annotator", "created_at", "id", "lead_time", "updated_at", names[file_at]}
    candidates = [at for at, name in enumerate(names) if name not in known]
    pairs = []
    for number, cells in numbered[1:]:
        if len(cells) != len(names):
            raise DatasetError(
                f"{path} row {number}: {len(cells)} columns, {len(names)} expected; export it again"
            )
        name = _uploaded(cells[file_at])
        for at in candidates:
            if not cells[at]:
                continue
            if not cells[at].startswith("["):
                pairs.append((name, Interval(cells[at])))
                continue
            try:
                found = [_studio_interval(value) for value in json.loads(cells[at])]
            except (ValueError, KeyError, TypeError):
                raise DatasetError(
                    f"{path} row {number}: {cells[at][:40]!r} is no list of intervals"
                ) from None
            pairs += [(name, interval) for interval in found if interval is not None]
    return pairs
