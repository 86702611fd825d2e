"""The LIS3DH against its datasheet (DocID17530 Rev 2), over its two bus transactions."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from midge.virtual.chips import lis3dh as chip_
from midge.virtual.chips.lis3dh import Lis3dh
from midge.virtual.motion import Motion
from midge.virtual.scene import Scene

AUTO = 0x80
RAMP = Scene.raw(lambda number: number)


class Bench:
    """A chip with its supply on, a clock, and the shorthand of a driver."""

    def __init__(self, scene: Scene | None = None) -> None:
        self.motion = Motion()
        if scene is not None:
            self.motion.play(scene, 0)
        self.now_us = 0
        self.chip = Lis3dh(self.motion, 0)

    def set(self, register: int, *values: int) -> None:
        self.chip.write(bytes([register | (AUTO if len(values) > 1 else 0), *values]))

    def get(self, register: int, n: int = 1) -> bytes:
        self.chip.write(bytes([register | (AUTO if n > 1 else 0)]))
        return self.chip.read(n)

    def wait(self, us: int) -> None:
        self.now_us += us
        self.chip.advance(self.now_us)

    def source(self) -> int:
        return self.get(chip_.FIFO_SRC_REG)[0]

    def fifo(self, n: int) -> list[int]:
        """x of `n` sets, in one burst."""
        return [x for x, _, _ in struct.iter_unpack("<3h", self.get(chip_.OUT_X_L, 6 * n))]

    def stream(self, mode: int = 2, threshold: int = 0, odr: int = 5) -> None:
        """100 Hz, normal mode, FIFO on."""
        self.set(chip_.CTRL_REG5, 0x40)
        self.set(chip_.FIFO_CTRL_REG, mode << 6 | threshold)
        self.set(chip_.CTRL_REG1, odr << 4 | 7)


def test_identity_and_values_after_power_on() -> None:
    bench = Bench()
    assert bench.get(0x0F) == b"\x33"
    assert bench.get(0x1E, 8) == bytes([0x10, 0, 0x07, 0, 0, 0, 0, 0])


def test_sub_address_increments_only_with_its_bit_7() -> None:
    bench = Bench()
    bench.set(0x20, 0x57, 0x01, 0x02)
    assert bench.get(0x20, 3) == b"\x57\x01\x02"
    bench.chip.write(bytes([0x20, 0x57, 0x47]))  # without the bit: both into CTRL_REG1
    assert bench.get(0x20, 2) == b"\x47\x01"
    bench.chip.write(b"\x20")
    assert bench.chip.read(2) == b"\x47\x47"


def test_read_only_registers_stay() -> None:
    bench = Bench()
    for register in (0x0F, 0x27, 0x28, 0x2F, 0x31):
        before = bench.get(register)
        bench.set(register, 0xAA)
        assert bench.get(register) == before


@pytest.mark.parametrize(
    ("control_1", "rate_hz"),
    [(0x17, 1), (0x27, 10), (0x37, 25), (0x47, 50), (0x57, 100), (0x67, 200), (0x77, 400), (0x97, 1344),
     (0x5F, 100), (0x8F, 1600), (0x9F, 5376)],
)  # fmt: skip
def test_output_data_rates(control_1: int, rate_hz: int) -> None:
    bench = Bench(RAMP)
    bench.set(chip_.CTRL_REG1, control_1)
    bench.wait(1_000_000)
    assert struct.unpack("<h", bench.get(chip_.OUT_X_L, 2)) == (rate_hz - 1,)


@pytest.mark.parametrize("control_1", [0x07, 0x87, 0x0F])
def test_power_down_and_rates_that_the_mode_lacks(control_1: int) -> None:
    bench = Bench(RAMP)
    bench.set(chip_.CTRL_REG1, control_1)
    bench.wait(1_000_000)
    assert bench.get(chip_.STATUS_REG) == b"\0"


# Table 4: sensitivity in mg a digit, by full scale; high resolution 12 bit, normal 10 bit, low power 8 bit.
@pytest.mark.parametrize(("fs", "range_g", "mg_hr"), [(0, 2, 1), (1, 4, 2), (2, 8, 4), (3, 16, 12)])
@pytest.mark.parametrize(("low_power", "high_resolution", "bits"), [(0, 1, 12), (0, 0, 10), (1, 0, 8)])
def test_sensitivity_and_left_justified_data(
    fs: int, range_g: int, mg_hr: int, low_power: int, high_resolution: int, bits: int
) -> None:
    bench = Bench(Scene.still((0.5, -0.75, 1.0)))
    bench.set(chip_.CTRL_REG4, fs << 4 | high_resolution << 3)
    bench.set(chip_.CTRL_REG1, 0x57 | low_power << 3)
    bench.wait(10_000)
    counts = struct.unpack("<3h", bench.get(chip_.OUT_X_L, 6))
    mg_a_digit = mg_hr << (12 - bits)
    for count, acceleration_mg in zip(counts, (500, -750, 1000), strict=True):
        assert count % (1 << (16 - bits)) == 0
        assert abs((count >> (16 - bits)) * mg_a_digit - acceleration_mg) <= mg_a_digit / 2


def test_saturation() -> None:
    bench = Bench(Scene.still((5.0, -5.0, 0.0)))
    bench.set(chip_.CTRL_REG4, 0x08)
    bench.set(chip_.CTRL_REG1, 0x57)
    bench.wait(10_000)
    assert struct.unpack("<3h", bench.get(chip_.OUT_X_L, 6)) == (2047 << 4, -2048 << 4, 0)


def test_axes_that_are_off_and_big_endian() -> None:
    bench = Bench(Scene.still((0.5, 0.5, 0.5)))
    bench.set(chip_.CTRL_REG4, 0x48)
    bench.set(chip_.CTRL_REG1, 0x55)
    bench.wait(10_000)
    assert struct.unpack(">3h", bench.get(chip_.OUT_X_L, 6)) == (8000, 0, 8000)


def test_self_test_moves_every_axis_both_ways_within_the_limits() -> None:
    moved = {}
    for self_test in (0, 1, 2):
        bench = Bench()
        bench.set(chip_.CTRL_REG4, self_test << 1)
        bench.set(chip_.CTRL_REG1, 0x57)
        bench.wait(10_000)
        moved[self_test] = np.array(struct.unpack("<3h", bench.get(chip_.OUT_X_L, 6))) >> 6
    assert np.all((moved[1] - moved[0] >= 17) & (moved[1] - moved[0] <= 360))
    assert np.all((moved[0] - moved[2] >= 17) & (moved[0] - moved[2] <= 360))


def test_status_new_data_and_overrun() -> None:
    bench = Bench(RAMP)
    bench.set(chip_.CTRL_REG1, 0x57)
    bench.wait(9_999)
    assert bench.get(chip_.STATUS_REG) == b"\0"
    bench.wait(1)
    assert bench.get(chip_.STATUS_REG) == b"\x0f"
    bench.get(chip_.OUT_X_L, 2)
    assert bench.get(chip_.STATUS_REG) == b"\x0e"
    bench.wait(10_000)
    assert bench.get(chip_.STATUS_REG) == b"\xef"
    bench.get(chip_.OUT_X_L, 6)
    assert bench.get(chip_.STATUS_REG) == b"\0"


@pytest.mark.parametrize(("block_data_update", "is_torn"), [(0x80, False), (0, True)])
def test_block_data_update(block_data_update: int, is_torn: bool) -> None:
    bench = Bench(Scene.raw([0x01FF, 0x0200]))
    bench.set(chip_.CTRL_REG4, block_data_update)
    bench.set(chip_.CTRL_REG1, 0x57)
    bench.wait(10_000)
    low = bench.get(chip_.OUT_X_L)
    bench.wait(10_000)
    high = bench.get(chip_.OUT_X_L + 1)
    assert (low + high != b"\xff\x01") == is_torn
    bench.wait(10_000)
    assert bench.get(chip_.OUT_X_L, 2) == b"\xff\x01"


def test_fifo_order_level_and_watermark() -> None:
    bench = Bench(RAMP)
    bench.stream(threshold=15)
    assert bench.source() == 0x20
    for level in range(1, 32):
        bench.wait(10_000)
        assert bench.source() == (0x80 if level > 15 else 0) | level
    bench.wait(10_000)
    assert bench.source() == 0x80 | 0x40 | 31
    assert bench.fifo(32) == list(range(32))
    assert bench.source() == 0x20


def test_stream_mode_loses_the_oldest() -> None:
    bench = Bench(RAMP)
    bench.stream()
    bench.wait(40 * 10_000)
    assert bench.source() & 0x40
    assert bench.fifo(3) == [8, 9, 10]
    assert not bench.source() & 0x40
    bench.wait(10_000)
    assert bench.fifo(30) == [*range(11, 41)]


def test_fifo_mode_stops_when_full_until_bypass() -> None:
    bench = Bench(RAMP)
    bench.stream(mode=1)
    bench.wait(40 * 10_000)
    assert bench.fifo(32) == list(range(32))
    bench.set(chip_.FIFO_CTRL_REG, 0)
    bench.set(chip_.FIFO_CTRL_REG, 1 << 6)
    bench.wait(20_000)
    assert bench.fifo(2) == [40, 41]


def test_stream_to_fifo_keeps_what_led_to_the_event() -> None:
    knock = np.zeros((400, 3))
    knock[100:110, 0] = 1.5
    bench = Bench(Scene(knock, 100.0))
    bench.set(chip_.INT1_THS, 0x40)  # 64 × 16 mg
    bench.set(chip_.INT1_CFG, 0x02)  # x high
    bench.stream(mode=3)
    bench.set(chip_.CTRL_REG5, 0x48)  # latched
    bench.wait(2_500_000)
    assert bench.fifo(32) == [0] * 31 + [24000]  # the history, up to the sample that was the event
    assert bench.get(chip_.INT1_SRC)[0] == 0x42
    bench.wait(100_000)
    assert bench.fifo(10) == [0] * 10


def test_a_burst_without_fifo_does_not_roll_over() -> None:
    bench = Bench(RAMP)
    bench.set(chip_.CTRL_REG1, 0x57)
    bench.wait(50_000)
    assert bench.get(chip_.OUT_X_L, 8)[6:] == bytes([0, 0x20])


def test_single_reads_and_bursts_see_the_same() -> None:
    burst, single = Bench(RAMP), Bench(RAMP)
    for bench in (burst, single):
        bench.stream()
        bench.wait(20 * 10_000)
    one_by_one = b"".join(single.get(chip_.OUT_X_L + i % 6) for i in range(60))
    assert one_by_one == burst.get(chip_.OUT_X_L, 60)


@pytest.mark.parametrize("polarity", [0, 0x02])
def test_watermark_interrupt(polarity: int) -> None:
    bench = Bench(RAMP)
    active = 0 if polarity else 1
    bench.set(chip_.CTRL_REG6, polarity)
    bench.set(chip_.CTRL_REG3, 0x04)
    bench.stream(threshold=9)
    assert bench.chip.next_interrupt_us() == 100_000
    bench.wait(99_999)
    assert bench.chip.interrupt_level() == 1 - active
    bench.wait(1)
    assert bench.chip.interrupt_level() == active
    bench.fifo(1)
    assert bench.chip.interrupt_level() == 1 - active
    assert bench.chip.next_interrupt_us() == 110_000


def test_overrun_and_data_ready_interrupts() -> None:
    bench = Bench(RAMP)
    bench.set(chip_.CTRL_REG3, 0x02)
    bench.stream()
    assert bench.chip.next_interrupt_us() == 320_000
    bench.wait(320_000)
    assert bench.chip.interrupt_level() == 1
    bench.fifo(1)
    assert bench.chip.interrupt_level() == 0

    bench = Bench(RAMP)
    bench.set(chip_.CTRL_REG3, 0x10)
    bench.set(chip_.CTRL_REG1, 0x57)
    assert bench.chip.next_interrupt_us() == 10_000
    bench.wait(10_000)
    assert bench.chip.interrupt_level() == 1
    bench.get(chip_.OUT_X_L, 6)
    assert bench.chip.interrupt_level() == 0
    assert bench.chip.next_interrupt_us() == 20_000


def test_reboot_bit_clears_itself() -> None:
    bench = Bench()
    bench.set(chip_.CTRL_REG5, 0x80)
    assert bench.get(chip_.CTRL_REG5) == b"\x80"
    bench.wait(chip_.BOOT_US)
    assert bench.get(chip_.CTRL_REG5) == b"\0"


def test_instants_do_not_drift() -> None:
    bench = Bench(RAMP)
    bench.stream(odr=9)  # 1344 Hz: the period is no whole number of µs
    bench.wait(10_000_000)
    bench.fifo(32)
    bench.wait(1)
    assert bench.source() == 0x20
    assert bench.chip._n_made == 13440


def test_a_scene_is_felt_at_its_own_time() -> None:
    ramp = np.linspace(0, 1, 101)[:, None] * (1, 0, 0)
    bench = Bench(Scene(ramp, 100.0))
    bench.set(chip_.CTRL_REG4, 0x08)
    bench.set(chip_.CTRL_REG5, 0x40)
    bench.set(chip_.FIFO_CTRL_REG, 0x80)
    bench.set(chip_.CTRL_REG1, 0x47)  # 50 Hz: every second sample of the scene
    bench.wait(500_000)
    assert bench.fifo(25) == [round(20 * (i + 1)) << 4 for i in range(25)]
    bench.motion.play(Scene.still((0.0, 0.0, 1.0)), bench.now_us)
    bench.wait(20_000)
    assert bench.fifo(1) == [0]
