"""How long the host waits for a board before it says so."""

from __future__ import annotations

from dataclasses import astuple, dataclass


@dataclass(frozen=True)
class Timeouts:
    """How long the host waits, in s by its own clock.

    Attributes
    ----------
    hello_s : float
        for a WELCOME, and after that for a prompt to show itself; HELLO is said again every
        `repeat_s`, and so is BEAT in a silence
    start_s : float
        for an app to come up after a soft reset
    reply_s : float
        for ACK or NAK; a board that writes flash may take a while
    silence_s : float
        without a byte in an open session; STATUS comes twice a second
    """

    hello_s: float = 4.0
    repeat_s: float = 0.7
    start_s: float = 20.0
    reply_s: float = 5.0
    silence_s: float = 6.0

    def times(self, factor: float) -> Timeouts:
        """The same for a board that is so many times slower."""
        return Timeouts(*(factor * seconds for seconds in astuple(self)))
