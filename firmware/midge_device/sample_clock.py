"""When a sensor's samples come: period and phase, learnt from what its FIFO holds at known ticks. [S]

The sensor has an oscillator of its own, so its rate is known to some per cent only and its phase not at all.
Each look at the FIFO bounds both. With them the number of samples that an overrun swallowed can be counted.
Times are µs modulo the board's ticks period. All numbers stay small integers on 32-bit boards: no allocation.
"""

# The period is measured over stretches that double: a better period gives a better phase, and so on.
_FIRST_STRETCH = 32
_LAST_STRETCH = 4096
_MOST_LATE_SHIFT = 5
_STRETCH_US = 1 << 28  # ticks wrap at 2**30 on many boards, differences at 2**29


class SampleClock:
    """Follows the arrival of the sample that makes the next block whole.

    Parameters
    ----------
    rate_hz : float
        nominal rate
    ticks_diff, ticks_add : callable
        as in MicroPython's time

    Attributes
    ----------
    due_us : int
        ticks at which the last sample of the next block comes
    """

    def __init__(self, rate_hz: float, ticks_diff, ticks_add) -> None:
        self._diff = ticks_diff
        self._add = ticks_add
        period = int(256e6 / rate_hz + 0.5)
        self._nominal_us = period >> 8
        self._nominal_part = period & 255  # 1/256 µs
        self.start(0, 1)

    def start(self, now_us: int, block: int) -> None:
        """Sampling has just begun; a block is of `block` samples."""
        self._period_us = self._nominal_us
        self._period_part = self._nominal_part
        self._part = 0  # of due_us, 1/256 µs
        self._step_us = self._period_us >> 3
        self._early = False
        self._early_us = 0
        self._floor_us = max(1, self._period_us >> 6)
        self._anchor_us = 0
        self._stretch = 0
        self._late_shift = 0
        self._periods = 0
        self.due_us = now_us
        self.advance(block)

    @property
    def rate_mhz(self) -> int:
        """Measured rate in mHz (nominal until enough samples came). Allocates on small boards."""
        return 256000000000 // (self._period_us * 256 + self._period_part)

    def span_us(self, periods: int) -> int:
        """Length of so many periods, in µs."""
        return periods * self._period_us + (periods * self._period_part >> 8)

    def advance(self, periods: int) -> None:
        """The next block ends so many samples later."""
        part = self._part + periods * self._period_part
        self._part = part & 255
        self.due_us = self._add(self.due_us, periods * self._period_us + (part >> 8))
        self._periods += periods

    def too_early(self, before_us: int) -> None:
        """At before_us the block was not whole: it comes later."""
        if self._diff(self.due_us, before_us) < 0:
            self.due_us = before_us
            self._part = 0
        self._early = True
        self._early_us = before_us
        self._step_us >>= 1
        self._step_us = max(self._floor_us, self._step_us)

    def seen(self, before_us: int, after_us: int, extra: int) -> None:
        """Between before_us and after_us the block was whole, and `extra` samples more had come."""
        # A look that was held up before or after it began tells nothing but bounds.
        creeps = self._diff(after_us, self.due_us) < self._period_us >> 1
        self._bound(before_us, after_us, extra)
        if not self._early and creeps:
            # Without a look that came too early the true moment may lie before: the estimate creeps earlier,
            # in longer and longer steps, as the sensor may be faster than thought.
            if self._step_us < self._period_us >> 1:
                self._step_us <<= 1
        # Between two looks that were close together the moment is known well.
        self._learn(self._early and self._diff(after_us, self._early_us) < self._period_us >> 2)
        self._early = False
        if creeps:
            self.due_us = self._add(self.due_us, -self._step_us)

    def rang(self, irq_us: int, before_us: int, after_us: int, extra: int) -> None:
        """The interrupt for the block's last sample came at irq_us, late by its latency, never early.

        What the FIFO held between before_us and after_us is as in `seen`: an interrupt that was held up can't
        move the estimate further than that allows.
        """
        late_us = self._diff(irq_us, self.due_us)
        if late_us < 0:
            self.due_us = irq_us
            self._part = 0
        else:
            # Early interrupts count at once, late ones the less the better the period is known.
            self.due_us = self._add(self.due_us, min(late_us, self._period_us) >> self._late_shift)
        self._bound(before_us, after_us, extra)
        self._step_us = self._floor_us
        self._learn(True)

    def _bound(self, before_us: int, after_us: int, extra: int) -> None:
        latest_us = self._add(after_us, -self.span_us(extra))
        earliest_us = self._add(before_us, -self.span_us(extra + 1))
        if self._diff(self.due_us, latest_us) > 0:
            self.due_us = latest_us
            self._part = 0
        elif self._diff(self.due_us, earliest_us) < 0:
            self.due_us = earliest_us
            self._part = 0

    def _learn(self, is_exact: bool) -> None:
        n = self._periods
        if self._stretch == 0:
            self._stretch = _FIRST_STRETCH
        else:
            span_us = self._diff(self.due_us, self._anchor_us)
            # An end that is not known well is taken only if no better one comes.
            if n < (self._stretch if is_exact else 2 * self._stretch) and span_us < _STRETCH_US:
                return
            whole_us = span_us // n
            if whole_us > 0 and abs(whole_us - self._nominal_us) < self._nominal_us >> 2:
                self._period_us = whole_us
                self._period_part = ((span_us - n * whole_us) << 8) // n
            if self._stretch < _LAST_STRETCH:
                self._stretch <<= 1
                if self._late_shift < _MOST_LATE_SHIFT:
                    self._late_shift += 1
        self._anchor_us = self.due_us
        self._periods = 0

    def unread(self, now_us: int, block: int) -> int:
        """Samples made and not yet read by now_us, were there room; `block` of them are the block due."""
        late_us = self._diff(now_us, self.due_us)
        n = 0
        while late_us < 0:
            n -= 1
            late_us += self._period_us
        step_us = self._period_us + 1
        while late_us >= step_us:  # in parts: the product with 256 would not be a small integer
            more = late_us // step_us
            n += more
            late_us -= self.span_us(more)
        return block + n

    def to_middle_us(self, now_us: int) -> int:
        """How long until the moment is well inside a period, where counting is safe; 0 if it is now."""
        rest_us = self._diff(now_us, self.due_us) - self.span_us(self.unread(now_us, 0))
        quarter_us = self._period_us >> 2
        if quarter_us <= rest_us <= 3 * quarter_us:
            return 0
        wait_us = 2 * quarter_us - rest_us
        return wait_us if wait_us > 0 else wait_us + self._period_us
