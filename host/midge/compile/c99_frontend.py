"""A front end as C99: samples into a window, features of a full one; nothing that no feature reads."""

from __future__ import annotations

import itertools
from dataclasses import astuple

from ..features import DERIVED, STEPS_PER_HZ, Plan, Step
from ..features_sound import SoundPlan
from . import c99_sound

_SPECTRAL = ("spectrum", "band")


def config(plan: Plan | SoundPlan) -> str:
    """A `model_config.h` for a front end without a classifier."""
    return "\n".join(
        [
            "#ifndef MODEL_CONFIG_H",
            "#define MODEL_CONFIG_H",
            f"#define MIDGE_STATE_BYTES {plan.state_bytes}",
            f"#define MIDGE_N_FEATURES {len(plan.steps)}",
            "#define MIDGE_N_SCORES 1",
            f"#define MIDGE_N_CHANNELS {plan.n_channels}",
            "#define MIDGE_HAS_FRONTEND 1",
            "#endif",
            "",
        ]
    )


def code(plan: Plan | SoundPlan, hop: int, magic: int) -> str:
    """The functions `midge_frontend_*` of midge_model.h.

    Parameters
    ----------
    hop
        samples between two windows
    magic
        uint32 that marks a state as one of this front end
    """
    if isinstance(plan, SoundPlan):
        return c99_sound.code(plan, hop, magic)
    rows = ", ".join(str(source) for source in plan.row_sources)
    lines = [
        '#include "motion.h"',
        '#include "window.h"',
        *(['#include "fft.h"', '#include "spectrum.h"'] if plan.log2_fft else []),
        *(['#include "filter.h"'] if plan.sections else []),
        "",
        f"static const uint8_t row_sources[] = {{{rows or 0}}};",
        "",
        "static const window_shape shape = {",
        f"    .magic = 0x{magic:08X}u,",
        f"    .length = {plan.length},",
        f"    .hop = {hop},",
        f"    .n_channels = {plan.n_channels},",
        f"    .n_rows = {len(plan.row_sources)},",
        "    .row_sources = row_sources,",
        "};",
        "",
        *_filters(plan),
        "void midge_frontend_init(void *state)",
        "{",
        "    window_init(state, &shape);",
        *([f"    filter_init({_filter_state(plan)});"] if plan.sections else []),
        "}",
        "",
        "int32_t midge_frontend_push(void *state, const int16_t *block, int32_t n_samples)",
        "{",
        f"    return {_push(plan)};",
        "}",
        "",
        "int32_t midge_frontend_ready(const void *state)",
        "{",
        "    return window_ready(state, &shape);",
        "}",
        "",
        *_segmenter(plan),
        "void midge_frontend_features(void *state, int16_t *features)",
        "{",
        *_features(plan),
        "}",
    ]
    return "\n".join(lines)


def _filter_state(plan: Plan) -> str:
    return f"(filter_state *)((uint8_t *)state + {plan.filter_at})"


def _filters(plan: Plan) -> list[str]:
    if not plan.sections:
        return []
    rows = [", ".join(str(value) for value in astuple(section)) for section in plan.sections]
    return ["static const filter_section sections[] = {", *(f"    {{{row}}}," for row in rows), "};", ""]


def _push(plan: Plan) -> str:
    if not plan.sections:
        return "window_push(state, &shape, block, n_samples)"
    tail = f"sections, {len(plan.sections)}, block, n_samples"
    return f"filter_push(state, &shape, {_filter_state(plan)}, {tail})"


def _row(plan: Plan, row: int) -> str:
    return f"rows + {row * plan.length}"


def _segmenter(plan: Plan) -> list[str]:
    by = plan.segmenter
    if by is None:
        return []
    values = ", ".join(str(value) for value in (by.step, by.smooth, by.join, by.margin, by.floor, by.share))
    return [f"static const motion_segmenter segmenter = {{{values}}};", ""]


def _features(plan: Plan) -> list[str]:
    numbered = list(enumerate(plan.steps))
    spectral = [item for item in numbered if item[1].statistic.form in _SPECTRAL]
    others = [item for item in numbered if item[1].statistic.form not in _SPECTRAL]
    lines = []
    if plan.row_sources:
        lines.append("    const int16_t *rows = window_row(state, &shape, 0);")
    if plan.segmenter is not None and others:
        x, y, z = (_row(plan, row) for row in plan.acceleration)
        lines.append(f"    const motion_span all = motion_segment({x}, {y}, {z}, {plan.length}, &segmenter);")
        if any(_is_part(step) for _, step in others):
            lines.append("    motion_span part;")
    if spectral:
        lines += [
            "    spectrum of;",
            f"    int16_t *scratch = (int16_t *)((uint8_t *)state + {plan.rows_bytes});",
            f"    uint32_t *power = (uint32_t *)(scratch + {1 << plan.log2_fft});",
        ]
    lines.append("")
    for number, name in enumerate(plan.derived):
        x, y, z = (_row(plan, row) for row in plan.acceleration)
        to = (len(plan.row_sources) + number) * plan.length
        lines.append(f"    {DERIVED[name]}({x}, {y}, {z}, {plan.length}, (int16_t *)rows + {to});")
    lines += _statistics(plan, others)
    lines += _spectra(plan, spectral)
    return lines


def _is_part(step: Step) -> bool:
    return step.feature.parts > 1 and step.statistic.form not in ("course", "span")


def _statistics(plan: Plan, items: list[tuple[int, Step]]) -> list[str]:
    """Parts of a stretch are worked out once each."""

    def part_of(item: tuple[int, Step]) -> tuple[int, int]:
        feature = item[1].feature
        return (feature.parts, feature.part) if _is_part(item[1]) else (1, 1)

    lines = []
    for (parts, part), members in itertools.groupby(sorted(items, key=part_of), part_of):
        if plan.segmenter is not None and parts > 1:
            lines.append(f"    part = motion_part(all, {part}, {parts});")
        for number, step in members:
            lines.append(f"    features[{number}] = {_call(plan, step, parts > 1)};")
    return lines


def _call(plan: Plan, step: Step, is_part: bool) -> str:
    if plan.segmenter is not None:
        name = "part" if is_part else "all"
        first, n = f"{name}.first", f"{name}.n"
    elif step.statistic.form == "course":
        first, n = "0", str(plan.length)
    else:
        first, n = str(step.first), str(step.n_samples)
    offset = "" if first == "0" else f" + {first}"
    rows = ", ".join(f"{_row(plan, row)}{offset}" for row in step.rows)
    form, feature = step.statistic.form, step.feature
    if form == "span":
        return f"(int16_t){n}"
    more = ""
    if form == "percent":
        more = f", {int(feature.low)}"
    elif form == "course":
        more = f", {feature.part}, {feature.parts}"
    elif form == "tilt":
        rows += "".join(f", {_row(plan, row)}{offset}" for row in plan.acceleration)
    return f"{step.statistic.function}({rows}, {n}{more})"


def _spectra(plan: Plan, items: list[tuple[int, Step]]) -> list[str]:
    """One transform a row."""
    size = 1 << plan.log2_fft
    # Steps of a bin, in 256ths.
    unit = round(plan.rate_hz / size * STEPS_PER_HZ * 256) if plan.log2_fft else 0
    lines = []
    for row, members in itertools.groupby(sorted(items, key=lambda item: item[1].rows), lambda i: i[1].rows):
        lines.append(
            f"    of = spectrum_of({_row(plan, row[0])}, {plan.length}, {plan.log2_fft}, fft_real_{size}, "
            "scratch, power);"
        )
        for number, step in members:
            tail = f"{step.bins[0]}, {step.bins[1]}" if step.statistic.form == "band" else str(unit)
            lines.append(f"    features[{number}] = {step.statistic.function}(&of, {tail});")
    return lines
