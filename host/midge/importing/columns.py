"""Which column is what: as --columns says, else by the names that columns have."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from ..errors import DatasetError
from ..recording import GYRO_CHANNELS, MOTION_CHANNELS
from .heads import Columns, Head, listed, with_units
from .known_names import by_look, by_name

TIMES = {"t": "", "t_s": "s", "t_ms": "ms", "t_us": "us", "t_ns": "ns"}
WORDS = ("label", "group", "take")
IGNORED = "_"
REST = "..."
_REPEATED = re.compile(r"_\*(\d{1,3})\Z")


@dataclass(frozen=True)
class Spec:
    """A parsed --columns: `roles` in the file's order, or `named` roles; `has_rest` lets columns follow."""

    roles: tuple[str, ...] = ()
    named: tuple[tuple[str, str], ...] = ()
    has_rest: bool = False

    @property
    def asked(self) -> set[str]:
        """Roles that somebody gave to a column."""
        return {*self.roles, *(role for role, _ in self.named)}


def parse(text: str, *, fill_axes: bool = False) -> Spec:
    """`t_ms,_,_,x,y,z`, `t_s,_*3,x,y,z,...`, `x=acc_x,y=acc_y,z=acc_z,t_ms=time` or only `label=state`.

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
    if len(missing) == len(MOTION_CHANNELS) and spec.named:
        missing = []  # they go by their names
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
        return by_name(head, where, fill_axes) if head.is_named else by_look(head, where)
    if spec.named:
        names = [name.strip() for name in head.names]
        if not head.is_named:
            raise DatasetError(
                f"{where}: its columns have no names; give --columns by place, such as t_ms,x,y,z"
            )
        at = {}
        for role, name in spec.named:
            if name not in names:
                raise DatasetError(f"{where} row 1: no column {name!r}; it has {listed(names)}")
            at[role] = names.index(name)
        if not set(at) & set(MOTION_CHANNELS):
            return _with_roles(by_name(head, where, fill_axes), at, head)
        return with_units(_of_roles(at), head, len(head.names))
    width = len(head.names)
    if width != len(spec.roles) and not (spec.has_rest and width > len(spec.roles)):
        raise DatasetError(
            f"{where} row 1: {width} columns, {len(spec.roles)} expected; name all with --columns (_ = "
            "ignore, ... = ignore the rest)"
        )
    at = {role: number for number, role in enumerate(spec.roles) if role != IGNORED}
    return with_units(_of_roles(at), head, width)


def _with_roles(guessed: Columns, at: dict[str, int], head: Head) -> Columns:
    """What goes by its name, but for the roles that somebody gave."""
    given = _of_roles(at)
    says = "but " + ", ".join(f"{role}={head.names[number].strip()}" for role, number in at.items())
    return replace(
        guessed,
        turning=given.turning or guessed.turning,
        time=guessed.time if given.time is None else given.time,
        time_unit=guessed.time_unit if given.time is None else given.time_unit,
        words={**guessed.words, **given.words},
        says=(*guessed.says, says),
    )


def _of_roles(at: dict[str, int]) -> Columns:
    time = next((role for role in at if role in TIMES), None)
    return Columns(
        axes=tuple(at.get(channel) for channel in MOTION_CHANNELS),
        turning=tuple(at[channel] for channel in GYRO_CHANNELS if channel in at),
        time=None if time is None else at[time],
        time_unit="" if time is None else TIMES[time],
        words={word: at[word] for word in WORDS if word in at},
    )
