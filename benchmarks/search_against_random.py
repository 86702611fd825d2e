"""Is the search better than luck? Both within one budget of bytes and instructions, judged by same groups.

Random: 30 candidates of the same families and values, each validated on all rows in 4 folds by group; the
most accurate that is within the budget is fitted and kept. Search: `midge train --search --trials 30`, which
spends as much on more candidates. Both put the same groups aside, by which nothing is chosen. Strangers
that neither side has any recording of judge besides, through the C, as few that are put aside tell little.
Work is counted in fits on all rows, a build as one. A run that was stopped goes on with what is in --keep.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import motion_data
import numpy as np

from midge import confusion, dataset, evaluate, reference_model, train
from midge import search as searching
from midge.dataset import Dataset
from midge.model_file import Model
from midge.recipe import Budget, Recipe
from midge.search import effort, halving, running, space, trial
from midge.search.journal import Journal, key_of

TRIALS = 30
SEEDS = (1, 2, 3)
BUDGET = "module=16k,state=4k,instructions=40k"
# Simulated people, and how much of each.
PEOPLE, TIMES, OTHER_S = 9, 2, 12.0
# Those put aside are three people, who may be odd: of simulated ones there are as many as one wants.
STRANGERS, STRANGERS_SEED = 30, 9000
# Share of the groups of recordings that are strangers.
STRANGE = 0.4


# A recipe, recordings, and those of strangers, if there are any.
Work = tuple[Recipe, Dataset, Dataset | None]


def self_made(seed: int) -> Work:
    """Gestures of simulated hands, other people for each seed."""
    recipe = _without_variants(Recipe.load("gesture"))
    known, strangers = (
        reference_model.training_data(recipe, count, of, times=TIMES, other_s=OTHER_S)
        for count, of in ((PEOPLE, seed), (STRANGERS, STRANGERS_SEED + seed))
    )
    return recipe, known, strangers


def recorded(app: Path, data: Path, most: int) -> Callable[[int], Work]:
    """Recordings of somebody: each seed makes other groups strangers, `STRANGE` of all, and keeps theirs.

    Of the other groups there are about `most` recordings, as many of each group and label.
    """
    recipe, found = _without_variants(Recipe.load(str(app))), dataset.load(data)

    def work(seed: int) -> Work:
        groups = np.random.default_rng(seed).permutation(found.groups)
        strange = set(groups[: round(STRANGE * len(groups))].tolist())
        known, strangers = (
            tuple(one for one in found.recordings if (one.group in strange) == is_strange)
            for is_strange in (False, True)
        )
        few = motion_data.fewer(Dataset(found.folder, known), most)
        return recipe, few, Dataset(found.folder, strangers) if strangers else None

    return work


def _without_variants(recipe: Recipe) -> Recipe:
    return replace(recipe, train=replace(recipe.train, augment=0))


def by_search(
    recipe: Recipe, data: Dataset, target: str, budget: Budget, seed: int, jobs: int, into: Path
) -> dict[str, Any]:
    """What the search finds."""
    done = searching.search(
        *(recipe, data),
        target=target,
        budget=budget,
        trials=TRIALS,
        seed=seed,
        jobs=jobs,
        into=into,
    )
    report = done.report
    return {
        "kept": report["best"]["title"],
        "model": done.model,
        "validated": report["best"]["accuracy"],
        "aside": report["held_out"]["accuracy"],
        "n": report["held_out"]["n"],
        "fits": report["fits"],
        "front": sorted({one["family"] for one in report["front"]}),
        "families": sorted({one["family"] for one in report["tried"]}),
    }


def by_luck(
    recipe: Recipe, data: Dataset, target: str, budget: Budget, seed: int, jobs: int, into: Path
) -> dict[str, Any]:
    """The best of random trials."""
    found = train.examples(recipe, data, seed, [])
    aside = searching.put_aside(found, seed)
    task = trial.Task(recipe, searching.without(found, aside), target, budget, seed)
    n_features, n_families = found.rows.X.shape[1], len(space.VALUES)
    # The first of each family is the usual one, which is no luck.
    drawn = space.sample(tuple(space.VALUES), n_features, TRIALS + n_families, 1000 + seed)[n_families:]
    of_recipe = [repr(part) for part in (recipe.features, recipe.window, recipe.train, recipe.sensor)]
    names = [one.name for one in drawn]
    about = [*of_recipe, dataset.fingerprint(data), target, asdict(budget), names, seed]
    kept = Journal(into / "random.jsonl", key_of({"random": about}))
    with running.workers(jobs, None) as parallel:
        run = running.Runs(task, kept, parallel)
        scores = [
            halving.mean(score)
            for one in drawn
            for score in run([("scores", one, effort.RUNGS[effort.LAST])])
        ]
        for place in np.argsort([-score for score in scores], kind="stable"):
            # In this order the first that is within the budget is the best that is.
            if trial.excess(run([("cost", drawn[place], None)])[0], budget) <= 1:
                break
    model, predict = trial.fit(task, drawn[place])
    answer = predict(found.rows.X[aside])
    counts = confusion.count(found.rows.y[aside], answer, len(recipe.labels))
    return {
        "kept": drawn[place].title,
        "model": model,
        "validated": round(scores[place], 4),
        "aside": confusion.accuracy(counts),
        "n": int(aside.sum()),
        "fits": run.fits(),
        "front": [],
        "families": sorted({one.family for one in drawn}),
    }


def of_strangers(recipe: Recipe, model: Model, strangers: Dataset) -> float:
    """Accuracy of the model's C on windows of people that were never in the data."""
    cut = dataset.windows(strangers, recipe)
    library = evaluate.compiled(model)
    _, winners = library.classify(library.windows(cut.windows))
    return float((winners == cut.labels).mean())


SIDES = {"random": by_luck, "search": by_search}


def line(row: dict[str, Any]) -> str:
    """A row of the table for people."""
    front = f"; on the front: {', '.join(row['front'])}" if row["front"] else ""
    return (
        f"seed {row['seed']}  {row['side']}  aside {row['aside']:.3f} of {row['n']}  "
        + (f"strangers {row['strangers']:.4f}  " if row["strangers"] is not None else "")
        + f"validated {row['validated']:.3f}  {row['fits']:5.1f} fits  {row['kept']}{front}"
    )


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--app", type=Path, help="folder of an app (midge new NAME --data DATASET)")
    parser.add_argument("--data", type=Path, help="its recordings; default: simulated gestures")
    parser.add_argument("--recordings", type=int, default=300, help="of them at most about so many")
    parser.add_argument("--target", default="armv6m")
    parser.add_argument("--budget", default=BUDGET)
    parser.add_argument("--seed", type=int, action="append", help="repeatable; default 1, 2, 3")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="for what was computed so far")
    parser.add_argument("--json", action="store_true", help="JSON lines")
    args = parser.parse_args()
    source = self_made if args.data is None else recorded(args.app, args.data, args.recordings)
    budget = Budget.parse(args.budget)
    rows: list[dict[str, Any]] = []
    if not args.json:
        print(f"{args.data or 'simulated gestures'}, {args.target}, {args.budget}")
    with tempfile.TemporaryDirectory() as scratch:
        for seed in args.seed or SEEDS:
            recipe, data, strangers = source(seed)
            for side, choose in SIDES.items():
                into = (args.keep or Path(scratch)) / f"seed{seed}"
                into.mkdir(parents=True, exist_ok=True)
                found = choose(recipe, data, args.target, budget, seed, args.jobs, into)
                model = found.pop("model")
                far = None if strangers is None else of_strangers(recipe, model, strangers)
                rows.append({"seed": seed, "side": side, "strangers": far} | found)
                print(json.dumps(rows[-1]) if args.json else line(rows[-1]), flush=True)
    # The figure that counts is of as many people as there are.
    judge = "aside" if rows[0]["strangers"] is None else "strangers"
    means = {
        side: {
            name: float(np.mean([row[name] for row in rows if row["side"] == side]))
            for name in ("aside", judge, "fits")
        }
        for side in SIDES
    }
    is_as_good = means["search"][judge] >= means["random"][judge]
    if args.json:
        print(json.dumps({"means": means, "judged_by": judge, "search_is_as_good": is_as_good}))
    else:
        for side, mean in means.items():
            print(f"mean    {side}  " + "  ".join(f"{name} {value:.4f}" for name, value in mean.items()))
    return 0 if is_as_good else 1


if __name__ == "__main__":
    sys.exit(main())
