"""Real recordings of words: the ceiling of any size of model on speakers that none has heard, and small ones.

    MIDGE_DATA=FOLDER python benchmarks/sound_data.py [--only NAME] [--models svm,net-small,…] [--json FILE]

FOLDER holds the archives named in `SETS`. Each is imported and given a recipe by `midge new --data`; features
and variants are computed once, then every model is fitted anew for each fold, on the speakers of the others.
Takes are judged: half words, which a stream's background is taught by, are left out unless --stream is given.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import json
import os
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from midge import build, cli, confusion, dataset, feature_sets, learners, targets, train, validation
from midge.dataset import Dataset
from midge.recipe import Recipe
from midge.train import Examples

SEED = 1
TARGET = "armv6m"


@dataclass(frozen=True)
class Set:
    """A data set: the words of `midge import`, and in how many folds speakers are held out, 0: one by one."""

    archive: str
    imported: tuple[str, ...]
    folds: int


SETS: dict[str, Set] = {
    "Speech Commands": Set(
        "speech_commands_test_v2",
        ("--pattern", "{_}/_silence_/{take}.wav=_silence_",
         "--pattern", "{_}/_unknown_/{_}_{group}_nohash_{take}.wav.wav=_unknown_",
         "--pattern", "{_}/{label}/{group}_nohash_{take}.wav", "--skip-unmatched"),
        5,
    ),
    "FSDD": Set("fsdd", ("--pattern", "{_}/recordings/{label}_{group}_{take}.wav", "--skip-unmatched"), 0),
}  # fmt: skip


@dataclass(frozen=True)
class Candidate:
    """A model to fit: family, parameters, set of features; `is_small`: built for a board, and measured."""

    family: str
    params: Mapping[str, float]
    features: str = "sound-word"
    is_small: bool = True


CANDIDATES: dict[str, Candidate] = {
    # Of any size: what there is to be had.
    "svm": Candidate("svm", {"c": 3.0, "gamma": 0.5}, is_small=False),
    "trees": Candidate("extra-trees", {"trees": 300, "depth": 40}, is_small=False),
    "net-large": Candidate("net", {"hidden": 128, "members": 3, "alpha": 3.0}, is_small=False),
    "ds-cnn-large": Candidate("ds-cnn", {"width": 2.0, "epochs": 60}, "sound-frames", is_small=False),
    # For a board.
    "linear": Candidate("linear", {"c": 0.01}),
    "net-small": Candidate("net", {"hidden": 24, "members": 2, "alpha": 3.0}),
    "net-wide": Candidate("net", {"hidden": 40, "members": 2, "alpha": 3.0}),
    "ds-cnn": Candidate("ds-cnn", {}, "sound-frames"),
}
NEEDS_TORCH = ("ds-cnn", "conv")


@dataclass(frozen=True)
class Row:
    """One model on one data set; figures over all held-out takes, sizes of what was built."""

    name: str
    model: str
    folds: int
    accuracy: float
    macro_f1: float
    by_fold: list[float]
    by_speaker: dict[str, float]
    features: int
    module_bytes: int | None
    state_bytes: int | None
    seconds: float


def measure(name: str, label: str, candidate: Candidate, recipe: Recipe, made: Examples, n_folds: int) -> Row:
    """Fit and judge every fold; what is small is built from a fit on all."""
    begun = time.monotonic()
    rows, more = made.rows, made.more
    params = {**learners.LEARNERS[candidate.family].defaults(), **candidate.params}
    if "times" in params:
        params["times"] = recipe.with_family(candidate.family).train.params["times"]
    answer = np.full(len(rows), -1)
    by_fold = []
    for held_out in validation.folds(rows.y, rows.keys, n_folds or len(np.unique(rows.keys)), SEED, []):
        known = rows.where(~held_out) + more.where(~np.isin(more.keys, rows.keys[held_out]))
        fitted = validation.fit(candidate.family, params, known, SEED)
        answer[held_out] = fitted.predict(rows.X[held_out])
        by_fold.append(round(float(np.mean(answer[held_out] == rows.y[held_out])), 4))
    counts = confusion.count(rows.y, answer, len(recipe.labels))
    groups = confusion.per_group(rows.y, answer, made.cut.groups)
    module: build.BuiltModule | None = None
    if candidate.is_small:
        fitted = validation.fit(candidate.family, params, rows + more, SEED)
        model = train.model_of(recipe, fitted, (rows + more).X, windows=made.cut.windows, provenance={})
        module = build.build(model, targets.get(TARGET))
    return Row(
        name=name,
        model=label,
        folds=len(by_fold),
        accuracy=round(confusion.accuracy(counts), 4),
        macro_f1=round(confusion.macro_f1(counts), 4),
        by_fold=by_fold,
        # Of hundreds of speakers the folds say enough.
        by_speaker={g: round(one["accuracy"], 4) for g, one in groups.items()} if len(groups) <= 20 else {},
        features=rows.X.shape[1],
        module_bytes=module.module_bytes if module else None,
        state_bytes=module.state_bytes if module else None,
        seconds=round(time.monotonic() - begun, 1),
    )


def prepare(one: Set, data_folder: Path, folder: Path) -> tuple[Recipe, Dataset]:
    """Import and a recipe, by the commands."""
    archive = data_folder / f"{one.archive}.tar.xz"
    if not archive.is_file():
        raise SystemExit(f"{archive} is not there; MIDGE_DATA names the folder of the archives")
    into = folder / "data"
    for words in (
        ["import", str(archive), "--into", str(into), *one.imported],
        ["new", "words", "--from", "keyword", "--data", str(into), "--into", str(folder)],
    ):
        with contextlib.redirect_stdout(sys.stderr):
            if cli.main(words):
                raise SystemExit(f"midge {' '.join(words)} failed")
    return Recipe.load(folder / "words"), dataset.load(into)


def with_features(recipe: Recipe, chosen: str) -> Recipe:
    """The recipe with another set of features."""
    names = feature_sets.names(
        chosen, recipe.sensor.channels, recipe.sensor.rate_hz, recipe.window.length, recipe.sensor.sound
    )
    return replace(recipe, features=replace(recipe.features, names=names))


HEAD = (
    f"{'data set':<17}{'model':<14}{'folds':>6}{'accuracy':>10}{'F1':>8}{'module':>9}{'state':>8}"
    "  speakers, or folds"
)


def line(row: Row) -> str:
    """A row of the table for people."""
    each = row.by_speaker or {str(number + 1): value for number, value in enumerate(row.by_fold)}
    told = " ".join(f"{name} {value:.3f}" for name, value in each.items())
    sizes = "".join(
        f"{'' if n is None else n:>{wide}}" for n, wide in ((row.module_bytes, 9), (row.state_bytes, 8))
    )
    return (
        f"{row.name:<17}{row.model:<14}{row.folds:>6}{row.accuracy:>10.4f}{row.macro_f1:>8.3f}{sizes}  {told}"
    )


def main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--only", metavar="NAME", action="append", help=f"of {', '.join(SETS)}; repeatable")
    parser.add_argument("--models", default=",".join(CANDIDATES), help="with commas between (all)")
    parser.add_argument(
        "--stream", action="store_true", help="teach half words as background, as an app does"
    )
    parser.add_argument("--json", metavar="FILE", type=Path, help="also as lines of JSON")
    args = parser.parse_args(words)
    data_folder = os.environ.get("MIDGE_DATA")
    if not data_folder:
        raise SystemExit("set MIDGE_DATA to the folder of the archives")
    print(HEAD, flush=True)
    for name in args.only or SETS:
        with tempfile.TemporaryDirectory() as folder:
            recipe, data = prepare(SETS[name], Path(data_folder), Path(folder))
            if not args.stream:
                recipe = replace(recipe, background=None)
            kept: dict[str, Any] = {}
            for label in args.models.split(","):
                candidate = CANDIDATES[label]
                if candidate.family in NEEDS_TORCH and importlib.util.find_spec("torch") is None:
                    print(f"{name:<17}{label:<14} needs PyTorch: pip install 'midge[nets]'")
                    continue
                own = with_features(recipe, candidate.features)
                if candidate.features not in kept:
                    kept = {candidate.features: train.examples(own, data, SEED, [])}
                row = measure(name, label, candidate, own, kept[candidate.features], SETS[name].folds)
                print(line(row), flush=True)
                if args.json:
                    with args.json.open("a", encoding="utf-8") as file:
                        file.write(json.dumps(asdict(row)) + "\n")


if __name__ == "__main__":
    main()
