"""What "auto" goes by besides accuracy: what modules cost, and whether they keep to a [budget]."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, NamedTuple

from . import learners, validation
from .errors import BudgetExceeded, CompileError, ModelError
from .recipe import Budget, Recipe

if TYPE_CHECKING:
    from .train import Examples

# A Pico's: of the targets it has the least.
TARGET = "armv6m"
# Parameters that change numbers of a model, but not how many there are.
_NOT_OF_SIZE = {"linear": ("c",), "net": ("alpha",), "conv": ("epochs", "vary"), "ds-cnn": ("epochs", "vary")}


class Cost(NamedTuple):
    """Of a module on `TARGET`; instructions of one window, its features among them."""

    module_bytes: int
    instructions: int


class Prices:
    """What candidates cost: for each that is asked for, a module of all examples is built, once.

    Only sizes are looked at, so nothing is learnt of examples that are held out later.

    costs : by the candidate's name; None: there is no such module, or it is not within the budget
    """

    def __init__(self, recipe: Recipe, found: Examples, seed: int) -> None:
        self._recipe, self._found, self._seed = recipe, found, seed
        self.costs: dict[str, Cost | None] = {}
        self._why: dict[str, str] = {}

    def __call__(self, family: str, params: Mapping[str, float]) -> float:
        """Bytes times instructions, so twice as large is as bad as twice as slow; infinite without module."""
        usual = learners.LEARNERS[family].defaults()
        sized = {**params, **{key: usual[key] for key in _NOT_OF_SIZE.get(family, ())}}
        name, alike = (validation.name_of(family, one) for one in (params, sized))
        if alike not in self.costs:
            try:
                self.costs[alike] = self._cost(family, sized)
            except (CompileError, ModelError) as error:
                self.costs[alike], self._why[alike] = None, str(error)
        self.costs[name] = cost = self.costs[alike]
        return float("inf") if cost is None else float(cost.module_bytes) * cost.instructions

    def affordable(self, warnings: list[str]) -> Collection[str]:
        """Families whose module is within the recipe's budget; every family if it has none.

        Raises BudgetExceeded if no family is left.
        """
        train = self._recipe.train
        if train.family != "auto" or self._recipe.budget == Budget():
            return tuple(learners.LEARNERS)
        kept, over = [], []
        for family in dict.fromkeys(family for family, _ in validation.candidates(train)):
            params = train.offered.get(family, learners.LEARNERS[family].defaults())
            if self(family, params) == float("inf"):
                why = next(why for name, why in self._why.items() if name.split()[0] == family)
                over.append(f"{family}: {why.partition(': ')[2].partition(';')[0]}")
            else:
                kept.append(family)
        if not kept:
            app = self._recipe.name
            raise BudgetExceeded(
                f"{app}: no family that 'auto' compares keeps to [budget] ({'; '.join(over)}); raise it, "
                f"offer fewer features, or search: midge train {app} --search"
            )
        warnings += [f"over [budget], so not tried: {one}" for one in over]
        return tuple(kept)

    def _cost(self, family: str, params: Mapping[str, float]) -> Cost:
        from .build import build
        from .train import model_of  # it asks here

        recipe, rows = self._recipe, self._found.rows + self._found.more
        fitted = validation.fit(family, params, rows, self._seed)
        model = model_of(recipe, fitted, rows.X, windows=self._found.cut.windows, provenance={})
        # Without a budget tables do as well to compare, and need no compiler.
        layout = "table" if recipe.budget == Budget() else "auto"
        built = build(model, TARGET, layout=layout, budget=recipe.budget)
        return Cost(built.module_bytes, round(built.instructions_mean + built.frontend_instructions))
