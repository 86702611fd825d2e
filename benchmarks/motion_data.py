"""Real recordings of motion: what a newcomer's commands reach on people and machines that no model has seen.

    MIDGE_DATA=FOLDER python benchmarks/motion_data.py [--only NAME] [--families forest,svm,boosting,net]

FOLDER holds the archives named in `SETS`. Each is imported, given a recipe by `midge new --data`, and trained
anew for every fold on the groups of the others, as `midge train` does; the model is then compiled and judges
the fold's groups through its C. `wrong` are answers of the C that are not the estimator's, over all rows it
learnt from and all that it is asked. Nothing is tuned here: what is not in the commands below is as midge
has it.
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
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from midge import bench, budgeting, cli, confusion, dataset, evaluate, features, train, validation
from midge.compile import reference
from midge.dataset import Dataset, Windows
from midge.model_file import Model
from midge.recipe import Recipe
from midge.validation import Fitted

SEED = 1
TARGETS = ("armv6m", "armv7emsp")
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
    """One data set with one family; figures over the held-out groups of all folds, costs of the first fold.

    `instructions` and `module_bytes` are by target; None where it can't be built. `wrong` of `n_compared`
    rows: the C's answer is not the estimator's; of `outside` the margin is more than the declared ε.
    """

    name: str
    family: str
    chosen: str
    folds: int
    accuracy: float
    macro_f1: float
    groups: dict[str, float]
    wrong: int
    n_compared: int
    n: int
    seed: int
    features: int
    module_bytes: dict[str, int | None]
    state_bytes: int | None
    instructions: dict[str, int | None]
    seconds: float
    outside: int = 0

    @property
    def worst(self) -> str:
        """The group with the lowest accuracy."""
        return min(self.groups, key=lambda group: self.groups[group])


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


def fit(recipe: Recipe, found: train.Examples) -> tuple[Fitted, Model]:
    """Estimator and model as `train.train` makes them; its folds are for its own report only."""
    prices = budgeting.Prices(recipe, found, SEED)
    choice = validation.choose(recipe.train, found.rows, SEED, prices.affordable([]), prices)
    rows = found.rows + found.more
    fitted = validation.fit(choice.family, choice.params, rows, SEED, choice)
    return fitted, train.model_of(recipe, fitted, rows.X, windows=found.cut.windows, provenance={})


def count_wrong(
    recipe: Recipe, fitted: Fitted, model: Model, found: train.Examples, others: Windows
) -> tuple[int, int, int]:
    """Rows, learnt from and asked, where C and estimator differ; those of them outside ε; of how many."""
    asked = features.extract(
        recipe.features.names,
        others.filtered,
        recipe.sensor.channels,
        sampling=recipe.sensor.sampling.unfiltered,
        segment=recipe.features.segment,
    )
    rows = np.concatenate([found.rows.X, asked])
    assert model.frontend is not None
    read = [recipe.features.names.index(name) for name in model.frontend.features]
    _, winners = evaluate.compiled(model).classify(rows[:, read])
    differs = winners != fitted.predict(rows)
    is_outside = reference.evaluate(model.ir, rows[:, read]).margins > model.epsilon
    return int(differs.sum()), int((differs & is_outside).sum()), len(rows)


def measure(name: str, one: Set, recipe: Recipe, data: Dataset, family: str, layout: str) -> Row:
    """Train and judge every fold; the cost is of the first fold's model."""
    if family != "auto":
        recipe = recipe.with_family(family)
    begun = time.monotonic()
    counts = np.zeros((len(recipe.labels), len(recipe.labels)), int)
    groups: dict[str, float] = {}
    wrong = outside = n_compared = n = 0
    chosen: list[str] = []
    costs: dict[str, bench.Bench] = {}
    n_features = 0
    for known, others in folds(one, data):
        found = train.examples(recipe, known, SEED, [])
        fitted, model = fit(recipe, found)
        judged = evaluate.evaluate(recipe, model, others)
        counts += np.array(judged.confusion)
        groups |= {group: round(figures["accuracy"], 4) for group, figures in judged.per_group.items()}
        asked = dataset.windows(others, recipe, hop=recipe.window.hop)
        differ, clearly, compared = count_wrong(recipe, fitted, model, found, asked)
        wrong, outside, n_compared = wrong + differ, outside + clearly, n_compared + compared
        n += judged.examples
        chosen.append(fitted.choice.family)
        if not costs:
            measured = bench.bench(model, TARGETS, layout=layout)
            costs = {there.target: there for there in measured if isinstance(there, bench.Bench)}
            n_features = model.n_features
        print(f"  {name}, {family}, fold {len(chosen)}: {judged.accuracy:.3f}", file=sys.stderr, flush=True)
    return Row(
        name=name,
        family=family,
        chosen=" ".join(sorted(set(chosen))),
        folds=len(chosen),
        accuracy=round(confusion.accuracy(counts), 4),
        macro_f1=round(confusion.macro_f1(counts), 4),
        groups=groups,
        wrong=wrong,
        n_compared=n_compared,
        n=n,
        seed=SEED,
        features=n_features,
        module_bytes={t: costs[t].module_bytes if t in costs else None for t in TARGETS},
        state_bytes=next((cost.state_bytes for cost in costs.values()), None),
        instructions={
            t: round(costs[t].instructions_mean + costs[t].features_instructions) if t in costs else None
            for t in TARGETS
        },
        seconds=round(time.monotonic() - begun, 1),
        outside=outside,
    )


def fewer(data: Dataset, most: int) -> Dataset:
    """About `most` of the recordings, evenly of each group and label."""
    order = sorted(data.recordings, key=lambda item: (item.group, item.label, str(item.path)))
    step = max(1.0, len(order) / most)
    return Dataset(data.folder, tuple(order[int(step * i)] for i in range(int(len(order) / step))))


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
    f"{'data set':<20}{'family':<10}{'folds':>6}{'accuracy':>10}{'F1':>8}{'worst group':>22}"
    f"{'C wrong (> ε)':>18}{'features':>9}{'module B':>10}{'state B':>9}{'M0+ instr.':>12}{'M4F instr.':>12}"
)


def line(row: Row) -> str:
    """A row of the table for people; bytes are of the first target."""
    worst = f"{row.worst[-14:]} {row.groups[row.worst]:.3f}"
    m0, m4f = (f"{n:,}" if (n := row.instructions[target]) else "-" for target in TARGETS)
    return (
        f"{row.name:<20}{row.family:<10}{row.folds:>6}{row.accuracy:>10.4f}{row.macro_f1:>8.3f}{worst:>22}"
        f"{f'{row.wrong}/{row.n_compared} ({row.outside})':>18}{row.features:>9}"
        f"{row.module_bytes[TARGETS[0]] or '-':>10}{row.state_bytes or '-':>9}{m0:>12}{m4f:>12}"
    )


def of_groups(rows: Sequence[Row]) -> str:
    """A table of one data set: accuracy of each group that was held out, a column a family."""
    lines = [f"{'group':<20}" + "".join(f"{row.family:>10}" for row in rows)]
    for group in sorted(rows[0].groups):
        figures = (f"{row.groups[group]:>10.3f}" if group in row.groups else f"{'-':>10}" for row in rows)
        lines.append(f"{group[-18:]:<20}" + "".join(figures))
    return "\n".join(lines)


def known_rows(path: Path) -> dict[tuple[str, str], Row]:
    """Rows of an earlier run with the same options, by data set and family."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    rows = [Row(**json.loads(one)) for one in lines]
    return {(row.name, row.family): row for row in rows}


def main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--only", metavar="NAME", action="append", help=f"of {', '.join(SETS)}; repeatable")
    parser.add_argument(
        "--families", default="auto", help=f"with commas between; default auto, of {', '.join(FAMILIES)}"
    )
    parser.add_argument(
        "--most", metavar="N", type=int, help="recordings of each set, evenly of each group and label"
    )
    parser.add_argument(
        "--layout",
        default="table",
        choices=("table", "code", "auto"),
        help="of the modules that are measured; large ones take a compiler minutes as code (default: table)",
    )
    parser.add_argument(
        "--json", metavar="FILE", type=Path, help="also as lines of JSON; rows that are there are kept"
    )
    args = parser.parse_args(words)
    data_folder = os.environ.get("MIDGE_DATA")
    if not data_folder:
        raise SystemExit("set MIDGE_DATA to the folder of the archives")
    measured = known_rows(args.json) if args.json else {}
    for name in args.only or SETS:
        rows = []
        with tempfile.TemporaryDirectory() as folder:
            recipe, data = prepare(SETS[name], Path(data_folder), Path(folder))
            data = fewer(data, args.most) if args.most else data
            print(HEAD, flush=True)
            for family in args.families.split(","):
                there = measured.get((name, family))
                rows.append(there or measure(name, SETS[name], recipe, data, family, args.layout))
                print(line(rows[-1]), flush=True)
                if args.json and there is None:
                    with args.json.open("a", encoding="utf-8") as file:
                        file.write(json.dumps(asdict(rows[-1])) + "\n")
        print(f"\n{of_groups(rows)}\n", flush=True)


if __name__ == "__main__":
    main()
