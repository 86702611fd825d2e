"""What a killed recording left: `NAME.csv.part` and an empty sidecar become a take again.

`take.py` writes rows as they come, and keeps in `NAME.json.part` what they mean and which gaps they have. If
that is torn as well, label, group and rate are told by the name, and by takes beside it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from .. import journal, storing
from ..errors import DatasetError
from ..recording import SOUND_CHANNELS, Description, Gap
from . import takes
from .takes import Take

_NUMBERED = re.compile(r"(?P<stem>.+)_(?P<number>\d{3,})\Z")
SUFFIXES = (".csv", ".wav")
# RIFF, fmt and the head of data, as `take.py` writes them.
WAV_HEAD_BYTES = 44
PARTIAL = "recording was killed"


@dataclass(frozen=True)
class Torn:
    """One torn take: its files, whole rows, and what it probably is (None: nothing tells)."""

    name: str
    files: tuple[Path, ...]
    rows: int
    about: Description | None
    gaps: tuple[Gap, ...] = ()
    why: str = ""


def find(dataset: Path, label: str = "", group: str | None = None) -> list[Torn]:
    """Torn takes of a dataset; `label` and `group` for those of which nothing else tells."""
    known = takes.index(dataset)
    found = []
    for path in sorted(path for suffix in SUFFIXES for path in dataset.rglob(f"*{suffix}.part")):
        if any(part.startswith(".") for part in path.relative_to(dataset).parts):
            continue
        whole = path.with_suffix("")
        name = whole.relative_to(dataset).with_suffix("").as_posix()
        beside = whole.with_name(whole.stem + ".json.part")
        files = (path, *((beside,) if beside.exists() else ()))
        rows = len(_rows(path)[1])
        if whole.exists() or (dataset / f"{name}.json").exists():
            found.append(Torn(name, files, rows, None, why="a take of that name is there as well"))
            continue
        about, gaps = _written(beside)
        about = about or _guess(name, known, label, group)
        gaps = tuple(gap for gap in gaps if gap.at <= rows)
        found.append(
            Torn(name, files, rows, about, gaps, "" if about else "nothing tells its label: --label L")
        )
    return found


def take_up(dataset: Path, torn: list[Torn]) -> list[str]:
    """Make takes of them, marked as partial; returns their names. Empty ones go. Both can be undone."""
    wanted = [one for one in torn if one.about is not None]
    if not wanted:
        return []
    with journal.change(dataset, f"salvage {len(wanted)} takes") as made:
        for one in wanted:
            assert one.about is not None
            channels, rows = _rows(one.files[0])
            made.removed.update(path.relative_to(dataset).as_posix() for path in one.files)
            if not len(rows):
                continue
            target = made.new / one.name
            target.parent.mkdir(parents=True, exist_ok=True)
            about = replace(one.about, channels=channels or one.about.channels, partial=PARTIAL)
            # What came after the last row is lost, and nobody knows how much: at least one sample.
            after = next((gap.lost for gap in one.gaps if gap.at == len(rows)), 0)
            inside = tuple(gap for gap in one.gaps if gap.at < len(rows))
            storing.write(target.parent, target.name, about, rows, (*inside, Gap(len(rows), after + 1)))
    return [one.name for one in wanted if one.rows]


def _rows(path: Path) -> tuple[tuple[str, ...], np.ndarray[tuple[int, int], np.dtype[np.int16]]]:
    """Channels and whole rows of a torn file: the last line may be cut, or zeros that a power cut left."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DatasetError(f"{path}: can't be read ({error.strerror})") from None
    if path.name.endswith(".wav.part"):
        pcm = data[WAV_HEAD_BYTES:]
        return SOUND_CHANNELS, np.frombuffer(pcm[: len(pcm) // 2 * 2], "<i2").astype(np.int16).reshape(-1, 1)
    lines = data[: data.rfind(b"\n") + 1].split(b"\n")[:-1]
    if not lines:
        return (), np.zeros((0, 1), np.int16)
    channels = tuple(lines[0].decode("utf-8", "replace").split(","))
    rows = []
    for line in lines[1:]:
        try:
            row = [int(cell) for cell in line.split(b",")]
        except ValueError:
            break
        if len(row) != len(channels) or not all(-32768 <= value <= 32767 for value in row):
            break
        rows.append(row)
    return channels, np.array(rows, np.int16).reshape(-1, len(channels))


def _written(path: Path) -> tuple[Description | None, tuple[Gap, ...]]:
    """What the sidecar held so far."""
    try:
        about = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None, ()
    if not isinstance(about, Mapping) or "label" not in about:
        return None, ()
    known = {name: about[name] for name in Description.__dataclass_fields__ if about.get(name) is not None}
    try:
        gaps = tuple(Gap(int(gap["at"]), int(gap["lost"])) for gap in about.get("gaps", ()))
        return Description(**{**known, "channels": tuple(about["channels"])}), gaps
    except (KeyError, TypeError, ValueError):
        return None, ()


def _guess(name: str, known: list[Take], label: str, group: str | None) -> Description | None:
    """By the take whose name differs in its number only, else by any take and the label given."""
    match = _NUMBERED.match(name)
    stem = match["stem"] if match else name
    for take in known:
        other = _NUMBERED.match(take.name)
        if other and other["stem"] == stem:
            return _fresh(take.about, label or take.about.label, take.about.group if group is None else group)
    if not known:
        return None
    if label:
        return _fresh(known[0].about, label, group or "")
    labels = sorted({take.about.label for take in known}, key=len, reverse=True)
    last = stem.rpartition("/")[2]
    by_name = next((one for one in labels if last == one or last.startswith(f"{one}_")), "")
    return _fresh(known[0].about, by_name, group or last[len(by_name) + 1 :]) if by_name else None


def _fresh(about: Description, label: str, group: str) -> Description:
    return replace(
        about, label=label, group=group, started="", measured_rate_hz=None, jitter_us=None, partial=""
    )
