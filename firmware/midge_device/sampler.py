"""Paces a driver: whole blocks of canonical samples, each with its index and ticks, lost samples counted.

The FIFO's watermark interrupt tells when a block is whole; without such a pin the sample clock says when to
look.
"""

import time
from array import array

from midge_device.primitives import scale_axes, scale_table
from midge_device.sample_clock import SampleClock

_INDEX_MASK = 0x3FFFFFFF  # indices stay small integers on 32-bit boards: after 124 days at 100 Hz they wrap


def check_rate(actual_hz: float, wanted_hz: float, tolerance: float = 0.05) -> None:
    """Raise ValueError if a sensor at actual_hz can't feed what was made for wanted_hz."""
    if abs(actual_hz - wanted_hz) > tolerance * wanted_hz:
        raise ValueError(
            "the sensor runs at {:.5g} Hz, wanted are {:.5g} Hz ± {:.2g} %; choose a rate that it has".format(
                actual_hz, wanted_hz, 100 * tolerance
            )
        )


class Sampler:
    """Blocks of `driver.watermark` samples.

    Parameters
    ----------
    driver
        see drivers/__init__.py
    axes : tuple
        which axis of the chip is x, y, z of the board's case, from 1, negative if opposite
    clock
        module with ticks_us, ticks_add, ticks_diff, sleep_us

    Attributes (of the last block that `poll` announced)
    ----------
    block : array('h')
        n × 3 canonical samples, x y z; the same buffer each time
    first : int
        index of its first sample since `start`, counted at the sensor: lost ones included
    ticks_us : int
        when that sample was taken
    gap : int
        samples lost directly before this block

    and `lost`, `overruns`: lost samples in all, and how many times some were lost.
    """

    def __init__(self, driver, axes=(1, 2, 3), clock=time) -> None:
        self.driver = driver
        self.n = driver.watermark
        self.block = array("h", bytes(6 * self.n))
        self._table = array("i", scale_table(driver.raw_lsb_per_g, driver.range_g, axes))
        self._time = clock
        self.clock = SampleClock(driver.rate_hz, clock.ticks_diff, clock.ticks_add)
        self._margin_us = max(1, int(1e6 / driver.rate_hz) >> 6)
        self._rang = False
        self._rang_us = 0
        self._ring_handler = self._ring
        self._clear()

    def _clear(self) -> None:
        self._next = 0
        self.first = 0
        self.ticks_us = 0
        self.gap = 0
        self.lost = 0
        self.overruns = 0
        self.samples = 0
        self._rang = False

    def _ring(self, pin) -> None:
        if not self._rang:
            self._rang_us = self._time.ticks_us()
            self._rang = True

    def start(self) -> None:
        """Begin at sample 0. Raises OSError if the chip doesn't answer."""
        self._clear()
        self.driver.irq(self._ring_handler)
        self.driver.start()
        self.clock.start(self._time.ticks_us(), self.n)

    def stop(self) -> None:
        """End sampling; what waits in the FIFO is forgotten. Raises OSError if the chip doesn't answer."""
        self.driver.irq(None)
        self.driver.stop()

    def wait_us(self) -> int:
        """Time until it is worth to poll; 0 or less if that is now."""
        if self._rang:
            return 0
        return self._time.ticks_diff(self.clock.due_us, self._time.ticks_us()) + self._margin_us

    def poll(self) -> int:
        """Read the next block if it is whole; return its number of samples, else 0. Allocates nothing.

        Raises OSError if the chip doesn't answer.
        """
        if self.wait_us() > 0:
            return 0
        now_us = self._time.ticks_us
        clock = self.clock
        n = self.n
        before_us = now_us()
        level = self.driver.level()
        after_us = now_us()
        if level < n:
            self._rang = False
            clock.too_early(before_us)
            return 0
        lost = 0
        if self.driver.full:
            # Which samples survived is told by the time, best in the middle between two samples.
            wait_us = clock.to_middle_us(after_us)
            if wait_us:
                self._time.sleep_us(wait_us)
            lost = max(0, clock.unread(now_us(), n) - self.driver.capacity)
        elif self._rang:
            clock.rang(self._rang_us)
        elif level < self.driver.capacity - 1:  # the chip's count may stop there
            clock.seen(before_us, after_us, level - n)
        self._rang = False
        self.driver.read_into(self.block)
        if lost:
            self.lost = (self.lost + lost) & _INDEX_MASK
            self.overruns += 1
            clock.advance(lost)
        self.gap = lost
        self.first = (self._next + lost) & _INDEX_MASK
        self.ticks_us = self._time.ticks_add(clock.due_us, -clock.span_us(n - 1))
        self._next = (self.first + n) & _INDEX_MASK
        self.samples = (self.samples + n) & _INDEX_MASK
        clock.advance(n)
        scale_axes(self.block, n, self._table)
        return n
