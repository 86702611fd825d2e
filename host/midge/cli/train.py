"""`midge train`: a model from recordings."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from . import groups, output

_SHOWN = 3
EXAMPLE = "midge train gesture --data data/gesture"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("app", metavar="APP", help="name or folder of the app whose recipe is followed")
    parser.add_argument(
        "--data", metavar="DATASET", type=Path, help="folder of recordings (default data/APP)"
    )
    parser.add_argument("--seed", type=int, metavar="N", help="of fit and folds (default: the recipe's)")
    parser.add_argument(
        "--family", metavar="F", help="family to fit, or auto: the best of a few (default: the recipe's)"
    )
    parser.add_argument("--curve", action="store_true", help="also accuracy by number of groups learnt from")
    searching = parser.add_argument_group("search")
    searching.add_argument(
        "--search",
        action="store_true",
        help="the best of many families and sizes within --budget on --target",
    )
    searching.add_argument(
        "--budget",
        metavar="LIMITS",
        help="such as module=16k,state=2k,instructions=20k (default: the recipe's)",
    )
    searching.add_argument("--target", metavar="T", default="armv6m", help="default: armv6m, a Pico's")
    searching.add_argument(
        "--trials",
        metavar="N",
        type=int,
        default=36,
        help="work to spend: that of validating N candidates on everything (default: 36)",
    )
    searching.add_argument("--jobs", metavar="N", type=int, default=-1, help="processes (default: all)")
    searching.add_argument(
        "--cluster", metavar="ADDRESS", help="of a Dask scheduler, such as tcp://host:8786"
    )
    parser.add_argument("--into", metavar="FOLDER", type=Path, help="for the files (default APP/build)")


def run(args: argparse.Namespace) -> None:
    if args.search:
        _search(args)
    else:
        _train(args)


def _search(args: argparse.Namespace) -> None:
    from .. import dataset, learners
    from ..errors import RecipeError
    from ..recipe import Budget, Recipe
    from ..search import pareto, search, space

    recipe = Recipe.load(args.app)
    budget = recipe.budget if args.budget is None else Budget.parse(args.budget)
    families = tuple(space.VALUES)
    if args.family not in (None, "auto"):
        if args.family not in learners.LEARNERS:
            raise RecipeError(f"no family {args.family!r}; choose one of {', '.join(families)}, auto")
        families = (args.family,)
    data = dataset.load(args.data or Path("data") / recipe.name)
    try:
        with output.progress("search") as advance:
            done = search(
                recipe,
                data,
                target=args.target,
                budget=budget,
                trials=args.trials,
                families=families,
                seed=args.seed,
                jobs=args.jobs,
                cluster=args.cluster,
                into=args.into,
                on_progress=advance,
            )
    except KeyboardInterrupt:
        output.note("nothing is lost: the same command goes on from here, to the same result")
        raise
    report = done.report
    for warning in report["warnings"]:
        output.note(f"warning: {warning}")
    n_built = sum("refused" not in one for one in report["tried"])
    columns = ("layout", "accuracy", "module bytes", "state bytes", "instructions")
    output.table(
        ("on the front", *columns),
        [_costs(one) for one in report["front"]],
        title=f"{n_built} of {report['trials']} candidates built for {report['target']}; "
        "accuracy: validated, mean of it and of the labels' recalls",
    )
    if report["beside"]:
        output.say()
        output.table(("best of other families", *columns), [_costs(one) for one in report["beside"]])
    _say_refused([one for one in report["tried"] if "refused" in one])
    held_out, built = report["held_out"], report["built"]
    size = f"{built['module_bytes']} B, {built['instructions_max']} instructions"
    output.say(f"\nkept: {report['best']['family']}, {size}: the most accurate, and of equals the fastest")
    output.say(
        f"accuracy {held_out['accuracy']:.3f}, macro F1 {held_out['macro_f1']:.3f} on {held_out['n']} "
        f"examples of {', '.join(held_out['groups'])}, which no trial has seen"
    )
    output.say(f"model: {done.folder / 'model.json'}   picture: {done.folder / pareto.PICTURE_NAME}")
    output.result({**report, "folder": done.folder})


def _costs(one: Mapping[str, Any]) -> tuple[Any, ...]:
    return (
        # What differs from the family's usual values; the layout has a column of its own.
        one["title"].removesuffix(f", {one['layout']}"),
        one["layout"],
        round(one["accuracy"], 3),
        one["module_bytes"],
        one["state_bytes"],
        one["instructions"],
    )


def _say_refused(refused: Sequence[Mapping[str, Any]]) -> None:
    """Candidates without a module, by why."""
    titles: dict[str, list[str]] = {}
    for one in refused:
        titles.setdefault(one["refused"], []).append(one["title"])
    for why, members in titles.items():
        more = f" and {len(members) - _SHOWN} more" if len(members) > _SHOWN else ""
        output.note(f"not built: {'; '.join(members[:_SHOWN])}{more}: {why}")


def _priced(cost: Mapping[str, Any] | None) -> str:
    """What the module of a candidate that was as good as the best costs on a Pico."""
    return f" ({cost['module_bytes']} B, {cost['instructions']} instructions)" if cost else ""


def _train(args: argparse.Namespace) -> None:
    from .. import confusion, dataset
    from ..recipe import Recipe
    from ..train import PICTURE_NAME, train

    recipe = Recipe.load(args.app)
    if args.family is not None:
        recipe = recipe.with_family(args.family)
    data = dataset.load(args.data or Path("data") / recipe.name)
    with output.progress("train") as advance:
        done = train(recipe, data, seed=args.seed, into=args.into, curve=args.curve, on_progress=advance)
    report = done.report
    for warning in report["warnings"]:
        output.note(f"warning: {warning}")
    import numpy as np

    output.table(
        ("was \\ answered", *report["labels"]),
        confusion.rows(np.array(report["confusion"]), report["labels"]),
        title=f"{report['n']} {report['unit']}s, each from a fit that had not seen its group",
    )
    output.say()
    groups.show(report["per_group"], report["unit"])
    if report["learning_curve"]:
        output.say()
        output.table(
            ("groups learnt from", "accuracy"),
            [(point["groups"], round(point["accuracy"], 3)) for point in report["learning_curve"]],
        )
    size = ", ".join(f"{key} {value}" for key, value in report["model"].items() if key != "digest")
    figures = (
        f"accuracy {report['accuracy']:.3f}, macro F1 {report['macro_f1']:.3f} in "
        f"{output.counted(report['folds'], 'fold')} by {report['held_out']}"
        if report["folds"]
        else "no accuracy: nothing could be held out"
    )
    output.say(f"\n{figures}; {size}, of {len(report['features'])} features")
    if report["compression"]:
        from .compress import show

        output.say("\naccuracies above are of fits before [compress]; what it did to model and accuracy:")
        show(report["compression"])
    if report["choice"]["tried"]:
        costs = report["choice"]["costs"]
        tried = ", ".join(
            f"{name} {value:.3f}{_priced(costs.get(name))}"
            for name, value in report["choice"]["tried"].items()
        )
        output.say(f"chosen inside the training groups among: {tried}")
    if report["unit"] == "window" and report["takes"]["n"]:
        takes = report["takes"]
        output.say(f"whole recordings by most of their windows: {takes['accuracy']:.3f} of {takes['n']}")
    output.say(f"model: {done.folder / 'model.json'}   picture: {done.folder / PICTURE_NAME}")
    output.result({**report, "folder": done.folder})
