"""ST LSM6DSL and LSM6DS3TR-C on I2C: accelerometer, FIFO of bare words in continuous mode, INT1.

Source: LSM6DSL datasheet DocID028475 (registers by name), application note AN5040.
"""

from micropython import const

from midge_device.drivers.lsm6 import CTRL1_XL, Lsm6

_FIFO_CTRL1 = const(0x06)  # FTH[7:0], in words
_FIFO_CTRL2 = const(0x07)  # FTH[10:8]
_FIFO_CTRL3 = const(0x08)  # DEC_FIFO_GYRO[5:3] DEC_FIFO_XL[2:0]
_FIFO_CTRL4 = const(0x09)
_FIFO_CTRL5 = const(0x0A)  # ODR_FIFO[6:3] FIFO_MODE[2:0]
_FIFO_STATUS1 = const(0x3A)  # DIFF_FIFO[7:0]; in FIFO_STATUS2 OVER_RUN[6] DIFF_FIFO[10:8]
_FIFO_STATUS3 = const(0x3C)  # which word of a set comes next
_FIFO_DATA_OUT_L = const(0x3E)

_XL_NO_DECIMATION = const(0x01)
_CONTINUOUS = const(0x06)
_OVER_RUN = const(0x40)
_WORDS = const(2048)  # 4 kbytes


class LSM6DSL(Lsm6):
    """One chip; parameters as `lsm6.Lsm6`, watermark 1 to 341 samples."""

    NAME = "lsm6dsl"
    IDENTITIES = (0x6A,)  # WHO_AM_I
    LEVEL_HIGH = 0x07  # DIFF_FIFO in FIFO_STATUS2
    SELF_TEST_MIN_MG = 90
    capacity = _WORDS // 3

    def _start_fifo(self) -> None:
        words = 3 * self.watermark
        self._set(_FIFO_CTRL5, 0)  # FIFO_MODE: bypass empties it
        self._set(_FIFO_CTRL1, words & 0xFF)
        self._set(_FIFO_CTRL2, words >> 8)
        self._set(_FIFO_CTRL3, _XL_NO_DECIMATION)
        self._set(_FIFO_CTRL4, 0)
        self._set(_FIFO_CTRL5, self._odr << 3 | _CONTINUOUS)

    def level(self) -> int:
        """Samples in the FIFO, by one short transaction; `full` tells whether samples may have been lost.

        Raises OSError if the chip was reset and samples no more.
        """
        self._i2c.readfrom_mem_into(self._address, _FIFO_STATUS1, self._pair)
        self.full = bool(self._pair[1] & _OVER_RUN)
        if self.full:
            self.overruns += 1
            self._waiting = self.capacity
        else:
            self._waiting = (self._pair[0] | (self._pair[1] & self.LEVEL_HIGH) << 8) // 3
            if not self._waiting:
                self._check_running(CTRL1_XL, self._control)
        return self._waiting

    def _skip_torn_set(self) -> None:
        """2048 words are no whole number of sets: the oldest may lack its first words.

        A sample that comes meanwhile tears it again, so the chip is asked before each word.
        """
        while self._get(_FIFO_STATUS3):
            self._i2c.readfrom_mem_into(self._address, _FIFO_DATA_OUT_L, self._pair)

    def read_into(self, block, start: int = 0) -> int:
        """Fill `block` (array 'h', x y z a sample) from sample `start` on; 0 if not so many samples wait.

        With start = 0 nothing is allocated.
        """
        if start:
            block = memoryview(block)[3 * start :]
        n = len(block) // 3
        if self._waiting < n and self.level() < n:
            return 0
        if self.full:
            self._skip_torn_set()
        self._i2c.readfrom_mem_into(self._address, _FIFO_DATA_OUT_L, block)
        self._waiting -= n
        return n
