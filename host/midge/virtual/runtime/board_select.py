"""`select` that waits in board time; the console is polled here, everything else by the built-in poll."""

# mypy: ignore-errors

from select import POLLIN, POLLOUT, POLLERR, POLLHUP
import select as _builtin
import channel
import streams


class poll:
    def __init__(self):
        self._others = _builtin.poll()
        self._console = []  # entries [object, events, events that are ready]
        self._n_others = 0
        self._flags = 0
        self._entry = 0
        self._rest = None

    def register(self, obj, eventmask=POLLIN | POLLOUT):
        if not isinstance(obj, streams.Console):
            self._others.register(obj, eventmask)
            self._n_others += 1
            return
        for entry in self._console:
            if entry[0] is obj:
                entry[1] |= eventmask
                return
        self._console.append([obj, eventmask, 0])

    def unregister(self, obj):
        if isinstance(obj, streams.Console):
            self._console = [entry for entry in self._console if entry[0] is not obj]
        else:
            self._others.unregister(obj)
            self._n_others -= 1

    def modify(self, obj, eventmask):
        for entry in self._console:
            if entry[0] is obj:
                entry[1] = eventmask
                return
        self._others.modify(obj, eventmask)

    def poll(self, timeout=-1):
        ready = [(entry[0], entry[2]) for entry in self._console if entry[2]] if self._wait(timeout) else []
        return ready + self._others.poll(0) if self._n_others else ready

    def ipoll(self, timeout=-1, flags=0):
        if not self._wait(timeout):
            for entry in self._console:
                entry[2] = 0
        self._flags = flags
        self._entry = 0
        self._rest = self._others.ipoll(0, flags) if self._n_others else None
        return self

    def __iter__(self):
        return self

    def __next__(self):
        while self._entry < len(self._console):
            entry = self._console[self._entry]
            self._entry += 1
            if entry[2]:
                if self._flags & 1:
                    entry[1] = 0
                _pair[0] = entry[0]
                _pair[1] = entry[2]
                return _pair
        if self._rest is None:
            raise StopIteration  # a new one: tracebacks of one that is kept would add up
        return next(self._rest)

    def _wait(self, timeout):
        """Wait until something is ready; False if the time is over."""
        deadline_us = -1
        woke = -1
        while True:
            wanted = 0
            found = False
            for entry in self._console:
                wanted |= entry[1]
                entry[2] = entry[1] & POLLOUT
                if entry[1] & POLLIN and streams.buffered():
                    entry[2] |= POLLIN
                if entry[2]:
                    found = True
            if self._n_others:
                for _ in self._others.ipoll(0):
                    found = True
            if found:
                return True
            if woke < 0:
                if timeout >= 0:
                    deadline_us = channel.now_us() + timeout * 1000
            elif woke & channel.WOKE_BY_DEADLINE:
                return False
            wake_on = channel.WAKE_ON_LINE
            if wanted & POLLIN:
                wake_on |= channel.WAKE_ON_INPUT
            woke = channel.wait(deadline_us, wake_on)
            if woke & channel.WOKE_BY_INPUT:
                streams.fill()


_pair = [None, 0]


def select(rlist, wlist, xlist, timeout=-1):
    poller = poll()
    for obj in rlist:
        poller.register(obj, POLLIN)
    for obj in wlist:
        poller.register(obj, POLLOUT)
    ready = poller.poll(-1 if timeout is None or timeout < 0 else int(timeout * 1000))
    return (
        [obj for obj, events in ready if events & POLLIN],
        [obj for obj, events in ready if events & POLLOUT],
        [obj for obj, events in ready if events & ~(POLLIN | POLLOUT)],
    )
