"""`machine` as on a board; the peripherals themselves are in the supervisor."""

# mypy: ignore-errors

from machine import Signal
import channel
import uctypes
import board_time
from micropython import const
from board_i2c import I2C, SoftI2C
from board_i2s import I2S
from board_pin import Pin
from board_timer import Timer

PWRON_RESET = const(1)
HARD_RESET = const(2)
WDT_RESET = const(3)
DEEPSLEEP_RESET = const(4)
SOFT_RESET = const(5)

_IDLE_US = const(10000)  # as long as no interrupt ends it; a port with a tick would wake more often

_cause = PWRON_RESET
_unique_id = b""
_freq_hz = 125000000


def setup(cause, unique_id):
    """What the supervisor knows of this start."""
    global _cause, _unique_id
    _cause = cause
    _unique_id = unique_id


def unique_id():
    return _unique_id


def reset_cause():
    return _cause


def freq(hz=None):
    global _freq_hz
    if hz is None:
        return _freq_hz
    _freq_hz = hz


def reset():
    channel.call(channel.RESET, channel.RESET_HARD)


def soft_reset():
    raise SystemExit


bootloader = reset


def idle():
    channel.wait(channel.now_us() + _IDLE_US, channel.WAKE_ON_LINE)


def lightsleep(time_ms=None):
    deadline_us = -1 if time_ms is None else channel.now_us() + time_ms * 1000
    channel.wait(deadline_us, channel.WAKE_ON_LINE)


def deepsleep(time_ms=None):
    lightsleep(time_ms)
    reset()


def disable_irq():
    return channel.mask_lines(1)


def enable_irq(state=0):
    channel.mask_lines(state)


class RTC:
    def __init__(self, id=0):
        pass

    def datetime(self, parts=None):
        if parts is None:
            now = board_time.gmtime(board_time.time())  # eight or nine numbers, as the unix port was built
            return now[:3] + (now[6],) + now[3:6] + (0,)  # MicroPython has no (*a, b)
        year, month, day, _, hour, minute, second, _ = parts
        board_time.set_time(board_time.mktime((year, month, day, hour, minute, second, 0, 0)))


class _Memory:
    """Memory by address: the process's own, where the unix port would open the computer's."""

    def __init__(self, n_bytes):
        self._n_bytes = n_bytes

    def __getitem__(self, address):
        return int.from_bytes(uctypes.bytes_at(address, self._n_bytes), "little")

    def __setitem__(self, address, value):
        mask = (1 << 8 * self._n_bytes) - 1
        uctypes.bytearray_at(address, self._n_bytes)[:] = (value & mask).to_bytes(self._n_bytes, "little")


mem8 = _Memory(1)
mem16 = _Memory(2)
mem32 = _Memory(4)
