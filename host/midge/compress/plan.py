"""Which techniques, and how strong: chosen on groups held out in turn, then done to the model itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from ..compile import golden
from ..compile.ir import Node
from ..errors import MidgeError
from ..validation import Int16, Rows
from .judging import Loss, Right, lost
from .techniques import TECHNIQUES

NO_ROWS = Rows(np.zeros((0, 1), np.int16), np.zeros(0, np.int64), np.zeros(0, np.str_))


@dataclass(frozen=True)
class Case:
    """A model, the rows it may learn from, and those it is judged by; columns are those that it reads.

    varied : variants of the rows asked, as yet other people might have made them
    """

    ir: Node
    learning: Rows
    asked: Rows = NO_ROWS
    varied: Rows = NO_ROWS

    def right(self) -> Right:
        """Which rows asked the model's C gets right, (n_asked,): the integers are the same."""
        return self._right(self.asked)

    def right_of_varied(self) -> Right:
        """The same of the variants."""
        return self._right(self.varied)

    def _right(self, rows: Rows) -> Right:
        if not len(rows):
            return np.zeros(0, bool)
        found: Right = answers(self.ir.calibrated(self.learning.X), rows.X) == rows.y
        return found


@dataclass(frozen=True)
class Costs:
    """Of a module that was built for the target and checked."""

    module_bytes: int
    instructions: int
    layout: str


@dataclass(frozen=True)
class Line:
    """One step: what it did to the module, and to the accuracy on groups that its fits had not seen.

    `held_out`: accuracy on groups that nothing was chosen by. `may_lose`: at most so much accuracy is lost by
    all steps up to this one on groups of others, as sure as `judging.SURE` says. A step that is not
    `accepted` was undone.
    """

    step: str
    strength: float
    accepted: bool
    before: Costs
    after: Costs
    validated: tuple[float, float]
    held_out: tuple[float, float]
    may_lose: float = 0.0
    why: str = ""

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Plan:
    """Lines of all steps, and the model that they lead to."""

    ir: Node
    lines: tuple[Line, ...]

    @property
    def accepted(self) -> list[tuple[str, float]]:
        """(step, strength), as provenance has them."""
        return [(line.step, line.strength) for line in self.lines if line.accepted]


def answers(ir: Node, X: Int16) -> Any:
    """The class of each row of X by the model's integers, as its C gives it."""
    return golden.expected(ir, X)[1].astype(np.int64)


def apply(step: str, case: Case, strength: float, seed: int) -> Case | None:
    """The case with a smaller model, or None where the technique does not suit it."""
    # The sums of products of small nets wait for each other longer than they work.
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    with threadpool_limits(1, user_api="blas"):
        made = TECHNIQUES[step].of_kind[case.ir.kind](case.ir, case.learning, strength, seed)
    return None if made is None else replace(case, ir=made)


def replay(accepted: Sequence[tuple[str, float]], case: Case, seed: int) -> Node:
    """The model of a case after the steps of a plan."""
    for step, strength in accepted:
        done = apply(step, case, strength, seed)
        case = case if done is None else done
    return case.ir


def choose(
    folds: Sequence[Case],
    final: Case,
    steps: Sequence[str],
    loss: float,
    cost: Callable[[Node], Costs],
    seed: int,
    tell: Callable[[int, str], None] = lambda done, text: None,
) -> Plan:
    """Take each step as far as `loss` allows, if the module of `final` becomes smaller by it.

    Each step may use up the loss of its share: the first of three a third of it; and however little is lost
    on the rows asked and their variants, it must be no more than `loss` on groups of others, as far as these
    tell. What `final.asked` says is written down and decides nothing.
    """
    judges = Judges(folds)
    base = judges.accuracy
    accuracy, costs, lines, may_lose = base, cost(final.ir), list[Line](), 0.0
    held_out = _share(final)
    now = list(folds)
    for number, step in enumerate(steps):
        bar = loss * (number + 1) / len(steps) + 1e-12
        found: _Found | None = None
        is_suited = False
        for strength in TECHNIQUES[step].strengths:
            tell(number, f"{step} {strength:g}")
            made = [apply(step, case, strength, seed) for case in now]
            whole = [case for case in made if case is not None]
            if len(whole) < len(made):
                continue
            is_suited = True
            accuracy_of, judged = judges.judge(whole)
            if judged.seen <= bar and judged.at_most <= loss + 1e-12:
                found = _Found(strength, whole, accuracy_of, judged)
                break
        done = None if found is None else apply(step, final, found.strength, seed)
        same = (accuracy, accuracy), (held_out, held_out), may_lose
        if found is None or done is None:
            why = f"every strength may lose more than {loss:g}" if is_suited else "does not suit this model"
            lines.append(Line(step, 0.0, False, costs, costs, *same, why))
            continue
        try:
            after = cost(done.ir)
        except MidgeError as error:
            lines.append(Line(step, found.strength, False, costs, costs, *same, str(error)))
            continue
        is_smaller = (after.module_bytes, after.instructions) < (costs.module_bytes, costs.instructions)
        share = _share(done)
        why = "" if is_smaller else "the module is no smaller"
        pairs = (accuracy, found.accuracy), (held_out, share), found.loss.at_most
        lines.append(Line(step, found.strength, is_smaller, costs, after, *pairs, why))
        if is_smaller:
            now, final, costs, accuracy, held_out = found.folds, done, after, found.accuracy, share
            may_lose = found.loss.at_most
    return Plan(final.ir, tuple(lines))


class Judges:
    """The groups that are held out in turn, with what they say of the models to begin with."""

    def __init__(self, folds: Sequence[Case]) -> None:
        self._keys = [np.concatenate([rows.keys for rows in part]) for part in _parts(folds)]
        self._was = _right(folds)
        self.accuracy = float(self._was[0].mean())

    def judge(self, folds: Sequence[Case]) -> tuple[float, Loss]:
        """Accuracy on the rows asked, and the larger loss of theirs and their variants'."""
        now = _right(folds)
        losses = [lost(*one) for one in zip(self._was, now, self._keys, strict=True)]
        worst = Loss(*(max(figures) for figures in zip(*losses, strict=True)))
        return float(now[0].mean()), worst


def _parts(folds: Sequence[Case]) -> tuple[list[Rows], list[Rows]]:
    return [case.asked for case in folds], [case.varied for case in folds]


def _right(folds: Sequence[Case]) -> list[Right]:
    return [
        np.concatenate([case.right() for case in folds]),
        np.concatenate([case.right_of_varied() for case in folds]),
    ]


@dataclass(frozen=True)
class _Found:
    """The strongest that a step may be: the folds after it, their accuracy, the loss since the start."""

    strength: float
    folds: list[Case]
    accuracy: float
    loss: Loss


def _share(case: Case) -> float:
    return float(case.right().mean()) if len(case.asked) else 0.0
