"""Where jobs run, one after another or spread, and that none is done twice."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from ..errors import MidgeError
from . import trial
from .effort import Rung
from .halving import Job
from .journal import Journal
from .space import Candidate

Parallel = Callable[[Callable[..., Any], Sequence[tuple[Any, ...]]], Iterator[Any]]


class Runs:
    """Runs jobs; what the journal knows, or another job of the same says, is not computed again."""

    def __init__(
        self,
        task: trial.Task,
        journal: Journal,
        parallel: Parallel,
        on_result: Callable[[str, int, int], None] = lambda kind, done, total: None,
    ) -> None:
        self._task, self._journal, self._parallel, self._on_result = task, journal, parallel, on_result
        self._asked: dict[tuple[str, str], Job] = {}

    def __call__(self, jobs: Sequence[Job]) -> list[Any]:
        """Results in the order of the jobs."""
        names = [_name(job) for job in jobs]
        self._asked.update({(name, job[1].name): job for name, job in zip(names, jobs, strict=True)})
        new = {name: job for name, job in zip(names, jobs, strict=True) if name not in self._journal.results}
        results = self._parallel(compute, [(self._task, *job) for job in new.values()])
        for done, (name, result) in enumerate(zip(new, results, strict=True), 1):
            self._journal.add(name, result)
            self._on_result(new[name][0], done, len(new))
        return [self._journal.results[name] for name in names]

    def candidates(self) -> int:
        """How many have been looked at."""
        return len({candidate.name for _, candidate, _ in self._asked.values()})

    def fits(self) -> float:
        """What all jobs so far amount to in fits on all rows; a build begins with one."""
        once = {name: job for (name, _), job in self._asked.items()}
        return sum(
            (1.0 if rung is None else rung.work) * candidate.fits for _, candidate, rung in once.values()
        )


def _name(job: Job) -> str:
    kind, candidate, rung = job
    if rung is None:
        return f"{kind} {candidate.name}"
    return f"{kind} {rung.share:g} {rung.folds} {rung.split} {candidate.fit_name}"


def compute(task: trial.Task, kind: str, candidate: Candidate, rung: Rung | None) -> Any:
    """The result of one job."""
    return trial.cost(task, candidate) if rung is None else trial.scores(task, candidate, rung)


@contextmanager
def workers(jobs: int, cluster: str | None) -> Iterator[Parallel]:
    """How jobs are spread: here, over processes, or over a Dask cluster; results come in their order."""
    import joblib

    if jobs == 0:
        raise MidgeError("0 jobs do nothing; ask for 1 or more, or for -1: one a processor")

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
    except (OSError, TimeoutError, ValueError) as error:
        raise MidgeError(
            f"no Dask scheduler answers at {cluster} ({error}); start one, or leave --cluster"
        ) from None
    with client, joblib.parallel_config(backend="dask", n_jobs=-1):
        yield parallel
