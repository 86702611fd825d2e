"""A front end for sound as tables: what c99_sound generates, as steps of firmware/native/table_sound.c."""

from __future__ import annotations

import re

from ..errors import UnsupportedModel
from ..features_sound import SoundPlan
from .kernel_sections import Section
from .link_data import Ref, Value, structure, structures
from .link_families import HEADER

_FUNCTION = re.compile(r"^void midge_frontend_features\(.*?^\}", re.DOTALL | re.MULTILINE)
# table_model.h: operation, its line, the fields that the numbers of the line are.
_STEPS = (
    (0, r"features\[(\d+)\] = sound_count\(word\.n, (\d+)\);", ("feature", "place")),
    (1, r"features\[(\d+)\] = sound_count\(word\.first, (\d+)\);", ("feature", "place")),
    (2, r"features\[(\d+)\] = sound_count\(\d+ - word\.first - word\.n, (\d+)\);", ("feature", "place")),
    (3, r"features\[(\d+)\] = sound_contrast\(loudness, \d+\);", ("feature",)),
    (4, r"sound_course\(&levels, word, (\d+), rows\);", ("parts",)),
    (5, r"sound_cepstra\(rows, (\d+), \d+, (\d+), (\w+)\);", ("parts", "columns", "cosines")),
    (6, r"sound_centre\(rows, (\d+), (\d+)\);", ("parts", "columns")),
    (
        7,
        r"features\[(\d+)\] = sound_deviation\(rows, (\d+), (\d+), (\d+)\);",
        ("feature", "parts", "columns", "place"),
    ),
    (8, r"sound_pick\(rows, (\w+), (\d+), features \+ (\d+)\);", ("picks", "place", "feature")),
    (9, r"sound_copy\(rows \+ (\d+), (\d+), features \+ (\d+)\);", ("columns", "place", "feature")),
    (10, r"sound_flatten\(&levels, rows\);", ()),
    (11, r"sound_flatten\(&levels, features \+ (\d+)\);", ("feature",)),
)
# What every front end for sound begins and ends with.
_FRAME = (
    *("static const", "const sound_levels", "int16_t *const", "const sound_span"),
    *("sound_loudness(", "sound_room("),
    *("(void)", "{", "}", "void midge_frontend_features"),
)


def sections(plan: SoundPlan, source: str, word_bytes: int) -> list[Section]:
    """Sections beside the tables of the generated C; UnsupportedModel for a line that is no step."""
    body = _FUNCTION.search(source)
    lines = [line.strip() for line in body[0].splitlines()] if body else []
    steps = [_step(line) for line in lines if line and not line.startswith(_FRAME)]
    # One table serves all of them.
    cosines = [step.pop("cosines") for step in steps if "cosines" in step]
    values: dict[str, Value] = {
        "shape": Ref("shape"),
        "segmenter": Ref("segmenter"),
        "cosines": cosines[0] if cosines else Ref(),
        "steps": Ref("sound_steps"),
        "n_steps": len(steps),
        "n_bands": plan.sampling.bands,
        "room_at": plan.room_at,
        "rows_at": plan.rows_at,
        "above": plan.above_room,
    }
    return [
        structures("sound_steps", "table_sound_step", HEADER, steps, word_bytes),
        structure("midge_sound", "table_sound", HEADER, values, word_bytes),
    ]


def _step(line: str) -> dict[str, Value]:
    for operation, pattern, names in _STEPS:
        found = re.fullmatch(pattern, line)
        if found:
            values = (
                Ref(text) if name in ("picks", "cosines") else int(text)
                for name, text in zip(names, found.groups(), strict=True)
            )
            return {"operation": operation, **dict(zip(names, values, strict=True))}
    raise UnsupportedModel(f"this front end needs a compiler, which there is none of for this target: {line}")
