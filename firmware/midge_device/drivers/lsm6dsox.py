"""ST LSM6DSOX, LSM6DSO and LSM6DSR on I2C: accelerometer, FIFO of tagged words in continuous mode, INT1.

Source: LSM6DSOX datasheet DS12814 (registers by name), application note AN5272.
"""

from array import array

from micropython import const

from midge_device.drivers.lsm6 import CTRL1_XL, Lsm6
from midge_device.primitives import gather_words

_FIFO_CTRL1 = const(0x07)  # WTM[7:0]
_FIFO_CTRL2 = const(0x08)  # WTM8[0]
_FIFO_CTRL3 = const(0x09)  # BDR_GY[7:4] BDR_XL[3:0]
_FIFO_CTRL4 = const(0x0A)  # FIFO_MODE[2:0]
_FIFO_STATUS1 = const(0x3A)  # DIFF_FIFO[7:0]; in FIFO_STATUS2 FIFO_OVR_IA[6] OVR_LATCHED[3] DIFF_FIFO[9:8]
_FIFO_DATA_OUT_TAG = const(0x78)

_CONTINUOUS = const(0x06)
_OVERRUN = const(0x48)
_WORD_BYTES = const(7)  # FIFO_DATA_OUT_TAG and three numbers


class LSM6DSOX(Lsm6):
    """One chip; parameters as `lsm6.Lsm6`, watermark 1 to 255 samples."""

    NAME = "lsm6dsox"
    IDENTITIES = (0x6C, 0x6B)  # WHO_AM_I: LSM6DSOX, LSM6DSO; LSM6DSR
    SELF_TEST_MIN_MG = 50
    capacity = 512  # words of DIFF_FIFO; 3 kbytes of data

    def __init__(self, i2c, *, watermark=16, **settings) -> None:
        super().__init__(i2c, watermark=watermark, **settings)
        self._words = bytearray(_WORD_BYTES * watermark)
        self._packet = array("i", [_WORD_BYTES, 1, 3, 0])

    def _start_fifo(self) -> None:
        self._set(_FIFO_CTRL4, 0)  # FIFO_MODE: bypass empties it
        self._set(_FIFO_CTRL1, self.watermark & 0xFF)
        self._set(_FIFO_CTRL2, self.watermark >> 8)
        self._set(_FIFO_CTRL3, self._odr)
        self._set(_FIFO_CTRL4, _CONTINUOUS)

    def level(self) -> int:
        """Samples in the FIFO, by one short transaction; `full` tells whether samples may have been lost.

        Raises OSError if the chip was reset and samples no more.
        """
        self._i2c.readfrom_mem_into(self._address, _FIFO_STATUS1, self._pair)
        self._waiting = self._pair[0] | (self._pair[1] & 0x03) << 8
        self.full = bool(self._pair[1] & _OVERRUN)
        if self.full:
            self.overruns += 1
        elif not self._waiting:
            self._check_running(CTRL1_XL, self._control)
        return self._waiting

    def read_into(self, block, start: int = 0) -> int:
        """Fill `block` (array 'h', x y z a sample) from sample `start` on; 0 if not so many samples wait.

        Nothing is allocated for blocks of up to `watermark` samples.
        """
        n = len(block) // 3 - start
        if self._waiting < n and self.level() < n:
            return 0
        if _WORD_BYTES * n > len(self._words):
            self._words = bytearray(_WORD_BYTES * n)
        words = self._words
        if _WORD_BYTES * n < len(words):
            words = memoryview(words)[: _WORD_BYTES * n]  # type: ignore[assignment]
        self._i2c.readfrom_mem_into(self._address, _FIFO_DATA_OUT_TAG, words)
        gather_words(words, self._packet, block, start, n)
        self._waiting -= n
        return n
