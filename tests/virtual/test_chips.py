"""The chip models against their datasheets, over their two bus transactions: bytes in, bytes out."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from midge.virtual import chips
from midge.virtual.motion import Motion
from midge.virtual.scene import Scene

RAMP = Scene.raw(lambda n: np.stack([n, n + 1, n + 2], axis=1).astype(np.int16))


class Bench:
    """A chip with its supply on, and a clock."""

    def __init__(self, name: str, scene: Scene = RAMP) -> None:
        self.motion = Motion()
        self.motion.play(scene, 0)
        self.now_us = 0
        self.chip = chips.make(name, self.motion, 0)

    def set(self, register: int, *values: int) -> None:
        self.chip.write(bytes([register, *values]))

    def get(self, register: int, n: int = 1) -> bytes:
        self.chip.write(bytes([register]))
        return self.chip.read(n)

    def wait(self, us: int) -> None:
        self.now_us += us
        self.chip.advance(self.now_us)


IDENTITIES = [
    ("lsm6dsox", 0x6A, 0x0F, 0x6C),
    ("lsm6dsl", 0x6A, 0x0F, 0x6A),
    ("lsm6ds3", 0x6A, 0x0F, 0x69),
    ("mpu6050", 0x68, 0x75, 0x68),
    ("mpu6500", 0x68, 0x75, 0x70),
    ("mpu6886", 0x68, 0x75, 0x19),
    ("adxl345", 0x53, 0x00, 0xE5),
]


@pytest.mark.parametrize(("name", "address", "register", "identity"), IDENTITIES)
def test_identity_and_read_only(name: str, address: int, register: int, identity: int) -> None:
    bench = Bench(name)
    assert address == bench.chip.ADDRESS
    assert bench.get(register) == bytes([identity])
    bench.set(register, 0)
    assert bench.get(register) == bytes([identity])


def test_values_after_power_on() -> None:
    assert Bench("lsm6dsox").get(0x10, 3) == bytes([0, 0, 0x04])  # CTRL1_XL, CTRL2_G, CTRL3_C
    assert Bench("lsm6dsl").get(0x10, 3) == bytes([0, 0, 0x04])
    assert Bench("mpu6050").get(0x6B) == b"\x40"  # PWR_MGMT_1: asleep
    assert Bench("mpu6500").get(0x6B) == b"\x01"  # awake
    assert Bench("mpu6886").get(0x6B) == b"\x41"
    assert Bench("adxl345").get(0x2C, 2) == bytes([0x0A, 0])  # BW_RATE: 100 Hz; POWER_CTL: standby
    assert Bench("adxl345").get(0x30) == b"\x02"  # INT_SOURCE: a watermark of 0 is reached
    assert Bench("lis3dh").get(0x9E, 7) == bytes([0x10, 0, 0x07, 0, 0, 0, 0])  # from CTRL_REG0 on


# What the datasheets' FIFO examples write: rate 104 or 100 Hz, ±2 g, newest kept, watermark 10 on INT1.
FIFO_ON = {
    "lsm6dsox": [(0x12, 0x44), (0x07, 10), (0x09, 0x04), (0x0A, 0x06), (0x0D, 0x08), (0x10, 0x40)],
    "lsm6dsl": [(0x12, 0x44), (0x06, 30), (0x08, 0x01), (0x0A, 0x26), (0x0D, 0x08), (0x10, 0x40)],
    "mpu6050": [(0x6B, 0x01), (0x1A, 0x03), (0x19, 9), (0x23, 0x88), (0x6A, 0x04), (0x6A, 0x40)],
    "mpu6500": [(0x6B, 0x01), (0x1A, 0x03), (0x19, 9), (0x23, 0x88), (0x6A, 0x04), (0x6A, 0x40)],
    "mpu6886": [(0x6B, 0x01), (0x1A, 0x03), (0x19, 9), (0x23, 0x08), (0x6A, 0x04), (0x6A, 0x40)],
    "lsm6ds3": [(0x12, 0x44), (0x06, 30), (0x08, 0x01), (0x0A, 0x26), (0x0D, 0x08), (0x10, 0x40)],
    "adxl345": [(0x2C, 0x0A), (0x31, 0x08), (0x38, 0x8A), (0x2E, 0x02), (0x2D, 0x08)],
}


def running(name: str, scene: Scene = RAMP) -> Bench:
    bench = Bench(name, scene)
    for register, value in FIFO_ON[name]:
        bench.set(register, value)
    return bench


def test_lsm6dsox_words_are_tagged() -> None:
    bench = running("lsm6dsox")
    bench.wait(104 * 1_000_000 // 104)
    assert bench.get(0x3A, 2) == bytes([104, 0x80])
    words = list(struct.iter_unpack("<B3h", bench.get(0x78, 7 * 5)))
    assert [word[1:] for word in words] == [(n, n + 1, n + 2) for n in range(5)]
    assert [word[0] >> 3 for word in words] == [2] * 5  # accelerometer
    assert [word[0] >> 1 & 3 for word in words] == [0, 1, 2, 3, 0]
    assert all(word[0].bit_count() % 2 == 0 for word in words)
    assert bench.get(0x3A, 2) == bytes([99, 0x80])
    assert bench.get(0x79, 6) == struct.pack("<3h", 5, 6, 7)  # without its tag
    assert bench.get(0x3A) == bytes([98])


def test_lsm6dsox_keeps_the_newest_512_and_says_so() -> None:
    bench = running("lsm6dsox")
    bench.wait(511 * 1_000_000 // 104 + 100)
    assert bench.get(0x3A, 2) == bytes([0xFF, 0x80 | 0x20 | 1])  # full with the next
    bench.wait(1_000_000 // 104)
    assert bench.get(0x3A, 2) == bytes([0x00, 0x80 | 0x40 | 0x20 | 2])
    bench.wait(10 * 1_000_000 // 104 + 100)
    assert bench.get(0x3B) == bytes([0x80 | 0x40 | 0x20 | 0x08 | 2])
    assert bench.get(0x3B) == bytes([0x80 | 0x40 | 0x20 | 2])  # the latched flag is cleared by reading
    assert struct.unpack("<B3h", bench.get(0x78, 7))[1] == 10
    bench.set(0x0A, 0)
    assert bench.get(0x3A, 2) == b"\0\0"


@pytest.mark.parametrize("name", ["lsm6dsox", "lsm6dsl", "adxl345"])
def test_watermark_on_the_pin(name: str) -> None:
    bench = running(name)
    due_us = bench.chip.next_interrupt_us()
    period_us = 10_000 if name == "adxl345" else 1_000_000 / 104
    assert due_us == pytest.approx(10 * period_us, abs=1)
    bench.wait(due_us - 1)
    assert bench.chip.interrupt_level() == 0
    bench.wait(1)
    assert bench.chip.interrupt_level() == 1
    data = {"lsm6dsox": (0x78, 7), "lsm6dsl": (0x3E, 6), "adxl345": (0x32, 6)}[name]
    bench.get(*data)
    assert bench.chip.interrupt_level() == 0
    assert bench.chip.next_interrupt_us() == pytest.approx(11 * period_us, abs=1)


def test_lsm6dsl_words_are_bare_and_a_burst_reads_them_out() -> None:
    bench = running("lsm6dsl")
    assert bench.get(0x3B) == b"\x10"  # empty
    bench.wait(20 * 1_000_000 // 104 + 100)
    assert bench.get(0x3A, 3) == bytes([60, 0x80, 0])
    assert struct.unpack("<6h", bench.get(0x3E, 12)) == (0, 1, 2, 1, 2, 3)
    bench.get(0x3E, 2)
    assert bench.get(0x3C) == b"\x01"  # next is the second word of a set


def test_lsm6dsl_that_runs_over_tears_its_oldest_set() -> None:
    bench = running("lsm6dsl")
    bench.wait(700 * 1_000_000 // 104 + 100)
    assert bench.get(0x3A, 2) == bytes([0, 0xE0])  # 2048 in eleven bits
    assert bench.get(0x3C) == b"\x01"
    assert struct.unpack("<3h", bench.get(0x3E, 6)) == (18, 19, 18)  # y, z of 17; x of 18


def test_lsm6ds3_has_twice_the_words_and_one_more_bit_to_count_them() -> None:
    bench = running("lsm6ds3")
    bench.wait(700 * 1_000_000 // 104 + 100)
    assert bench.get(0x3A, 2) == bytes([2100 & 0xFF, 0x80 | 2100 >> 8])
    bench.wait(700 * 1_000_000 // 104 + 100)
    assert bench.get(0x3A, 2) == bytes([0, 0xE0])  # 4096 in twelve bits


@pytest.mark.parametrize("name", ["lsm6dsox", "lsm6dsl"])
def test_lsm6_software_reset_and_block_data_update(name: str) -> None:
    bench = running(name, Scene.raw([(0x01FF, 0, 0), (0x0200, 0, 0)]))
    bench.wait(9_700)
    low = bench.get(0x28)
    bench.wait(9_700)
    assert low + bench.get(0x29) == b"\xff\x01"
    bench.set(0x12, 0x01)
    assert bench.get(0x10, 3) == bytes([0, 0, 0x04])
    bench.wait(100_000)
    assert bench.get(0x1E) == b"\0"


# Sensitivities of the datasheets at each full scale: register, value, mg a digit, 0.5 g in digits.
@pytest.mark.parametrize(
    ("name", "register", "value", "digits"),
    [
        ("lsm6dsox", 0x10, 0x40, 0.5 / 0.000061),
        ("lsm6dsox", 0x10, 0x48, 0.5 / 0.000122),
        ("lsm6dsox", 0x10, 0x4C, 0.5 / 0.000244),
        ("lsm6dsox", 0x10, 0x44, 0.5 / 0.000488),
        ("lsm6dsl", 0x10, 0x48, 0.5 / 0.000122),
        ("mpu6050", 0x1C, 0x00, 8192),
        ("mpu6050", 0x1C, 0x08, 4096),
        ("mpu6050", 0x1C, 0x10, 2048),
        ("mpu6050", 0x1C, 0x18, 1024),
        ("mpu6886", 0x1C, 0x08, 4096),
        ("adxl345", 0x31, 0x08, 128),
        ("adxl345", 0x31, 0x0B, 128),
        ("adxl345", 0x31, 0x00, 128),
        ("adxl345", 0x31, 0x03, 16),
        ("adxl345", 0x31, 0x04, 128 << 6),
    ],
)
def test_sensitivity(name: str, register: int, value: int, digits: float) -> None:
    bench = running(name, Scene.still((0.5, -0.5, 0.0)))
    bench.set(register, value)
    if name == "adxl345":
        bench.set(0x38, 0)
    bench.wait(50_000)
    data = {"lsm6dsox": 0x28, "lsm6dsl": 0x28, "adxl345": 0x32}.get(name, 0x3B)
    order = ">" if name.startswith("mpu") else "<"
    assert struct.unpack(order + "3h", bench.get(data, 6)) == (round(digits), -round(digits), 0)


def test_saturation() -> None:
    heavy = Scene.still((5.0, -5.0, 0.0))
    for name, data, order, limits in (
        ("lsm6dsox", 0x28, "<", (32767, -32768)),
        ("mpu6050", 0x3B, ">", (32767, -32768)),
        ("adxl345", 0x32, "<", (511, -512)),
    ):
        bench = running(name, heavy)
        bench.wait(50_000)
        assert struct.unpack(order + "3h", bench.get(data, 6)) == (*limits, 0)


def test_mpu6050_fifo_holds_what_is_chosen_in_the_order_of_the_registers() -> None:
    bench = running("mpu6050")
    bench.wait(30_000)
    assert bench.get(0x72, 2) == bytes([0, 24])
    packets = list(struct.iter_unpack(">4h", bench.get(0x74, 24)))
    temperature = round((25 - 36.53) * 340)
    assert packets == [(n, n + 1, n + 2, temperature) for n in range(3)]
    assert bench.get(0x74) == bytes([temperature & 0xFF])  # empty: the last byte again
    bench.set(0x23, 0x08)
    bench.wait(20_000)
    assert bench.get(0x72, 2) == bytes([0, 12])


def test_mpu6886_has_the_temperature_in_its_packet() -> None:
    bench = running("mpu6886")
    bench.wait(30_000)
    assert bench.get(0x72, 2) == bytes([0, 24])
    bench.set(0x23, 0x18)
    bench.wait(10_000)
    assert bench.get(0x72, 2) == bytes([0, 24 + 14])


def test_mpu6050_fifo_count_is_taken_when_its_high_byte_is_read() -> None:
    bench = running("mpu6050")
    bench.wait(30_000)
    assert bench.get(0x73) == b"\0"
    assert bench.get(0x72) == b"\0"
    bench.wait(10_000)
    assert bench.get(0x73) == bytes([24])
    assert bench.get(0x72, 2) == bytes([0, 32])


def test_mpu_fifo_drops_its_oldest_bytes() -> None:
    bench = running("mpu6050")
    bench.wait(1_500_000)
    assert bench.get(0x72, 2) == bytes([4, 0])
    assert bench.get(0x3A)[0] & 0x10
    assert not bench.get(0x3A)[0] & 0x10
    assert struct.unpack(">h", bench.get(0x74, 2)) == (150 - 128,)
    torn = running("mpu6050")
    torn.set(0x23, 0x08)  # six bytes a sample: 1024 is no multiple
    torn.wait(2_000_000)
    assert struct.unpack(">h", torn.get(0x74, 2)) == (200 - 171 + 1,)  # y of its oldest sample
    half = running("mpu6500")
    half.wait(1_500_000)
    assert half.get(0x72, 2) == bytes([2, 0])
    assert struct.unpack(">h", half.get(0x74, 2)) == (150 - 64,)
    mpu6886 = running("mpu6886")
    mpu6886.set(0x1A, 0x43)  # FIFO_MODE: keeps the oldest
    mpu6886.wait(1_500_000)
    assert struct.unpack(">h", mpu6886.get(0x74, 2)) == (0,)


def test_mpu_fifo_reset_works_while_the_fifo_is_off() -> None:
    bench = running("mpu6050")
    bench.wait(30_000)
    bench.set(0x6A, 0x44)
    assert bench.get(0x72, 2) == bytes([0, 24])
    bench.set(0x6A, 0x04)
    assert bench.get(0x72, 2) == b"\0\0"
    assert bench.get(0x6A) == b"\0"


@pytest.mark.parametrize(
    ("divider", "filtered", "rate_hz"), [(9, 3, 100), (4, 1, 200), (0, 6, 1000), (7, 0, 1000)]
)
def test_mpu_rates(divider: int, filtered: int, rate_hz: int) -> None:
    bench = Bench("mpu6050")
    for register, value in ((0x6B, 0x01), (0x1A, filtered), (0x19, divider)):
        bench.set(register, value)
    bench.wait(500_000)
    assert struct.unpack(">h", bench.get(0x3B, 2)) == (rate_hz // 2 - 1,)


def test_adxl345_gives_one_sample_a_transaction() -> None:
    bench = running("adxl345")
    bench.wait(50_000)
    assert bench.get(0x39) == bytes([5])
    assert bench.get(0x32, 6) == struct.pack("<3h", 0, 1, 2)
    assert bench.get(0x32, 8)[:6] == struct.pack("<3h", 1, 2, 3)  # past the data comes FIFO_CTL
    bench.get(0x32)  # one byte takes the whole sample
    assert bench.get(0x39) == bytes([2])


def test_adxl345_overrun_and_capacity() -> None:
    bench = running("adxl345")
    bench.wait(310_000)
    assert not bench.get(0x30)[0] & 1
    bench.wait(10_000)
    assert bench.get(0x39) == bytes([32])
    assert bench.get(0x30)[0] & 1  # filled, and nothing lost yet
    bench.wait(20_000)
    assert bench.get(0x39) == bytes([33])
    assert bench.get(0x32, 2) == b"\x01\0"
    assert not bench.get(0x30)[0] & 1
    bench.set(0x38, 0)
    assert bench.get(0x39) == b"\0"


@pytest.mark.parametrize(("code", "rate_hz"), [(15, 3200), (13, 800), (10, 100), (7, 12.5)])
def test_adxl345_rates(code: int, rate_hz: float) -> None:
    bench = Bench("adxl345")
    bench.set(0x2C, code)
    bench.set(0x2D, 0x08)
    bench.wait(1_000_000)
    assert struct.unpack("<h", bench.get(0x32, 2)) == (int(rate_hz) - 1,)


@pytest.mark.parametrize(
    ("code", "control", "mg", "digits"),
    [(13, 8, 105, 27), (14, 8, 105, 26), (15, 0, 105, 26), (15, 1, 211, 27)],
)
def test_adxl345_lowest_bit_is_zero_at_its_highest_rates(
    code: int, control: int, mg: int, digits: int
) -> None:
    bench = Bench("adxl345", Scene.still((mg / 1000, 0, 0)))
    for register, value in ((0x31, control), (0x2C, code), (0x2D, 0x08)):
        bench.set(register, value)
    bench.wait(10_000)
    assert struct.unpack("<h", bench.get(0x32, 2)) == (digits,)


def test_lis3dh_fifo_keeps_ten_bits() -> None:
    """High resolution, ±2 g: 0.127 g is 127 digits; of its sixteen bits the FIFO drops the lowest six."""
    for fifo, x, y in ((False, 127, -127), (True, 124, -128)):
        bench = Bench("lis3dh", Scene.still((0.127, -0.127, 0)))
        bench.set(0x23, 0x88)
        if fifo:
            bench.set(0x24, 0x40)
            bench.set(0x2E, 0x80)
        bench.set(0x20, 0x57)
        bench.wait(15_000)
        assert struct.unpack("<3h", bench.get(0xA8, 6)) == (x << 4, y << 4, 0)


def test_self_tests_move_every_axis() -> None:
    for name, register, on, data, order in (
        ("lsm6dsox", 0x14, 0x01, 0x28, "<"),
        ("lsm6dsl", 0x14, 0x01, 0x28, "<"),
        ("mpu6050", 0x1C, 0xE0, 0x3B, ">"),
        ("mpu6886", 0x1C, 0xE0, 0x3B, ">"),
        ("adxl345", 0x31, 0x8B, 0x32, "<"),
    ):
        bench = running(name, Scene.still((0, 0, 0)))
        if name == "adxl345":
            bench.set(0x38, 0)
        bench.set(register, on)
        bench.wait(50_000)
        moved = struct.unpack(order + "3h", bench.get(data, 6))
        assert all(abs(axis) > 20 for axis in moved), name


def test_the_command_line_knows_every_chip() -> None:
    from midge.cli import board

    assert set(board.CHIPS) == set(chips.CHIPS)
