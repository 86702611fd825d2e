"""`time` as on a board: it follows the board's clock, and ticks wrap at 2**30."""

# mypy: ignore-errors

from micropython import const
from time import gmtime, mktime
import channel

_PERIOD = const(1 << 30)
_HALF = const(1 << 29)
_epoch_s = 1609459200  # until it is set, a board's clock starts at 2021-01-01


def ticks_us():
    return channel.now_us() & (_PERIOD - 1)


def ticks_ms():
    return channel.now_us() // 1000 & (_PERIOD - 1)


ticks_cpu = ticks_us


def ticks_add(ticks, delta):
    if not -_HALF < delta < _HALF:
        raise OverflowError("ticks interval overflow")
    return (ticks + delta) & (_PERIOD - 1)


def ticks_diff(end, start):
    return ((end - start + _HALF) & (_PERIOD - 1)) - _HALF


def sleep_us(us):
    if us > 0 and not channel.pass_time(us):
        deadline_us = channel.now_us() + us
        while not channel.wait(deadline_us, 0) & channel.WOKE_BY_DEADLINE:
            pass


def sleep_ms(ms):
    sleep_us(ms * 1000)


def sleep(s):
    if s < 0:
        raise ValueError("sleep length must be non-negative")
    sleep_us(int(s * 1000000))


def time():
    return _epoch_s + channel.now_us() // 1000000


def time_ns():
    return _epoch_s * 1000000000 + channel.now_us() * 1000


def localtime(seconds=None):
    return gmtime(time() if seconds is None else seconds)


def set_time(seconds):
    """Make `time()` go on from `seconds`."""
    global _epoch_s
    _epoch_s += seconds - time()
