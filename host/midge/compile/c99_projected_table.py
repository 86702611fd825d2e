"""Linear maps in front of models as C, the inner model as tables."""

from __future__ import annotations

from .c99_projected import wrapped
from .projected_integer import ProjectedIntegers


def code(lowered: ProjectedIntegers) -> str:
    """C of midge_classify() for a projected model; raises as the inner kind's own tables."""
    return wrapped(lowered, "table")
