"""The console as the program on the board has it: whose bytes come, ^C among them, and when the last came."""

from __future__ import annotations

import time

from .clock import Clock
from .console import CTRL_C, Console

LOOK_FOR_CLIENT_S = 0.01


class Line:
    """Input of one console.

    Attributes
    ----------
    runs_program : bool
        a program runs; else the prompt has the line
    wants_interrupt : bool
        a ^C came that the program has not seen
    heard_us : int
        when the host's last byte came, by the board's clock
    """

    def __init__(self, console: Console, clock: Clock) -> None:
        self.console = console
        self.runs_program = False
        self.wants_interrupt = False
        self.heard_us = 0
        self._clock = clock
        self._interrupt_character = CTRL_C
        self._looked_s = 0.0
        self._had_client = False

    def restart(self) -> None:
        """The interpreter starts anew."""
        self.runs_program = self.wants_interrupt = False

    def begin(self, runs_program: bool) -> None:
        """A program begins, or ends."""
        self.runs_program = runs_program
        self._interrupt_character = CTRL_C
        self.wants_interrupt = False

    def interrupt_by(self, character: int) -> None:
        """The byte that interrupts from now on; below 0: none does."""
        self._interrupt_character = character
        self.heard_us = self._clock.now_us()

    @property
    def is_taken(self) -> bool:
        """True while a program takes every byte itself, and somebody is there to send them."""
        return self.runs_program and self._interrupt_character < 0 and self.console.has_client

    def look_for_client(self) -> None:
        """Find out, now and then, whether somebody has opened the line."""
        console = self.console
        if not console.has_client and console.fd >= 0:
            now_s = time.monotonic()
            if now_s - self._looked_s > LOOK_FOR_CLIENT_S / 2:
                self._looked_s = now_s
                console.look()
        if console.has_client and not self._had_client:
            self.heard_us = self._clock.now_us()
        self._had_client = console.has_client

    def on_ready(self, _fd: int) -> None:
        """Send what waits, take what came; as TinyUSB does, ^C throws away what was not read."""
        console = self.console
        console.flush()
        if not console.wants_input:
            return
        data = console.receive()
        if data:
            self.heard_us = self._clock.now_us()
        if self.runs_program and self._interrupt_character >= 0:
            _lost, character, after = data.rpartition(bytes([self._interrupt_character]))
            if character:
                console.received.clear()
                data = after
                self.wants_interrupt = True
        console.received += data
