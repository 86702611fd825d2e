"""A pin that goes high for a while with each event: an LED, a relay, a buzzer."""

from machine import Pin, Timer


class Pulse:
    """One output pin.

    Parameters
    ----------
    pin : int or str
        as machine.Pin takes it
    labels : tuple of str or None
        which events; None: all
    ms : int
        how long it stays; an event meanwhile starts the time anew
    active : int
        level of the pulse: 0 for an LED between supply and pin
    """

    def __init__(self, pin, labels=None, ms: int = 200, active: int = 1) -> None:
        self._labels = labels
        self._ms = ms
        self._active = active
        self._pin = Pin(pin, Pin.OUT, value=1 - active)
        try:
            self._timer = Timer(-1)
        except ValueError:  # an esp32 has hardware timers only
            self._timer = Timer(0)
        self._end = self._off  # bound once: the timer's callback must not allocate

    def __call__(self, label: str, score: float) -> None:
        if self._labels is not None and label not in self._labels:
            return
        self._pin.value(self._active)
        self._timer.init(mode=Timer.ONE_SHOT, period=self._ms, callback=self._end)

    def _off(self, timer) -> None:
        self._pin.value(1 - self._active)
