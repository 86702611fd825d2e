"""A poll loop over file descriptors whose interest may change at every turn."""

from __future__ import annotations

import select
from collections.abc import Callable

READ = select.POLLIN
WRITE = select.POLLOUT
HANGUP = 0  # reported whether asked for or not

Handler = Callable[[int], None]


class Loop:
    """File descriptors and who handles them, asked in the order in which they were added."""

    def __init__(self) -> None:
        self._poller = select.poll()
        self._watched: dict[int, tuple[int, Handler]] = {}

    def watch(self, fd: int, events: int, handler: Handler) -> None:
        """Call `handler(fd)` when one of `events`, an error or a hang-up comes; replaces an earlier wish."""
        if self._watched.get(fd) != (events, handler):
            self._poller.register(fd, events)
            self._watched[fd] = (events, handler)

    def drop(self, fd: int) -> None:
        """Watch `fd` no more; unknown ones are ignored."""
        if self._watched.pop(fd, None) is not None:
            self._poller.unregister(fd)

    def turn(self, timeout_ms: int) -> None:
        """Wait for something and handle it."""
        for fd, _events in self._poller.poll(timeout_ms):
            # An earlier handler of this turn may have dropped it.
            if fd in self._watched:
                self._watched[fd][1](fd)
