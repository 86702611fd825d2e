"""`machine.Pin`: 32 pins, interrupts on both edges; one object a pin, as on most ports."""

# mypy: ignore-errors

import channel
from micropython import const

_pins = {}


class _Irq:
    def __init__(self):
        self._edges = 0
        self._last = 0

    def flags(self):
        return self._last

    def trigger(self, trigger=None):
        return self._edges


class Pin:
    IN = const(0)
    OUT = const(1)
    OPEN_DRAIN = const(2)
    PULL_UP = const(1)
    PULL_DOWN = const(2)
    IRQ_RISING = const(1)
    IRQ_FALLING = const(2)

    def __new__(cls, id, *args, **kwargs):
        if isinstance(id, Pin):
            return id
        if id not in _pins:
            if not (isinstance(id, int) and 0 <= id < channel.PIN_LINES):
                raise ValueError("invalid pin")
            _pins[id] = super().__new__(cls)
        return _pins[id]

    def __init__(self, id, mode=-1, pull=-1, *, value=None, drive=0, alt=-1):
        if isinstance(id, int):
            self._id = id
        if not hasattr(self, "_irq"):
            self._irq = None
            self._handler = None
            self._mode = 0
        self.init(mode, pull, value=value)

    def __repr__(self):
        return "Pin(%d, mode=%s)" % (self._id, "OUT" if self._mode else "IN")

    def init(self, mode=-1, pull=-1, *, value=None, drive=0, alt=-1):
        if mode != -1:
            self._mode = mode
        channel.call(
            channel.PIN_SETUP,
            self._id,
            0 if self._mode == 0 else 1,
            -1 if value is None else int(bool(value)),
        )

    def value(self, x=None):
        if x is None:
            return channel.call(channel.PIN_GET, self._id)
        channel.call(channel.PIN_SET, self._id, 1 if x else 0)

    __call__ = value

    def on(self):
        self.value(1)

    high = on

    def off(self):
        self.value(0)

    low = off

    def toggle(self):
        self.value(not self.value())

    def irq(self, handler=None, trigger=3, *, priority=1, wake=None, hard=False):
        if self._irq is None:
            self._irq = _Irq()
        self._handler = handler
        self._irq._edges = trigger
        channel.handle(self._id, None if handler is None else self._fire, self)
        channel.call(channel.PIN_IRQ, self._id, 0 if handler is None else trigger)
        return self._irq

    def _fire(self, pin):
        self._irq._last = self._irq._edges
        self._handler(pin)
