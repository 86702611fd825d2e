"""Real recordings of words: the ceiling of any size of model on speakers that none has heard, and small ones.

    MIDGE_DATA=FOLDER python benchmarks/sound_data.py [--only NAME] [--models svm,linear,…] [--folds 1,2]

FOLDER holds the archives named in `SETS`. Each is imported and given a recipe by `midge new --data`; features
and variants are computed once, then every model is fitted anew for each fold, on the speakers of the others.
What is small is compiled, and its figures are those of the compiled C; `wrong` counts the held-out takes at
which the C and its estimator differ. Takes are judged: half words, which a stream's background is taught by,
are left out unless --stream is given. With --keep FOLDER what was imported and computed stays there, and
models and folds can be run one by one.
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

import numpy as np
import numpy.typing as npt

from midge import (
    build,
    cli,
    confusion,
    dataset,
    families,
    feature_sets,
    learners,
    targets,
    train,
    validation,
)
from midge.compile import c99
from midge.compile.host import HostModel
from midge.compile.ir import Node
from midge.compile.net import Net
from midge.compress import bits
from midge.dataset import Dataset
from midge.model_file import Model
from midge.recipe import Recipe
from midge.validation import Rows

SEED = 1
TARGET = "armv6m"
Mask = npt.NDArray[np.bool_]


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
    """A model to fit: family, parameters, set of features; `is_small`: built for a board, and measured.

    bits : of a net's weights, 0: as many as the compiler gives them
    """

    family: str
    params: Mapping[str, float]
    features: str = "sound-word"
    is_small: bool = True
    bits: int = 0


CANDIDATES: dict[str, Candidate] = {
    # Of any size: what there is to be had.
    "svm": Candidate("svm", {"c": 3.0, "gamma": 0.5}, is_small=False),
    "trees": Candidate("extra-trees", {"trees": 300, "depth": 40}, is_small=False),
    "net-large": Candidate("net", {"hidden": 128, "members": 3, "alpha": 3.0}, is_small=False),
    "ds-cnn-large": Candidate("ds-cnn", {"width": 2.0, "epochs": 60}, "sound-frames", is_small=False),
    # For a board.
    "linear": Candidate("linear", {"c": 0.01}),
    "net-small": Candidate("net", {"hidden": 64, "members": 1, "noise": 1.0}),
    "net-wide": Candidate("net", {"hidden": 128, "members": 1, "noise": 1.0}),
    "net-packed": Candidate("net", {"hidden": 96, "members": 1, "noise": 1.0}, bits=8),
    "conv": Candidate("conv", {}, "sound-frames"),
    "ds-cnn": Candidate("ds-cnn", {}, "sound-frames"),
}
NEEDS_TORCH = ("ds-cnn",)


@dataclass(frozen=True)
class Row:
    """One model on one data set; figures over held-out takes, sizes and costs of the last fold's module."""

    name: str
    model: str
    accuracy: float
    macro_f1: float
    by_fold: dict[str, float]
    features: int
    wrong: int | None = None
    module_bytes: int | None = None
    state_bytes: int | None = None
    instructions: int | None = None
    seconds: float = 0.0


def measure(
    name: str, label: str, candidate: Candidate, recipe: Recipe, made: Known, folds: Mapping[str, Mask]
) -> Row:
    """Fit and judge `folds`, masks of the rows that are held out; each is printed as it comes."""
    begun = time.monotonic()
    rows, more = made.rows, made.more
    params = {**learners.LEARNERS[candidate.family].defaults(), **candidate.params}
    told = recipe.with_family(candidate.family).train.params
    params |= {name: told[name] for name in ("times", "bands") if name in params}
    answer = np.full(len(rows), -1)
    by_fold: dict[str, float] = {}
    wrong, module = 0, None
    for fold, held_out in folds.items():
        known = rows.where(~held_out) + more.where(~np.isin(more.keys, rows.keys[held_out]))
        fitted = validation.fit(candidate.family, params, known, SEED)
        answer[held_out] = fitted.predict(rows.X[held_out])
        if candidate.is_small:
            ir = packed(families.to_ir(fitted.estimator), known.X, candidate.bits)
            model = train.model_of(recipe, fitted, known.X, windows=made.windows, provenance={}, ir=ir)
            compiled = answers_of_c(recipe, model, rows.X[held_out])
            wrong += int(np.sum(compiled != answer[held_out]))
            answer[held_out] = compiled
            if fold == list(folds)[-1]:
                module = build.build(model, targets.get(TARGET))
        by_fold[fold] = round(float(np.mean(answer[held_out] == rows.y[held_out])), 4)
        print(f"  {label} {fold}: {by_fold[fold]:.4f}", file=sys.stderr, flush=True)
    judged = answer >= 0
    counts = confusion.count(rows.y[judged], answer[judged], len(recipe.labels))
    return Row(
        name=name,
        model=label,
        accuracy=round(confusion.accuracy(counts), 4),
        macro_f1=round(confusion.macro_f1(counts), 4),
        by_fold=by_fold,
        features=rows.X.shape[1],
        wrong=wrong if candidate.is_small else None,
        module_bytes=module.module_bytes if module else None,
        state_bytes=module.state_bytes if module else None,
        instructions=round(module.inference_instructions) if module else None,
        seconds=round(time.monotonic() - begun, 1),
    )


def packed(ir: Node, X: npt.NDArray[np.int16], n_bits: int) -> Net | None:
    """A net with weights of so many bits; None: as it is."""
    return bits.net(ir, X, n_bits) if n_bits and isinstance(ir, Net) else None


def answers_of_c(recipe: Recipe, model: Model, X: npt.NDArray[np.int16]) -> npt.NDArray[np.int32]:
    """What the model's C says of rows of all features of the recipe."""
    assert model.frontend is not None
    place = {name: column for column, name in enumerate(recipe.features.names)}
    kept = [place[name] for name in model.frontend.features]
    return HostModel(model, c99.sources(model)).classify(X[:, kept])[1]


def folds_of(one: Set, rows: Rows, chosen: Sequence[str]) -> dict[str, Mask]:
    """Masks of the rows to hold out, by the fold's number, or by the speaker where each is alone."""
    found = validation.folds(rows.y, rows.keys, one.folds or len(np.unique(rows.keys)), SEED, [])
    names = [str(number + 1) if one.folds else str(rows.keys[mask][0]) for number, mask in enumerate(found)]
    return {name: mask for name, mask in zip(names, found, strict=True) if not chosen or name in chosen}


def prepare(one: Set, data_folder: Path, folder: Path) -> tuple[Recipe, Dataset]:
    """Import and a recipe, by the commands; as they are if `folder` has them."""
    archive = data_folder / f"{one.archive}.tar.xz"
    if not archive.is_file():
        raise SystemExit(f"{archive} is not there; MIDGE_DATA names the folder of the archives")
    into = folder / "data"
    if (folder / "words").is_dir():
        return Recipe.load(folder / "words"), dataset.load(into)
    for words in (
        ["import", str(archive), "--into", str(into), *one.imported],
        ["new", "words", "--from", "keyword", "--data", str(into), "--into", str(folder)],
    ):
        with contextlib.redirect_stdout(sys.stderr):
            if cli.main(words):
                raise SystemExit(f"midge {' '.join(words)} failed")
    return Recipe.load(folder / "words"), dataset.load(into)


@dataclass(frozen=True)
class Known:
    """Rows of takes, rows of their variants, and a few windows to check modules with."""

    rows: Rows
    more: Rows
    windows: npt.NDArray[np.int16]


def examples(recipe: Recipe, data: Dataset, kept: Path) -> Known:
    """What there is to learn from, read from the file `kept` if it is there, and else written to it."""
    if not kept.exists():
        made = train.examples(recipe, data, SEED, [])
        arrays = {
            f"{part}_{name}": getattr(rows, name)
            for part, rows in (("rows", made.rows), ("more", made.more))
            for name in ("X", "y", "keys")
        }
        np.savez(kept, windows=made.cut.windows[:: max(1, len(made.rows) // 64)], **arrays)
    found = np.load(kept)
    rows, more = (
        Rows(*(found[f"{part}_{name}"] for name in ("X", "y", "keys"))) for part in ("rows", "more")
    )
    return Known(rows, more, found["windows"])


def with_features(recipe: Recipe, chosen: str) -> Recipe:
    """The recipe with another set of features."""
    names = feature_sets.names(
        chosen, recipe.sensor.channels, recipe.sensor.rate_hz, recipe.window.length, recipe.sensor.sound
    )
    return replace(recipe, features=replace(recipe.features, names=names))


HEAD = (
    f"{'data set':<17}{'model':<14}{'accuracy':>10}{'F1':>8}{'wrong':>7}{'module':>9}{'state':>8}"
    f"{'instructions':>14}"
    "  speakers, or folds"
)


def line(row: Row) -> str:
    """A row of the table for people."""
    told = " ".join(f"{name} {value:.3f}" for name, value in row.by_fold.items())
    costs = (row.wrong, 7), (row.module_bytes, 9), (row.state_bytes, 8), (row.instructions, 14)
    sizes = "".join(f"{'' if n is None else n:>{wide}}" for n, wide in costs)
    return f"{row.name:<17}{row.model:<14}{row.accuracy:>10.4f}{row.macro_f1:>8.3f}{sizes}  {told}"


def main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--only", metavar="NAME", action="append", help=f"of {', '.join(SETS)}; repeatable")
    parser.add_argument("--models", default=",".join(CANDIDATES), help="with commas between (all)")
    parser.add_argument("--folds", default="", metavar="1,2", help="numbers, or speakers, with commas (all)")
    parser.add_argument(
        "--stream", action="store_true", help="teach half words as background, as an app does"
    )
    parser.add_argument("--keep", metavar="FOLDER", type=Path, help="for what is imported and computed")
    parser.add_argument("--json", metavar="FILE", type=Path, help="also as lines of JSON")
    args = parser.parse_args(words)
    data_folder = os.environ.get("MIDGE_DATA")
    if not data_folder:
        raise SystemExit("set MIDGE_DATA to the folder of the archives")
    print(HEAD, flush=True)
    with tempfile.TemporaryDirectory() as temporary:
        for name in args.only or SETS:
            folder = (args.keep or Path(temporary)) / name.replace(" ", "-").lower()
            recipe, data = prepare(SETS[name], Path(data_folder), folder)
            if not args.stream:
                recipe = replace(recipe, background=None)
            for label in args.models.split(","):
                candidate = CANDIDATES[label]
                if candidate.family in NEEDS_TORCH and importlib.util.find_spec("torch") is None:
                    print(f"{name:<17}{label:<14} needs PyTorch: pip install 'midge[nets]'")
                    continue
                own = with_features(recipe, candidate.features)
                kept = folder / f"{candidate.features}{'-stream' if args.stream else ''}.npz"
                made = examples(own, data, kept)
                chosen = [word for word in args.folds.split(",") if word]
                row = measure(name, label, candidate, own, made, folds_of(SETS[name], made.rows, chosen))
                print(line(row), flush=True)
                if args.json:
                    with args.json.open("a", encoding="utf-8") as file:
                        file.write(json.dumps(asdict(row)) + "\n")


if __name__ == "__main__":
    main()
