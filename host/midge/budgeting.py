"""Which of the families that "auto" compares keep to a recipe's [budget]: their modules are built for it."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from . import learners, validation
from .errors import BudgetExceeded
from .recipe import Budget, Recipe

if TYPE_CHECKING:
    from .train import Examples

# A Pico's: of the targets it has the least.
TARGET = "armv6m"


def affordable(recipe: Recipe, found: Examples, seed: int, warnings: list[str]) -> Collection[str]:
    """Families whose module of all examples is within the budget; every family if there is none.

    Only sizes are looked at, so nothing is learnt of examples that are held out later. Raises BudgetExceeded
    if no family is left.
    """
    if recipe.train.family != "auto" or recipe.budget == Budget():
        return tuple(learners.LEARNERS)
    from .build import build
    from .train import model_of  # it asks here

    rows = found.rows + found.more
    kept, over = [], []
    for family in dict.fromkeys(family for family, _ in validation.candidates(recipe.train)):
        params = recipe.train.offered.get(family, learners.LEARNERS[family].defaults())
        fitted = validation.fit(family, params, rows, seed)
        model = model_of(recipe, fitted, rows.X, windows=found.cut.windows, provenance={})
        try:
            build(model, TARGET, budget=recipe.budget)
        except BudgetExceeded as error:
            over.append(f"{family}: {str(error).partition(': ')[2].partition(';')[0]}")
        else:
            kept.append(family)
    if not kept:
        raise BudgetExceeded(
            f"{recipe.name}: no family that 'auto' compares keeps to [budget] ({'; '.join(over)}); raise it, "
            f"offer fewer features, or search: midge train {recipe.name} --search"
        )
    warnings += [f"over [budget], so not tried: {one}" for one in over]
    return tuple(kept)
