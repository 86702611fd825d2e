"""Every driver in a real MicroPython, against a chip at register level: one contract for all of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from midge import targets
from midge.compile import link_kernels
from midge.mpremote_link import RawRepl
from midge.virtual import Scene, VirtualBoard
from midge.virtual.chips import CHIPS
from midge_device import drivers

from .conftest import install, run, values

RAMP = Scene.raw(lambda n: np.stack([n, n + 1, n + 2], axis=1).astype(np.int16))

OPEN = """
import time, micropython
from array import array
from machine import I2C, Pin
from midge_device import drivers
bus = I2C(0, freq=400000)
def chip(**settings):
    return drivers.open_any(bus, int1=Pin(2, Pin.IN), **settings)
block = array('h', bytes(96))
"""

# chip → its rates nearest to 100, 200 and 400 Hz
RATES = {
    "lis3dh": (100, 200, 400),
    "lsm6dsox": (104, 208, 416),
    "lsm6dsl": (104, 208, 416),
    "lsm6ds3": (104, 208, 416),
    "mpu6050": (100, 200, 1000 / 3),
    "mpu6500": (100, 200, 1000 / 3),
    "mpu6886": (100, 200, 1000 / 3),
    "adxl345": (100, 200, 400),
}
WATERMARK = ["lis3dh", "lsm6dsox", "lsm6dsl", "lsm6ds3", "adxl345"]
# FIFO size in samples as the datasheet gives it, and what the newest survivors of an overrun are.
CAPACITY = {
    "lis3dh": 32,
    "lsm6dsox": 512,
    "lsm6dsl": 682,
    "lsm6ds3": 1365,
    "mpu6050": 128,
    "mpu6500": 64,
    "mpu6886": 128,
    "adxl345": 33,
}
# Half a digit of the chip at ±2, 4, 8, 16 g, in mg; the LIS3DH's FIFO also drops two of its twelve bits.
HALF_DIGIT_MG = {
    "lis3dh": (3.5, 7, 14, 42),
    "adxl345": (2, 2, 2, 2),
}
FINE = (0.031, 0.061, 0.122, 0.244)


@pytest.fixture(scope="module", params=sorted(CHIPS))
def chip(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def ramp_board(chip: str) -> Iterator[VirtualBoard]:
    """The chip delivers its sample's number; native primitives as `midge flash` installs them."""
    with VirtualBoard(sensor=chip, scene=RAMP) as board:
        install(board.folder)
        native = link_kernels.build_native(targets.get("x64")).mpy
        (board.folder / "lib" / "midge_native.mpy").write_bytes(native)
        yield board


def test_the_table_names_every_driver_and_every_chip_model() -> None:
    assert set(drivers.CHIPS) == set(CHIPS) == set(RATES)


def test_it_is_found_by_its_identity(ramp_board: VirtualBoard, chip: str) -> None:
    code = OPEN + "print(repr(drivers.find(bus)))\nd = chip()\nprint(d.NAME)"
    found, name = run(ramp_board, code).splitlines()
    _, _, addresses, _, _ = drivers.CHIPS[chip]
    assert found == f"[('{chip}', {addresses[0]})]"
    assert name == chip


def test_fifo_comes_in_order_and_whole(ramp_board: VirtualBoard) -> None:
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


def test_negative_numbers_come_through(chip: str) -> None:
    numbers = [(-1, -32768, 32767), (256, -256, 255), (-2, 1, 0)]
    with VirtualBoard(sensor=chip, scene=Scene.raw(numbers)) as board:
        install(board.folder)  # without native code: the twins in Python
        (got,) = values(
            board,
            OPEN
            + """
d = chip()
d.start()
three = array('h', bytes(18))
while not d.read_into(three):
    time.sleep_ms(5)
print(list(three))
""",
        )
    assert got == [value for sample in numbers for value in sample]


def test_a_part_of_a_block_is_filled_from_start(ramp_board: VirtualBoard) -> None:
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


def test_reading_allocates_nothing(ramp_board: VirtualBoard) -> None:
    assert values(
        ramp_board,
        OPEN
        + """
d = chip()
d.start()
n = 0
time.sleep_ms(20)
for _ in range(20):
    micropython.heap_lock()
    n += d.read_into(block)
    micropython.heap_unlock()
    time.sleep_ms(80)
print(1 if n >= 128 else 0)
""",
    ) == [1]


def test_an_overrun_is_reported_and_the_newest_samples_survive(ramp_board: VirtualBoard, chip: str) -> None:
    capacity = CAPACITY[chip]
    first, full, level, overruns, known, in_order = values(
        ramp_board,
        OPEN
        + f"""
d = chip()
d.start()
time.sleep_ms(int({capacity + 50} * 1000 / d.rate_hz))
level = d.level()
full = int(d.full)
d.read_into(block)
print(block[0])
print(full)
print(level)
print(d.overruns)
print(d.capacity)
print(int(all(block[i] == block[0] + i // 3 + i % 3 for i in range(48))))
""",
    )
    assert (full, overruns, known, in_order) == (1, 1, capacity, 1)
    assert level in (capacity, capacity - 1)
    # 50 samples were too many; one more may have come meanwhile
    assert 49 <= first <= 51


@pytest.mark.parametrize("native", [True, pytest.param(False, marks=pytest.mark.check)])
def test_the_sampler_counts_what_an_overrun_swallowed(chip: str, native: bool) -> None:
    with VirtualBoard(sensor=chip, scene=RAMP) as board:
        install(board.folder)
        if native:
            module = link_kernels.build_native(targets.get("x64")).mpy
            (board.folder / "lib" / "midge_native.mpy").write_bytes(module)
        seen = values(
            board,
            OPEN
            + """
from midge_device.sampler import Sampler
d = chip()
s = Sampler(d)
# Scaling that leaves the chip's numbers as they are: they tell which sample it is.
s._table[0] = 1
for i in (2, 4, 6):
    s._table[i] = 2
s.start()
def take(n):
    while n:
        if s.poll():
            n -= 1
            print([s.first, s.block[0], s.gap])
        else:
            time.sleep_ms(2)
take(30)
time.sleep_ms(int((d.capacity + 77) * 1000 / d.rate_hz))
take(6)
""",
        )
    assert all(first == number for first, number, _ in seen)
    assert sum(gap > 0 for _, _, gap in seen) == 1
    assert 55 <= max(gap for _, _, gap in seen) <= 80


@pytest.mark.parametrize("chip_with_pin", WATERMARK)
def test_the_watermark_interrupt_comes_once_a_block(chip_with_pin: str) -> None:
    with VirtualBoard(sensor=chip_with_pin, scene=RAMP) as board:
        install(board.folder)
        rate_hz, steps = values(
            board,
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
    assert rate_hz == RATES[chip_with_pin][1]
    assert len(steps) >= 7
    assert all(abs(step_us - 8e6 / rate_hz) < 1500 for step_us in steps)


@pytest.mark.parametrize("chip_without", ["mpu6050", "mpu6500", "mpu6886"])
def test_without_a_watermark_it_says_so(chip_without: str) -> None:
    with VirtualBoard(sensor=chip_without) as board:
        install(board.folder)
        assert run(board, OPEN + "print(chip().irq(print))") == "False"


def test_every_range_measures_what_is_there(chip: str) -> None:
    g = (0.5, -0.25, 1.0)
    with VirtualBoard(sensor=chip, scene=Scene.still(g)) as board:
        install(board.folder)
        got = values(
            board,
            OPEN
            + """
from midge_device.sampler import Sampler
for range_g in (2, 4, 8, 16):
    d = chip(range_g=range_g)
    s = Sampler(d)
    s.start()
    while not s.poll():
        time.sleep_ms(10)
    print(list(s.block[3:6]))
    s.stop()
""",
        )
    for range_g, sample, half_mg in zip((2, 4, 8, 16), got, HALF_DIGIT_MG.get(chip, FINE), strict=True):
        lsb_per_g = 32768 / range_g
        assert sample == pytest.approx([v * lsb_per_g for v in g], abs=half_mg / 1000 * lsb_per_g + 1)


def test_the_chip_runs_at_the_rate_it_claims(ramp_board: VirtualBoard, chip: str) -> None:
    for wanted, claimed in zip((100, 200, 400), RATES[chip], strict=True):
        rate_hz, elapsed_us = values(
            ramp_board,
            OPEN
            + f"""
d = chip(rate_hz={wanted})
print(d.rate_hz)
d.start()
begin = time.ticks_us()
n = 0
while n < 160:
    n += d.read_into(block)
    time.sleep_ms(3)
print(time.ticks_diff(time.ticks_us(), begin))
""",
        )
        assert rate_hz == pytest.approx(claimed)
        assert elapsed_us == pytest.approx(160e6 / claimed, rel=0.03)


@pytest.mark.parametrize(("settings", "text"), [("range_g=3", "range"), ("watermark=0", "watermark")])
def test_what_the_chip_has_not_is_a_value_error(
    ramp_board: VirtualBoard, chip: str, settings: str, text: str
) -> None:
    code = f"try:\n    chip({settings})\nexcept ValueError as error:\n    print(error)"
    assert f"{chip}: {text} must be" in run(ramp_board, OPEN + code)


ATTEMPT = """
def attempt():
    global d
    try:
        {}
        print('fine')
    except OSError as error:
        print(error)
"""


def test_another_chip_is_refused(ramp_board: VirtualBoard, chip: str) -> None:
    code = f"""
class Other:
    def readfrom_mem_into(self, address, register, buffer):
        buffer[0] = 0x44
try:
    drivers.open_chip(Other(), {chip!r}, 0x12)
except OSError as error:
    print(error)
"""
    said = run(ramp_board, OPEN + code)
    assert said == f"{chip}: another chip answers at 0x12 (identity 0x44)"


def test_a_hung_bus_and_a_missing_chip_are_os_errors(ramp_board: VirtualBoard) -> None:
    code = OPEN + ATTEMPT.format("chip()") + "attempt()"
    ramp_board.hang_bus(True)
    try:
        assert run(ramp_board, code) == "the I2C bus hangs: check its wiring and pull-up resistors"
        ramp_board.hang_bus(False)
        ramp_board.attach_sensor(False)
        assert "no known accelerometer answers" in run(ramp_board, code)
    finally:
        ramp_board.hang_bus(False)
        ramp_board.attach_sensor(True)
    assert run(ramp_board, code) == "fine"


def test_a_bus_that_hangs_in_mid_stream_is_an_os_error(chip: str) -> None:
    with VirtualBoard(sensor=chip) as board, board_repl(board) as repl:
        repl.run(OPEN + "d = chip()\nd.start()\ntime.sleep_ms(300)\nprint(d.read_into(block))")
        board.hang_bus(True)
        said = repl.run("try:\n    d.level()\nexcept OSError as error:\n    print(error.errno)")
        assert said.strip() == "110"


def test_a_chip_that_resets_in_mid_stream_is_noticed(chip: str) -> None:
    begin = "d = chip()\nd.start()\ntime.sleep_ms(300)\nprint(d.read_into(block))"
    ask = """
time.sleep_ms(100)
def ask():
    problem = None
    micropython.heap_lock()  # as the pipeline calls it
    try:
        d.level()
    except OSError as error:
        problem = error
    finally:
        micropython.heap_unlock()
    print(problem)
ask()
"""
    with VirtualBoard(sensor=chip) as board, board_repl(board) as repl:
        assert repl.run(OPEN + begin).strip() == "16"
        board.attach_sensor(True)  # fresh from power-on: it samples no more
        assert repl.run(ask).strip() == f"{chip}: the chip was reset; its supply may be loose"
        assert repl.run(begin).strip() == "16"


def test_self_test_passes_on_a_good_chip_and_fails_on_a_stuck_one(chip: str) -> None:
    """Stuck: the output never moves, whatever the self-test does."""
    data = {"lis3dh": 0xA8, "adxl345": 0x32}.get(chip, 0x28 if chip.startswith("lsm6") else 0x3B)
    with VirtualBoard(sensor=chip) as board:
        install(board.folder)
        code = f"""
print(int(chip().self_test()))
class Stuck:
    def __init__(self):
        self.writeto_mem = bus.writeto_mem
    def readfrom_mem_into(self, address, register, buffer):
        bus.readfrom_mem_into(address, register, buffer)
        if register == {data}:
            for i in range(len(buffer)):
                buffer[i] = 0
print(int(drivers.open_any(Stuck()).self_test()))
"""
        assert values(board, OPEN + code) == [1, 0]


def board_repl(board: VirtualBoard) -> RawRepl:
    """A prompt that keeps its variables from one `run` to the next."""
    install(board.folder)
    return RawRepl("serial:" + board.tty)


def test_every_chip_has_a_file_of_its_own() -> None:
    files = {path.stem for path in Path(drivers.__file__).parent.glob("*.py")}
    assert {module for module, *_ in drivers.CHIPS.values()} == set(drivers.CHIPS) <= files
