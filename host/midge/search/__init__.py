"""Search: the most accurate model within a budget of bytes and instructions on a target.

Some groups are put aside first and never looked at; the figure that is reported is theirs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .. import build as builder
from .. import confusion, dataset, model_file, targets, train, validation
from ..dataset import Dataset, Windows
from ..errors import BudgetExceeded, DatasetError, RecipeError
from ..model_file import Model
from ..progress import Advance
from ..recipe import Budget, Recipe
from ..train import Examples
from . import effort, halving, pareto, refining, running, space, trial
from .halving import Tried
from .journal import Journal, key_of

JOURNAL_NAME = "search.jsonl"
REPORT_NAME = "search.json"
TRIALS = 36
HELD_OUT_FOLDS = 4  # one of them is put aside
_JOBS = {"scores": "validated", "cost": "built"}
WIDTH = 4  # modules that are built at a time; not of the machine, so that every one finds the same


@dataclass(frozen=True)
class Searched:
    """The model that was kept, where its files are, and the report."""

    model: Model
    folder: Path
    report: Mapping[str, Any]


def search(
    recipe: Recipe,
    data: Dataset,
    *,
    target: str,
    budget: Budget,
    trials: int = TRIALS,
    families: Sequence[str] = tuple(space.VALUES),
    seed: int | None = None,
    jobs: int = 1,
    cluster: str | None = None,
    into: Path | None = None,
    on_progress: Advance | None = None,
) -> Searched:
    """Look for the best model within `budget` on `target`, keep it, and say how it does on groups put aside.

    Interrupted, it goes on where it was when called again with the same arguments, to the same result.

    Parameters
    ----------
    trials
        work to spend: as much as validating so many candidates on all rows takes; more than so many are seen
    jobs
        processes at a time; -1: one a processor
    cluster
        address of a Dask scheduler that has midge on its workers; extra `midge[cluster]`
    into
        folder for model.json, golden.npz, search.json, search.png and the journal; the app's `build/` if None

    Raises
    ------
    BudgetExceeded
        nothing is within the budget; the nearest miss is named
    CompileError
        no such target
    DatasetError
        fewer than three groups, or what `train.train` raises
    RecipeError
        less than one trial
    """
    if trials < 1:
        raise RecipeError(f"{trials} trials are no work to spend; ask for 1 or more")
    targets.get(target)
    seed = recipe.train.seed if seed is None else seed
    stages = _Stages(on_progress or (lambda done, total=None, text="": None))
    advance: Advance = stages
    folder = recipe.build_folder if into is None else into
    folder.mkdir(parents=True, exist_ok=True)
    warnings: list[str] = []
    found = train.examples(recipe, data, seed, warnings)
    aside = put_aside(found, seed)
    kept = without(found, aside)
    task = trial.Task(recipe, kept, target, budget, seed)
    about = {
        "data": dataset.fingerprint(data),
        "recipe": repr(recipe.features) + repr(recipe.window) + repr(recipe.train) + repr(recipe.sensor),
        "search": [target, asdict(budget), trials, list(families), seed, effort.RUNGS, effort.FINAL],
        "midge": train.provenance_of(recipe, data, found.cut, seed)["midge"],
    }
    journal = Journal(folder / JOURNAL_NAME, key_of(about))
    n_features = found.rows.X.shape[1]
    plan = effort.plan(trials, len(families))
    candidates = space.sample(tuple(families), n_features, plan.drawn, seed)
    with running.workers(jobs, cluster) as parallel:
        run = running.Runs(task, journal, parallel, stages.result)
        about_space = {"n_features": n_features, "seed": seed}
        tried = halving.search(candidates, budget, plan, run, advance, width=WIDTH, **about_space)
        n_new = plan.neighbours(run.fits())
        tried = refining.refine(tried, budget, run, advance, n_new=n_new, **about_space)
        tried = refining.judge_again(tried, budget, run, advance, finalists=plan.finalists)
    best = _best(tried, budget, target)
    names_aside = sorted(set(found.rows.keys[aside].tolist()))
    about_model = train.provenance_of(recipe, data, found.cut, seed) | {
        "family": best.candidate.family,
        "params": dict(best.candidate.params),
        "put_aside": names_aside,
        "unit": train.unit_of(found.kind),
        "layouts": {target: best.costs["layout"]},
    }
    model, predict = trial.fit(task, best.candidate, about_model)
    built = builder.build(model, target, layout=best.costs["layout"], budget=budget)
    answer = predict(found.rows.X[aside])
    counts = confusion.count(found.rows.y[aside], answer, len(recipe.labels))
    report = {
        "app": recipe.name,
        "target": target,
        "budget": asdict(budget),
        "best": best.to_json(),
        "held_out": {
            "groups": names_aside,
            "accuracy": confusion.accuracy(counts),
            "macro_f1": confusion.macro_f1(counts),
            "n": int(aside.sum()),
        },
        "built": built.to_json(),
        "trials": run.candidates(),
        "fits": run.fits(),
        "front": [one.to_json() for one in pareto.front(tried)],
        "beside": [one.to_json() for one in pareto.beside(tried)],
        "tried": [one.to_json() for one in tried],
        "warnings": warnings,
    }
    model_file.save(model, folder)
    (folder / REPORT_NAME).write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    title = f"{recipe.name} on {target}: {len(tried)} of {run.candidates()} built"
    pareto.draw(tried, folder / pareto.PICTURE_NAME, title)
    advance(effort.LAST + 3, effort.LAST + 3, "done")
    return Searched(model, folder, report)


class _Stages:
    """Passes progress on, and says after a stage's words how many of its jobs are done: they take minutes."""

    def __init__(self, advance: Advance) -> None:
        self._advance = advance
        self._at: tuple[float, float | None, str] = (0, None, "")

    def __call__(self, done: float, total: float | None = None, text: str = "") -> None:
        self._at = done, total, text
        self._advance(done, total, text)

    def result(self, kind: str, done: int, total: int) -> None:
        """`kind` of the jobs, "scores" or "cost"."""
        stage, stages, text = self._at
        self._advance(stage, stages, f"{text}: {done} of {total} {_JOBS[kind]}")


def put_aside(found: Examples, seed: int) -> Any:
    """Mask of the rows of some groups, by which nothing is chosen; DatasetError for fewer than 3 groups."""
    if len(np.unique(found.rows.keys)) < 3:
        raise DatasetError(
            "a search needs three groups or more, one of them to judge by; record other people"
        )
    return validation.folds(found.rows.y, found.rows.keys, HELD_OUT_FOLDS, seed, [])[0]


def without(found: Examples, aside: Any) -> Examples:
    """The examples less those put aside: windows, rows and variants."""
    cut = found.cut
    more = found.more.where(~np.isin(found.more.keys, found.rows.keys[aside]))
    return Examples(found.rows.where(~aside), more, Windows(*(column[~aside] for column in cut)), found.kind)


def _best(tried: Sequence[Tried], budget: Budget, target: str) -> Tried:
    within = [one for one in tried if trial.excess(one.costs, budget) <= 1]
    if within:
        # The most accurate of those that came furthest; of equals the fastest.
        return min(
            within,
            key=lambda one: (
                -one.rung,
                -round(one.accuracy, 3),
                one.costs["instructions"],
                one.candidate.name,
            ),
        )
    nearest = min(tried, key=lambda one: trial.excess(one.costs, budget))
    if "refused" in nearest.costs:
        raise BudgetExceeded(f"no candidate could be built for {target}: {nearest.costs['refused']}")
    costs = ", ".join(f"{name} {nearest.costs[name]}" for name in trial.LIMITS)
    raise BudgetExceeded(
        f"nothing within the budget on {target}; the nearest is {nearest.candidate.title} with {costs}; "
        "raise --budget, or offer fewer features in app.toml"
    )
