"""Paces a microphone: whole blocks of canonical samples, each with its index and ticks, lost samples counted.

The port fills one buffer in the background and tells when it is full. While nobody takes them, samples wait
in the port's ring; when that is full, whole granules are lost, and only the time tells how many. So after a
hold-up that the ring can't have bridged, what waits is thrown away until the port keeps pace again, and the
number of the next sample follows from the clock, to the nearest granule: recording + gaps = samples made.
"""

import time
from array import array

from midge_device.primitives import scale_sound
from midge_device.sample_clock import SampleClock

_INDEX_MASK = 0x3FFFFFFF  # as in sampler.py
_POLL_US = 2000  # how often to look, when no interrupt wakes the board


class SoundSampler:
    """Blocks of `driver.watermark` samples; what can be read of it is as of `sampler.Sampler`."""

    def __init__(self, driver, clock=time) -> None:
        self.driver = driver
        self.n = driver.watermark
        self.block = array("h", bytes(2 * self.n))
        self._words = array("i", bytes(4 * self.n))
        self._table = array("i", [driver.shift, 0, 0])
        self._time = clock
        self.clock = SampleClock(driver.rate_hz, clock.ticks_diff, clock.ticks_add)
        self._handler = self._full
        self._clear()

    def _clear(self) -> None:
        self._is_full = False
        self._full_us = 0
        self._asked_us = 0
        self._is_sure = True
        self._is_first = True
        self._next = 0
        self._pending = 0
        self._table[1] = 0
        self.first = 0
        self.ticks_us = 0
        self.gap = 0
        self.lost = 0
        self.overruns = 0
        self.samples = 0

    def _full(self, i2s) -> None:
        self._full_us = self._time.ticks_us()
        self._is_full = True

    def start(self) -> None:
        """Begin at sample 0. Raises OSError if the port can't."""
        self._clear()
        self.driver.start(self._handler)
        self.clock.start(self._time.ticks_us(), self.n)
        self._ask()

    def stop(self) -> None:
        """End sampling; what waits in the ring is forgotten."""
        self.driver.stop()

    def _ask(self) -> None:
        self._is_full = False
        self._asked_us = self._time.ticks_us()
        self.driver.read_into(self._words)

    def wait_us(self) -> int:
        """Time until it is worth to poll; 0 or less if that is now."""
        if self._is_full:
            return 0
        until_us = self._time.ticks_diff(self.clock.due_us, self._time.ticks_us())
        return until_us if until_us > 0 else _POLL_US

    def poll(self) -> int:
        """Take the next block if it is whole; return its number of samples, else 0. Allocates nothing."""
        if not self._is_full:
            return 0
        diff = self._time.ticks_diff
        clock = self.clock
        n = self.n
        full_us = self._full_us
        # The port had to wait for this block's last sample: then the moment says when that was made.
        waited = diff(full_us, self._asked_us) > clock.span_us(n >> 2)
        if self._is_first:
            # How long the port takes to begin is nobody's loss.
            self._is_first = False
            clock.start(full_us, n)
            clock.due_us = full_us
        late_us = diff(self._asked_us, clock.due_us)
        if self._is_sure and late_us > 0 and clock.unread(self._asked_us, n) + n > self.driver.capacity:
            self._is_sure = False
        if not self._is_sure:
            return self._recount(full_us, waited)
        if waited:
            self._follow(full_us)
        return self._deliver()

    def _follow(self, full_us: int) -> None:
        """Rate and phase, by a block whose last sample was just made."""
        self.clock.rang(full_us, self._asked_us, full_us, 0)

    def _deliver(self) -> int:
        clock = self.clock
        n = self.n
        self.gap = self._pending
        self._pending = 0
        self.first = self._next
        self.ticks_us = self._time.ticks_add(clock.due_us, -clock.span_us(n - 1))
        self._next = (self.first + n) & _INDEX_MASK
        self.samples = (self.samples + n) & _INDEX_MASK
        clock.advance(n)
        scale_sound(self._words, n, self.block, self._table)
        self._ask()
        return n

    def _recount(self, full_us: int, waited: bool) -> int:
        """Throw a block away; once the port keeps pace, the clock tells how many samples were made."""
        if not waited:
            self._ask()
            return 0
        clock = self.clock
        granule = self.driver.granule
        # This block's last sample was made at full_us: what came before it and was not taken is lost.
        made = clock.unread(full_us, self.n) + (granule >> 1)
        lost = made - made % granule - self.n
        if lost > 0:
            self._next = (self._next + lost) & _INDEX_MASK
            self._pending = (self._pending + lost) & _INDEX_MASK
            self.lost = (self.lost + lost) & _INDEX_MASK
            self.overruns += 1
            clock.advance(lost)
        self._is_sure = True
        return self._deliver()
