"""A model as sections for midge's own linker: tables, steps of the front end, and which kernels they need."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..errors import UnsupportedModel
from ..features_sound import SoundPlan
from . import c99, kinds, link_motion, link_sound, link_tables
from .kernel_sections import Section
from .kernels import ARENA, BARE, BARE_ARENA
from .link_data import Ref, Value, numbers, structure
from .link_families import HEADER, WRITERS, judged, room
from .projected import Projected
from .projected_integer import ProjectedIntegers

if TYPE_CHECKING:
    from ..model_file import FrontEnd, Model

_FOREST_CALL = re.compile(r"return (\w+)\(&forest, features, sums, scores\);")


@dataclass(frozen=True)
class ModelTables:
    """Sections of a model, and the kernels that stand for names which kernels leave open."""

    sections: tuple[Section, ...]
    aliases: dict[str, str]


def tables(model: Model, word_bytes: int) -> ModelTables:
    """The tables of a model.

    Raises
    ------
    UnsupportedModel
        if no kernel that is compiled without knowing the model can run it
    """
    kind = model.ir.kind
    judge = model.ir.inner.kind if isinstance(model.ir, Projected) else kind
    if judge != "forest" and judge not in WRITERS:
        raise UnsupportedModel(
            f"a {judge} model computes in double precision, of which there are no kernels: "
            "scale the features so that int16 holds them, or choose another family"
        )
    layouts = kinds.KINDS[kind].code
    layout = "table" if "table" in layouts else next(iter(layouts))
    source = c99.sources(model, layout=layout, backend="midge")["model.c"]
    sections = link_tables.read(source, word_bytes)
    aliases: dict[str, str] = {}
    made = [*_facts(model, word_bytes)]
    if model.frontend is not None:
        made += _frontend(model.frontend, source, word_bytes)
    aliases |= _glue(model, source)
    lowered = kinds.part(kind, "lowering").lower(model.ir)
    if isinstance(lowered, ProjectedIntegers):
        aliases["midge_classify"] = f"projected_table_judge/{room(len(lowered.rows.bias))}"
        kind, lowered, entry = lowered.kind, lowered.inner, "midge_projected"
    else:
        entry = "midge_classify"
    more, aliases[entry] = _classifier(kind, lowered, model.n_scores, source, word_bytes)
    return ModelTables((*sections.values(), *made, *more), aliases)


def _classifier(
    kind: str, lowered: Any, n_scores: int, source: str, word_bytes: int
) -> tuple[list[Section], str]:
    """Sections of what classifies beside its tables, and the kernel that reads them."""
    if kind == "forest":
        call = _FOREST_CALL.search(source)
        if call is None:
            raise UnsupportedModel("this forest is no table; build it with --layout code for another target")
        values: dict[str, Value] = {"classify": Ref(call[1]), "forest": Ref("forest")}
        made = [structure("midge_forest", "table_forest", HEADER, values, word_bytes)]
        return made, f"forest_table_judge/32/{room(lowered.n_classes)}"
    made, sums = WRITERS[kind](lowered, word_bytes)
    if isinstance(sums, str):
        return made, sums
    return [*made, judged(sums, n_scores, word_bytes)], f"sums_table_judge/{sums.bits}/{room(sums.places)}"


def _glue(model: Model, source: str) -> dict[str, str]:
    """The functions that Python calls, in the flavour for this model."""
    has_arena = c99.arena(model) is not None
    if model.frontend is None:
        suffix = BARE_ARENA if has_arena else BARE
    else:
        suffix = ARENA if has_arena else f"/{room(model.n_features)}"
    names = ("init", "push", "ready", "features", "classify", "predict", "info")
    found = {f"model_{name}": f"model_{name}{suffix}" for name in names}
    if model.frontend is None:
        return found
    plan = model.frontend.plan()
    if isinstance(plan, SoundPlan):
        return found | {f"midge_frontend_{name}": f"sound_table_{name}" for name in names[:4]}
    return found | link_motion.functions(plan, source)


def _facts(model: Model, word_bytes: int) -> list[Section]:
    text = json.dumps(c99.info(model), separators=(",", ":")).encode()
    arena = c99.arena(model)
    values: dict[str, Value] = {
        "abi": c99.MODULE_ABI,
        "state_bytes": c99.state_bytes(model),
        "n_features": model.n_features,
        "n_scores": model.n_scores,
        "n_channels": len(model.frontend.channels) if model.frontend else 0,
        "info_bytes": len(text),
        "arena_bytes": arena.size_bytes if arena else 0,
        "features_at": (arena.features or 0) if arena else 0,
        "info": Ref("info"),
    }
    return [
        numbers("info", "char", [*text, 0], word_bytes),
        structure("midge_facts", "table_facts", HEADER, values, word_bytes),
    ]


def _frontend(frontend: FrontEnd, source: str, word_bytes: int) -> list[Section]:
    plan = frontend.plan()
    if isinstance(plan, SoundPlan):
        return link_sound.sections(plan, source, word_bytes)
    return link_motion.sections(plan, word_bytes)
