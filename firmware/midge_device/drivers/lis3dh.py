"""ST LIS3DH and LIS2DH12 accelerometers on I2C: FIFO in stream mode, burst reads, watermark on INT1.

Source: LIS3DH datasheet DocID17530 Rev 2 (§ below); FIFO use also in ST's application note AN3308. The
LIS2DH12 (DocID025056) has the same registers, identity and tables for what is used here.
"""

from time import sleep_ms

from micropython import const

from midge_device.drivers.chip import Chip, closest

_WHO_AM_I = const(0x0F)  # §8.5
_CTRL_REG1 = const(0x20)  # §8.8: ODR[7:4] LPen[3] Zen Yen Xen
_CTRL_REG2 = const(0x21)  # §8.9: high-pass filter
_CTRL_REG3 = const(0x22)  # §8.10: what drives INT1
_CTRL_REG4 = const(0x23)  # §8.11: BDU[7] FS[5:4] HR[3] ST[2:1]
_CTRL_REG5 = const(0x24)  # §8.12: FIFO_EN[6]
_STATUS_REG = const(0x27)  # §8.15: ZYXDA[3]
_OUT_X_L = const(0x28)  # §8.16
_FIFO_CTRL_REG = const(0x2E)  # §8.19: FM[7:6] FTH[4:0]
_FIFO_SRC_REG = const(0x2F)  # §8.20: WTM[7] OVRN_FIFO[6] EMPTY[5] FSS[4:0]

_IDENTITY = const(0x33)  # §8.5
_AUTO_INCREMENT = const(0x80)  # §6.1.1: top bit of the sub-address; with the FIFO on, 28h follows 2Dh
_AXES_ON = const(0x07)
_LOW_POWER = const(0x08)
_BLOCK_DATA_UPDATE = const(0x80)
_HIGH_RESOLUTION = const(0x08)
_SELF_TEST_0 = const(0x02)
_INT1_WATERMARK = const(0x04)
_FIFO_ENABLE = const(0x40)
_FIFO_BYPASS = const(0x00)
_FIFO_STREAM = const(0x80)
_OVERRUN = const(0x40)
_LEVEL = const(0x1F)
_DATA_READY = const(0x08)

CAPACITY = 32  # §5.1

# Data rates, §8.8 table 31: Hz → ODR bits. 1344 Hz is for normal and high resolution.
_RATES = {1: 1, 10: 2, 25: 3, 50: 4, 100: 5, 200: 6, 400: 7}
_RATES_FULL = {1344: 9}
_RATES_LOW_POWER = {1600: 8, 5376: 9}

# Modes, §3.2.1 table 10: name → (LPen, HR, rates beyond those of every mode).
_MODES = {
    "high": (0, _HIGH_RESOLUTION, _RATES_FULL),
    "normal": (0, 0, _RATES_FULL),
    "low": (_LOW_POWER, 0, _RATES_LOW_POWER),
}

# Full scale, §8.11 and sensitivity, §2.1 table 4: g → (FS bits, LSB per g of the left-justified 16 bits).
# In high resolution a digit is 16 LSB and 1, 2, 4, 12 mg; the other modes come to the same LSB per g.
_RANGES = {2: (0x00, 16000), 4: (0x10, 8000), 8: (0x20, 4000), 16: (0x30, 4000 / 3)}

# Self-test output change, §2.1 table 4: digits of 4 mg, at ±2 g in normal mode.
_SELF_TEST_MIN = const(17)
_SELF_TEST_MAX = const(360)


class LIS3DH(Chip):
    """One chip.

    Parameters
    ----------
    i2c : machine.I2C
    address : int
        0x18 or 0x19 (SA0)
    rate_hz : float
        the nearest rate of the chip is taken; see `.rate_hz`
    range_g : int
        2, 4, 8 or 16
    mode : str or None
        'high' (12 bits, of which the FIFO keeps the upper 10: §3.6; least noise), 'normal' (10), 'low' (8);
        None: high, low where only that has the rate
    int1 : machine.Pin or None
    watermark : int
        samples that raise INT1, 1 to 31
    """

    NAME = "lis3dh"
    capacity = CAPACITY

    def __init__(
        self, i2c, *, address=0x18, rate_hz=100, range_g=4, mode=None, int1=None, watermark=16
    ) -> None:
        super().__init__(i2c, address, int1)
        self._full_scale, self.raw_lsb_per_g = self._choose("range", _RANGES, range_g)
        if not 1 <= watermark < CAPACITY:
            raise ValueError("lis3dh: watermark must be 1 to 31 samples, not {}".format(watermark))
        if mode is None:
            known = {}
            for rates in (_RATES_LOW_POWER, _RATES_FULL, _RATES):
                known.update(rates)
            mode = "low" if closest(known, rate_hz) in _RATES_LOW_POWER else "high"
        self._low_power, self._high_resolution, more = self._choose("mode", _MODES, mode)
        rates = dict(_RATES)
        rates.update(more)
        self.rate_hz = closest(rates, rate_hz)
        self.range_g = range_g
        self.mode = mode
        self._control = rates[self.rate_hz] << 4 | self._low_power | _AXES_ON
        self.watermark = watermark
        self._check_identity(_WHO_AM_I, (_IDENTITY,))
        self.stop()

    def start(self) -> None:
        """Sample into an empty FIFO."""
        self._set(_CTRL_REG2, 0)
        self._set(_CTRL_REG4, _BLOCK_DATA_UPDATE | self._full_scale | self._high_resolution)
        self._set(_CTRL_REG3, _INT1_WATERMARK if self._int1 is not None else 0)
        self._set(_CTRL_REG5, _FIFO_ENABLE)
        self._set(_FIFO_CTRL_REG, _FIFO_BYPASS)  # §5.1.1: bypass empties it
        # §5.1.3: the watermark rises at FTH + 1 samples
        self._set(_FIFO_CTRL_REG, _FIFO_STREAM | (self.watermark - 1))
        self._waiting = 0
        self.full = False
        self._set(_CTRL_REG1, self._control)

    def stop(self) -> None:
        """Power down; the configuration stays."""
        self._set(_CTRL_REG1, 0)

    def level(self) -> int:
        """Samples in the FIFO, by one short transaction; `full` tells whether samples may have been lost.

        Raises OSError if the chip was reset and samples no more.
        """
        source = self._get(_FIFO_SRC_REG)
        self.full = bool(source & _OVERRUN)
        if self.full:
            self.overruns += 1
            self._waiting = CAPACITY
        else:
            self._waiting = source & _LEVEL
            if not self._waiting:
                self._check_running(_CTRL_REG1, self._control)
        return self._waiting

    def read_into(self, block, start: int = 0) -> int:
        """Fill `block` (array 'h', x y z a sample) from sample `start` on; 0 if not so many samples wait.

        Raw samples: left-justified, `raw_lsb_per_g`. With start = 0 nothing is allocated.
        """
        if start:
            block = memoryview(block)[3 * start :]
        n = len(block) // 3
        if self._waiting < n and self.level() < n:
            return 0
        self._i2c.readfrom_mem_into(self._address, _OUT_X_L | _AUTO_INCREMENT, block)
        self._waiting -= n
        return n

    def self_test(self) -> bool:
        """Whether the chip passes its self-test (AN3308). Keep the board still; takes 0.4 s; stops sampling.

        Raises OSError if no sample comes.
        """
        still = self._mean_normal_2g(0)
        pushed = self._mean_normal_2g(_SELF_TEST_0)
        self.stop()
        for axis in range(3):
            change = abs(pushed[axis] - still[axis]) // 64  # a digit of normal mode is 64 LSB
            if not _SELF_TEST_MIN <= change <= _SELF_TEST_MAX:
                return False
        return True

    def _mean_normal_2g(self, self_test: int) -> list:
        self._set(_CTRL_REG1, 0)
        self._set(_CTRL_REG3, 0)
        self._set(_CTRL_REG5, 0)
        self._set(_FIFO_CTRL_REG, _FIFO_BYPASS)
        self._set(_CTRL_REG4, _BLOCK_DATA_UPDATE | self_test)
        self._set(_CTRL_REG1, _RATES[100] << 4 | _AXES_ON)
        sleep_ms(90)
        sums = [0, 0, 0]
        sample = bytearray(6)
        for turn in range(6):
            for _ in range(50):
                if self._get(_STATUS_REG) & _DATA_READY:
                    break
                sleep_ms(1)
            else:
                raise OSError("lis3dh: no sample within 50 ms")
            self._i2c.readfrom_mem_into(self._address, _OUT_X_L | _AUTO_INCREMENT, sample)
            if turn:  # the first is from before
                for axis in range(3):
                    value = sample[2 * axis] | sample[2 * axis + 1] << 8
                    sums[axis] += value - 65536 if value & 0x8000 else value
        return [total // 5 for total in sums]
