"""Real recordings of motion: what a newcomer's commands reach on people and machines that no model has seen.

    MIDGE_DATA=FOLDER python benchmarks/motion_data.py [--only NAME] [--families auto,forest,svm,boosting,net]

FOLDER holds the archives named in `SETS`. Each is imported, given a recipe by `midge new --data`, and trained
anew for every fold on the groups of the others; the model is then compiled and judges the fold's groups
through its C. Nothing is tuned here: what is not in the commands below is as midge has it.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from midge import bench, cli, confusion, dataset, evaluate, train
from midge.dataset import Dataset
from midge.recipe import Recipe

SEED = 1
TARGET = "armv6m"
FAMILIES = ("auto", "forest", "svm", "boosting", "net")
# Groups are held out in so many folds, or one by one if there are fewer.
FOLDS = 5


@dataclass(frozen=True)
class Set:
    """A data set: the words of `midge import` and `midge new`, and what is held out.

    `trained`: learn from these groups only, and judge the others; else every group is held out once.
    """

    archive: str
    imported: tuple[str, ...]
    new: tuple[str, ...] = ()
    trained: tuple[str, ...] = ()


SETS: dict[str, Set] = {
    "watch activity": Set(
        "sp_sw_har", ("--pattern", "{_}/DATA/{group}/{_}_sw.csv", "--skip-unmatched"), ("--window", "1")
    ),
    "watch activity, no gyroscope": Set(
        "sp_sw_har",
        ("--pattern", "{_}/DATA/{group}/{_}_sw.csv", "--skip-unmatched", "--gyro-unit", "none"),
        ("--window", "1"),
    ),
    "phone activity": Set(
        "sp_sw_har", ("--pattern", "{_}/DATA/{group}/{_}_sp.csv", "--skip-unmatched"), ("--window", "1")
    ),
    "smartwatch gestures": Set(
        "smartwatch_gestures",
        ("--pattern", "{_}/{group}/{label}/{take}.txt", "--columns", "_,_,t_ns,x,y,z", "--unit", "m/s^2",
         "--resample", "10", "--skip-unmatched"),
    ),
    "exercises": Set(
        "emlearn_har_exercise",
        ("--pattern", "{_}/processed/har_exercise_1.parquet", "--skip-unmatched", "--resample", "100",
         "--columns", "t_s=time,x=x,y=y,z=z,label=activity,take=file", "--unit", "g"),
    ),
    "fan 1 to fan 2": Set(
        "fan_states_nxp",
        ("--pattern", "{_}/validation/200Hz_5Vfan-{group}-{_}-{label}.csv", "--columns", "_,t_ms,x,y,z,...",
         "--unit", "4096/g", "--resample", "200", "--skip-unmatched"),
        trained=("1",),
    ),
    "exhaust fan": Set(
        "exhaust_fan_imbalance",
        ("--pattern", "{_}/imbalance {take}.csv=imbalance", "--pattern", "{_}/{take}.csv=normal",
         "--unit", "g", "--range", "8", "--resample", "100", "--skip-unmatched"),
    ),
    "Nicla Vision": Set(
        # The archive holds each recording twice, in training and in testing.
        "motion_nicla_vision",
        ("--pattern", "{_}/export/training/{label}.json.{take}.json", "--skip-unmatched",
         "--relabel", "testing="),
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Row:
    """One data set with one family; figures over the held-out groups of all folds."""

    name: str
    family: str
    chosen: str
    folds: int
    accuracy: float
    macro_f1: float
    worst_group: str
    worst_accuracy: float
    agree: int
    n: int
    seed: int
    features: int
    module_bytes: int
    state_bytes: int
    instructions: int
    seconds: float


def folds(one: Set, data: Dataset) -> Iterator[tuple[Dataset, Dataset]]:
    """Recordings to learn from and to judge, whole groups; recordings are groups where nothing names any."""
    keys = np.array([item.group or str(item.path) for item in data.recordings])
    groups = np.unique(keys)
    if one.trained:
        held_out = [[group for group in groups if group not in one.trained]]
    else:
        held_out = [groups[first::FOLDS].tolist() for first in range(min(FOLDS, len(groups)))]
    for part in held_out:
        is_held = np.isin(keys, part)
        known, others = (
            tuple(item for item, held in zip(data.recordings, is_held, strict=True) if held == side)
            for side in (False, True)
        )
        yield Dataset(data.folder, known), Dataset(data.folder, others)


def measure(
    name: str, one: Set, recipe: Recipe, data: Dataset, family: str, folder: Path, layout: str
) -> Row:
    """Train and judge every fold; the cost is of the first fold's model."""
    if family != "auto":
        recipe = recipe.with_family(family)
    # The folds inside a training are for its own report; the model does not depend on them.
    recipe = replace(recipe, train=replace(recipe.train, folds=2, seed=SEED))
    begun = time.monotonic()
    counts = np.zeros((len(recipe.labels), len(recipe.labels)), int)
    groups: dict[str, float] = {}
    agree = n = 0
    chosen: list[str] = []
    cost: bench.Bench | None = None
    n_features = 0
    for number, (known, others) in enumerate(folds(one, data)):
        done = train.train(recipe, known, into=folder / f"{family}-{number}")
        judged = evaluate.evaluate(recipe, done.model, others)
        counts += np.array(judged.confusion)
        groups |= {group: figures["accuracy"] for group, figures in judged.per_group.items()}
        agree, n = agree + judged.agree_c_reference, n + judged.n
        chosen.append(done.model.provenance["family"])
        if cost is None:
            cost = next(
                (x for x in bench.bench(done.model, [TARGET], layout=layout) if isinstance(x, bench.Bench)),
                None,
            )
            n_features = done.model.n_features
    worst = min(groups, key=lambda group: groups[group])
    return Row(
        name=name,
        family=family,
        chosen=" ".join(sorted(set(chosen))),
        folds=len(chosen),
        accuracy=round(confusion.accuracy(counts), 4),
        macro_f1=round(confusion.macro_f1(counts), 4),
        worst_group=worst,
        worst_accuracy=round(groups[worst], 4),
        agree=agree,
        n=n,
        seed=SEED,
        features=n_features,
        module_bytes=cost.module_bytes if cost else 0,
        state_bytes=cost.state_bytes if cost else 0,
        instructions=round(cost.instructions_mean + cost.features_instructions) if cost else 0,
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
        ["new", "app", "--data", str(into), "--into", str(folder), *one.new],
    ):
        with contextlib.redirect_stdout(sys.stderr):
            if cli.main(words):
                raise SystemExit(f"midge {' '.join(words)} failed")
    return Recipe.load(folder / "app"), dataset.load(into)


HEAD = (
    f"{'data set':<30}{'family':<10}{'folds':>6}{'accuracy':>10}{'F1':>8}{'worst group':>22}"
    f"{'C = ref':>16}{'features':>9}{'bytes':>9}{'M0+ instr.':>12}"
)


def line(row: Row) -> str:
    """A row of the table for people."""
    worst = f"{row.worst_group[-14:]} {row.worst_accuracy:.3f}"
    return (
        f"{row.name:<30}{row.family:<10}{row.folds:>6}{row.accuracy:>10.4f}{row.macro_f1:>8.3f}{worst:>22}"
        f"{f'{row.agree}/{row.n}':>16}{row.features:>9}{row.module_bytes:>9}{row.instructions:>12,}"
    )


def main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--only", metavar="NAME", action="append", help=f"of {', '.join(SETS)}; repeatable")
    parser.add_argument(
        "--families", default="auto", help=f"with commas between; default auto, of {FAMILIES}"
    )
    parser.add_argument(
        "--layout",
        default="table",
        choices=("table", "code", "auto"),
        help="of the modules that are measured; large ones take a compiler minutes as code (default: table)",
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
            for family in args.families.split(","):
                row = measure(name, SETS[name], recipe, data, family, Path(folder), args.layout)
                print(line(row), flush=True)
                if args.json:
                    with args.json.open("a", encoding="utf-8") as file:
                        file.write(json.dumps(asdict(row)) + "\n")


if __name__ == "__main__":
    main()
