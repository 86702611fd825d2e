"""What spoils a dataset: clipped, flat, doubled, wrong-rate takes, leaks between groups, doubtful labels."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from .. import recording
from ..errors import DatasetError
from ..progress import Advance
from ..recipe import Recipe
from ..recording import SOUND, Recording
from . import content, outliers, salvage, takes
from .takes import Take

FULL_SCALE = 32767
RANGES_G = (2, 4, 8, 16)
# Share of samples at full scale, or of one value that nothing exceeds, from which a take is clipped.
CLIPPED_SHARE = 0.005
FLAT_TOP = 4
# What a sensor that is alive murmurs at least, in LSB; and the share of a take that may be still to the bit.
FLAT_LSB = 0.5
FROZEN_SHARE = 0.5
RATE_TOLERANCE = 0.05
LOST_SHARE = 0.02
USUAL_G = (0.05, 2.5)


@dataclass(frozen=True)
class Finding:
    """`kind` of trouble in `takes`, in words, and how grave: 'error' spoils models or figures."""

    kind: str
    takes: tuple[str, ...]
    says: str
    severity: str = "warning"


def check(
    dataset: Path, recipe: Recipe | None = None, *, on_progress: Advance | None = None
) -> list[Finding]:
    """Everything that is found, gravest first. `recipe` adds rate, labels, length, and outlying takes."""
    advance = on_progress or (lambda done, total=None, text="": None)
    known = takes.index(dataset)
    found = list(_files(dataset))
    whole: list[tuple[Take, Recording]] = []
    prints: list[npt.NDArray[np.uint64]] = []
    digests: dict[bytes, list[Take]] = defaultdict(list)
    for number, take in enumerate(known):
        advance(number, len(known), take.name[-30:])
        try:
            item = recording.load(take.path)
        except DatasetError as error:
            found.append(Finding("broken", (take.name,), str(error), "error"))
            continue
        whole.append((take, item))
        found += _one(take, item, recipe)
        digests[content.digest(item.samples)].append(take)
        prints.append(content.anchors(item.samples))
    found += _doubles(list(digests.values()))
    found += _leaks([take for take, _ in whole], prints, digests)
    found += _whole(known)
    if recipe is not None and whole:
        advance(len(known), len(known), "validating")
        found += [
            Finding("outlier", (whole[number][0].name,), says)
            for number, says in outliers.find([item for _, item in whole], recipe)
        ]
    return sorted(found, key=lambda one: (one.severity != "error", one.kind, one.takes))


def _files(dataset: Path) -> list[Finding]:
    """Files that are no whole takes."""
    found = []
    for torn in salvage.find(dataset):
        advice = torn.why or "--repair makes a take of it"
        found.append(
            Finding("torn", (torn.name,), f"a killed recording left {torn.rows} rows; {advice}", "error")
        )
    for path in sorted(dataset.rglob("*")):
        below = path.relative_to(dataset)
        if any(part.startswith(".") for part in below.parts) or not path.is_file():
            continue
        if path.suffix in recording.SUFFIXES and not path.with_suffix(".json").is_file():
            if not path.with_name(path.name + ".part").exists():
                says = "samples without a sidecar are no take; midge import takes them in"
                found.append(Finding("orphan", (below.as_posix(),), says))
        elif path.suffix == ".json" and not any(path.with_suffix(s).is_file() for s in recording.SUFFIXES):
            found.append(Finding("orphan", (below.as_posix(),), "a sidecar without samples", "error"))
    return found


def _one(take: Take, item: Recording, recipe: Recipe | None) -> list[Finding]:
    names, found = (take.name,), []
    n = len(item.samples)
    if n < 2:
        return [Finding("empty", names, f"{n} samples", "error")]
    wide = item.samples.astype(np.int32)
    at_end = (wide >= FULL_SCALE) | (wide <= -FULL_SCALE)
    clipped = max(float(np.any(at_end, axis=1).mean()), _flat_tops(wide))
    if clipped > CLIPPED_SHARE:
        is_full = bool(np.any(at_end))
        says = f"{clipped:.1%} of the samples are cut off; {_against_clipping(item, is_full=is_full)}"
        found.append(Finding("clipped", names, says))
    spread = wide.std(axis=0)
    flat = [channel for channel, one in zip(item.channels, spread, strict=True) if one < FLAT_LSB]
    still = float((np.diff(wide, axis=0) == 0).all(axis=1).mean())
    if flat:
        found.append(
            Finding("flat", names, f"{', '.join(flat)} never changes: sensor off, or wrong columns", "error")
        )
    elif still > FROZEN_SHARE and item.kind != SOUND:
        found.append(
            Finding("flat", names, f"{still:.0%} of the samples repeat the one before: a frozen sensor")
        )
    measured = item.measured_rate_hz
    is_resampled = item.sensor == recording.IMPORTED
    if measured and not is_resampled and abs(measured / item.rate_hz - 1) > RATE_TOLERANCE:
        says = f"it says {item.rate_hz:g} Hz, measured were {measured:.4g} Hz; check the sensor's settings"
        found.append(Finding("rate", names, says, "error"))
    if recording.is_upsampled(item):
        says = (
            f"made up to {item.rate_hz:g} Hz from {measured:.4g} Hz: a model may know it by what is missing"
        )
        found.append(Finding("upsampled", names, says))
    share = take.lost / max(1, take.lost + n)
    if share > LOST_SHARE:
        found.append(
            Finding("lossy", names, f"{share:.0%} of the samples are missing, in {len(item.gaps)} gaps")
        )
    if item.partial:
        found.append(Finding("partial", names, f"it ends early: {item.partial}"))
    if item.kind != SOUND and item.unit == "g":
        usual_g = float(np.median(np.linalg.norm(wide[:, :3] / item.scale, axis=1)))
        if not USUAL_G[0] <= usual_g <= USUAL_G[1]:
            found.append(
                Finding("unit", names, f"the usual acceleration is {usual_g:.3g} g; is the unit right?")
            )
    if recipe is not None:
        found += _against(take, item, recipe)
    return found


def _against_clipping(item: Recording, *, is_full: bool) -> str:
    """What to set so that it does not happen again; `is_full` if the recording's own range was not enough."""
    if item.kind == SOUND:
        return "record softer"
    range_g = FULL_SCALE / item.scale
    if not is_full:
        return "the sensor itself was set to a smaller range: set that larger, and record again"
    larger = next((one for one in RANGES_G if one > 1.01 * range_g), None)
    if larger is None:
        return f"±{range_g:g} g are not enough: mount the sensor softer"
    if item.sensor == recording.IMPORTED:
        return f"±{range_g:.3g} g are not enough: import again with --range {larger}"
    return f"±{range_g:.3g} g are not enough: set range_g = {larger} in app.toml, and record again"


def _flat_tops(wide: npt.NDArray[np.int32]) -> float:
    """Share of samples in runs of one extreme value: a sensor's own full scale, wherever it is."""
    most = 0.0
    for column in wide.T:
        for extreme in (column.max(), column.min()):
            at = column == extreme
            # Runs at the very end of the range; a resting value is in the middle of what else there is.
            edges = np.flatnonzero(np.diff(np.concatenate([[0], at.astype(np.int8), [0]]))).reshape(-1, 2)
            runs = edges[:, 1] - edges[:, 0]
            is_far = abs(int(extreme) - float(np.median(column))) > 6 * max(
                1.0, float(np.median(np.abs(column - np.median(column))))
            )
            if is_far:
                most = max(most, float(runs[runs >= FLAT_TOP].sum() / len(column)))
    return most


def _against(take: Take, item: Recording, recipe: Recipe) -> list[Finding]:
    names, found = (take.name,), []
    if item.label not in recipe.labels:
        says = f"label {item.label!r} is not one of app {recipe.name!r}; relabel or remove it"
        found.append(Finding("label", names, says, "error"))
    if abs(item.rate_hz / recipe.sensor.rate_hz - 1) > recipe.sensor.rate_tolerance:
        says = f"{item.rate_hz:g} Hz, app {recipe.name!r} needs {recipe.sensor.rate_hz} Hz; import it again"
        found.append(Finding("rate", names, says, "error"))
    if len(item.samples) < recipe.window.length:
        says = f"{len(item.samples)} samples, a window of app {recipe.name!r} has {recipe.window.length}"
        found.append(Finding("short", names, says))
    return found


def _doubles(alike: list[list[Take]]) -> list[Finding]:
    found = []
    for members in alike:
        if len(members) > 1:
            labels, groups = ({getattr(take.about, word) for take in members} for word in ("label", "group"))
            says = "the same samples"
            says += f", labelled {', '.join(sorted(labels))}" if len(labels) > 1 else ""
            says += f", in the groups {', '.join(sorted(groups))}" if len(groups) > 1 else ""
            grave = len(labels) > 1 or len(groups) > 1
            kind = "leak" if len(groups) > 1 else "duplicate"
            found.append(
                Finding(kind, tuple(take.name for take in members), says, "error" if grave else "warning")
            )
    return found


def _leaks(
    known: Sequence[Take], prints: list[npt.NDArray[np.uint64]], digests: dict[bytes, list[Take]]
) -> list[Finding]:
    same = {take.name: key for key, members in digests.items() for take in members}
    found = []
    for pair in content.shared(prints):
        first, second = known[pair.first], known[pair.second]
        if same[first.name] == same[second.name]:
            continue
        is_leak = first.about.group != second.about.group
        says = f"{pair.share:.0%} of the shorter one is in both"
        says += f"; groups {first.about.group!r} and {second.about.group!r} are not apart" if is_leak else ""
        kind, severity = ("leak", "error") if is_leak else ("overlap", "warning")
        found.append(Finding(kind, (first.name, second.name), says, severity))
    return found


def _whole(known: Sequence[Take]) -> list[Finding]:
    """What only the dataset as a whole shows."""
    found: list[Finding] = []
    rates = Counter(take.about.rate_hz for take in known)
    if len(rates) > 1:
        usual = rates.most_common(1)[0][0]
        other = tuple(take.name for take in known if abs(take.about.rate_hz / usual - 1) > RATE_TOLERANCE)
        if other:
            found.append(
                Finding(
                    "rate", other, f"not at {usual:g} Hz as most; import them again with --resample", "error"
                )
            )
    spelled = defaultdict(set)
    for take in known:
        spelled[take.about.label.casefold().replace("-", "_").replace(" ", "_")].add(take.about.label)
    for labels in spelled.values():
        if len(labels) > 1:
            members = tuple(take.name for take in known if take.about.label in labels)
            found.append(
                Finding("label", members, f"spelled {', '.join(sorted(labels))}: one label or several?")
            )
    groups_of = defaultdict(set)
    for take in known:
        groups_of[take.about.label].add(take.about.group)
    groups = {take.about.group for take in known if take.about.group}
    for label, members_of in sorted(groups_of.items()):
        if len(groups) > 1 and len(members_of) == 1:
            says = f"label {label!r} has one group only: a model may learn the group instead; record others"
            found.append(Finding("lonely", tuple(t.name for t in known if t.about.label == label), says))
    without = tuple(take.name for take in known if not take.about.group)
    if without:
        found.append(Finding("group", without, "no group: each counts as one of its own in validation"))
    return found
