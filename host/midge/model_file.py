"""The model file: a model as plain JSON beside its golden rows."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from . import whole_files
from .compile import golden as golden_rows
from .compile import ir as intermediate
from .compile import measured, reference
from .compile.quantise import Quantisation
from .errors import CompileError, ModelError, ParityError
from .model import FrontEnd, Model, Sensor
from .model_parsing import from_json
from .recipe import Decision

__all__ = ["Decision", "FrontEnd", "Model", "Sensor", "check_reference", "create", "load", "save"]

FILE_NAME = "model.json"
GOLDEN_NAME = "golden.npz"


def create(
    ir: intermediate.Node,
    X: npt.NDArray[np.int16],
    *,
    name: str,
    labels: Sequence[str],
    background: str | None = None,
    frontend: FrontEnd | None = None,
    sensor: Sensor | None = None,
    decision: Decision | None = None,
    windows: npt.NDArray[np.int16] | None = None,
    quantisation: Quantisation | None = None,
    provenance: Mapping[str, Any] | None = None,
    expected: npt.NDArray[np.float64] | None = None,
) -> Model:
    """A model out of its IR and the rows that it was trained on.

    With a front end, features that the model never reads are dropped from it.

    Parameters
    ----------
    X
        int16 (n_rows, n_features), the training rows as the model reads them: the golden rows come from them
    windows
        int16 (n_windows, length, n_channels), raw windows to choose golden windows from
    expected
        the estimator's own scores of X, float64 (n_rows, n_scores): every row is checked

    Raises
    ------
    ParityError
        the reference gives another score than the estimator
    """
    if len(labels) != ir.n_scores:
        raise CompileError(f"{len(labels)} labels for {ir.n_scores} scores; give one label a class, in order")
    if expected is not None:
        check_reference(ir, X, expected)
    if frontend is not None:
        kept = ir.used_features() or [0]
        ir = ir.select_features(kept)
        X = np.ascontiguousarray(X[:, kept])
        frontend = replace(
            frontend,
            features=tuple(frontend.features[i] for i in kept),
            feature_scales=tuple(frontend.feature_scales[i] for i in kept),
        )
    ir = ir.calibrated(X)
    model = Model(
        name=name,
        labels=tuple(labels),
        background=background,
        frontend=frontend,
        sensor=sensor,
        decision=decision,
        ir=ir,
        epsilon=measured.epsilon(ir, X),
        quantisation=quantisation or Quantisation(),
        provenance=dict(provenance or {}),
    )
    return replace(model, golden=golden_rows.choose(model, X, windows))


def check_reference(
    ir: intermediate.Node, X: npt.ArrayLike, expected: npt.NDArray[np.float64], tolerance: float = 1e-12
) -> None:
    """ParityError unless the reference gives the estimator's scores `expected` on every row of X."""
    scores = reference.predict(ir, X)
    wrong = np.flatnonzero((np.abs(scores - expected) > tolerance).any(axis=1))
    if len(wrong):
        raise ParityError(
            f"the reference differs from the estimator on {len(wrong)} of {len(scores)} training rows "
            f"(first: row {wrong[0]}): are numbers too large for float64? Scale features before the fit; "
            "if they are as usual, please report this with the estimator's parameters"
        )


def save(model: Model, folder: str | Path) -> Path:
    """Write model.json and golden.npz into `folder`; returns the path of model.json."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    # One line a key: a change of one part is a change of one line.
    parts = [f"{json.dumps(key)}: {json.dumps(value)}" for key, value in model.to_json().items()]
    path = folder / FILE_NAME
    with whole_files.replaced(folder / GOLDEN_NAME, path) as (golden, text):
        golden_rows.write(model.golden, golden)
        text.write_text("{\n" + ",\n".join(parts) + "\n}\n", encoding="utf-8")
    return path


def load(path: str | Path) -> Model:
    """Read a model file, or the one in a folder, with its golden rows.

    Raises
    ------
    ModelError
        no file, no JSON, another schema, or content that is not whole; the message names the part
    """
    path = Path(path)
    if path.is_dir():
        path = path / FILE_NAME
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ModelError(f"no model file {path}; train one with: midge train APP") from None
    except (OSError, UnicodeDecodeError, ValueError, RecursionError) as error:
        raise ModelError(f"{path} is not a model file: {error}; train the model again") from None
    try:
        model = from_json(data)
        golden_path = path.with_name(GOLDEN_NAME)
        if golden_path.exists():
            golden = golden_rows.read(golden_path)
            golden_rows.check_shape(golden, model)
            model = replace(model, golden=golden)
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from None
    return model
