"""A busy loop is told from work by processor time alone."""

from __future__ import annotations

import pytest

from midge.virtual import busy_loop
from midge.virtual.busy_loop import BusyLoop


class Wall:
    """A wall clock that moves by hand."""

    now_s = 100.0

    def monotonic(self) -> float:
        return self.now_s


@pytest.fixture
def wall(monkeypatch: pytest.MonkeyPatch) -> Wall:
    clock = Wall()
    monkeypatch.setattr(busy_loop, "time", clock)
    return clock


def test_processor_time_without_a_call_is_suspicious(wall: Wall) -> None:
    loop = BusyLoop()
    seen = []
    for i in range(40):
        wall.now_s += 0.1
        seen.append(loop.is_suspected(7, lambda i=i: 0.05 * i))
    assert seen.index(True) == 21  # more than 1 s of it


def test_a_machine_under_load_is_not(wall: Wall) -> None:
    loop = BusyLoop()
    for i in range(100):
        wall.now_s += 10
        assert not loop.is_suspected(7, lambda i=i: 0.009 * i)


def test_nor_is_a_program_that_asks_now_and_then(wall: Wall) -> None:
    loop = BusyLoop()
    for i in range(100):
        wall.now_s += 0.1
        assert not loop.is_suspected(i // 5, lambda i=i: 0.1 * i)
