"""A host that comes and goes costs the board nothing that lasts."""

from __future__ import annotations

from midge.session import connect

from .conftest import Build
from .test_pipeline import running


def test_sessions_leave_the_heap_as_it_was(build_model: Build) -> None:
    seen = []
    with running(build_model()) as board:
        for _ in range(60):
            with connect("serial:" + board.tty) as session:
                seen.append((session.welcome.free_ram_bytes, session.welcome.max_alloc_bytes))
    # The first session brings buffers of its own.
    first_free, first_largest = seen[1]
    assert seen[-1][0] > first_free - 2000 and seen[-1][1] > 0.95 * first_largest, (seen[1], seen[-1])
