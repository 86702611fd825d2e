"""Which column is what: by --columns, or by the names that columns have in this field."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ..errors import DatasetError
from ..recording import GYRO_CHANNELS, MOTION_CHANNELS
from . import gyro, units

TIMES = {"t": "", "t_s": "s", "t_ms": "ms", "t_us": "us", "t_ns": "ns"}
WORDS = ("label", "group", "take")
IGNORED = "_"
REST = "..."
_REPEATED = re.compile(r"_\*(\d{1,3})\Z")
_TOKEN = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
_BRACKET = re.compile(r"\s*[\[(]\s*([^\])]*?)\s*[\])]\s*")

_TIME_NAMES = ("time", "timestamp", "timestamps", "t", "ts", "datetime", "date", "elapsed", "epoch", "millis",
               "micros", "clock", "uptime", "utc", "stamp")  # fmt: skip
_WORD_NAMES = {
    "label": ("label", "activity", "class", "gesture", "state", "target", "activity_name", "activity_label",
              "category", "annotation", "action", "movement", "labels", "condition", "activity_id",
              "activity_code", "label_id", "class_id"),
    "group": ("group", "subject", "user", "person", "participant", "speaker", "machine", "volunteer",
              "subject_id", "user_id", "person_id", "participant_id", "machine_id", "speaker_id", "subj",
              "patient", "patient_id", "pid"),
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
    ("acceleration", {"a", "acc", "accel", "acceleration", "accelerometer", "accelerations", "accelero", ""}),
)  # fmt: skip
# Words that say turning, and words that make it something else all the same.
_TURNING = {"gyr", "gyro", "gyroscope", "omega", "angular", "w", "g", "rr"}
_NOT_TURNING = {"position", "pos", "acceleration", "acc", "bias", "drift", "temp", "temperature"}
_ACCELERATING = _SENSORS[1][1] | _SENSORS[2][1]
_STEMS = {"a", "acc", "accel", "acceleration", "g", "gyr", "gyro", "w", "m", "mag", "b", "la", "rr"}


@dataclass(frozen=True)
class Head:
    """What can be seen of a table before it is read: names ('' where there are none) and a few rows."""

    names: tuple[str, ...]
    rows: tuple[tuple[object, ...], ...]
    units: tuple[str, ...] = ()

    @property
    def is_named(self) -> bool:
        return any(self.names)


@dataclass(frozen=True)
class Columns:
    """Where each thing is. `axes` holds None for one without a column; `turning` is a gyroscope's, or empty;
    `guessed` are words not asked for."""

    axes: tuple[int | None, ...]
    turning: tuple[int, ...] = ()
    time: int | None = None
    time_unit: str = ""
    words: dict[str, int] = field(default_factory=dict)
    guessed: frozenset[str] = frozenset()
    width: int | None = None
    unit: str = ""
    gyro_unit: str = ""
    says: tuple[str, ...] = ()

    @property
    def values(self) -> tuple[int | None, ...]:
        """Columns of a sample, in the order of the channels."""
        return (*self.axes, *self.turning)


@dataclass(frozen=True)
class Spec:
    """A parsed --columns: `roles` in the file's order, or `named` roles; `has_rest` lets columns follow."""

    roles: tuple[str, ...] = ()
    named: tuple[tuple[str, str], ...] = ()
    has_rest: bool = False


def parse(text: str, *, fill_axes: bool = False) -> Spec:
    """`t_ms,_,_,x,y,z`, `t_s,_*3,x,y,z,...` or `x=acc_x,y=acc_y,z=acc_z,t_ms=time`.

    Raises DatasetError for what is no column, is there twice, or an axis that is missing.
    """
    parts = [part.strip() for part in text.split(",")]
    if any("=" in part for part in parts):
        pairs = [part.partition("=") for part in parts]
        if not all(equals and name for _, equals, name in pairs):
            raise DatasetError("--columns: some have '=' and some have not; name all, such as x=acc_x")
        spec = Spec(named=tuple((role.strip(), name.strip()) for role, _, name in pairs))
        roles = [role for role, _ in spec.named]
    else:
        has_rest = parts[-1] == REST
        roles = []
        for part in parts[:-1] if has_rest else parts:
            repeated = _REPEATED.match(part)
            roles += [IGNORED] * int(repeated[1]) if repeated else [part]
        spec = Spec(roles=tuple(roles), has_rest=has_rest)
    known = (*MOTION_CHANNELS, *GYRO_CHANNELS, *TIMES, *WORDS, *(() if spec.named else (IGNORED,)))
    for role in roles:
        if role not in known:
            raise DatasetError(f"--columns: {role[:40]!r} is not one of {', '.join(known)}")
        if role != IGNORED and roles.count(role) > 1:
            raise DatasetError(f"--columns: {role!r} is there twice")
    missing = [channel for channel in MOTION_CHANNELS if channel not in roles]
    if missing and (not fill_axes or len(missing) == len(MOTION_CHANNELS)):
        raise DatasetError(
            f"--columns: {', '.join(missing)} is missing; name the column of each axis, or --fill-axes makes "
            "it 0"
        )
    if 0 < sum(channel in roles for channel in GYRO_CHANNELS) < len(GYRO_CHANNELS):
        raise DatasetError("--columns: a gyroscope has gx, gy and gz; name all three, or none")
    if sum(role in TIMES for role in roles) > 1:
        raise DatasetError("--columns: more than one time; put _ for those to ignore")
    return spec


def resolve(
    spec: Spec | None, head: Head, where: str, *, fill_axes: bool = False, has_gyro: bool = True
) -> Columns:
    """The columns of one file, without a gyroscope's if not `has_gyro`.

    Raises DatasetError that shows what there is.
    """
    found = _resolve(spec, head, where, fill_axes=fill_axes)
    return found if has_gyro else replace(found, turning=(), gyro_unit="")


def _resolve(spec: Spec | None, head: Head, where: str, *, fill_axes: bool) -> Columns:
    if spec is None:
        return _by_name(head, where, fill_axes) if head.is_named else _by_look(head, where)
    if spec.named:
        names = [name.strip() for name in head.names]
        if not head.is_named:
            raise DatasetError(
                f"{where}: its columns have no names; give --columns by place, such as t_ms,x,y,z"
            )
        at = {}
        for role, name in spec.named:
            if name not in names:
                raise DatasetError(f"{where} row 1: no column {name!r}; it has {_listed(names)}")
            at[role] = names.index(name)
        return _with_units(_of_roles(at), head, len(head.names))
    width = len(head.names)
    if width != len(spec.roles) and not (spec.has_rest and width > len(spec.roles)):
        raise DatasetError(
            f"{where} row 1: {width} columns, {len(spec.roles)} expected; name all with --columns (_ = "
            "ignore, ... = ignore the rest)"
        )
    at = {role: number for number, role in enumerate(spec.roles) if role != IGNORED}
    return _with_units(_of_roles(at), head, width)


def _of_roles(at: dict[str, int]) -> Columns:
    time = next((role for role in at if role in TIMES), None)
    return Columns(
        axes=tuple(at.get(channel) for channel in MOTION_CHANNELS),
        turning=tuple(at[channel] for channel in GYRO_CHANNELS if channel in at),
        time=None if time is None else at[time],
        time_unit="" if time is None else TIMES[time],
        words={word: at[word] for word in WORDS if word in at},
    )


def _with_units(columns: Columns, head: Head, width: int) -> Columns:
    found = {_unit_of(head, at, units.spelled) for at in columns.axes if at is not None}
    turning = {_unit_of(head, at, gyro.spelled) for at in columns.turning}
    return replace(
        columns,
        width=width,
        unit=found.pop() if len(found) == 1 else "",
        gyro_unit=turning.pop() if len(turning) == 1 else "",
    )


def _unit_of(head: Head, at: int, spelled: Callable[[str], str]) -> str:
    """The unit as `spelled` writes it, if the column's name or the units' row says one."""
    bracket = _BRACKET.search(head.names[at])
    for text in (head.units[at] if at < len(head.units) else "", bracket[1] if bracket else ""):
        if spelled(text):
            return spelled(text)
    tokens = _tokens(head.names[at])
    return spelled(tokens[-1]) if len(tokens) > 1 and tokens[-1] in ("mg", "dps", "mdps") else ""


def _tokens(name: str) -> list[str]:
    return [token.lower() for token in _TOKEN.findall(_BRACKET.sub(" ", name))]


def _axis(name: str) -> tuple[str, str] | None:
    """(axis, the rest of the name) of `acc_x`, `ax`, `AccX`, `x_acc` …"""
    tokens = _tokens(name)
    single = [token for token in tokens if token in MOTION_CHANNELS]
    if len(single) == 1:
        rest = [token for token in tokens if token not in MOTION_CHANNELS and token != "axis"]
        return single[0], "_".join(rest)
    for number, token in enumerate(tokens):
        if token[-1] in MOTION_CHANNELS and token[:-1] in _STEMS:
            return token[-1], "_".join([*tokens[:number], token[:-1], *tokens[number + 1 :]])
    return None


def _sensor(stem: str) -> int:
    """Rank of a name as acceleration: 0 it is, 1 without gravity, 2 who knows, 3 something else."""
    words = set(stem.split("_"))
    for kind, known in _SENSORS:
        if words & known:
            return {"acceleration": 0, "linear": 1, "other": 3}[kind]
    return 2


def _by_name(head: Head, where: str, fill_axes: bool) -> Columns:
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
            f"{where} row 1: {problem} in {_listed(head.names)}; name them: "
            "--columns x=NAME,y=NAME,z=NAME,t=NAME"
        )
    axes = chosen[0]
    stem = next(stem for stem, one in fitting.items() if one is axes)
    turning = _turning(stems, stem, head)
    time, time_unit = _time(head)
    words = {}
    for word, known in _WORD_NAMES.items():
        joined = {"_".join(_tokens(name)): at for at, name in reversed(list(enumerate(head.names)))}
        found_word = next((joined[name] for name in known if name in joined), None)
        if found_word is not None:
            words[word] = found_word
    columns = Columns(
        axes=tuple(axes.get(channel) for channel in MOTION_CHANNELS), turning=turning,
        time=time, time_unit=time_unit, words=words, guessed=frozenset(words),
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
    says += f"; left out {_listed(left)}" if left else ""
    return replace(_with_units(columns, head, len(head.names)), says=(says,))


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
        tokens = _tokens(name)
        bracket = _BRACKET.search(name)
        unit = units.time_spelled(bracket[1]) if bracket else ""
        unit = unit or next(
            (units.time_spelled(token) for token in reversed(tokens) if units.time_spelled(token)), ""
        )
        unit = unit or (units.time_spelled(head.units[at]) if at < len(head.units) else "")
        ranks = [_TIME_NAMES.index(token) for token in tokens if token in _TIME_NAMES]
        if not ranks and not (unit and len(tokens) == 1 and tokens[0] not in ("s",)):
            continue
        rank = min(ranks, default=len(_TIME_NAMES)) + (0 if unit else 1)
        if best is None or rank < best[0]:
            best = (rank, at, unit)
    return (None, "") if best is None else (best[1], best[2])


def _by_look(head: Head, where: str) -> Columns:
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


def _listed(names: Sequence[str], most: int = 12) -> str:
    shown = [name.strip()[:24] or "''" for name in names[:most]]
    return ", ".join(shown) + (f" and {len(names) - most} more" if len(names) > most else "")
