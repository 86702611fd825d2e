"""The sessions of all lines of a board, side by side: each line has its own host, the board serves them all.

Events go to every host; a stream belongs to the host that started it, and there is one at a time.
"""

from midge_device.incoming import Incoming
from midge_device.session import Session
from midge_device.wire import message

# Between looks at a second line whose host is there: often while it talks, seldom while it listens.
_TALKING_MS = 5
_LISTENING_MS = 25
_IDLE_MS = 1000


class Sessions:
    """One session a line; to the pipeline they are one.

    Parameters
    ----------
    transports : list
        see transport/stdio.py; the first one waits for all
    """

    def __init__(self, transports, board, slots) -> None:
        incoming = Incoming(slots)
        self._transports = tuple(transports)
        self._sessions = tuple([Session(transport, board, slots, incoming) for transport in transports])

    @property
    def is_open(self) -> bool:
        """True while any host has a session."""
        for session in self._sessions:
            if session.is_open:
                return True
        return False

    @property
    def wants_scores(self) -> bool:
        """True while any host wants SCORES."""
        for session in self._sessions:
            if session.wants_scores:
                return True
        return False

    def poll(self) -> None:
        """Hear what came on every line."""
        for session in self._sessions:
            session.poll()

    def wait(self, timeout_ms: int) -> None:
        """Idle until a line has something to read, at most `timeout_ms`."""
        first = self._transports[0]
        if len(self._transports) == 1:
            first.wait(timeout_ms)
            return
        while timeout_ms > 0:
            for transport in self._transports:
                if transport is not first and transport.wait(0):
                    return
            slice_ms = min(timeout_ms, self._slice_ms(first))
            if first.wait(slice_ms):
                return
            timeout_ms -= slice_ms

    def _slice_ms(self, first) -> int:
        slice_ms = _IDLE_MS
        for session in self._sessions:
            if session.transport is not first and session.transport.is_ready:
                slice_ms = min(slice_ms, _TALKING_MS if session.is_talking else _LISTENING_MS)
        return slice_ms

    def send(self, kind: int, *fields, tail=b"") -> bool:
        """Send to every host that wants it; False if it did not reach one of them whole."""
        went = True
        n = 0
        for session in self._sessions:
            if session.is_open and session.wants(kind):
                n += 1
                went = session.send(kind, *fields, tail=tail) and went
        return went and (n > 0 or kind not in message.OF_A_STREAM)

    def log(self, text: str) -> None:
        """A line for whoever listens: the hosts in a session, else the REPL's user."""
        if not self.is_open:
            print(text)
            return
        self.send(message.LOG, tail=text.encode())

    def close(self) -> None:
        """End all sessions and give the lines back."""
        for session in self._sessions:
            session.close()
