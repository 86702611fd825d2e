"""Search: the most accurate model within a budget of bytes and instructions on a target.

Some groups are put aside first and never looked at; the figure that is reported is theirs.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .. import build as builder
from .. import confusion, dataset, model_file, train, validation
from ..dataset import Dataset, Windows
from ..errors import BudgetExceeded, DatasetError, MidgeError
from ..model_file import Model
from ..progress import Advance
from ..recipe import Budget, Recipe
from ..train import Examples
from . import halving, pareto, space, trial
from .halving import Job, Tried
from .journal import Journal, key_of

JOURNAL_NAME = "search.jsonl"
REPORT_NAME = "search.json"
TRIALS = 36
HELD_OUT_FOLDS = 4  # one of them is put aside


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
    DatasetError
        fewer than three groups, or what `train.train` raises
    """
    seed = recipe.train.seed if seed is None else seed
    advance = on_progress or (lambda done, total=None, text="": None)
    folder = recipe.build_folder if into is None else into
    folder.mkdir(parents=True, exist_ok=True)
    warnings: list[str] = []
    found = train.examples(recipe, data, seed, warnings)
    aside = _put_aside(found, seed)
    kept = _without(found, aside)
    task = trial.Task(recipe, kept, target, budget, seed)
    about = {
        "data": dataset.fingerprint(data),
        "recipe": repr(recipe.features) + repr(recipe.window) + repr(recipe.train) + repr(recipe.sensor),
        "search": [target, asdict(budget), trials, list(families), seed],
        "midge": train.provenance_of(recipe, data, found.cut, seed)["midge"],
    }
    journal = Journal(folder / JOURNAL_NAME, key_of(about))
    candidates = space.sample(tuple(families), found.rows.X.shape[1], trials, seed)
    with _workers(jobs, cluster) as run_parallel:
        run = _remembering(task, journal, run_parallel)
        tried = halving.search(candidates, budget, run, advance, width=max(4, jobs))
    best = _best(tried, budget, target)
    fitted, model = trial.fit(task, best.candidate)
    about_model = train.provenance_of(recipe, data, found.cut, seed) | {
        "family": best.candidate.family,
        "params": dict(best.candidate.params),
        "put_aside": sorted(set(found.rows.keys[aside].tolist())),
    }
    rows = kept.rows + kept.more
    model = train.model_of(recipe, fitted, rows.X, windows=kept.cut.windows, provenance=about_model)
    built = builder.build(model, target, layout=best.costs["layout"], budget=budget)
    answer = fitted.predict(found.rows.X[aside])
    counts = confusion.count(found.rows.y[aside], answer, len(recipe.labels))
    report = {
        "app": recipe.name,
        "target": target,
        "budget": asdict(budget),
        "best": best.to_json(),
        "held_out": {
            "groups": about_model["put_aside"],
            "accuracy": confusion.accuracy(counts),
            "macro_f1": confusion.macro_f1(counts),
            "n": int(aside.sum()),
        },
        "built": built.to_json(),
        "trials": len(candidates),
        "front": [one.to_json() for one in pareto.front(tried)],
        "tried": [one.to_json() for one in tried],
        "warnings": warnings,
    }
    model_file.save(model, folder)
    (folder / REPORT_NAME).write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    pareto.draw(
        tried, folder / pareto.PICTURE_NAME, f"{recipe.name} on {target}: {len(tried)} of {trials} built"
    )
    advance(len(halving.RUNGS), len(halving.RUNGS), "done")
    return Searched(model, folder, report)


def _put_aside(found: Examples, seed: int) -> Any:
    if len(np.unique(found.rows.keys)) < 3:
        raise DatasetError(
            "a search needs three groups or more, one of them to judge by; record other people"
        )
    return validation.folds(found.rows.y, found.rows.keys, HELD_OUT_FOLDS, seed, [])[0]


def _without(found: Examples, aside: Any) -> Examples:
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
        f"nothing within the budget on {target}; the nearest is {nearest.candidate.name} with {costs}; "
        "raise --budget, or offer fewer features in app.toml"
    )


Parallel = Callable[[Callable[..., Any], Sequence[tuple[Any, ...]]], Iterator[Any]]


def _remembering(task: trial.Task, journal: Journal, parallel: Parallel) -> halving.Run:
    """Runs jobs, but none twice: what the journal knows is not computed again."""

    def run(jobs: Sequence[Job]) -> list[Any]:
        names = [f"{kind} {rung if kind == 'accuracy' else ''} {one.name}" for kind, one, rung in jobs]
        new = [number for number, name in enumerate(names) if name not in journal.results]
        results = parallel(_job, [(task, *jobs[number]) for number in new])
        for number, result in zip(new, results, strict=True):
            journal.add(names[number], result)
        return [journal.results[name] for name in names]

    return run


def _job(task: trial.Task, kind: str, candidate: space.Candidate, rung: int) -> Any:
    if kind == "cost":
        return trial.cost(task, candidate)
    return trial.accuracy(task, candidate, *halving.RUNGS[rung])


@contextmanager
def _workers(jobs: int, cluster: str | None) -> Iterator[Parallel]:
    """How jobs are spread: here, over processes, or over a Dask cluster; results come in their order."""
    import joblib

    def parallel(function: Callable[..., Any], arguments: Sequence[tuple[Any, ...]]) -> Iterator[Any]:
        calls = (joblib.delayed(function)(*one) for one in arguments)
        results: Iterator[Any] = joblib.Parallel(n_jobs=jobs, return_as="generator")(calls)
        return results

    if cluster is None:
        yield parallel
        return
    try:
        distributed: Any = importlib.import_module("dask.distributed")
    except ImportError:
        raise MidgeError("a cluster needs Dask: pip install 'midge[cluster]'") from None
    try:
        client = distributed.Client(cluster, timeout="10s")
    except (OSError, TimeoutError) as error:
        raise MidgeError(
            f"no Dask scheduler answers at {cluster} ({error}); start one, or leave --cluster"
        ) from None
    with client, joblib.parallel_config(backend="dask", n_jobs=-1):
        yield parallel
