"""The results of one run: rows, comparisons between midge and the peers, as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

MIDGE, PEER, QUOTED = "midge", "peer", "quoted"
# Flags of what users get, as against C in a program of its own.
MODULE = ".mpy"


@dataclass(frozen=True)
class Cost:
    """What one build costs on one target.

    Attributes
    ----------
    instructions : float
        executed, a call, mean over the test rows
    flash_bytes : float or None
        code and constants with the libraries; of a `.mpy`: the file
    wrong : int or None
        answers that differ from the estimator's
    snr_db : float or None
        of a transform
    """

    instructions: float
    flash_bytes: float | None = None
    wrong: int | None = None
    snr_db: float | None = None


@dataclass
class Row:
    """One build of one side; `note` says why there are no figures, or what is special."""

    side: str
    name: str
    flags: str = ""
    costs: dict[str, Cost] = field(default_factory=dict)
    note: str = ""


@dataclass
class Result:
    """All rows of one work."""

    name: str
    title: str
    n_rows: int
    must: tuple[float, ...] = ()
    reach: tuple[float, ...] = ()
    least_snr_db: float | None = None
    rows: list[Row] = field(default_factory=list)

    def is_good(self, cost: Cost) -> bool:
        """True if all answers are the estimator's, or the transform is clean enough."""
        if self.least_snr_db is not None:
            return cost.snr_db is not None and cost.snr_db >= self.least_snr_db
        return cost.wrong == 0

    def is_good_on(self, row: Row, target: str) -> bool:
        """True if a row was measured on a target, and is good there."""
        return target in row.costs and self.is_good(row.costs[target])

    def best(self, sides: Iterable[str], target: str, *, only_good: bool) -> tuple[Row, Cost] | None:
        """The row with the fewest instructions on a target."""
        found = [
            (row, row.costs[target])
            for row in self.rows
            if row.side in sides and target in row.costs and (not only_good or self.is_good_on(row, target))
        ]
        return min(found, key=lambda pair: pair[1].instructions, default=None)


def to_json(results: Sequence[Result], versions: dict[str, str]) -> dict[str, Any]:
    """For programs; the same text for the same versions."""
    return {"versions": versions, "works": [asdict(result) for result in results]}


def summary(results: Sequence[Result], targets: Sequence[str]) -> Iterator[str]:
    """A line a work: on each target the cheapest peer, the cheapest module, and how they compare."""
    head = "".join(f"{name + ': peer':>20}{'midge':>10}{'':10}" for name in targets)
    yield f"{'work':34}{head}{'wrong':>7}"
    for result in results:
        cells = ""
        for name in targets:
            peer = result.best((PEER, QUOTED), name, only_good=False)
            own = result.best((MIDGE,), name, only_good=True)
            modules = [row for row in result.rows if row.flags == MODULE and result.is_good_on(row, name)]
            costs = [row.costs[name] for row in modules] or ([own[1]] if own else [])
            least = min((cost.instructions for cost in costs), default=None)
            ratio = f"{peer[1].instructions / least:.1f} ×" if peer and least else "—"
            cells += f"{_count(peer[1].instructions) if peer else '—':>20}"
            cells += f"{'—' if least is None else _count(least):>10}{ratio:>10}"
        judged = [cost for row in result.rows if row.side == MIDGE for cost in row.costs.values()]
        yield f"{result.title:34}{cells}{_judgement(judged):>7}"


def lines(results: Sequence[Result], targets: Sequence[str]) -> Iterator[str]:
    """The table as text."""
    for result in results:
        yield from _work_lines(result, targets)
        yield ""


def _work_lines(result: Result, targets: Sequence[str]) -> Iterator[str]:
    yield f"{result.title}  [{result.name}; {result.n_rows} rows]"
    judged = "wrong" if result.least_snr_db is None else "SNR dB"
    head = "".join(f"{name:>12}{'flash':>9}" for name in targets)
    yield f"  {'':30}{'':5}{head}{judged:>9}"
    for row in result.rows:
        cells = "".join(
            f"{_instructions(row.costs.get(name)):>12}{_bytes(row.costs.get(name)):>9}" for name in targets
        )
        judgement = _judgement(row.costs.values())
        yield f"  {row.name:30}{row.flags:5}{cells}{judgement:>9}  {row.note}".rstrip()
    for label, sides, only_good in (
        ("cheapest peer", (PEER, QUOTED), False),
        ("cheapest peer without fault", (PEER,), True),
        ("midge", (MIDGE,), False),
        ("midge without fault", (MIDGE,), True),
    ):
        best = [result.best(sides, name, only_good=only_good) for name in targets]
        yield _line(label, [_count(pair[1].instructions) if pair else "—" for pair in best])
    for label, sides, only_good in (
        ("peer / midge", (PEER, QUOTED), False),
        ("the same, without fault", (PEER,), True),
    ):
        yield _line(label, [_ratio(result, sides, name, only_good) for name in targets])
    for label, goals in (("must", result.must), ("reach", result.reach)):
        if goals:
            yield _line(label, [_goal(result, *pair) for pair in zip(targets, goals, strict=False)])


def _line(label: str, cells: Sequence[str]) -> str:
    return f"  {label:35}" + "".join(f"{cell:>12}{'':9}" for cell in cells).rstrip()


def _ratio(result: Result, sides: Sequence[str], target: str, only_good: bool) -> str:
    peer = result.best(sides, target, only_good=only_good)
    own = result.best((MIDGE,), target, only_good=only_good)
    return f"{peer[1].instructions / own[1].instructions:.2f} ×" if peer and own else "—"


def _goal(result: Result, target: str, most: float) -> str:
    """The goal, and whether it is met without fault: by a module where there are any."""
    own = [row for row in result.rows if row.side == MIDGE]
    modules = [row for row in own if row.flags == MODULE] or own
    good = [row.costs[target].instructions for row in modules if result.is_good_on(row, target)]
    return f"{_count(most)} {'met' if good and min(good) <= most else 'missed'}"


def _count(figure: float) -> str:
    return f"{figure:,.0f}"


def _instructions(cost: Cost | None) -> str:
    return "—" if cost is None else _count(cost.instructions)


def _bytes(cost: Cost | None) -> str:
    return "—" if cost is None or cost.flash_bytes is None else _count(cost.flash_bytes)


def _judgement(costs: Iterable[Cost]) -> str:
    """The worst of all targets."""
    snrs = [cost.snr_db for cost in costs if cost.snr_db is not None]
    if snrs:
        return f"{min(snrs):.1f}"
    wrong = [cost.wrong for cost in costs if cost.wrong is not None]
    return str(max(wrong)) if wrong else "—"
