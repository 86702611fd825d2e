"""Changes of takes: trim, cut, relabel, remove; each is one change of the journal."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from .. import journal, recording, storing
from ..errors import DatasetError
from ..recording import Description, Gap, Recording, description_fields
from . import activity
from .activity import Bounds, Cutting
from .takes import Take

LONGEST_WORD = 64
# A part this much shorter than the others is no part.
REST_SHARE = 0.1
# Below it a slip of the unit is likelier than a wish; above it numbers of samples end.
SHORTEST_PART_S, LONGEST_S = 0.01, 1e6
_UNSAFE = set('<>:"/\\|?*') | {chr(code) for code in range(32)}


@dataclass(frozen=True)
class Changed:
    """What becomes of one take: the takes it was made into ('' length: removed), in s."""

    name: str
    before_s: float
    into: tuple[tuple[str, float], ...]


def part_of(item: Recording, bounds: Bounds) -> Recording:
    """Rows of a recording, with the gaps inside them."""
    start, stop = bounds
    gaps = tuple(
        Gap(gap.at - start, gap.lost)
        for gap in item.gaps
        if start < gap.at < stop or (gap.at == start == 0) or (gap.at == stop == len(item.samples))
    )
    return replace(item, samples=item.samples[start:stop], gaps=gaps)


def trim(dataset: Path, takes: Sequence[Take], cutting: Cutting, *, dry_run: bool = False) -> list[Changed]:
    """Cut silence off both ends; a take without an event stays as it is."""
    pieces = {}
    for take in takes:
        found = activity.events(recording.load(take.path), cutting)
        if found and (found[0][0] > 0 or found[-1][1] < take.n_samples):
            pieces[take.name] = [(found[0][0], found[-1][1])]
    return _cut(dataset, takes, pieces, "trim", dry_run)


def cut(
    dataset: Path,
    takes: Sequence[Take],
    cutting: Cutting,
    *,
    every_s: float | None = None,
    at_s: Sequence[float] = (),
    dry_run: bool = False,
) -> list[Changed]:
    """Cut takes into events, every so many seconds, or at these seconds; parts replace the take."""
    if every_s is not None and not SHORTEST_PART_S <= every_s < LONGEST_S:
        raise DatasetError(f"--every {every_s:g}: it must be {SHORTEST_PART_S:g} s or more")
    for second in at_s:
        if not 0 <= second < LONGEST_S:
            raise DatasetError(f"--at {second:g}: give seconds from the take's beginning, such as 3.2,7.5")
    pieces: dict[str, list[Bounds]] = {}
    for take in takes:
        n, rate_hz = take.n_samples, take.about.rate_hz
        if every_s is not None:
            step = max(1, round(every_s * rate_hz))
            # What is left over at the end and all but nothing belongs to the part before it.
            edges = [0, *(at for at in range(step, n, step) if n - at > REST_SHARE * step), n]
            pieces[take.name] = [bounds for bounds in itertools.pairwise(edges) if bounds[0] < bounds[1]]
        elif at_s:
            marks = {0, n, *(min(n, round(second * rate_hz)) for second in at_s)}
            pieces[take.name] = list(itertools.pairwise(sorted(marks)))
        else:
            pieces[take.name] = activity.events(recording.load(take.path), cutting)
        # What stays in one piece stays as it is, name included.
        if pieces[take.name] in ([], [(0, n)]):
            del pieces[take.name]
    return _cut(dataset, takes, pieces, "cut", dry_run)


def relabel(
    dataset: Path,
    takes: Sequence[Take],
    *,
    label: str | None = None,
    group: str | None = None,
    dry_run: bool = False,
) -> list[Changed]:
    """Give takes another label or group; names of files stay."""
    for what, word in (("label", label), ("group", group)):
        if word is not None and (
            len(word) > LONGEST_WORD
            or set(word) & _UNSAFE
            or word != word.strip()
            or (what == "label" and not word)
        ):
            raise DatasetError(
                f"--{what} {word[:40]!r} can't be one; use at most {LONGEST_WORD} letters, digits, - and _"
            )
    wanted = [
        take for take in takes if (label or take.about.label, take.about.group if group is None else group)
        != (take.about.label, take.about.group)
    ]  # fmt: skip
    done = [Changed(take.name, take.duration_s, ((take.name, take.duration_s),)) for take in wanted]
    if dry_run or not wanted:
        return done
    with journal.change(dataset, f"relabel {_said(wanted)}") as made:
        for take in wanted:
            _, beside = take.files(dataset)
            about = replace(
                take.about,
                label=label or take.about.label,
                group=take.about.group if group is None else group,
            )
            target = made.new / beside
            target.parent.mkdir(parents=True, exist_ok=True)
            storing.write_sidecar(target, about, take.n_samples, take.gaps)
            made.removed.add(beside)
    return done


def remove(dataset: Path, takes: Sequence[Take], *, dry_run: bool = False) -> list[Changed]:
    """Take them out of the dataset; `midge data undo` brings them back."""
    done = [Changed(take.name, take.duration_s, ()) for take in takes]
    if not dry_run:
        with journal.change(dataset, f"remove {_said(takes)}") as made:
            for take in takes:
                made.removed.update(take.files(dataset))
    return done


def _cut(
    dataset: Path, takes: Sequence[Take], pieces: dict[str, list[Bounds]], what: str, dry_run: bool
) -> list[Changed]:
    wanted = [take for take in takes if take.name in pieces]
    taken = {path.with_suffix("").relative_to(dataset).as_posix() for path in dataset.rglob("*.json")}
    named = {take.name: _names(take, len(pieces[take.name]), taken, what) for take in wanted}
    done = [
        Changed(
            take.name,
            take.duration_s,
            tuple(
                (name, (stop - start) / take.about.rate_hz)
                for name, (start, stop) in zip(named[take.name], pieces[take.name], strict=True)
            ),
        )
        for take in wanted
    ]
    if dry_run or not wanted:
        return done
    with journal.change(dataset, f"{what} {_said(wanted)}") as made:
        for take in wanted:
            item = recording.load(take.path)
            for name, bounds in zip(named[take.name], pieces[take.name], strict=True):
                part = part_of(item, bounds)
                target = made.new / name
                target.parent.mkdir(parents=True, exist_ok=True)
                about = Description(**description_fields(part))
                storing.write(target.parent, target.name, about, part.samples, part.gaps)
            made.removed.update(take.files(dataset))
    return done


def _names(take: Take, n: int, taken: set[str], what: str) -> list[str]:
    if what == "trim":
        return [take.name]
    names: list[str] = []
    number = 1
    while len(names) < n:
        name = f"{take.name}-{number:03d}"
        if name not in taken:
            names.append(name)
        number += 1
    return names


def _said(takes: Sequence[Take]) -> str:
    return takes[0].name if len(takes) == 1 else f"{len(takes)} takes"
