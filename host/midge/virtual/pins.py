"""The board's pins: levels, who drives them, and the interrupt lines their edges fire."""

from __future__ import annotations

from .runtime.opcodes import PIN_LINES

RISING = 1
FALLING = 2


class Pins:
    """Levels of all pins; `fired` collects a bit for every edge somebody waits for."""

    def __init__(self) -> None:
        self._levels = [0] * PIN_LINES
        self.fired = 0
        self.release()

    def release(self) -> None:
        """What a reset does: all pins are inputs without interrupts; what others drive stays."""
        self._is_output = [False] * PIN_LINES
        self._edges = [0] * PIN_LINES
        self.fired = 0

    def setup(self, pin: int, is_output: bool, value: int) -> None:
        """Make a pin an output or an input; `value` -1 leaves its level."""
        self._is_output[pin] = is_output
        if is_output and value >= 0:
            self._change(pin, value)

    def write(self, pin: int, level: int) -> None:
        """The program's own write; an input ignores it."""
        if self._is_output[pin]:
            self._change(pin, level)

    def drive(self, pin: int, level: int) -> None:
        """A level from outside; an output ignores it."""
        if not self._is_output[pin]:
            self._change(pin, level)

    def read(self, pin: int) -> int:
        """The level, 0 or 1."""
        return self._levels[pin]

    def listen(self, pin: int, edges: int) -> None:
        """Fire on these edges (`RISING | FALLING`, 0 for none)."""
        self._edges[pin] = edges
        self.fired &= ~(1 << pin)

    def is_listening(self, pin: int) -> bool:
        """True if any edge of the pin fires."""
        return bool(self._edges[pin])

    def _change(self, pin: int, level: int) -> None:
        if level != self._levels[pin]:
            self._levels[pin] = level
            if self._edges[pin] & (RISING if level else FALLING):
                self.fired |= 1 << pin
