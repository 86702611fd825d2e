"""Whether features are a course in time, as nets with convolutions read it: the same rows again and again."""

from __future__ import annotations

import re
from collections.abc import Sequence

# `f3.b7`: band 7 of frame 3, from 0; `x.course@3/64`: part 3 of 64, from 1.
_TIMES = (
    re.compile(r"f(?P<time>\d+)\.(?P<row>[a-z]+\d+)\Z"),
    re.compile(r"(?P<row>[a-z]+\.[a-z]+)@(?P<time>\d+)/\d+\Z"),
)


def times_of(names: Sequence[str]) -> int | None:
    """How many times the features tell of, oldest first, all rows of a time together; None if they do not."""
    found = [next((match for form in _TIMES if (match := form.match(name))), None) for name in names]
    told = [(match["time"], match["row"]) for match in found if match is not None]
    if len(told) < len(names) or not told:
        return None
    rows = [row for time, row in told if time == told[0][0]]
    times = list(dict.fromkeys(time for time, _ in told))
    first = int(times[0])
    whole = [(str(first + step), row) for step in range(len(times)) for row in rows]
    return len(times) if told == whole and len(times) > 1 else None


def are_bands(names: Sequence[str]) -> bool:
    """Whether the rows of a time are bands of a spectrum, of which neighbours are alike."""
    return all(re.fullmatch(r"f\d+\.b\d+", name) for name in names)
