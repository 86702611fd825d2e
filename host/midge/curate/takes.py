"""Takes of a dataset by what their sidecars say: fast enough for thousands."""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .. import journal, recording
from ..errors import DatasetError
from ..recording import Description, Gap


@dataclass(frozen=True)
class Take:
    """One recording, known by its sidecar: `name` is its path below the dataset without suffix."""

    name: str
    path: Path
    about: Description
    n_samples: int
    gaps: tuple[Gap, ...]

    @property
    def lost(self) -> int:
        return sum(gap.lost for gap in self.gaps)

    @property
    def duration_s(self) -> float:
        """Gaps included."""
        return (self.n_samples + self.lost) / self.about.rate_hz

    def files(self, dataset: Path) -> tuple[str, str]:
        """Samples and sidecar, as paths below the dataset."""
        below = self.path.relative_to(dataset)
        return below.as_posix(), below.with_suffix(".json").as_posix()


def index(dataset: Path) -> list[Take]:
    """Every take of a dataset, in order; raises DatasetError for a folder without one, or a bad sidecar."""
    if not dataset.is_dir():
        raise DatasetError(f"{dataset} is no folder; give the folder of a dataset")
    if journal.is_unfinished(dataset):
        raise DatasetError(
            f"{dataset}: a change was cut off, or is under way; take it back with: midge data check "
            f"{dataset} --repair"
        )
    found = []
    for path in recording.find(dataset):
        about, gaps, n_samples = recording.describe(path)
        name = path.relative_to(dataset).with_suffix("").as_posix()
        found.append(Take(name, path, about, n_samples, gaps))
    return found


def choose(
    dataset: Path, names: Sequence[str] = (), *, label: str | None = None, group: str | None = None
) -> list[Take]:
    """Takes by name (with * and ?), label and group; no condition means all.

    Raises DatasetError for a name that fits none, or if nothing is left.
    """
    known = index(dataset)
    chosen = known
    if names:
        wanted: set[str] = set()
        for name in names:
            plain = name.removesuffix(".csv").removesuffix(".wav").removesuffix(".json").removesuffix(".npy")
            fitting = {take.name for take in known if fnmatch.fnmatchcase(take.name, plain)}
            if not fitting:
                raise DatasetError(
                    f"{dataset} has no take {name[:80]!r}; see them with: midge data list {dataset}"
                )
            wanted |= fitting
        chosen = [take for take in known if take.name in wanted]
    if label is not None:
        chosen = [take for take in chosen if take.about.label == label]
    if group is not None:
        chosen = [take for take in chosen if take.about.group == group]
    if not chosen:
        labels = sorted({take.about.label for take in known})
        raise DatasetError(f"{dataset}: no take fits; its labels are {', '.join(labels)[:200] or 'none'}")
    return chosen
