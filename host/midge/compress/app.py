"""`midge compress`: the model of an app, or of a model file, made smaller with recordings to judge it by."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from .. import budgeting, dataset, families, model_file, targets, train, validation
from .. import build as builder
from ..compile.ir import Node
from ..dataset import Dataset
from ..errors import DatasetError
from ..model_file import Model
from ..progress import Advance
from ..recipe import Recipe
from ..train import Examples
from ..validation import Rows
from . import plan, techniques
from .plan import Case, Costs, Plan
from .recipe_of_model import recipe_of

# One of so many parts of the groups decides nothing; the others are held out in turn.
ASIDE_FOLDS = 4
FOLDS = 3

# (IR, or None for the one that it began with; provenance) → model
ModelOf = Callable[[Node | None, Mapping[str, Any]], Model]


@dataclass(frozen=True)
class Compressed:
    """The smaller model, where it is, and the report."""

    model: Model
    folder: Path
    report: Mapping[str, Any]


def compress_app(
    recipe: Recipe,
    data: Dataset,
    *,
    target: str,
    loss: float,
    steps: Sequence[str] | None = None,
    into: Path | None = None,
    on_progress: Advance | None = None,
) -> Compressed:
    """Fit the recipe's model on all groups but those put aside, make it smaller, and write it.

    Raises
    ------
    CompileError
        no such technique or target, or no technique for this kind of model
    DatasetError
        fewer than three groups, or what `train.train` raises
    """
    targets.get(target)
    techniques.check(steps)
    seed, warnings = recipe.train.seed, list[str]()
    found = train.examples(recipe, data, seed, warnings)
    aside = put_aside(found.rows, seed)
    price = budgeting.Prices(recipe, found, seed)
    choice = validation.choose(recipe.train, found.rows.where(~aside), seed, price=price)
    about = train.provenance_of(recipe, data, found.cut, seed) | {
        "family": choice.family,
        "params": dict(choice.params),
        "unit": train.unit_of(found.kind),
        "put_aside": sorted(set(found.rows.keys[aside].tolist())),
    }
    final, folds, model_of = cases(recipe, found, choice, seed)
    folder = recipe.build_folder if into is None else into
    return _compress(final, folds, model_of, about, target, loss, steps, seed, folder, warnings, on_progress)


def cases(
    recipe: Recipe, found: Examples, choice: validation.Choice, seed: int
) -> tuple[Case, list[Case], ModelOf]:
    """What is compressed in the end, the folds that decide, and how a model is made of the former's IR.

    Raises DatasetError for fewer than three groups.
    """
    aside = put_aside(found.rows, seed)
    known = found.rows.where(~aside)
    more = found.more.where(~np.isin(found.more.keys, found.rows.keys[aside]))
    fitted = validation.fit(choice.family, choice.params, known + more, seed, choice)

    def model_of(ir: Node | None, provenance: Mapping[str, Any]) -> Model:
        windows = found.cut.windows[~aside]
        return train.model_of(recipe, fitted, (known + more).X, windows=windows, provenance=provenance, ir=ir)

    folds = []
    for mask in _masks(known, len(recipe.labels), seed):
        learning = known.where(~mask) + more.where(~np.isin(more.keys, known.keys[mask]))
        made = validation.fit(choice.family, choice.params, learning, seed, choice)
        varied = more.where(np.isin(more.keys, known.keys[mask]))
        folds.append(case_of(made, learning, known.where(mask), varied))
    return case_of(fitted, known + more, found.rows.where(aside)), folds, model_of


def in_training(
    recipe: Recipe, found: Examples, fitted: validation.Fitted, seed: int
) -> tuple[Node, list[dict[str, Any]], dict[str, Any]]:
    """The recipe's [compress]: the IR of a fit on all rows made smaller, its provenance and the report.

    Steps are chosen, and judged, by fits without the groups put aside; then they are done to the fit on all.
    """
    asked = recipe.compress
    assert asked is not None
    final, folds, model_of = cases(recipe, found, fitted.choice, seed)
    done = plan.choose(
        folds,
        final,
        techniques.steps_for(final.ir.kind, asked.steps),
        asked.loss,
        _costing(final, model_of, {}, asked.target),
        seed,
    )
    whole = case_of(fitted, found.rows + found.more, found.rows.where(np.zeros(len(found.rows), bool)))
    ir = plan.replay(done.accepted, whole, seed)
    return ir, provenance(done), report(done, asked.target, asked.loss, final, [])


def compress_model(
    model: Model,
    data: Dataset,
    *,
    target: str,
    loss: float,
    steps: Sequence[str] | None = None,
    into: Path,
    on_progress: Advance | None = None,
) -> Compressed:
    """Make the model of a model file smaller and write it.

    Nobody knows which groups it was trained on, unless it says which were put aside. Raises as
    `compress_app`, and ModelError for a model without front end.
    """
    targets.get(target)
    techniques.check(steps)
    recipe = recipe_of(model)
    assert model.frontend is not None
    seed, warnings = recipe.train.seed, list[str]()
    cut = dataset.windows(data, recipe)
    key = np.array(validation.fold_keys(data, warnings))
    rows = Rows(model.frontend.extract(cut.windows), cut.labels, key[cut.recording])
    unseen = model.provenance.get("put_aside", [])
    aside = np.isin(rows.keys, unseen)
    warnings.append(
        "steps are chosen on groups that the model may have learnt from, so they may go too far: trust the "
        "column of what is held out; or compress the app, whose model is fitted anew for each choice"
    )
    if not aside.any() or aside.all():
        aside = put_aside(rows, seed)
        warnings.append(
            "nor does it say which groups it has not seen, so accuracies held out are flattered as well"
        )
    known = rows.where(~aside)
    folds = [
        Case(model.ir, known.where(~mask), known.where(mask))
        for mask in _masks(known, len(model.labels), seed)
    ]
    about = dict(model.provenance) | {"of": model.digest}

    def model_of(ir: Node | None, provenance: Mapping[str, Any]) -> Model:
        return model_file.create(
            model.ir if ir is None else ir.calibrated(known.X),
            known.X,
            name=model.name,
            labels=model.labels,
            background=model.background,
            frontend=model.frontend,
            sensor=model.sensor,
            decision=model.decision,
            windows=cut.windows[~aside],
            quantisation=model.quantisation,
            provenance=provenance,
        )

    final = Case(model.ir, known, rows.where(aside))
    return _compress(final, folds, model_of, about, target, loss, steps, seed, into, warnings, on_progress)


def case_of(fitted: validation.Fitted, learning: Rows, asked: Rows, varied: Rows | None = None) -> Case:
    """A fit and rows of all columns as a case, of the columns that the fit reads."""
    learning, asked, varied = (
        replace(rows, X=np.ascontiguousarray(rows.X[:, fitted.columns]))
        for rows in (learning, asked, asked.where(np.zeros(len(asked), bool)) if varied is None else varied)
    )
    return Case(families.to_ir(fitted.estimator).calibrated(learning.X), learning, asked, varied)


def put_aside(rows: Rows, seed: int) -> Any:
    """Mask of the rows of the groups that decide nothing; DatasetError for fewer than three groups."""
    if len(np.unique(rows.keys)) < 3:
        raise DatasetError(
            "compression needs three groups or more, one of them to judge by; record other people"
        )
    return validation.folds(rows.y, rows.keys, ASIDE_FOLDS, seed, [])[0]


def _masks(rows: Rows, n_labels: int, seed: int) -> list[Any]:
    """Folds by group whose other rows show every label."""
    masks = [
        mask
        for mask in validation.folds(rows.y, rows.keys, FOLDS, seed, [])
        if len(np.unique(rows.y[~mask])) == n_labels
    ]
    if not masks:
        raise DatasetError("no groups can be held out without losing a label; record each with other people")
    return masks


def _compress(
    final: Case,
    folds: Sequence[Case],
    model_of: ModelOf,
    about: Mapping[str, Any],
    target: str,
    loss: float,
    steps: Sequence[str] | None,
    seed: int,
    folder: Path,
    warnings: list[str],
    on_progress: Advance | None,
) -> Compressed:
    advance = on_progress or (lambda done, total=None, text="": None)
    chosen = techniques.steps_for(final.ir.kind, None if steps is None else tuple(steps))

    cost = _costing(final, model_of, about, target)
    done = plan.choose(
        folds, final, chosen, loss, cost, seed, lambda at, text: advance(at, len(chosen), text)
    )
    model = model_of(done.ir if done.accepted else None, dict(about) | {"compressed": provenance(done)})
    model_file.save(model, folder)
    advance(len(chosen), len(chosen), "done")
    return Compressed(model, folder, report(done, target, loss, final, warnings) | {"digest": model.digest})


def _costing(
    final: Case, model_of: ModelOf, about: Mapping[str, Any], target: str
) -> Callable[[Node], Costs]:
    def cost(ir: Node) -> Costs:
        # Of two layouts the smaller: bytes are what this is about.
        built = builder.build(model_of(None if ir is final.ir else ir, about), target, optimise="size")
        return Costs(built.module_bytes, built.instructions_max, built.layout)

    return cost


def provenance(done: Plan) -> list[dict[str, Any]]:
    """The steps as model.json keeps them."""
    return [{"step": step, "strength": strength} for step, strength in done.accepted]


def report(done: Plan, target: str, loss: float, final: Case, warnings: Sequence[str]) -> dict[str, Any]:
    """The lines, and the whole way from first to last."""
    kept = [line for line in done.lines if line.accepted]
    first = done.lines[0]
    last = kept[-1] if kept else None
    after = first.before if last is None else last.after
    told = list(warnings)
    held_out = first.held_out[0], first.held_out[0] if last is None else last.held_out[1]
    if held_out[0] - held_out[1] > loss:
        told.append(
            f"on the groups put aside accuracy fell by {held_out[0] - held_out[1]:.3f}, more than {loss:g}: "
            "ask for fewer steps or a smaller loss, or record more people"
        )
    return {
        "target": target,
        "loss": loss,
        "steps": [line.to_json() for line in done.lines],
        "module_bytes": [first.before.module_bytes, after.module_bytes],
        "instructions": [first.before.instructions, after.instructions],
        "smaller": round(1 - after.module_bytes / first.before.module_bytes, 4),
        "validated": [first.validated[0], first.validated[0] if last is None else last.validated[1]],
        "held_out": {
            "groups": sorted(set(final.asked.keys.tolist())),
            "n": len(final.asked),
            "accuracy": list(held_out),
        },
        "warnings": told,
    }
