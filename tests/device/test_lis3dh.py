"""The LIS3DH driver in a real MicroPython, against a chip that was written apart from it."""

import numpy as np
import pytest

from midge.virtual import Scene, VirtualBoard

from .conftest import install, run, values

RAMP = Scene.raw(lambda n: np.stack([n, n + 1, n + 2], axis=1).astype(np.int16))

OPEN = """
import time, micropython
from array import array
from machine import I2C, Pin
from midge_device.drivers.lis3dh import LIS3DH
def chip(**settings):
    return LIS3DH(I2C(0, freq=400000), int1=Pin(2, Pin.IN), **settings)
block = array('h', bytes(96))
"""


@pytest.fixture(scope="module")
def ramp_board():
    with VirtualBoard(scene=RAMP) as virtual:
        install(virtual.folder)
        yield virtual


def test_fifo_comes_in_order_and_whole(ramp_board):
    blocks = values(
        ramp_board,
        OPEN
        + """
d = chip()
d.start()
for _ in range(20):
    while not d.read_into(block):
        time.sleep_ms(5)
    print(list(block))
""",
    )
    got = np.array(blocks).reshape(-1, 3)
    assert got.tolist() == [[n, n + 1, n + 2] for n in range(320)]


def test_a_part_of_a_block_is_filled_from_start(ramp_board):
    empty, n, block = values(
        ramp_board,
        OPEN
        + """
d = chip()
d.start()
print(d.read_into(block))
time.sleep_ms(95)
print(d.read_into(block, 8))
print(list(block))
""",
    )
    assert (empty, n) == (0, 8)
    assert block == [0] * 24 + [v for n in range(8) for v in (n, n + 1, n + 2)]


def test_reading_allocates_nothing(ramp_board):
    assert values(
        ramp_board,
        OPEN
        + """
d = chip()
d.start()
n = 0
for _ in range(40):
    micropython.heap_lock()
    n += d.read_into(block)
    micropython.heap_unlock()
    time.sleep_ms(50)
print(n)
""",
    ) == [192]


def test_an_overrun_is_seen_once_and_the_newest_samples_survive(ramp_board):
    first, full, level, overruns = values(
        ramp_board,
        OPEN
        + """
d = chip()
d.start()
time.sleep_ms(1005)
level = d.level()
full = int(d.full)
d.read_into(block)
print(block[0])
print(full)
print(level)
print(d.overruns)
""",
    )
    assert (first, full, level, overruns) == (100 - 32, 1, 32, 1)


def test_the_watermark_interrupt_comes_once_a_block(ramp_board):
    times = values(
        ramp_board,
        OPEN
        + """
d = chip(rate_hz=200, watermark=8)
rang = []
print(d.rate_hz)
d.irq(lambda pin: rang.append(time.ticks_us()))
d.start()
small = array('h', bytes(48))
for _ in range(10):
    time.sleep_ms(41)
    d.read_into(small)
print([time.ticks_diff(b, a) for a, b in zip(rang, rang[1:])])
""",
    )
    assert times[0] == 200
    assert len(times[1]) >= 7
    assert all(abs(step_us - 40000) < 1500 for step_us in times[1])


@pytest.mark.parametrize("mode", ["high", "normal", "low"])
def test_every_range_measures_what_is_there(mode):
    g = (0.5, -0.25, 1.0)
    with VirtualBoard(scene=Scene.still(g)) as virtual:
        install(virtual.folder)
        got = values(
            virtual,
            OPEN
            + f"""
from midge_device.sampler import Sampler
for range_g in (2, 4, 8, 16):
    d = chip(range_g=range_g, mode={mode!r})
    s = Sampler(d)
    s.start()
    while not s.poll():
        time.sleep_ms(10)
    print(list(s.block[3:6]))
    s.stop()
""",
        )
    # In high resolution the FIFO drops two of twelve bits: half a digit of twelve and up to one of ten less.
    digit_mg = {"high": (7, 14, 28, 84), "normal": (4, 8, 16, 48), "low": (16, 32, 64, 192)}[mode]
    for range_g, sample, mg in zip((2, 4, 8, 16), got, digit_mg, strict=True):
        lsb_per_g = 32768 / range_g
        # half a digit of the chip, and one LSB of the scaling
        assert sample == pytest.approx([v * lsb_per_g for v in g], abs=mg / 2000 * lsb_per_g + 1)


def test_rates_are_the_nearest_of_the_mode(board):
    assert values(
        board,
        OPEN
        + """
for rate in (1, 9, 26, 60, 100, 180, 400, 1300, 1500, 5000):
    d = chip(rate_hz=rate)
    print([d.rate_hz, 1 if d.mode == 'low' else 0])
""",
    ) == [[1, 0], [10, 0], [25, 0], [50, 0], [100, 0], [200, 0], [400, 0], [1344, 0], [1600, 1], [5376, 1]]


@pytest.mark.parametrize("rate", [400, 1344, 1600])
def test_the_chip_runs_at_the_rate_it_claims(ramp_board, rate):
    elapsed_us, n = values(
        ramp_board,
        OPEN
        + f"""
d = chip(rate_hz={rate})
d.start()
begin = time.ticks_us()
n = 0
while n < 240:
    n += d.read_into(block)
print(time.ticks_diff(time.ticks_us(), begin))
print(n)
""",
    )
    assert elapsed_us == pytest.approx(1e6 * n / rate, rel=0.02)


@pytest.mark.parametrize(
    ("settings", "text"), [("range_g=3", "range"), ("watermark=32", "watermark"), ("mode='best'", "mode")]
)
def test_what_the_chip_has_not_is_a_value_error(board, settings, text):
    code = f"try:\n    chip({settings})\nexcept ValueError as error:\n    print(error)"
    assert f"lis3dh: {text} must be" in run(board, OPEN + code)


def test_no_chip_and_a_chip_that_goes_away_are_os_errors(board):
    absent = "\ntry:\n    chip()\n    print('there')\nexcept OSError as error:\n    print(error.errno)"
    assert run(board, OPEN + absent) == "there"
    board.attach_sensor(False)
    try:
        assert run(board, OPEN + absent) == "5"
    finally:
        board.attach_sensor(True)


def test_another_chip_is_refused(board):
    code = """
class Other:
    def readfrom_mem_into(self, address, register, buffer):
        buffer[0] = 0x44
try:
    LIS3DH(Other())
except OSError as error:
    print(error)
"""
    assert run(board, OPEN + code) == "lis3dh: another chip answers at 0x18 (identity 0x44)"


def test_self_test_passes_on_a_good_chip_and_fails_on_a_stuck_one(board):
    code = """
print(int(chip().self_test()))
class Stuck:
    def __init__(self):
        self.bus = I2C(0)
        self.writeto_mem = self.bus.writeto_mem
    def readfrom_mem_into(self, address, register, buffer):
        self.bus.readfrom_mem_into(address, register, buffer)
        if register & 0x7f == 0x28:
            for i in range(len(buffer)):
                buffer[i] = 0
print(int(LIS3DH(Stuck()).self_test()))
"""
    assert values(board, OPEN + code) == [1, 0]
