"""A sound front end as C99: tables of the analysis, samples into frames, features of a full window."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from ..features_sound import (
    FRAME,
    MOST_AROUND,
    MOST_FRAMES,
    SEGMENT,
    SoundFeature,
    SoundPlan,
    SoundSampling,
    bank,
    cosines,
    hann,
)


def code(plan: SoundPlan, hop: int, magic: int) -> str:
    """The functions `midge_frontend_*` of midge_model.h; arguments as in `c99_frontend.code`."""
    sampling = plan.sampling
    lines = [
        "#include <stddef.h>",
        "",
        '#include "sound.h"',
        '#include "sound_features.h"',
        *analysis(sampling),
        *_cosines(plan),
        "static const sound_shape shape = {",
        f"    .magic = 0x{magic:08X}u,",
        f"    .length = {plan.length},",
        f"    .hop = {hop},",
        f"    .step = {sampling.step},",
        f"    .n_frames = {plan.n_frames},",
        f"    .n_scratch = {plan.n_scratch},",
        "    .analysis = &analysis,",
        "};",
        "",
        "void midge_frontend_init(void *state)",
        "{",
        "    sound_init(state, &shape);",
        "}",
        "",
        "int32_t midge_frontend_push(void *state, const int16_t *block, int32_t n_samples)",
        "{",
        "    return sound_push(state, &shape, block, n_samples);",
        "}",
        "",
        "int32_t midge_frontend_ready(const void *state)",
        "{",
        "    return sound_ready(state, &shape);",
        "}",
        "",
    ]
    body, picks = _features(plan)
    return "\n".join([*lines, *picks, *body])


def _array(kind: str, name: str, values: Sequence[int]) -> list[str]:
    rows = [", ".join(map(str, values[at : at + 16])) for at in range(0, len(values), 16)]
    return [f"static const {kind} {name}[{len(values)}] = {{", *(f"    {row}," for row in rows), "};", ""]


def analysis(sampling: SoundSampling) -> list[str]:
    """The `mel_analysis` called analysis, and its tables."""
    bands = bank(sampling)
    steps, before = [], 0
    for first, weights in bands:
        steps += [first - before, len(weights)]
        before = first
    return [
        '#include "fft.h"',
        '#include "mel.h"',
        "",
        *_array("uint16_t", "mel_hann", hann(sampling)),
        *_array("uint8_t", "mel_bins", steps),
        *_array("uint16_t", "mel_weights", [weight for _, weights in bands for weight in weights]),
        "static const mel_analysis analysis = {",
        f"    .log2_n = {sampling.log2_frame},",
        f"    .transform = fft_real_{1 << sampling.log2_frame},",
        "    .hann = mel_hann,",
        f"    .n_bands = {sampling.bands},",
        "    .bins = mel_bins,",
        "    .weights = mel_weights,",
        "};",
        "",
    ]


def _cosines(plan: SoundPlan) -> list[str]:
    cepstra = [step.number for step in plan.steps if step.row == "c"]
    if not cepstra:
        return []
    return _array("int16_t", "mel_cosines", cosines(max(cepstra) + 1, plan.sampling.bands))


Numbered = tuple[int, SoundFeature]


def _features(plan: SoundPlan) -> tuple[list[str], list[str]]:
    """The function that writes the features, and the tables of what it picks."""
    has_room = plan.sampling.room_db is not None
    numbered = list(enumerate(plan.steps))
    lines = [
        "",
        "void midge_frontend_features(void *state, int16_t *features)",
        "{",
        "    static const sound_segmenter segmenter = "
        f"{{{plan.sampling.word_share}, {plan.join_frames}, {plan.margin_frames}}};",
        "    int16_t *const loudness = sound_scratch(state, &shape);",
        f"    int16_t *const rows = loudness + {plan.rows_at};",
        "    const sound_levels levels = {"
        f"sound_frames(state, &shape), {plan.n_frames}, {plan.sampling.bands}, "
        + (f"loudness + {plan.room_at}}};" if has_room else "NULL};"),
        "",
        "    sound_loudness(&levels, loudness);",
        *(
            [f"    sound_room(&levels, loudness, {plan.above_room}, loudness + {plan.room_at});"]
            if has_room
            else []
        ),
        f"    const sound_span word = sound_segment(loudness, {plan.n_frames}, &segmenter);",
    ]
    for number, step in numbered:
        if step.row == SEGMENT:
            lines.append(f"    features[{number}] = {_of_segment(plan, step.statistic)};")
    picks: list[str] = []

    def group(item: Numbered) -> tuple[str, int]:
        # All frames are one matrix; 0 parts stand for it.
        return item[1].row, 0 if item[1].statistic == FRAME else item[1].parts

    others = sorted((item for item in numbered if item[1].row != SEGMENT), key=group)
    for (row, parts), members in itertools.groupby(others, group):
        lines += _matrix(plan, row, parts, list(members), picks)
    lines += ["    (void)word;", "    (void)rows;"]
    return [*lines, "}"], picks


def _of_segment(plan: SoundPlan, statistic: str) -> str:
    if statistic == "contrast":
        return f"sound_contrast(loudness, {plan.n_frames})"
    if statistic == "length":
        return f"sound_count(word.n, {MOST_FRAMES})"
    around = "word.first" if statistic == "before" else f"{plan.n_frames} - word.first - word.n"
    return f"sound_count({around}, {MOST_AROUND})"


def _matrix(plan: SoundPlan, row: str, parts: int, members: list[Numbered], picks: list[str]) -> list[str]:
    """Everything that is read from the means of `parts` parts, or, if these are 0, from all frames."""
    columns = plan.sampling.bands
    if not parts:
        parts = plan.n_frames
        if row == "b" and _is_every_frame(plan, members):
            return [f"    sound_flatten(&levels, features + {members[0][0]});"]
        lines = ["    sound_flatten(&levels, rows);"]
    else:
        lines = [f"    sound_course(&levels, word, {parts}, rows);"]
    if row == "c":
        # All coefficients up to the last that any feature reads, so that one table serves.
        columns = max(step.number for _, step in members) + 1
        lines.append(f"    sound_cepstra(rows, {parts}, {plan.sampling.bands}, {columns}, mel_cosines);")
    for statistic in (FRAME, "course", "spread", "contour"):
        of_kind = [item for item in members if item[1].statistic == statistic]
        if not of_kind:
            continue
        if statistic == "contour":
            lines.append(f"    sound_centre(rows, {parts}, {columns});")
        if statistic == "spread":
            lines += [
                f"    features[{number}] = sound_deviation(rows, {parts}, {columns}, {step.number});"
                for number, step in of_kind
            ]
            continue
        for run in _runs(of_kind):
            places = [_place(s) * columns + s.number for _, s in run]
            if places == list(range(places[0], places[0] + len(places))):
                lines.append(f"    sound_copy(rows + {places[0]}, {len(run)}, features + {run[0][0]});")
                continue
            name = f"sound_picks_{len([line for line in picks if line.startswith('static')])}"
            picks += _array("uint16_t", name, places)
            lines.append(f"    sound_pick(rows, {name}, {len(run)}, features + {run[0][0]});")
    return lines


def _is_every_frame(plan: SoundPlan, members: list[Numbered]) -> bool:
    """Whether these are all bands of all frames, in order and with nothing between."""
    places = [(feature.part, feature.number) for _, feature in members]
    numbers = [number for number, _ in members]
    return places == list(itertools.product(range(plan.n_frames), range(plan.sampling.bands))) and (
        numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    )


def _place(step: SoundFeature) -> int:
    """The row of the matrix."""
    return step.part if step.statistic == FRAME else step.part - 1


def _runs(items: list[Numbered]) -> list[list[Numbered]]:
    """Features whose numbers follow each other."""
    runs: list[list[Numbered]] = []
    for item in items:
        if runs and item[0] == runs[-1][-1][0] + 1:
            runs[-1].append(item)
        else:
            runs.append([item])
    return runs
