"""Where jobs run, one after another or spread, and that none is done twice."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from ..errors import MidgeError
from . import halving, trial
from .halving import Job
from .journal import Journal
from .space import Candidate

Parallel = Callable[[Callable[..., Any], Sequence[tuple[Any, ...]]], Iterator[Any]]


class Runs:
    """Runs jobs; what the journal knows, or another job of the same says, is not computed again."""

    def __init__(self, task: trial.Task, journal: Journal, parallel: Parallel) -> None:
        self._task, self._journal, self._parallel = task, journal, parallel
        self._asked: dict[tuple[str, str], Job] = {}

    def __call__(self, jobs: Sequence[Job]) -> list[Any]:
        """Results in the order of the jobs."""
        names = [_name(job) for job in jobs]
        self._asked.update({(name, job[1].name): job for name, job in zip(names, jobs, strict=True)})
        new = {name: job for name, job in zip(names, jobs, strict=True) if name not in self._journal.results}
        results = self._parallel(compute, [(self._task, *job) for job in new.values()])
        for name, result in zip(new, results, strict=True):
            self._journal.add(name, result)
        return [self._journal.results[name] for name in names]

    def candidates(self) -> int:
        """How many have been looked at."""
        return len({candidate.name for _, candidate, _ in self._asked.values()})

    def fits(self) -> float:
        """What all jobs so far amount to in fits on all rows; a build begins with one."""
        once = {name: job for (name, _), job in self._asked.items()}
        rungs = [halving.RUNGS[rung] for kind, _, rung in once.values() if kind == "accuracy"]
        return sum(share * folds for share, folds in rungs) + len(once) - len(rungs)


def _name(job: Job) -> str:
    kind, candidate, rung = job
    return f"accuracy {rung} {candidate.fit_name}" if kind == "accuracy" else f"cost {candidate.name}"


def compute(task: trial.Task, kind: str, candidate: Candidate, rung: int) -> Any:
    """The result of one job."""
    if kind == "cost":
        return trial.cost(task, candidate)
    return trial.accuracy(task, candidate, *halving.RUNGS[rung])


@contextmanager
def workers(jobs: int, cluster: str | None) -> Iterator[Parallel]:
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
