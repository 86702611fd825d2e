"""`midge.compile(estimator, X)`: a fitted estimator as C, without app, recipe or model file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from . import build as builder
from . import families, losses, model_file
from .compile import (
    agreement,
    c99,
    host,
    native_sources,
    quantise,
    quantise_projected,
    reference,
)
from .compile.additive import Additive
from .compile.ir import Forest, Node, n_nodes
from .compile.kernel import Kernel
from .compile.precise import Inner, Precise
from .compile.projected import Projected
from .errors import ParityError, UnsupportedModel
from .model_file import Model

# More nodes of trees are tables on this machine: compilers take their time with nested ifs.
MOST_HOST_NODES = 2000
# Bytes of a module's metadata that are not labels.
ROOM_OF_INFO = 400


@dataclass(frozen=True)
class Cost:
    """What a model costs on a target; instructions of one classification, entry of the C to its return."""

    instructions_mean: float
    instructions_max: int
    module_bytes: int
    state_bytes: int
    stack_bytes: int

    @property
    def ram_bytes(self) -> int:
        """Module, state and stack together."""
        return self.module_bytes + self.state_bytes + self.stack_bytes


class CompiledModel:
    """A fitted estimator as C.

    Attributes
    ----------
    model : Model
        what a model file would hold; `midge.model_file.save(compiled.model, folder)` writes it
    classes : numpy array
        the estimator's class labels, in the order of the scores
    links : tuple of Link
        agreement on X: estimator – reference, reference – C
    """

    def __init__(
        self,
        model: Model,
        classes: npt.NDArray[Any],
        *,
        layout: str = "auto",
        backend: str = "auto",
        optimise: str = "auto",
    ) -> None:
        self.model = model
        self.classes = classes
        self.links: tuple[agreement.Link, ...] = ()
        self._options: dict[str, Any] = {"layout": layout, "backend": backend, "optimise": optimise}
        self._host = host.HostModel(model, self._host_sources())
        self._built: dict[str, builder.BuiltModule] = {}

    def __repr__(self) -> str:
        answer = f"{len(self.classes)} classes" if len(self.classes) else "a number"
        size = f"{self.model.n_features} features, {answer}"
        return f"CompiledModel({self.model.ir.kind}, {size})"

    def predict(self, X: npt.ArrayLike) -> npt.NDArray[Any]:
        """Class labels, or a regressor's values, of the rows of X, by the C; ModelError for unfit values."""
        scores, winners = self._host.classify(self.model.quantisation.apply(X))
        if not len(self.classes):
            rule = self.model.ir.verdict  # type: ignore[attr-defined]
            values: npt.NDArray[Any] = scores[:, 0] / self.model.score_scale * rule.unit + rule.center
            return values
        chosen: npt.NDArray[Any] = self.classes[winners]
        return chosen

    def predict_scores(self, X: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Scores of the rows of X, float64 (n_rows, n_scores), in steps of 1/32767, by the C.

        Probabilities where the estimator has them; else what `model.ir.verdict.scores` says, 1.0 = `unit`.
        """
        scores, _ = self._host.classify(self.model.quantisation.apply(X))
        return scores / self.model.score_scale

    def saturates(self, X: npt.ArrayLike) -> npt.NDArray[np.bool_]:
        """Rows (n_rows,) so far beyond the training rows that int16 features end before: answers may differ.

        Models that grow without end take rows one and a half ranges of the training rows beyond either end,
        others half a range; of trees no answer differs. A regressor's values end at full scale of its scores.
        """
        if isinstance(self.model.ir, Forest | Additive):
            return np.zeros(len(np.asarray(X)), bool)
        return self.model.quantisation.saturates(X)

    @property
    def c_source(self) -> str:
        """The model as one C99 file: `int32_t midge_classify(const int16_t *features, int16_t *scores)`."""
        return native_sources_in_one(c99.sources(self.model, **self._layout))

    def build(self, target: str) -> bytes:
        """The `.mpy` for a target, checked in emulation; raises as `midge.build.build`."""
        return self._module(target).mpy

    def measure(self, target: str, X: npt.ArrayLike) -> Cost:
        """What classifying the rows of X costs on a target, in emulation."""
        module = self._module(target)
        measured = module.emulator().measure(self.model.quantisation.apply(X))
        return Cost(
            measured.instructions_mean,
            measured.instructions_max,
            module.module_bytes,
            module.state_bytes,
            measured.stack_bytes,
        )

    @property
    def _layout(self) -> dict[str, str]:
        return {name: self._options[name] for name in ("layout", "backend")}

    def _host_sources(self) -> dict[str, str]:
        """What this machine compiles: tables of large trees, which give the same bits and take no time."""
        found = c99.candidates(self.model, **self._layout)
        layout, backend = found[0]
        if n_nodes(self.model.ir) > MOST_HOST_NODES and ("table", "midge") in found:
            try:
                return c99.sources(self.model, layout="table")
            except UnsupportedModel:
                # Numbers that tables don't reach.
                pass
        return c99.sources(self.model, layout=layout, backend=backend)

    def _module(self, target: str) -> builder.BuiltModule:
        if target not in self._built:
            self._built[target] = builder.build(self.model, target, **self._options)
        return self._built[target]


def native_sources_in_one(sources: dict[str, str]) -> str:
    """Generated files and all of firmware/native that they need as one translation unit."""
    everything = native_sources.complete(sources)
    written: set[str] = set()

    def inline(name: str) -> str:
        written.add(name)
        lines = []
        for line in everything[name].splitlines():
            headers = native_sources.includes(line)
            if headers and headers[0] in everything:
                if headers[0] not in written:
                    lines.append(inline(headers[0]))
            else:
                lines.append(line)
        return "\n".join(lines)

    names = ["model.c", *(name for name in native_sources.code_files(everything) if name != "model.c")]
    return "\n".join([inline(name) for name in names]) + "\n"


def compile_estimator(
    estimator: Any,
    X: npt.ArrayLike,
    *,
    name: str = "model",
    labels: Sequence[str] | None = None,
    layout: str = "auto",
    backend: str = "auto",
    optimise: str = "auto",
) -> CompiledModel:
    """Compile a fitted estimator.

    Features that are whole numbers in the int16 range are used as they are; others get an affine int16 scale
    that is learnt from X and becomes part of the model. Trees whose features have more decimals than a scale
    can tell apart read ranks among their thresholds instead: no row to come is rounded to another side.

    Parameters
    ----------
    estimator
        fitted: see `midge.families.FAMILIES` for the classes
    X
        what it was fitted on, (n_samples, n_features); of a net with time in it also in the shape of its rows
    name, labels
        of the module; labels default to the class labels as text
    layout, backend, optimise
        as `midge.build.build`

    Raises
    ------
    UnsupportedModel
        the estimator, or an option of it, can't be compiled; names the part
    CompileError
        X does not suit the estimator
    ParityError
        the reference differs from the estimator on a row of X
    """
    is_float32 = _is_float32(X)
    ir = families.to_ir(estimator, np.float32 if is_float32 else np.float64)
    if ir.kind == "conv":
        X = np.asarray(X, np.float64).reshape(len(np.asarray(X)), -1)
    # scikit-learn's trees see float32 of what they are given.
    is_single = families.reads_single(estimator)
    learnt = quantise.learn(X, ir, single=is_single)
    values = np.asarray(X, np.float64)
    ir = ir.calibrated(values)
    # Given single precision scikit-learn computes in it, given integers in part; the reference never does,
    # but for thresholds, which may lie exactly at what scalers make of a row.
    is_split = is_float32 and isinstance(ir, Forest | Additive)
    expected, winners = families.answers(estimator, ir, values.astype(np.float32) if is_split else values)
    seen = values.astype(np.float32).astype(np.float64) if is_single else values
    tolerance = agreement.FLOAT_EPSILON if ir.kind == "forest" else agreement.DOT_TOLERANCE
    tolerance += losses.noise(ir, values)
    clear = ~losses.undecided(ir, seen, expected, values)
    model_file.check_reference(ir, seen[clear], expected[clear], tolerance)
    exact = ir
    if isinstance(ir, Projected):
        ir, learnt = quantise_projected.quantise(ir, values, learnt)
    else:
        ir, learnt = quantise.quantise(ir, values, learnt)
    if isinstance(exact, Forest | Additive) and not quantise.is_exact(exact, values, learnt):
        ir, learnt = quantise.by_ranks(exact, single=is_single)
    rows = learnt.apply(values)
    classes = families.classes(estimator, ir)
    options = {"layout": layout, "backend": backend, "optimise": optimise}

    def made(ir: Node) -> CompiledModel:
        model = model_file.create(
            ir,
            rows,
            name=name,
            labels=(_labels(classes) if labels is None else labels),
            quantisation=learnt,
            provenance={"estimator": type(estimator).__name__},
        )
        compiled = CompiledModel(model, classes, **options)
        # Where int16 values collided, the estimator is further away than rounding: counted apart.
        compiled.links = (
            agreement.estimator_reference(model, rows, expected, winners),
            agreement.reference_c(model, compiled._host, rows),
        )
        return compiled

    compiled = made(ir)
    inner, seen_inside = losses.inside(ir, rows)
    is_coarse = losses.lost(compiled, rows) or (
        isinstance(inner, Kernel) and losses.is_coarse(inner, seen_inside)
    )
    if is_coarse and isinstance(inner, Inner) and inner.kind != "quadratic":
        precise = Precise(inner)
        compiled = made(replace(ir, inner=precise) if isinstance(ir, Projected) else precise)
    wrong = losses.lost(compiled, rows)
    if len(classes):
        clear = ~losses.undecided(exact, seen, expected, values, winners=True)
    if not wrong and not len(classes) and clear.any():
        wrong = losses.misvalued(compiled, rows[clear], expected[clear])
    if not wrong and len(classes) and clear.any():
        wrong = losses.mistaken(
            compiled, rows[clear], winners[clear], reference.evaluate(exact, seen[clear]).margins
        )
    if wrong:
        raise ParityError(
            f"in int16 the model differs on {wrong} of {len(rows)} training rows: its numbers span too much; "
            "scale the features before the fit, or drop outliers"
        )
    return compiled


def _is_float32(X: npt.ArrayLike) -> bool:
    try:
        return np.asarray(X).dtype == np.float32
    except ValueError:
        # No table at all: said when it is read.
        return False


def _labels(classes: npt.NDArray[Any]) -> list[str]:
    """Names of the scores: of the classes, by number if they are too long, or of a regressor's one value."""
    names = [str(label) for label in classes] or ["value"]
    # With quotes and a comma each, beside what else the module says of itself.
    is_short = sum(len(json.dumps(name)) + 1 for name in names) < c99.INFO_LIMIT_BYTES - ROOM_OF_INFO
    return names if is_short else [str(number) for number in range(len(names))]
