"""What only the LIS3DH has: modes, and rates of theirs; test_drivers.py holds it to the contract of all."""

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


@pytest.mark.parametrize("mode", ["normal", "low"])
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
    digit_mg = {"normal": (4, 8, 16, 48), "low": (16, 32, 64, 192)}[mode]
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


@pytest.mark.parametrize("rate", [1344, 1600])
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


@pytest.mark.parametrize(("settings", "text"), [("watermark=32", "watermark"), ("mode='best'", "mode")])
def test_what_the_chip_has_not_is_a_value_error(board, settings, text):
    code = f"try:\n    chip({settings})\nexcept ValueError as error:\n    print(error)"
    assert f"lis3dh: {text} must be" in run(board, OPEN + code)
