"""A model as C99: what firmware/native/midge_model.h asks for, in two generated files."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from midge_device import versions

from ..errors import CompileError, UnsupportedModel
from . import c99_frontend, conv_arena, kinds
from .conv import Conv
from .conv_arena import Arena
from .ir import n_nodes

if TYPE_CHECKING:
    from ..model_file import FrontEnd, Model

MODULE_ABI: int = versions.MODULE_ABI
LAYOUTS = ("code", "table")
BACKENDS = ("midge", "emlearn")
# Kinds that emlearn writes with the very scores of midge's own C.
_EMLEARN_KINDS = ("forest",)
# Trees with more nodes are half a megabyte of code, and minutes of a compiler: only who asks gets them so.
MOST_CODE_NODES = 25000
# The board keeps info() in one buffer.
INFO_LIMIT_BYTES = 1024


def sources(model: Model, *, layout: str = "auto", backend: str = "auto") -> dict[str, str]:
    """The generated files `model_config.h` and `model.c`.

    Parameters
    ----------
    layout
        'code' (specialised, fast), 'table' (small) or 'auto': code where there is such
    backend
        'midge', 'emlearn' or 'auto': midge

    Raises
    ------
    CompileError
        no such layout or backend, or not for this model (UnsupportedModel); metadata that are too long
    """
    a_layout, a_backend = candidates(model, layout=layout, backend=backend)[0]
    return {"model_config.h": _config(model), "model.c": _model(model, a_layout, a_backend)}


def candidates(model: Model, *, layout: str = "auto", backend: str = "auto") -> list[tuple[str, str]]:
    """(layout, backend) pairs that 'auto' may choose from, the fastest first; raises as `sources`."""
    if layout not in (*LAYOUTS, "auto"):
        raise CompileError(f"no layout {layout!r}; choose one of {', '.join(LAYOUTS)}, auto")
    if backend not in (*BACKENDS, "auto"):
        raise CompileError(f"no backend {backend!r}; choose one of {', '.join(BACKENDS)}, auto")
    kind = model.ir.kind
    writers = kinds.layouts(model.ir)
    there = [layout] if layout != "auto" else [name for name in LAYOUTS if name in writers]
    if backend == "emlearn":
        if kind not in _EMLEARN_KINDS or "code" not in there:
            raise CompileError(f"emlearn writes no {layout} of a {kind} model exactly; use --backend midge")
        return [("code", "emlearn")]
    if any(name not in writers for name in there):
        known = ", ".join(writers)
        raise UnsupportedModel(f"a {kind} model has no layout {layout!r}; use {known} or auto")
    if layout == "auto" and "table" in there and n_nodes(model.ir) > MOST_CODE_NODES:
        there = ["table"]
    if layout == "auto" and kinds.innermost(model.ir) in kinds.IN_DOUBLES:
        # Both are the same module.
        there = ["code"]
    return [(name, "midge") for name in there]


def info(model: Model) -> dict[str, Any]:
    """What the module says of itself."""
    frontend, sensor, decision = model.frontend, model.sensor, model.decision
    tensors = arena(model)
    return {
        "name": model.name,
        "abi": MODULE_ABI,
        "labels": list(model.labels),
        "background": model.background,
        "rate_hz": None if sensor is None else _short(sensor.rate_hz),
        "range_g": None if sensor is None else _short(sensor.range_g),
        "unit": None if sensor is None else sensor.unit,
        "channels": None if frontend is None else list(frontend.channels),
        "window": None if frontend is None else frontend.window,
        "hop": None if frontend is None else frontend.hop,
        "score_scale": model.score_scale,
        "threshold": None if decision is None else decision.threshold,
        "smooth": None if decision is None else decision.smooth,
        "cooldown_ms": None if decision is None else decision.cooldown_ms,
        "digest": model.digest,
        # Its classify() takes the state as well.
        **({"arena": tensors.size_bytes} if tensors else {}),
    }


def _short(value: float) -> float:
    """Whole numbers without '.0': the metadata are bytes on the board."""
    return int(value) if value == int(value) else value


def state_bytes(model: Model) -> int:
    """Bytes of the caller's state, the arena of a net at its end; 0 where neither is needed."""
    front = 0 if model.frontend is None else model.frontend.plan().state_bytes
    tensors = arena(model)
    return front + (tensors.size_bytes if tensors else 0)


def arena(model: Model) -> Arena | None:
    """Where the classifier's tensors lie, if it has such."""
    return conv_arena.plan(model.ir) if isinstance(model.ir, Conv) else None


def _string(text: str) -> str:
    """`text` as a C string literal; trigraphs and non-ASCII can't occur in it."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("?", "\\?")
    return f'"{escaped}"'


def _config(model: Model) -> str:
    text = json.dumps(info(model), separators=(",", ":"))
    if len(text) >= INFO_LIMIT_BYTES:
        raise CompileError(
            f"the module's metadata take {len(text)} bytes, {INFO_LIMIT_BYTES - 1} is the most: "
            "shorten the labels"
        )
    tensors = arena(model)
    lines = [
        f"/* Configuration of the model {_comment(model.name)}. Generated; changes will be lost. */",
        "#ifndef MODEL_CONFIG_H",
        "#define MODEL_CONFIG_H",
        "",
        f"#define MIDGE_ABI {MODULE_ABI}",
        f"#define MIDGE_STATE_BYTES {state_bytes(model)}",
        f"#define MIDGE_N_FEATURES {model.n_features}",
        f"#define MIDGE_N_SCORES {model.n_scores}",
        f"#define MIDGE_N_CHANNELS {len(model.frontend.channels) if model.frontend else 0}",
        f"#define MIDGE_HAS_FRONTEND {int(model.frontend is not None)}",
        f"#define MIDGE_INFO_JSON {_string(text)}",
        *([] if tensors is None else [f"#define MIDGE_ARENA_BYTES {tensors.size_bytes}"]),
        *([] if tensors is None else [f"#define MIDGE_FEATURES_AT {tensors.features}"]),
        "",
        "#endif",
    ]
    return "\n".join([*lines, ""])


def _comment(text: str) -> str:
    return "".join(letter if letter.isalnum() or letter in " _.+-" else "_" for letter in text)


def _model(model: Model, layout: str, backend: str) -> str:
    parts = [
        f"/* The model {_comment(model.name)}. Generated; changes will be lost. */",
        '#include "midge_model.h"',
    ]
    if model.frontend is not None:
        magic = _magic(model, model.frontend)
        parts.append(c99_frontend.code(model.frontend.plan(), model.frontend.hop, magic))
    parts.append("")
    lowered = kinds.part(model.ir.kind, "lowering").lower(model.ir)
    if backend == "emlearn":
        from . import emlearn_backend

        parts.append(emlearn_backend.code(lowered))
    else:
        parts.append(kinds.code(model.ir.kind, layout).code(lowered))
    return "\n".join(parts)


def _magic(model: Model, frontend: FrontEnd) -> int:
    """What marks a state as one of this front end; never 0, which fresh memory is full of."""
    key = f"{model.name} {frontend}".encode()
    return int.from_bytes(hashlib.sha256(key).digest()[:4], "little") | 1
