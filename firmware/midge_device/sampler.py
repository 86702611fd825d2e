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
        self._fastest_us = 0  # transfer of a block so far
        self._fastest_count_us = 0
        self._ring_handler = self._ring
        self._clear()

    def _clear(self) -> None:
        self._next = 0
        self._pending = 0  # lost since the last block
        self._is_sure = True  # that the FIFO's oldest sample is number _next
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
        if not self._is_sure:
            self._recount()
            return 0
        now_us = self._time.ticks_us
        diff = self._time.ticks_diff
        clock = self.clock
        n = self.n
        before_us = now_us()
        level = self.driver.level()
        after_us = now_us()
        count_us = diff(after_us, before_us)
        if count_us < self._fastest_count_us or not self._fastest_count_us:
            self._fastest_count_us = count_us
        if level < n:
            self._rang = False
            clock.too_early(before_us)
            return 0
        is_full = self.driver.full
        if is_full:
            # Which samples survived is told by the time, best in the middle between two samples.
            wait_us = clock.to_middle_us(after_us)
            if wait_us:
                self._time.sleep_us(wait_us)
        elif self._rang:
            clock.rang(self._rang_us, before_us, after_us, level - n)
        elif level < self.driver.capacity - 1:  # the chip's count may stop there
            clock.seen(before_us, after_us, level - n)
        self._rang = False
        read_us = now_us()
        self.driver.read_into(self.block)
        took_us = diff(now_us(), read_us)
        lost = 0
        if is_full:
            lost = max(0, clock.unread(read_us, n) - self.driver.capacity)
            # The first sample left the FIFO at once, unless something held the transfer up.
            is_sure = took_us <= self._fastest_us + (clock.span_us(1) >> 2)
        else:
            # Held up between the count and the transfer, the FIFO may have run over.
            is_sure = diff(read_us, before_us) + took_us < clock.span_us(self.driver.capacity - level)
        if took_us < self._fastest_us or not self._fastest_us:
            self._fastest_us = took_us
        self._is_sure = is_sure
        if not is_sure:
            return 0
        self._pass_over(lost)
        self.gap = self._pending
        self._pending = 0
        self.first = self._next
        self.ticks_us = self._time.ticks_add(clock.due_us, -clock.span_us(n - 1))
        self._next = (self.first + n) & _INDEX_MASK
        self.samples = (self.samples + n) & _INDEX_MASK
        clock.advance(n)
        scale_axes(self.block, n, self._table)
        return n

    def _pass_over(self, lost: int) -> None:
        if lost:
            self._next = (self._next + lost) & _INDEX_MASK
            self._pending = (self._pending + lost) & _INDEX_MASK
            self.lost = (self.lost + lost) & _INDEX_MASK
            self.overruns += 1
            self.clock.advance(lost)

    def _recount(self) -> None:
        """Which sample is the FIFO's oldest, now that nobody knows: those made by now less those it holds."""
        now_us = self._time.ticks_us
        wait_us = self.clock.to_middle_us(now_us())
        if wait_us:
            self._time.sleep_us(wait_us)
        before_us = now_us()
        level = self.driver.level()
        took_us = self._time.ticks_diff(now_us(), before_us)
        self._rang = False
        if self.driver.full:
            self.driver.read_into(self.block)  # makes room; lost with the others
        elif took_us <= self._fastest_count_us + (self.clock.span_us(1) >> 3):
            middle_us = self._time.ticks_add(before_us, took_us >> 1)
            self._pass_over(max(0, self.clock.unread(middle_us, self.n) - level))
            self._is_sure = True
