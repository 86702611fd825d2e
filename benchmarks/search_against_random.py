"""Is the search better than luck? Both within one budget of bytes and instructions, judged by same groups.

Random: 30 candidates of the same families and values, each validated on all rows in 4 folds by group; the
most accurate that is within the budget is fitted and kept. Search: `midge train --search` with as many
trials. Both put the same groups aside, by which nothing is chosen. Work is counted in fits on all rows; the
search has no more of it than random trials.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from midge import confusion, dataset, reference_model, train
from midge import search as searching
from midge.dataset import Dataset
from midge.recipe import Budget, Recipe
from midge.search import halving, space, trial

TRIALS = 30
SEEDS = (1, 2, 3)
LAST = len(halving.RUNGS) - 1
BUDGET = "module=16k,state=4k,instructions=40k"
# Simulated people, and how much of each.
PEOPLE, TIMES, OTHER_S = 9, 2, 12.0


def self_made(seed: int) -> tuple[Recipe, Dataset]:
    """Gestures of simulated hands, other people for each seed."""
    recipe = _without_variants(Recipe.load("gesture"))
    return recipe, reference_model.training_data(recipe, PEOPLE, seed, times=TIMES, other_s=OTHER_S)


def recorded(app: Path, data: Path, most: int) -> Callable[[int], tuple[Recipe, Dataset]]:
    """`most` recordings of somebody, as many of each group and label; seeds put other groups aside."""
    recipe, found = _without_variants(Recipe.load(str(app))), dataset.load(data)
    order = sorted(found.recordings, key=lambda one: (one.group, one.label))
    few = tuple(order[:: max(1, len(order) // most)])
    return lambda _: (recipe, Dataset(found.folder, few))


def _without_variants(recipe: Recipe) -> Recipe:
    return replace(recipe, train=replace(recipe.train, augment=0))


def by_search(
    recipe: Recipe, data: Dataset, target: str, budget: Budget, seed: int, jobs: int
) -> dict[str, Any]:
    """What the search finds."""
    with tempfile.TemporaryDirectory() as folder:
        done = searching.search(
            *(recipe, data),
            target=target,
            budget=budget,
            trials=TRIALS,
            seed=seed,
            jobs=jobs,
            into=Path(folder),
        )
    report = done.report
    return {
        "kept": report["best"]["title"],
        "validated": report["best"]["accuracy"],
        "aside": report["held_out"]["accuracy"],
        "fits": report["fits"],
        "families": len({one["family"] for one in report["tried"]}),
    }


def by_luck(recipe: Recipe, data: Dataset, target: str, budget: Budget, seed: int) -> dict[str, Any]:
    """The best of random trials."""
    found = train.examples(recipe, data, seed, [])
    aside = searching.put_aside(found, seed)
    task = trial.Task(recipe, searching.without(found, aside), target, budget, seed)
    n_features, n_families = found.rows.X.shape[1], len(space.VALUES)
    # The first of each family is the usual one, which is no luck.
    drawn = space.sample(tuple(space.VALUES), n_features, TRIALS + n_families, 1000 + seed)[n_families:]
    scores = [trial.accuracy(task, one, *halving.RUNGS[LAST]) for one in drawn]
    share, folds = halving.RUNGS[LAST]
    fits = len(drawn) * share * folds
    for place in np.argsort([-score for score in scores], kind="stable"):
        # In this order the first that is within the budget is the best that is.
        fits += 1
        if trial.excess(trial.cost(task, drawn[place]), budget) <= 1:
            break
    fitted, _ = trial.fit(task, drawn[place])
    answer = fitted.predict(found.rows.X[aside])
    counts = confusion.count(found.rows.y[aside], answer, len(recipe.labels))
    return {
        "kept": drawn[place].title,
        "validated": round(scores[place], 4),
        "aside": confusion.accuracy(counts),
        "fits": fits,
    }


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
    parser.add_argument("--json", action="store_true", help="JSON lines")
    args = parser.parse_args()
    source = self_made if args.data is None else recorded(args.app, args.data, args.recordings)
    budget = Budget.parse(args.budget)
    rows: list[dict[str, Any]] = []
    if not args.json:
        print(f"{args.data or 'simulated gestures'}, {args.target}, {args.budget}")
    for seed in args.seed or SEEDS:
        recipe, data = source(seed)
        sides = {
            "random": by_luck(recipe, data, args.target, budget, seed),
            "search": by_search(recipe, data, args.target, budget, seed, args.jobs),
        }
        rows += [{"seed": seed, "side": name} | one for name, one in sides.items()]
        for row in rows[-2:]:
            if args.json:
                print(json.dumps(row), flush=True)
                continue
            print(
                f"seed {seed}  {row['side']}  aside {row['aside']:.3f}  validated {row['validated']:.3f}  "
                f"{row['fits']:5.1f} fits  {row['kept']}",
                flush=True,
            )
    means = {
        side: {
            name: float(np.mean([row[name] for row in rows if row["side"] == side]))
            for name in ("aside", "fits")
        }
        for side in ("random", "search")
    }
    is_better = means["search"]["aside"] >= means["random"]["aside"]
    if args.json:
        print(json.dumps({"means": means, "search_is_as_good": is_better}))
    else:
        for side, mean in means.items():
            print(f"mean    {side}  aside {mean['aside']:.3f}  {mean['fits']:.1f} fits")
    return 0 if is_better else 1


if __name__ == "__main__":
    sys.exit(main())
