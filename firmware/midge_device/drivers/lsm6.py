"""What ST's LSM6DSL and LSM6DSOX families have in common: rates, ranges, self-test of the accelerometer.

Sources: LSM6DSL datasheet DocID028475, LSM6DSOX datasheet DS12814; registers are cited by their names there,
which both share. Self-test: application notes AN5040 and AN5272.
"""

from time import sleep_ms

from micropython import const

from midge_device.drivers.chip import Chip, closest

INT1_CTRL = const(0x0D)
_WHO_AM_I = const(0x0F)
CTRL1_XL = const(0x10)  # ODR_XL[7:4] FS_XL[3:2]
_CTRL2_G = const(0x11)  # ODR_G[7:4]
_CTRL3_C = const(0x12)  # BDU[6] IF_INC[2] SW_RESET[0]
_CTRL5_C = const(0x14)  # ST_XL[1:0]
_STATUS_REG = const(0x1E)  # XLDA[0]
_OUTX_L_XL = const(0x28)

_BDU_AND_INCREMENT = const(0x44)
_SOFTWARE_RESET = const(0x01)
_SELF_TEST_POSITIVE = const(0x01)
INT1_FIFO_TH = const(0x08)

# CTRL1_XL, ODR_XL: Hz → bits
RATES = {12.5: 1, 26: 2, 52: 3, 104: 4, 208: 5, 416: 6, 833: 7, 1666: 8}
# CTRL1_XL, FS_XL, and LA_So of the mechanical characteristics: g → (bits, mg a digit)
_RANGES = {2: (0x0, 0.061), 4: (0x2, 0.122), 8: (0x3, 0.244), 16: (0x1, 0.488)}

_SELF_TEST_MAX_MG = const(1700)


class Lsm6(Chip):
    """One chip; a kind adds its identities and its FIFO.

    Parameters
    ----------
    i2c : machine.I2C
    address : int
        0x6a or 0x6b (SA0)
    rate_hz : float
        the nearest rate of the chip is taken; see `.rate_hz`
    range_g : int
        2, 4, 8 or 16
    int1 : machine.Pin or None
    watermark : int
        samples that raise INT1
    """

    IDENTITIES: tuple = ()
    SELF_TEST_MIN_MG = 0
    capacity = 0

    def __init__(self, i2c, *, address=0x6A, rate_hz=104, range_g=4, int1=None, watermark=16) -> None:
        super().__init__(i2c, address, int1)
        scale, mg = self._choose("range", _RANGES, range_g)
        if not 1 <= watermark <= self.capacity // 2:
            raise ValueError(
                "{}: watermark must be 1 to {} samples, not {}".format(
                    self.NAME, self.capacity // 2, watermark
                )
            )
        self.rate_hz = closest(RATES, rate_hz)
        self.range_g = range_g
        self.raw_lsb_per_g = 1000 / mg
        self.watermark = watermark
        self._odr = RATES[self.rate_hz]
        self._control = self._odr << 4 | scale << 2
        self.identity = self._check_identity(_WHO_AM_I, self.IDENTITIES)
        self._set(_CTRL3_C, _SOFTWARE_RESET)
        sleep_ms(1)  # longer than the 50 µs of AN5040
        self._set(_CTRL3_C, _BDU_AND_INCREMENT)
        self.stop()

    def start(self) -> None:
        """Sample into an empty FIFO."""
        self._set(CTRL1_XL, 0)
        self._set(_CTRL2_G, 0)
        self._start_fifo()
        self._set(INT1_CTRL, INT1_FIFO_TH if self._int1 is not None else 0)
        self._waiting = 0
        self.full = False
        self._set(CTRL1_XL, self._control)

    def _start_fifo(self) -> None:
        raise NotImplementedError

    def stop(self) -> None:
        """Power down; the configuration stays."""
        self._set(CTRL1_XL, 0)

    def self_test(self) -> bool:
        """Whether the accelerometer passes its self-test (CTRL5_C). Keep it still; 0.5 s; stops sampling.

        Raises OSError if no sample comes.
        """
        still = self._mean_4g(0)
        pushed = self._mean_4g(_SELF_TEST_POSITIVE)
        self._set(_CTRL5_C, 0)
        self.stop()
        for axis in range(3):
            change_mg = abs(pushed[axis] - still[axis]) * 0.122
            if not self.SELF_TEST_MIN_MG <= change_mg <= _SELF_TEST_MAX_MG:
                return False
        return True

    def _mean_4g(self, self_test: int) -> list:
        self._set(INT1_CTRL, 0)
        self._set(CTRL1_XL, RATES[52] << 4 | 0x2 << 2)
        self._set(_CTRL5_C, self_test)
        sleep_ms(100)
        sums = [0, 0, 0]
        sample = bytearray(6)
        for turn in range(6):
            for _ in range(100):
                if self._get(_STATUS_REG) & 1:
                    break
                sleep_ms(1)
            else:
                raise OSError(self.NAME + ": no sample within 100 ms")
            self._i2c.readfrom_mem_into(self._address, _OUTX_L_XL, sample)
            if turn:  # the first is from before
                for axis in range(3):
                    value = sample[2 * axis] | sample[2 * axis + 1] << 8
                    sums[axis] += value - 65536 if value & 0x8000 else value
        return [total / 5 for total in sums]
