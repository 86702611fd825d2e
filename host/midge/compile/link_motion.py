"""A front end for motion as tables: one step a feature, read by firmware/native/table_frontend.c."""

from __future__ import annotations

import re

from ..errors import UnsupportedModel
from ..features import DERIVED, STEPS_PER_HZ, Plan, Step
from .kernel_sections import Section
from .link_data import Ref, Value, structure, structures
from .link_families import HEADER

# table_model.h: of each form of statistic
_FORMS = {"row": 0, "percent": 1, "course": 2, "pair": 3, "tilt": 4, "span": 5, "spectrum": 6, "band": 7}
_SPECTRAL = ("spectrum", "band")
# What c99_frontend writes, and the kernels that do the same.
_STATE = r"\(filter_state \*\)\(\(uint8_t \*\)state \+ \d+\)"
_BODIES = {
    "init": {
        "motion": r"window_init\(state, &shape\);",
        "filter": rf"window_init\(state, &shape\); filter_init\({_STATE}\);",
    },
    "push": {
        "motion": r"return window_push\(state, &shape, block, n_samples\);",
        "filter": rf"return filter_push\(state, &shape, {_STATE}, sections, \d+, block, n_samples\);",
    },
    "ready": {"motion": r"return window_ready\(state, &shape\);"},
}


def functions(plan: Plan, source: str) -> dict[str, str]:
    """Which kernels are the functions of the generated C; UnsupportedModel if they do something else."""
    kinds = {"init": "motion", "push": "motion", "ready": "motion", "features": "motion"}
    for name, known in _BODIES.items():
        body = re.search(rf"midge_frontend_{name}\([^)]*\)\n\{{(.*?)\n\}}", source, re.DOTALL)
        statements = " ".join(body[1].split()) if body else ""
        kind = next((kind for kind, pattern in known.items() if re.fullmatch(pattern, statements)), None)
        if kind is None or (kind == "filter") != (bool(plan.sections) and name != "ready"):
            raise UnsupportedModel("this front end needs a compiler, which there is none of for this target")
        kinds[name] = kind
    return {f"midge_frontend_{name}": f"{kind}_table_{name}" for name, kind in kinds.items()}


def sections(plan: Plan, word_bytes: int) -> list[Section]:
    """Sections beside the tables of the generated C; UnsupportedModel for a statistic that is no table."""
    numbered = list(enumerate(plan.steps))
    spectral = [item for item in numbered if item[1].statistic.form in _SPECTRAL]
    others = [item for item in numbered if item[1].statistic.form not in _SPECTRAL]
    spectral.sort(key=lambda item: item[1].rows)
    derived = [Ref(DERIVED[name]) for name in plan.derived]
    is_cut = plan.segmenter is not None and bool(others)
    values: dict[str, Value] = {
        "shape": Ref("shape"),
        "n_steps": len(others),
        "n_spectral": len(spectral),
        "n_derived": len(derived),
        "log2_fft": plan.log2_fft,
        "rows_bytes": plan.rows_bytes,
        **dict(zip("xyz", plan.acceleration or (0, 0, 0), strict=True)),
    }
    made = []
    for name, steps in (("steps", others), ("spectral", spectral)):
        if steps:
            rows = [_step(plan, number, step) for number, step in steps]
            made.append(structures(f"{name}_table", "table_step", HEADER, rows, word_bytes))
            values[name] = Ref(f"{name}_table")
    if derived:
        rows = [{"function": function} for function in derived]
        made.append(structures("derived_table", "table_pointer", HEADER, rows, word_bytes))
        values["derived"] = Ref("derived_table")
    if is_cut:
        values |= {
            "segment": Ref("motion_segment"),
            "part": Ref("motion_part"),
            "segmenter": Ref("segmenter"),
        }
    if plan.sections:
        values |= {"filters": Ref("sections"), "n_filters": len(plan.sections), "filter_at": plan.filter_at}
    if spectral:
        values |= {"spectra": Ref("table_spectra"), "transform": Ref(f"fft_real_{1 << plan.log2_fft}")}
    return [*made, structure("midge_frontend", "table_frontend", HEADER, values, word_bytes)]


def _step(plan: Plan, number: int, step: Step) -> dict[str, Value]:
    """The row of a statistic, as c99_frontend writes its call."""
    form, feature = step.statistic.form, step.feature
    if form not in _FORMS:
        raise UnsupportedModel(
            f"the statistic {feature.statistic} needs a compiler: there is none for this target"
        )
    whole = form == "course" and plan.segmenter is None
    more = [0, 0]
    if form == "percent":
        more = [int(feature.low), 0]
    elif form == "course":
        more = [feature.part, feature.parts]
    elif form == "band":
        more = [*step.bins]
    elif form == "spectrum":
        more = [round(plan.rate_hz / (1 << plan.log2_fft) * STEPS_PER_HZ * 256), 0]
    is_part = feature.parts > 1 and form not in ("course", "span")
    return {
        "function": Ref(step.statistic.function),
        "form": _FORMS[form],
        "feature": number,
        "part": feature.part if is_part else 0,
        "parts": feature.parts,
        "row": step.rows[0] if step.rows else 0,
        "other": step.rows[1] if len(step.rows) > 1 else 0,
        "first": 0 if whole else step.first,
        "n": plan.length if whole else step.n_samples,
        "more[0]": more[0],
        "more[1]": more[1],
    }
