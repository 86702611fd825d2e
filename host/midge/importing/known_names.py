"""Which column is what, by the names that columns have in this field, or by how their numbers look."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from ..errors import DatasetError
from ..recording import GYRO_CHANNELS, MOTION_CHANNELS
from . import units
from .heads import Columns, Head, bracketed, listed, tokens, with_units

_TIME_NAMES = ("time", "timestamp", "timestamps", "t", "ts", "datetime", "date", "elapsed", "epoch", "millis",
               "micros", "clock", "uptime", "utc", "stamp",
               "zeit", "zeitstempel", "temps", "tiempo", "tempo", "tijd", "tid")  # fmt: skip
_WORD_NAMES = {
    "label": ("label", "activity", "class", "gesture", "state", "target", "activity_name", "activity_label",
              "category", "annotation", "action", "movement", "labels", "condition", "activity_id",
              "activity_code", "label_id", "class_id",
              "aktivität", "aktivitaet", "klasse", "geste", "zustand", "bewegung", "activité", "classe",
              "actividad", "clase", "gesto", "estado", "attività", "etiqueta", "étiquette", "etichetta"),
    "group": ("group", "subject", "user", "person", "participant", "speaker", "machine", "volunteer",
              "subject_id", "user_id", "person_id", "participant_id", "machine_id", "speaker_id", "subj",
              "patient", "patient_id", "pid",
              "gruppe", "nutzer", "proband", "teilnehmer", "maschine", "personne", "sujet", "participante",
              "persona", "sujeto", "usuario", "soggetto", "utente"),
    "take": ("take", "session", "file", "recording", "trial", "experiment", "execution", "sequence",
             "segment", "filename", "file_name", "session_id", "recording_id", "trial_id", "experiment_id",
             "sequence_id", "segment_id", "exp_id", "take_id", "sample_id", "series_id", "run"),
}  # fmt: skip
# The sensor that a name belongs to, by the words in it; the first row with one of them counts.
_SENSORS = (
    ("other", {"gyr", "gyro", "gyroscope", "rot", "rotation", "omega", "angular", "w", "g", "rr", "mag", "b",
               "m", "magn", "magnetometer", "magnetic", "compass", "gravity", "grav", "roll", "pitch", "yaw",
               "euler", "quat", "quaternion", "q", "ori", "orientation", "attitude", "pos", "position", "vel",
               "velocity"}),
    ("linear", {"lin", "linear", "user", "body", "la"}),
    ("acceleration", {"a", "acc", "accel", "acceleration", "accelerometer", "accelerations", "accelero", "",
                      "beschl", "beschleunigung", "accélération", "aceleración", "aceleracion",
                      "accelerazione"}),
)  # fmt: skip
# Words that say turning, and words that make it something else all the same.
_TURNING = {"gyr", "gyro", "gyroscope", "omega", "angular", "w", "g", "rr"}
_NOT_TURNING = {"position", "pos", "acceleration", "acc", "bias", "drift", "temp", "temperature"}
_ACCELERATING = _SENSORS[1][1] | _SENSORS[2][1]
_STEMS = {"a", "acc", "accel", "acceleration", "g", "gyr", "gyro", "w", "m", "mag", "b", "la", "rr"}


def _axis(name: str) -> tuple[str, str] | None:
    """(axis, the rest of the name) of `acc_x`, `ax`, `AccX`, `x_acc` …"""
    words = tokens(name)
    single = [word for word in words if word in MOTION_CHANNELS]
    if len(single) == 1:
        rest = [word for word in words if word not in MOTION_CHANNELS and word != "axis"]
        return single[0], "_".join(rest)
    for number, word in enumerate(words):
        if word[-1] in MOTION_CHANNELS and word[:-1] in _STEMS:
            return word[-1], "_".join([*words[:number], word[:-1], *words[number + 1 :]])
    return None


def _sensor(stem: str) -> int:
    """Rank of a name as acceleration: 0 it is, 1 without gravity, 2 who knows, 3 something else."""
    words = set(stem.split("_"))
    for kind, known in _SENSORS:
        if words & known:
            return {"acceleration": 0, "linear": 1, "other": 3}[kind]
    return 2


def by_name(head: Head, where: str, fill_axes: bool) -> Columns:
    """The one acceleration among the names, what goes with it, time and words; raises DatasetError."""
    stems: dict[str, dict[str, int]] = {}
    for at, name in enumerate(head.names):
        found = _axis(name)
        if found is not None:
            stems.setdefault(found[1], {}).setdefault(found[0], at)
    fitting = {
        stem: axes
        for stem, axes in stems.items()
        if _sensor(stem) < 3 and (len(axes) == len(MOTION_CHANNELS) or fill_axes)
    }
    best = min((_sensor(stem) for stem in fitting), default=None)
    chosen = [axes for stem, axes in fitting.items() if _sensor(stem) == best]
    if len(chosen) != 1:
        problem = "several accelerations" if chosen else "no columns that are clearly x, y and z"
        raise DatasetError(
            f"{where} row 1: {problem} in {listed(head.names)}; name them: "
            "--columns x=NAME,y=NAME,z=NAME,t=NAME"
        )
    axes = chosen[0]
    stem = next(stem for stem, one in fitting.items() if one is axes)
    turning = _turning(stems, stem, head)
    time, time_unit = _time(head)
    words = {}
    for word, known in _WORD_NAMES.items():
        joined = {"_".join(tokens(name)): at for at, name in reversed(list(enumerate(head.names)))}
        found_word = next((joined[name] for name in known if name in joined), None)
        if found_word is not None:
            words[word] = found_word
    columns = Columns(
        axes=tuple(axes.get(channel) for channel in MOTION_CHANNELS), turning=turning,
        time=time, time_unit=time_unit, words=words,
    )  # fmt: skip
    taken = {
        **{
            channel: head.names[at]
            for channel, at in zip(MOTION_CHANNELS, columns.axes, strict=True)
            if at is not None
        },
        **{channel: head.names[at] for channel, at in zip(GYRO_CHANNELS, turning, strict=False)},
        **({} if time is None else {"t": head.names[time]}),
        **{word: head.names[at] for word, at in words.items()},
    }
    left = [name for at, name in enumerate(head.names) if name and head.names[at] not in taken.values()]
    says = "columns " + ", ".join(f"{role}={name}" for role, name in taken.items())
    says += f"; left out {listed(left)}" if left else ""
    return replace(with_units(columns, head, len(head.names)), says=(says,))


def _turning(stems: Mapping[str, Mapping[str, int]], acceleration: str, head: Head) -> tuple[int, ...]:
    """Columns of the one gyroscope beside the acceleration; none if there are several, or no numbers."""
    words = {stem: set(stem.split("_")) for stem, axes in stems.items() if len(axes) == len(MOTION_CHANNELS)}
    found = [stem for stem, one in words.items() if one & _TURNING and not one & _NOT_TURNING]
    if len(found) > 1:
        # The one of the same place: wrist_acc goes with wrist_gyro.
        place = set(acceleration.split("_")) - _ACCELERATING
        found = [stem for stem in found if words[stem] - _TURNING == place]
    if len(found) != 1:
        return ()
    columns = tuple(stems[found[0]][channel] for channel in MOTION_CHANNELS)
    return columns if all(_is_number(row[at]) for row in head.rows for at in columns if at < len(row)) else ()


def _is_number(value: object) -> bool:
    try:
        return math.isfinite(float(str(value).replace(",", ".")))
    except ValueError:
        return False


def _time(head: Head) -> tuple[int | None, str]:
    best: tuple[int, int, str] | None = None
    for at, name in enumerate(head.names):
        words = tokens(name)
        said = (bracketed(name), *reversed(words), head.units[at] if at < len(head.units) else "")
        unit = next((units.time_spelled(text) for text in said if units.time_spelled(text)), "")
        ranks = [_TIME_NAMES.index(word) for word in words if word in _TIME_NAMES]
        if not ranks and not (unit and len(words) == 1 and words[0] not in ("s",)):
            continue
        rank = min(ranks, default=len(_TIME_NAMES)) + (0 if unit else 1)
        if best is None or rank < best[0]:
            best = (rank, at, unit)
    return (None, "") if best is None else (best[1], best[2])


def by_look(head: Head, where: str) -> Columns:
    """Without names: three columns are x, y, z; of four, a first one that only grows is time."""
    width = len(head.names)
    numbers = [list(row) for row in head.rows]
    if width == 3:
        return Columns((0, 1, 2), width=3, says=("columns x, y, z by their place",))
    if width == 4 and _grows([row[0] for row in numbers]):
        return Columns((1, 2, 3), time=0, width=4, says=("columns t, x, y, z by their place",))
    raise DatasetError(
        f"{where} row 1: {width} columns without names; say what they are, such as --columns t_ms,x,y,z "
        "(_ = ignore, ... = ignore the rest)"
    )


def _grows(values: Sequence[object]) -> bool:
    try:
        numbers = [float(str(value).replace(",", ".")) for value in values]
    except ValueError:
        return all(units.iso_s(str(value)) is not None for value in values)
    return (
        len(numbers) > 1
        and all(b >= a for a, b in itertools.pairwise(numbers))
        and (numbers[-1] > numbers[0])
    )
