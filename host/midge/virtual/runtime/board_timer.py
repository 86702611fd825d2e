"""`machine.Timer`: virtual timers on the board's clock."""

# mypy: ignore-errors

import channel
from micropython import const

_free = list(range(channel.TIMER_LINES))


class Timer:
    ONE_SHOT = const(0)
    PERIODIC = const(1)

    def __init__(self, id=-1, **settings):
        if id < -1 or id >= channel.TIMER_LINES:
            raise ValueError("Timer doesn't exist")
        self._id = id
        self._slot = -1
        self._callback = None
        if settings:
            self.init(**settings)

    def init(self, *, mode=PERIODIC, freq=-1, period=-1, callback=None, hard=False):
        self.deinit()
        period_us = int(1000000 / freq) if freq > 0 else period * 1000
        if period_us <= 0:
            raise ValueError("period or freq needed")
        if not _free:
            raise OSError(12)
        self._slot = _free.pop(0)
        self._once = mode == Timer.ONE_SHOT
        self._callback = callback
        channel.handle(channel.PIN_LINES + self._slot, self._fire, self)
        channel.call(channel.TIMER, self._slot, period_us, 0 if self._once else 1)

    def _fire(self, timer):
        if self._once:
            self.deinit()
        if self._callback is not None:
            self._callback(timer)

    def deinit(self):
        if self._slot >= 0:
            channel.call(channel.TIMER, self._slot, 0, 0)
            channel.handle(channel.PIN_LINES + self._slot, None, None)
            _free.append(self._slot)
            self._slot = -1
