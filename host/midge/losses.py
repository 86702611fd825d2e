"""What int16 loses of a model: training rows that the C answers otherwise than the estimator did."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from .compile import agreement, kernel, kernel_integer, linear, neighbors, quantise, reference
from .compile.additive import Additive
from .compile.gaussian import Gaussian
from .compile.ir import Forest, Node
from .compile.kernel import Kernel
from .compile.linear import Linear
from .compile.neighbors import Neighbors
from .compile.projected import Projected, least_margins, project
from .compile.quadratic import Quadratic

if TYPE_CHECKING:
    from .compiled import CompiledModel

# Part of the training rows on which the C may answer otherwise than the estimator, near ties apart.
MOST_WRONG = 0.005
# The same for nets that compute in int8, which rounds each of their layers.
MOST_WRONG_IN_INT8 = 0.02
# Error of a regressor's values, of the full scale of its scores.
MOST_VALUE_ERROR = 0.001
# Error of one row, of the deviation of all.
MISVALUED = 0.02
# Part of the usual margin that counts as one.
NEAR_TIE = 0.01
# The same of one that no row may be wrong by.
GROSS = 0.5
# Usual error of a kernel machine's values, of their usual size.
COARSE = 0.005
# Margins below this part of a unit of scores are noise of float64.
FLOAT_NOISE = 1e-12


def inside(ir: Node, rows: quantise.Int16Array) -> tuple[Node, quantise.Int16Array]:
    """The model behind a projection, and what it reads; or the model and the rows themselves."""
    if not isinstance(ir, Projected):
        return ir, rows
    return ir.inner, project(ir, rows.astype(np.float64)).astype(np.int16)


def undecided(
    ir: Node,
    X: npt.NDArray[np.float64],
    expected: npt.NDArray[np.float64],
    values: npt.NDArray[np.float64],
    *,
    winners: bool = False,
) -> npt.NDArray[np.bool_]:
    """Rows whose scores, or only whose winners, are anybody's choice."""
    if isinstance(ir, Projected):
        Z = project(ir, X)
        if isinstance(ir.inner, Forest | Additive):
            # What is left of a component without variance is noise, and trees split it all the same.
            noise = agreement.DOT_NOISE * (np.abs(ir.matrix) @ np.abs(X).max(axis=0) + np.abs(ir.offset))
            return least_margins(ir.inner, Z, noise) <= 0
        return undecided(ir.inner, Z, expected, Z, winners=winners)
    if isinstance(ir, Neighbors):
        return neighbors.undecided(ir, X)
    rule = getattr(ir, "verdict", None)
    if rule is not None and rule.scores == "votes":
        # Some duel was decided by what float64 rounds off.
        assert isinstance(ir, Kernel | Linear)
        found = kernel.values(ir, X) if isinstance(ir, Kernel) else linear.values(ir, X)
        least = ir.verdict.judge(found).margins if winners else np.abs(found).min(axis=1)
        return np.asarray(least <= _value_noise(ir, values))
    if rule is not None and rule.decide == "highest" and rule.scores == "sigmoid":
        # All probabilities were too small for float64.
        return np.asarray((expected == 1 / rule.n_classes).all(axis=1))
    return np.zeros(len(X), bool)


def noise(ir: Node, X: npt.NDArray[np.float64]) -> float:
    """What float64 rounds off the estimator's own scores of the rows of X."""
    if isinstance(ir, Projected):
        return noise(ir.inner, project(ir, X))
    if isinstance(ir, Linear):
        return _value_noise(ir, X) / (ir.verdict.unit or 1.0)
    if isinstance(ir, Gaussian):
        # Mixtures expand the square.
        terms = (np.abs(X).max(axis=0) + np.abs(ir.mean)) ** 2 / ir.variance
        return agreement.DOT_NOISE * float(terms.sum(axis=1).max())
    if isinstance(ir, Quadratic):
        sides = np.abs(ir.maps) @ np.abs(X).max(axis=0) + np.abs(ir.offsets)
        return agreement.DOT_NOISE * float((sides**2).sum(axis=1).max()) / (ir.verdict.unit or 1.0)
    return 0.0


def _value_noise(ir: Node, X: npt.NDArray[np.float64]) -> float:
    """What float64 rounds off the values of a machine on the rows of X."""
    if isinstance(ir, Linear):
        return agreement.DOT_NOISE * ir.largest_terms()
    if isinstance(ir, Kernel):
        return agreement.DOT_NOISE * ir.largest_weight() * max(1.0, ir.reach) ** ir.degree
    return 0.0


def lost(compiled: CompiledModel, rows: quantise.Int16Array) -> int:
    """Rows on which integers lose more of the model than near ties; 0 if they are few enough."""
    link = compiled.links[1]
    if not len(compiled.classes):
        return _lost_values(compiled, rows) if link.score_error > MOST_VALUE_ERROR else 0
    if not link.differ_inside and not link.differ:
        return 0
    if compiled.model.ir.kind == "conv":
        wrong = link.differ + link.differ_inside
        return wrong if wrong > MOST_WRONG_IN_INT8 * link.rows else 0
    found = reference.evaluate(compiled.model.ir, rows)
    _, winners = compiled._host.classify(rows)
    unit = getattr(getattr(compiled.model.ir, "verdict", None), "unit", 0.0) or 1.0
    is_clear = found.margins > max(NEAR_TIE * float(np.median(found.margins)), FLOAT_NOISE * unit)
    wrong = int(((winners != found.winners) & is_clear).sum())
    return wrong if wrong > MOST_WRONG * len(rows) else 0


def _lost_values(compiled: CompiledModel, rows: quantise.Int16Array) -> int:
    """Rows on which a regressor's integers are off, but for neighbours that are nearly equally near."""
    scores, _ = compiled._host.classify(rows)
    found = reference.predict(compiled.model.ir, rows)
    wrong = np.abs(scores / compiled.model.score_scale - found).max(axis=1) > MOST_VALUE_ERROR
    inner, seen = inside(compiled.model.ir, rows)
    if isinstance(inner, Neighbors):
        gaps = neighbors.gaps(inner, seen.astype(np.float64))
        wrong &= gaps > max(NEAR_TIE * float(np.median(gaps)), FLOAT_NOISE)
    return int(wrong.sum())


def misvalued(compiled: CompiledModel, rows: quantise.Int16Array, expected: npt.NDArray[np.float64]) -> int:
    """Rows on which the C is not near the value of the estimator, near ties apart; 0 if few enough."""
    scores, _ = compiled._host.classify(rows)
    off = np.abs(scores / compiled.model.score_scale - expected).max(axis=1)
    wrong = off > max(MISVALUED * float(expected.std()), MOST_VALUE_ERROR)
    inner, seen = inside(compiled.model.ir, rows)
    if isinstance(inner, Neighbors) and wrong.any():
        gaps = neighbors.gaps(inner, seen.astype(np.float64))
        wrong &= gaps > max(NEAR_TIE * float(np.median(gaps)), FLOAT_NOISE)
    found = int(wrong.sum())
    return found if found > MOST_WRONG * len(rows) else 0


def mistaken(
    compiled: CompiledModel,
    rows: quantise.Int16Array,
    winners: npt.NDArray[np.intp],
    margins: npt.NDArray[np.float64],
) -> int:
    """Rows on which the C is not what the estimator was, near ties apart; 0 if they are few enough."""
    _, found = compiled._host.classify(rows)
    usual = float(np.median(margins))
    gross = int(((found != winners) & (margins > GROSS * usual)).sum())
    if gross and compiled.model.ir.kind != "conv":
        return gross
    wrong = int(((found != winners) & (margins > NEAR_TIE * usual)).sum())
    most = MOST_WRONG_IN_INT8 if compiled.model.ir.kind == "conv" else MOST_WRONG
    return wrong if wrong > most * len(rows) else 0


def is_coarse(ir: Kernel, rows: quantise.Int16Array) -> bool:
    """True if integers are usually off by what often decides: rows to come may have smaller margins."""
    found = kernel.values(ir, rows.astype(np.float64))
    off = kernel_integer.values(kernel_integer.lower(ir), rows) - (found - ir.verdict.center)
    size = ir.verdict.unit if ir.verdict.decide == "value" else float(np.median(np.abs(found)))
    return bool(np.sqrt((off**2).mean()) > COARSE * size)
