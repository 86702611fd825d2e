"""midge itself, compiled with the peers' flags; and as what a board loads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import measure
import numpy as np
import numpy.typing as npt
from program import Program

import midge
from midge.compile import c99, native_sources
from midge.errors import CompileError, UnsupportedModel
from midge.targets import Target

OWN = "midge"
# (layout, --optimise) of the modules that are shown; tables are the same for both.
MODULES = (("code", "auto"), ("code", "speed"), ("table", "auto"))


def layouts(estimator: Any, X: npt.NDArray[Any]) -> dict[str, Any]:
    """Layout → compiled model, for each that the family has; UnsupportedModel if it has none."""
    compiled: dict[str, Any] = {}
    problem: CompileError | None = None
    for layout in c99.LAYOUTS:
        try:
            compiled[layout] = midge.compile(estimator, X, layout=layout)
        except UnsupportedModel:
            raise
        except CompileError as error:  # a layout that this family does not have
            problem = error
    if problem and not compiled:
        raise problem
    return compiled


def program(compiled: Any, layout: str) -> Program:
    """The generated C behind the peers' entry point, writing all scores as it does on a board."""
    sources = native_sources.complete(c99.sources(compiled.model, layout=layout))
    sources["entry.c"] = "\n".join(
        [
            '#include "midge_model.h"',
            "int32_t peer_predict(const int16_t *features)",
            "{",
            f"    static int16_t scores[{compiled.model.n_scores}];",
            "    return midge_classify(features, scores);",
            "}",
            "",
        ]
    )
    encode: Callable[[npt.NDArray[Any]], npt.NDArray[Any]] = compiled.model.quantisation.apply
    return Program(sources, encode, f"{OWN} {midge.__version__}")


def run_module(
    compiled: Any, layout: str, optimise: str, target: Target, X: npt.NDArray[Any]
) -> tuple[measure.Run, int]:
    """The `.mpy` of a target over the rows of X, and the bytes of the file; raises as `midge.build`."""
    built = midge.build_model(compiled.model, target, layout=layout, optimise=optimise)
    emulator = built.emulator()
    emulator.start_counting()
    answers = [emulator.classify(row)[0] for row in compiled.model.quantisation.apply(X)]
    cost = emulator.measurements()["classify"]
    return measure.Run(np.array(answers, np.int64), cost.instructions_mean, ()), built.module_bytes
