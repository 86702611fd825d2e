"""How far estimator, reference, C and board agree: three links, each with its own figure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from . import reference

if TYPE_CHECKING:
    from ..model_file import Model
    from .emulate import Emulator
    from .host import HostModel

Int16Array = npt.NDArray[np.int16]
# What another order of float additions can move a margin by.
FLOAT_EPSILON = 1e-12
# The same for long sums of products, as part of full scale.
DOT_TOLERANCE = 1e-5
# What long sums lose of their largest terms.
DOT_NOISE = 1e-13


@dataclass(frozen=True)
class Link:
    """One link of the chain.

    Attributes
    ----------
    name : str
        'estimator – reference', 'reference – C' or 'C – board'
    rows : int
        rows compared
    differ : int
        rows with another winner although their top two scores are further apart than `epsilon`: must be 0
    inside : int
        rows whose top two scores are closer than `epsilon`: they may differ
    differ_inside : int
        how many of those do
    score_error : float
        largest difference of a score, 1.0 = full scale
    epsilon : float
        the declared bound, 0 where bits must be equal
    """

    name: str
    rows: int
    differ: int
    inside: int
    differ_inside: int
    score_error: float
    epsilon: float

    @property
    def holds(self) -> bool:
        """True if no row differs that must not."""
        return self.differ == 0

    def __str__(self) -> str:
        text = f"{self.name}: {self.rows - self.differ - self.differ_inside} of {self.rows} rows agree"
        if self.inside:
            text += f", {self.inside} within ε = {self.epsilon:.1e} ({self.differ_inside} of them differ)"
        return text


def _link(
    name: str,
    *,
    winners: npt.NDArray[Any],
    other: npt.NDArray[Any],
    margins: npt.NDArray[np.float64],
    score_error: float,
    epsilon: float,
) -> Link:
    differs = np.asarray(winners) != np.asarray(other)
    inside = margins <= epsilon
    return Link(
        name,
        len(differs),
        int((differs & ~inside).sum()),
        int(inside.sum()),
        int((differs & inside).sum()),
        score_error,
        epsilon,
    )


def _largest(difference: npt.NDArray[np.float64]) -> float:
    return float(np.abs(difference).max(initial=0.0))


def estimator_reference(
    model: Model, X: Int16Array, scores: npt.NDArray[np.float64], winners: npt.NDArray[Any]
) -> Link:
    """Estimator against reference, on rows as the model reads them.

    scores, winners : the estimator's own probabilities (n_rows, n_scores) and class indices (n_rows,)
    """
    found = reference.evaluate(model.ir, X)
    return _link(
        "estimator – reference",
        winners=found.winners,
        other=winners,
        margins=found.margins,
        score_error=_largest(found.scores - scores),
        # Bits should be equal; but a float sum in another order (n_jobs) may decide a tie otherwise.
        epsilon=FLOAT_EPSILON + (model.ir.input_epsilon() if model.quantisation.kind != "none" else 0.0),
    )


def reference_c(model: Model, compiled: HostModel, X: Int16Array) -> Link:
    """Reference against the C on this machine."""
    found = reference.evaluate(model.ir, X)
    scores, winners = compiled.classify(X)
    error = _largest(scores / model.score_scale - found.scores)
    return _link(
        "reference – C",
        winners=found.winners,
        other=winners,
        margins=found.margins,
        score_error=error,
        epsilon=model.epsilon,
    )


def c_board(model: Model, compiled: HostModel, emulator: Emulator, X: Int16Array) -> Link:
    """C on this machine against the module on the target, emulated: a row with any other bit differs."""
    scores, winners = compiled.classify(X)
    return board_rows(emulator, X, scores, winners, model.score_scale)


def board_rows(
    emulator: Emulator,
    X: Int16Array,
    scores: Int16Array,
    winners: npt.NDArray[Any],
    score_scale: int = 32767,
) -> Link:
    """Expected scores and winners against the module on the target, emulated."""
    differ, worst = 0, 0
    for row, row_scores, winner in zip(X, scores, winners, strict=True):
        index, found = emulator.classify(row)
        differ += index != int(winner) or not np.array_equal(found, row_scores)
        worst = max(worst, int(np.abs(found.astype(np.int32) - row_scores).max(initial=0)))
    return Link("C – board", len(X), int(differ), 0, 0, worst / score_scale, 0.0)


def all_hold(links: Iterable[Link]) -> bool:
    """True if every link holds."""
    return all(link.holds for link in links)
