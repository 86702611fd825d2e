"""Analog Devices ADXL345 accelerometer on I2C: FIFO in stream mode, watermark on INT1.

Source: ADXL345 datasheet Rev. E (registers and sections by their names). The chip gives one sample a
transaction, so a block takes as many transactions as it has samples.
"""

from array import array
from time import sleep_ms

from micropython import const

from midge_device.drivers.chip import Chip, closest

_DEVID = const(0x00)
_BW_RATE = const(0x2C)  # LOW_POWER[4] Rate[3:0]
_POWER_CTL = const(0x2D)  # Measure[3]
_INT_ENABLE = const(0x2E)  # DATA_READY[7] Watermark[1] Overrun[0]
_INT_MAP = const(0x2F)  # 0: INT1
_INT_SOURCE = const(0x30)
_DATA_FORMAT = const(0x31)  # SELF_TEST[7] FULL_RES[3] Range[1:0]
_DATAX0 = const(0x32)
_FIFO_CTL = const(0x38)  # FIFO_MODE[7:6] Samples[4:0]
_FIFO_STATUS = const(0x39)  # Entries[5:0]

_IDENTITY = const(0xE5)
_MEASURE = const(0x08)
_FULL_RESOLUTION = const(0x08)
_SELF_TEST = const(0x80)
_STREAM = const(0x80)
_WATERMARK = const(0x02)
_DATA_READY = const(0x80)
_FIFO_LEVELS = const(32)

# 'Device bandwidth and output data rates', table 7: Hz → Rate bits
_RATES = {
    6.25: 6,
    12.5: 7,
    25: 8,
    50: 9,
    100: 10,
    200: 11,
    400: 12,
    800: 13,
    1600: 14,
    3200: 15,
}
_RANGES = {2: 0, 4: 1, 8: 2, 16: 3}  # 'DATA_FORMAT', table 21
_LSB_PER_G = const(256)  # full resolution, at every range: table 1

# Self-test output change at ±16 g in full resolution, 2.5 V: table 15; V² makes it up to 2.11 times at 3.6 V
# and down to 0.64 times at 2 V (table 14). Lowest of the lower, highest of the higher; x, y, z.
_SELF_TEST_LSB = ((32, 1140), (-1140, -32), (60, 1479))


class ADXL345(Chip):
    """One chip.

    Parameters
    ----------
    i2c : machine.I2C
    address : int
        0x53 or 0x1d (ALT ADDRESS)
    rate_hz : float
        the nearest rate of the chip is taken; see `.rate_hz`
    range_g : int
        2, 4, 8 or 16
    int1 : machine.Pin or None
    watermark : int
        samples that raise INT1, 1 to 31
    """

    NAME = "adxl345"
    capacity = _FIFO_LEVELS + 1  # 'FIFO': one more waits at the output filter

    def __init__(self, i2c, *, address=0x53, rate_hz=100, range_g=4, int1=None, watermark=16) -> None:
        super().__init__(i2c, address, int1)
        self._format = _FULL_RESOLUTION | self._choose("range", _RANGES, range_g)
        if not 1 <= watermark < _FIFO_LEVELS:
            raise ValueError("adxl345: watermark must be 1 to 31 samples, not {}".format(watermark))
        self.rate_hz = closest(_RATES, rate_hz)
        self.range_g = range_g
        self.raw_lsb_per_g = _LSB_PER_G
        self.watermark = watermark
        self._sample = array("h", [0, 0, 0])
        self._read = i2c.readfrom_mem_into  # bound once: binding allocates
        self.identity = self._check_identity(_DEVID, (_IDENTITY,))
        self.stop()

    def start(self) -> None:
        """Sample into an empty FIFO."""
        self.stop()
        self._set(_INT_ENABLE, 0)
        self._set(_INT_MAP, 0)
        self._set(_BW_RATE, _RATES[self.rate_hz])
        self._set(_DATA_FORMAT, self._format)
        self._set(_FIFO_CTL, 0)  # 'Bypass mode': empties it
        self._set(_FIFO_CTL, _STREAM | self.watermark)
        self._set(_INT_ENABLE, _WATERMARK if self._int1 is not None else 0)
        self._waiting = 0
        self.full = False
        self._set(_POWER_CTL, _MEASURE)

    def stop(self) -> None:
        """Standby; the configuration stays."""
        self._set(_POWER_CTL, 0)

    def level(self) -> int:
        """Samples in the FIFO, by one short transaction; `full` tells whether samples may have been lost.

        Raises OSError if the chip was reset and samples no more.
        """
        self._waiting = self._get(_FIFO_STATUS) & 0x3F
        self.full = self._waiting >= _FIFO_LEVELS
        if self.full:
            self.overruns += 1
        elif not self._waiting:
            self._check_running(_POWER_CTL, _MEASURE)
        return self._waiting

    def read_into(self, block, start: int = 0) -> int:
        """Fill `block` (array 'h', x y z a sample) from sample `start` on; 0 if not so many samples wait.

        Allocates nothing. The loop over samples is the chip's: a burst gives one (section 'FIFO').
        """
        n = len(block) // 3 - start
        if self._waiting < n and self.level() < n:
            return 0
        sample = self._sample
        read = self._read
        address = self._address
        at = 3 * start
        for _ in range(n):
            read(address, _DATAX0, sample)
            block[at] = sample[0]
            block[at + 1] = sample[1]
            block[at + 2] = sample[2]
            at += 3
        self._waiting -= n
        return n

    def self_test(self) -> bool:
        """Whether the chip passes its self-test (section 'Self-test'). Keep it still; 0.3 s; stops sampling.

        Raises OSError if no sample comes.
        """
        still = self._mean_16g(0)
        pushed = self._mean_16g(_SELF_TEST)
        self._set(_DATA_FORMAT, self._format)
        self.stop()
        for axis in range(3):
            lowest, highest = _SELF_TEST_LSB[axis]
            if not lowest <= pushed[axis] - still[axis] <= highest:
                return False
        return True

    def _mean_16g(self, self_test: int) -> list:
        self._set(_POWER_CTL, 0)
        self._set(_INT_ENABLE, 0)
        self._set(_FIFO_CTL, 0)
        self._set(_BW_RATE, _RATES[100])
        self._set(_DATA_FORMAT, self_test | _FULL_RESOLUTION | _RANGES[16])
        self._set(_POWER_CTL, _MEASURE)
        sleep_ms(50)
        sums = [0, 0, 0]
        for turn in range(9):
            for _ in range(50):
                if self._get(_INT_SOURCE) & _DATA_READY:
                    break
                sleep_ms(1)
            else:
                raise OSError("adxl345: no sample within 50 ms")
            self._i2c.readfrom_mem_into(self._address, _DATAX0, self._sample)
            if turn:  # the first is from before
                for axis in range(3):
                    sums[axis] += self._sample[axis]
        return [total / 8 for total in sums]
