"""Which techniques, and how strong: chosen on groups held out in turn, then done to the model itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ..compile import golden
from ..compile.ir import Node
from ..errors import MidgeError
from ..validation import Int16, Rows
from .techniques import TECHNIQUES

NO_ROWS = Rows(np.zeros((0, 1), np.int16), np.zeros(0, np.int64), np.zeros(0, np.str_))


@dataclass(frozen=True)
class Case:
    """A model, the rows it may learn from, and those it is judged by; columns are those that it reads."""

    ir: Node
    learning: Rows
    asked: Rows = NO_ROWS

    def right(self) -> int:
        """Rows that the model's C gets right: the integers are the same."""
        return int((answers(self.ir.calibrated(self.learning.X), self.asked.X) == self.asked.y).sum())


@dataclass(frozen=True)
class Costs:
    """Of a module that was built for the target and checked."""

    module_bytes: int
    instructions: int
    layout: str


@dataclass(frozen=True)
class Line:
    """One step: what it did to the module, and to the accuracy on groups that its fits had not seen.

    `held_out`: accuracy on groups that nothing was chosen by. A step that is not `accepted` was undone.
    """

    step: str
    strength: float
    accepted: bool
    before: Costs
    after: Costs
    validated: tuple[float, float]
    held_out: tuple[float, float]
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
    return None if made is None else Case(made, case.learning, case.asked)


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

    Each step may use up the loss of its share: the first of three a third of it. What `final.asked` says is
    written down and decides nothing.
    """
    n_asked = sum(len(case.asked) for case in folds)
    base = sum(case.right() for case in folds) / n_asked
    accuracy, costs, lines = base, cost(final.ir), []
    held_out = final.right() / max(1, len(final.asked))
    now = list(folds)
    for number, step in enumerate(steps):
        bar = base - loss * (number + 1) / len(steps) - 1e-12
        found: tuple[float, list[Case], float] | None = None
        tried = 0.0
        for strength in TECHNIQUES[step].strengths:
            tell(number, f"{step} {strength:g}")
            made = [apply(step, case, strength, seed) for case in now]
            whole = [case for case in made if case is not None]
            if len(whole) < len(made):
                continue
            tried = sum(case.right() for case in whole) / n_asked
            if tried >= bar:
                found = strength, whole, tried
                break
        done = None if found is None else apply(step, final, found[0], seed)
        if found is None or done is None:
            why = f"every strength loses more than {loss:g}" if tried else "does not suit this model"
            lines.append(
                Line(step, 0.0, False, costs, costs, (accuracy, accuracy), (held_out, held_out), why)
            )
            continue
        try:
            after = cost(done.ir)
        except MidgeError as error:
            same = (accuracy, accuracy), (held_out, held_out)
            lines.append(Line(step, found[0], False, costs, costs, *same, str(error)))
            continue
        is_smaller = (after.module_bytes, after.instructions) < (costs.module_bytes, costs.instructions)
        share = done.right() / max(1, len(done.asked))
        why = "" if is_smaller else "the module is no smaller"
        pairs = (accuracy, found[2]), (held_out, share)
        lines.append(Line(step, found[0], is_smaller, costs, after, *pairs, why))
        if is_smaller:
            now, final, costs, accuracy, held_out = found[1], done, after, found[2], share
    return Plan(final.ir, tuple(lines))
