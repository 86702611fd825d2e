"""The sampler over a FIFO with an oscillator of its own: indices stay right through every overrun."""

from array import array
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from midge_device import sampler as sampler_module
from midge_device.primitives import scale_axes_slow, scale_table
from midge_device.sampler import Sampler, check_rate

TICKS_PERIOD = 1 << 30  # as on most boards


class Clock:
    """MicroPython's time on a simulated µs counter; each look at it costs time."""

    def __init__(self, start_us=0, cost_us=7):
        self.us = float(start_us)
        self.cost_us = cost_us

    def ticks_us(self):
        self.us += self.cost_us
        return int(self.us) % TICKS_PERIOD

    def ticks_add(self, ticks, delta):
        return (ticks + delta) % TICKS_PERIOD

    def ticks_diff(self, end, start):
        return (end - start + TICKS_PERIOD // 2) % TICKS_PERIOD - TICKS_PERIOD // 2

    def sleep_us(self, us):
        self.us += us


class Fifo:
    """A chip with a FIFO of 32 whose samples hold their own index; x = index mod 2**12."""

    capacity = 32
    watermark = 16
    range_g = 4
    raw_lsb_per_g = 8192

    def __init__(self, clock, rate_hz, true_hz, phase, *, with_pin):
        self.clock, self.rate_hz = clock, rate_hz
        self.period_us = 1e6 / true_hz
        self.phase = phase
        self.read = 0
        self.full = False
        self.handler = None
        self.with_pin = with_pin
        self.transaction_us = 60
        self.held_up_us = lambda: 0

    def start(self):
        self.zero_us = self.clock.us + self.phase * self.period_us
        self.read = 0

    def stop(self):
        pass

    def irq(self, handler):
        self.handler = handler
        return self.with_pin

    def made(self):
        return max(0, int((self.clock.us - self.zero_us) // self.period_us) + 1)

    def drop(self):
        self.read = max(self.read, self.made() - self.capacity)

    def level(self):
        self.clock.us += self.transaction_us + self.held_up_us()
        self.drop()
        level = self.made() - self.read
        self.clock.us += self.transaction_us / 2 + self.held_up_us()
        self.full = level >= self.capacity
        return level

    def read_into(self, block):
        self.clock.us += self.held_up_us()
        self.drop()
        n = len(block) // 3
        for i in range(n):
            block[3 * i] = (self.read + i) % 4096
        self.read += n
        self.clock.us += 10 * n + self.held_up_us()
        return n

    def sleep(self, us, latency_us=0):
        """Let time pass; the watermark's edge calls the handler in it, `latency_us` late."""
        end = self.clock.us + us
        edge = self.zero_us + (self.read + self.watermark - 1) * self.period_us
        if self.with_pin and self.clock.us < edge <= end:
            self.clock.us = min(end, edge + latency_us)
            self.handler(None)
        self.clock.us = max(self.clock.us, end)


def run(fifo, clock, seconds, stalls=(), latency_us=0):
    """Poll as the pipeline does, with stalls of (at s, ms); blocks as (first, x of first, ticks)."""
    sampler = Sampler(fifo, clock=clock)
    sampler.start()
    begin = clock.us
    stalls = sorted(stalls)
    seen = []
    while clock.us < begin + seconds * 1e6:
        if stalls and clock.us >= begin + stalls[0][0] * 1e6:
            fifo.sleep(stalls.pop(0)[1] * 1000)
        if sampler.poll():
            seen.append((sampler.first, sampler.block[0], sampler.ticks_us))
        else:
            late_us = latency_us() if callable(latency_us) else latency_us
            fifo.sleep(max(50, min(20000, sampler.wait_us())), late_us)
    return sampler, seen


def check_indices(seen):
    assert [first % 4096 for first, _, _ in seen] == [x for _, x, _ in seen]


SETTINGS = {
    "rate_hz": st.sampled_from([25, 50, 100, 200, 400]),
    "error": st.sampled_from([0.0, 0.0, 0.003, -0.01, 0.03, -0.04]),
    "phase": st.floats(0.01, 1.5),
    "with_pin": st.booleans(),
    "start_us": st.sampled_from([0, TICKS_PERIOD - 2_000_000, TICKS_PERIOD // 2 - 500_000]),
}


@settings(max_examples=40)
@given(**SETTINGS)
def test_without_stalls_nothing_is_lost(rate_hz, error, phase, with_pin, start_us):
    clock = Clock(start_us)
    fifo = Fifo(clock, rate_hz, rate_hz * (1 + error), phase, with_pin=with_pin)
    sampler, seen = run(fifo, clock, 1600 / rate_hz)
    assert sampler.lost == 0 and sampler.overruns == 0
    assert [first for first, _, _ in seen] == list(range(0, 16 * len(seen), 16))
    check_indices(seen)
    assert len(seen) >= 1600 * (1 + error) / 16 - 3
    assert sampler.clock.rate_mhz == pytest.approx(rate_hz * (1 + error) * 1000, rel=2e-4)


@settings(max_examples=60)
@given(**SETTINGS, stalls=st.lists(st.floats(6.0, 12.0), min_size=1, max_size=4), periods=st.floats(20, 400))
def test_an_overrun_is_counted_exactly(rate_hz, error, phase, with_pin, start_us, stalls, periods):
    clock = Clock(start_us)
    fifo = Fifo(clock, rate_hz, rate_hz * (1 + error), phase, with_pin=with_pin)
    at = [(sum(stalls[: i + 1]) * 100 / rate_hz, periods * 1000 / rate_hz) for i in range(len(stalls))]
    sampler, seen = run(fifo, clock, at[-1][0] + 200 / rate_hz + sum(ms for _, ms in at) / 1000, at)
    check_indices(seen)
    gaps = sum(b[0] - a[0] - 16 for a, b in pairwise(seen))
    assert gaps == sampler.lost
    if periods > 33 + 16:
        assert sampler.lost > 0 and sampler.overruns >= 1


@settings(max_examples=60)
@given(
    **SETTINGS | {"rate_hz": st.sampled_from([100, 400, 1600])},
    seed=st.integers(0, 1 << 30),
    chance=st.sampled_from([0.003, 0.01, 0.03]),
    most_periods=st.sampled_from([2, 40, 200]),
)
def test_held_up_anywhere_indices_stay_right(
    rate_hz, error, phase, with_pin, start_us, seed, chance, most_periods
):
    """Between count and transfer, in either, before the interrupt is taken: as by another task."""
    clock = Clock(start_us)
    fifo = Fifo(clock, rate_hz, rate_hz * (1 + error), phase, with_pin=with_pin)
    from_us, to_us = (clock.us + n * 1e6 / rate_hz for n in (1200, 3500))
    random = Random(seed)

    def held_up_us():
        if not from_us < clock.us < to_us or random.random() > chance:
            return 0
        return random.random() * most_periods * 1e6 / rate_hz

    fifo.held_up_us = held_up_us
    _, seen = run(fifo, clock, 4000 / rate_hz, latency_us=held_up_us)
    check_indices(seen)
    assert seen[-1][0] > 3800


@pytest.mark.parametrize("with_pin", [True, False])
def test_stamps_are_the_times_of_the_samples(with_pin):
    clock = Clock()
    fifo = Fifo(clock, 100, 101.3, 0.4, with_pin=with_pin)
    _, seen = run(fifo, clock, 60, [(20, 700), (35, 1200)], latency_us=150)
    check_indices(seen)
    errors = [ticks - (fifo.zero_us + first * fifo.period_us) for first, _, ticks in seen[40:]]
    assert max(map(abs, errors)) < 10_000 / 8


def test_a_late_interrupt_does_not_move_the_phase_for_good():
    clock = Clock()
    fifo = Fifo(clock, 100, 100, 0.4, with_pin=True)
    _, seen = run(fifo, clock, 30, latency_us=2500)
    check_indices(seen)


def test_a_dead_chip_is_an_os_error():
    clock = Clock()
    fifo = Fifo(clock, 100, 100, 0.4, with_pin=False)
    sampler = Sampler(fifo, clock=clock)
    sampler.start()
    clock.us += 1e6

    def dead():
        raise OSError(5)

    fifo.level = dead
    with pytest.raises(OSError, match="5"):
        sampler.poll()


def test_rates_outside_the_tolerance_are_refused():
    check_rate(104.9, 100)
    check_rate(95.1, 100)
    with pytest.raises(ValueError, match=r"94\.9 Hz.*100 Hz ± 5 %"):
        check_rate(94.9, 100)
    with pytest.raises(ValueError, match="sensor runs"):
        check_rate(50, 62.5)


@pytest.mark.parametrize(("range_g", "raw"), [(2, 16000), (4, 8000), (8, 4000), (16, 4000 / 3)])
def test_every_range_comes_out_canonical(range_g, raw):
    table = array("i", scale_table(raw, range_g, (1, 2, 3)))
    g = [-1.9, 0.5, 1.0]
    block = array("h", [round(v * raw) for v in g])
    scale_axes_slow(block, 1, table)
    for got, want in zip(block, g, strict=True):
        assert got == pytest.approx(want * 32768 / range_g, abs=1.3 * 32768 / range_g / raw)
    assert all(abs(32768 * mul) + (1 << 13) < 1 << 30 for mul in table[2::2])


def test_full_scale_saturates_and_axes_are_mapped():
    table = array("i", scale_table(8000, 4, (-2, 1, -3)))
    block = array("h", [32767, -32768, -32768, 8000, 4000, 0])
    scale_axes_slow(block, 2, table)
    assert list(block) == [32767, 32767, 32767, -4096, 8192, 0]


@pytest.mark.parametrize("axes", [(1, 2), (1, 1, 3), (0, 1, 2)])
def test_wrong_axes_are_refused(axes):
    with pytest.raises(ValueError, match="axes"):
        scale_table(8000, 4, axes)


def test_module_is_what_the_boards_import():
    assert sampler_module.scale_axes is scale_axes_slow  # no native module under CPython
