"""Which tests execute which lines: a plugin of pytest that looks on.

What a fixture of a module or a session executes counts for every test that asks for it, and what is cached in
memory is forgotten before each test: so a test's lines are those it would execute alone.
"""

from __future__ import annotations

import sys
import threading
import time
from collections import defaultdict
from collections.abc import Generator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

Lines = dict[str, set[int]]


class Covering:
    """Looks on; `lines` and `seconds` by test afterwards, once all have run.

    Parameters
    ----------
    folder
        whose files are of interest
    """

    def __init__(self, folder: Path) -> None:
        self._prefix = f"{folder}/"
        self._by_context: dict[Any, Lines] = defaultdict(lambda: defaultdict(set))
        self._seen: Lines = defaultdict(set)
        self._contexts: dict[str, list[Any]] = {}
        self.seconds: dict[str, float] = {}

    def lines(self) -> dict[str, Lines]:
        """Test → file → lines."""
        found: dict[str, Lines] = {}
        for test, contexts in self._contexts.items():
            of_test: Lines = defaultdict(set)
            for context in contexts:
                for name, numbers in self._by_context.get(context, {}).items():
                    of_test[name] |= numbers
            found[test] = of_test
        return found

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, Any, Any]:
        fixtures = getattr(item, "_fixtureinfo").name2fixturedefs  # noqa: B009
        shared = [one for many in fixtures.values() for one in many if one.scope != "function"]
        self._contexts[item.nodeid] = [item.nodeid, *((one.baseid, one.argname) for one in shared)]
        _forget()
        start = time.monotonic()
        answer = yield from self._within(item.nodeid)
        self.seconds[item.nodeid] = round(time.monotonic() - start, 3)
        return answer

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: Any) -> Generator[None, Any, Any]:
        if fixturedef.scope == "function":
            return (yield)
        return (yield from self._within((fixturedef.baseid, fixturedef.argname)))

    def _within(self, context: Any) -> Generator[None, Any, Any]:
        before = self._seen
        self._seen = self._by_context[context]
        sys.settrace(self._enter)
        threading.settrace(self._enter)
        try:
            return (yield)
        finally:
            self._seen = before

    def _enter(self, frame: FrameType, event: str, argument: Any) -> Any:
        if not frame.f_code.co_filename.startswith(self._prefix):
            return None
        return self._step(frame, event, argument)

    def _step(self, frame: FrameType, event: str, argument: Any) -> Any:
        self._seen[frame.f_code.co_filename].add(frame.f_lineno)
        return self._step


def _forget() -> None:
    for name, module in list(sys.modules.items()):
        if name.split(".")[0] == "midge":
            for value in list(vars(module).values()):
                if hasattr(value, "cache_clear"):
                    value.cache_clear()
