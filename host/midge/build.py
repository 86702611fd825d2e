"""Model file → module for a target, checked in emulation before anybody gets it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from . import assets, targets, whole_files
from .compile import c99, golden, link_kernels, module_glue, native_sources, toolchain
from .compile.emulate import Emulator
from .errors import (
    BudgetExceeded,
    CompileError,
    ModelError,
    ModelNotFound,
    ParityError,
    ToolchainMissing,
    UnsupportedModel,
)
from .model_file import FILE_NAME, Model, load
from .recipe import Budget, Recipe
from .targets import Target

LAYOUTS = ("auto", *c99.LAYOUTS)
BACKENDS = ("auto", *c99.BACKENDS)
# What code is compiled for: the levels in the order in which they are tried.
OPTIMISE = {
    "auto": (toolchain.SMALL, toolchain.FAST),
    "size": (toolchain.SMALL,),
    "speed": (toolchain.SMALL, toolchain.FAST),
}
# Rows at thresholds that are checked beside the golden rows: two a node, as far as they go.
PROBE_ROWS = 2048
MEASURED_ROWS = 64

OnProgress = Callable[..., None]


@dataclass(frozen=True)
class BuiltModule:
    """A module that gave the expected answer on every row it was checked with.

    Attributes
    ----------
    mpy : bytes
        the file
    test_blob : bytes
        the board's self-test, `<slot>.test`
    module_bytes, state_bytes, stack_bytes : int
        the file (and its place in RAM); the caller's buffer; deepest stack of one inference
    level : str
        what the compiler optimised for, `toolchain.SMALL` or `FAST`; shipped kernels are small
    instructions_mean, instructions_max : float, int
        one classification, entry of the C function to its return, over golden rows
    frontend_instructions : float
        one window's features, and all samples of one hop; 0 without front end
    rows, windows : int
        rows and raw windows that were checked
    """

    mpy: bytes = field(repr=False)
    model: Model
    target: Target
    layout: str
    backend: str
    test_blob: bytes = field(repr=False)
    module_bytes: int
    state_bytes: int
    stack_bytes: int
    instructions_mean: float
    instructions_max: int
    frontend_instructions: float
    rows: int
    windows: int
    level: str = toolchain.SMALL
    symbols: Mapping[str, int] = field(repr=False, default_factory=dict)

    @property
    def ram_bytes(self) -> int:
        """Module, state and stack together."""
        return self.module_bytes + self.state_bytes + self.stack_bytes

    @property
    def inference_instructions(self) -> float:
        """One window: its samples, its features, its class."""
        return self.instructions_mean + self.frontend_instructions

    def to_json(self) -> dict[str, Any]:
        """The figures, for programs."""
        names = (
            *("layout", "backend", "level", "module_bytes", "state_bytes", "stack_bytes", "ram_bytes"),
            *("instructions_mean", "instructions_max", "frontend_instructions", "rows", "windows"),
        )
        about = {"name": self.model.name, "target": self.target.name, "digest": self.model.digest}
        return about | {name: getattr(self, name) for name in names}

    def emulator(self) -> Emulator:
        """An emulated board with this module imported."""
        return Emulator(self.mpy, self.target, self.symbols)


@dataclass(frozen=True)
class Found:
    """A model to build: where its modules go, and the recipe of its app, if it has one."""

    model: Model
    folder: Path
    recipe: Recipe | None = None

    @property
    def budget(self) -> Budget | None:
        """The recipe's."""
        return self.recipe.budget if self.recipe else None


def find(app_or_model: str | Path) -> Found:
    """The model of an app (newest training, else shipped), of a model.json or its folder, of a .tflite.

    Raises
    ------
    ModelNotFound
        an app without a model
    ModelError
        a model that is not whole
    RecipeError
        an app whose recipe is wrong
    """
    path = Path(app_or_model)
    if path.suffix == ".tflite":
        from .nets.tflite import load_tflite

        return Found(load_tflite(path), path.parent)
    if path.suffix == ".json" or (path / FILE_NAME).is_file():
        model = load(path)
        return Found(model, path.parent if path.is_file() else path)
    recipe = Recipe.load(app_or_model)
    trained = recipe.build_folder / FILE_NAME
    if trained.is_file():
        return Found(load(trained), recipe.build_folder, recipe)
    # Only a shipped app itself has the shipped model: an own app of the same name has other gestures.
    shipped = assets.models_folder() / recipe.name / FILE_NAME
    if shipped.is_file() and recipe.folder.resolve().parent == assets.apps_folder().resolve():
        return Found(load(shipped), recipe.build_folder, recipe)
    raise ModelNotFound(f"{recipe.name} has no model yet; train one with: midge train {app_or_model}")


def write(built: BuiltModule, path: Path) -> None:
    """Write the module to `path`, and the board's self-test beside it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_files.replaced(path, path.with_suffix(".test")) as (module, test):
            module.write_bytes(built.mpy)
            test.write_bytes(built.test_blob)
    except OSError as error:
        raise ModelError(f"can't write {path}: {error.strerror}; choose another --out") from None


def write_c(model: Model, folder: Path, *, layout: str = "auto", backend: str = "auto") -> list[Path]:
    """Write the generated C and the kernels that it needs into `folder`; the paths, sorted."""
    sources = native_sources.complete(c99.sources(model, layout=layout, backend=backend))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        paths = [folder / name for name in sorted(sources)]
        for path in paths:
            path.write_text(sources[path.name], encoding="utf-8", newline="\n")
    except OSError as error:
        raise ModelError(f"can't write into {folder}: {error.strerror}; choose another --out") from None
    return paths


def build(
    model: Model,
    target: str | Target,
    *,
    layout: str = "auto",
    backend: str = "auto",
    optimise: str = "auto",
    budget: Budget | None = None,
    on_progress: OnProgress | None = None,
) -> BuiltModule:
    """Compile a model into a module and check it.

    Parameters
    ----------
    target
        name, as in `midge.targets`
    layout
        'code' (fast), 'table' (small) or 'auto'
    backend
        'midge', 'emlearn' or 'auto'
    optimise
        'size': the smallest layout, compiled with -Os. 'speed': the fast layout with -Os and with -O2,
        whichever executes fewer instructions (-O2 is larger, and not always faster). 'auto': the fast layout
        with -Os; with -O2 where `budget` allows fewer instructions, as a table where it allows fewer bytes
    budget
        anything with module_bytes, state_bytes and instructions, each a number or None

    Raises
    ------
    CompileError
        no such target, layout or backend; UnsupportedModel, ToolchainMissing, LinkError
    ParityError
        the module gave another answer than the model on a golden row
    BudgetExceeded
        the module is larger or slower than `budget`
    """
    chosen = targets.get(target) if isinstance(target, str) else target
    if optimise not in OPTIMISE:
        raise CompileError(f"no optimise {optimise!r}; choose one of {', '.join(OPTIMISE)}")
    candidates = _candidates(model, chosen, layout, backend)
    # A search kept to its budget in this layout.
    first = model.provenance.get("layouts", {}).get(chosen.name if optimise == "auto" else None)
    candidates.sort(key=lambda one: one[0] != first)
    fitting: list[BuiltModule] = []
    problems: dict[str, str] = {}
    for number, (a_layout, a_backend) in enumerate(candidates):
        if on_progress:
            on_progress(number, len(candidates), f"{chosen.name}, {a_layout}")
        # Tables are chosen for their size.
        levels = OPTIMISE["size" if a_layout == "table" else optimise]
        for level in levels:
            try:
                module = _built(model, chosen, a_layout, a_backend, level)
            except ToolchainMissing:
                # Who asked for nothing in particular gets what needs no compiler.
                if number + 1 == len(candidates):
                    raise
                break
            problems = _excess(module, budget)
            if not problems:
                fitting.append(module)
            if optimise == "auto" and "instructions" not in problems:
                break
        # The fastest comes first: the others are of interest only to somebody who looks for the smallest.
        if fitting and optimise != "size":
            break
    if on_progress:
        on_progress(len(candidates), len(candidates), "")
    if not fitting:
        raise BudgetExceeded(
            f"{model.name} for {chosen.name} exceeds the budget: {', '.join(problems.values())}; "
            "train fewer or shallower trees, or raise [budget] in app.toml"
        )
    if optimise == "speed":
        return min(fitting, key=lambda module: (module.inference_instructions, module.module_bytes))
    return min(fitting, key=lambda module: module.module_bytes)


def _candidates(model: Model, target: Target, layout: str, backend: str) -> list[tuple[str, str]]:
    """(layout, backend) pairs to try, the fastest first; raises CompileError, UnsupportedModel."""
    found = c99.candidates(model, layout=layout, backend=backend)
    if not target.kernels_only:
        return found
    tables = ("table", "midge")
    if (
        layout == "table"
        or (layout == "auto" and backend != "emlearn")
        or tables not in c99.candidates(model)
    ):
        return [tables]
    raise UnsupportedModel(f"there is no compiler for {target.name}: use --layout table --backend midge")


def _built(model: Model, target: Target, layout: str, backend: str, level: str) -> BuiltModule:
    """Tables are linked with the shipped kernels; the rest, and what no kernel can run, is compiled."""
    if layout == "table":
        try:
            linked = link_kernels.build_model(model, target)
        except UnsupportedModel:
            if target.kernels_only:
                raise
        else:
            return _checked(model, target, linked, layout=layout, backend=backend)
    sources = c99.sources(model, layout=layout, backend=backend)
    return build_sources(model, target, sources, layout=layout, backend=backend, level=level)


def build_sources(
    model: Model,
    target: Target,
    sources: Mapping[str, str],
    *,
    layout: str = "code",
    backend: str = "midge",
    level: str = toolchain.SMALL,
) -> BuiltModule:
    """Compile generated C into a module and check it; raises as `build`."""
    module = toolchain.build_module(sources, target, name=model.name, exports=module_glue.MODEL, level=level)
    return _checked(model, target, module, layout=layout, backend=backend, level=level)


def _checked(
    model: Model,
    target: Target,
    module: toolchain.Module,
    *,
    layout: str,
    backend: str,
    level: str = toolchain.SMALL,
) -> BuiltModule:
    """The module, after all rows and windows were run through it in emulation."""
    emulator = Emulator(module.mpy, target, module.symbols)
    rows = check(model, emulator)
    measured = emulator.measure(_measured_rows(model))
    stack_bytes = measured.stack_bytes
    frontend_instructions = 0.0
    if model.frontend is not None and len(model.golden.windows):
        window = model.golden.windows[0]
        stream = emulator.measure_stream(window)
        stack_bytes = max([stack_bytes, *(part.stack_bytes for part in stream.values())])
        pushed = stream["push"].instructions_mean * stream["push"].calls / len(window)
        frontend_instructions = pushed * model.frontend.hop
        if "features" in stream:
            frontend_instructions += stream["features"].instructions_mean
    return BuiltModule(
        mpy=module.mpy,
        model=model,
        target=target,
        layout=layout,
        backend=backend,
        test_blob=golden.test_blob(model.golden, model.n_features, model.n_scores),
        module_bytes=module.module_bytes,
        state_bytes=emulator.state_bytes,
        stack_bytes=stack_bytes,
        instructions_mean=measured.instructions_mean,
        instructions_max=measured.instructions_max,
        frontend_instructions=frontend_instructions,
        rows=rows,
        windows=len(model.golden.windows),
        level=level,
        symbols=module.symbols,
    )


def _measured_rows(model: Model) -> golden.Int16Array:
    """Rows like those the board will see: the first golden rows come evenly out of the training rows."""
    return model.golden.features[:MEASURED_ROWS]


def check(model: Model, emulator: Emulator) -> int:
    """Run the golden rows, rows at thresholds and the golden windows; the number of rows that agreed.

    Raises ParityError at the first row or window that differs in any bit.
    """
    rows, scores, index = model.golden.features, model.golden.scores, model.golden.index
    if not len(rows):
        raise ModelError(f"{model.name} has no golden rows to check it with; train it again")
    again, _ = golden.expected(model.ir, rows)
    if not np.array_equal(again, scores):
        raise ParityError(f"golden.npz belongs to another model than {model.name}; train it again")
    probes = golden.probes(model.ir, rows, PROBE_ROWS)
    probe_scores, probe_index = golden.expected(model.ir, probes)
    checked = zip(
        np.concatenate([rows, probes]),
        np.concatenate([scores, probe_scores]),
        np.concatenate([index, probe_index]),
        strict=True,
    )
    for number, (row, row_scores, winner) in enumerate(checked):
        found, found_scores = emulator.classify(row)
        if found != winner or not np.array_equal(found_scores, row_scores):
            raise ParityError(
                f"the module for {emulator.target.name} differs from the model on row {number}: "
                f"class {found} instead of {winner}; please report this model"
            )
    for number, window in enumerate(model.golden.windows):
        state = emulator.state()
        done = 0
        while done < len(window):
            done += emulator.push(state, window[done:])
        features = emulator.features(state)
        found, found_scores = emulator.predict(state)
        if (
            not np.array_equal(features, model.golden.window_features[number])
            or found != model.golden.window_index[number]
            or not np.array_equal(found_scores, model.golden.window_scores[number])
        ):
            raise ParityError(
                f"the module for {emulator.target.name} differs from the model on golden window {number}; "
                "please report this model"
            )
    return len(rows) + len(probes)


def _excess(module: BuiltModule, budget: Budget | None) -> dict[str, str]:
    """What is over the budget: its key, and words on it."""
    figures = {
        "module_bytes": (module.module_bytes, "module", "bytes"),
        "state_bytes": (module.state_bytes, "state", "bytes"),
        "instructions": (module.instructions_max, "", "instructions"),
    }
    over = {}
    for name, (value, what, unit) in figures.items():
        limit = getattr(budget, name, None)
        if limit is not None and value > limit:
            over[name] = f"{what} {value} {unit} (at most {limit})".strip()
    return over
