"""InvenSense MPU-6050 on I2C: accelerometer through the FIFO.

Sources: register map RM-MPU-6000A-00 Rev 4.2 (§ below), product specification PS-MPU-6000A-00.
The FIFO stores bytes and, when full, drops the oldest ones. With the temperature a sample has 8 bytes, and
1024 is a multiple of 8: so an overrun drops whole samples. It has no watermark: the sampler looks when a
block is due.
"""

from array import array
from time import sleep_ms

from micropython import const

from midge_device.drivers.chip import Chip
from midge_device.primitives import gather_words

_SELF_TEST_X = const(0x0D)  # §4.1
_SMPLRT_DIV = const(0x19)  # §4.2
_CONFIG = const(0x1A)  # §4.3: DLPF_CFG[2:0]
_ACCEL_CONFIG = const(0x1C)  # §4.5: self-test[7:5] AFS_SEL[4:3]
_FIFO_EN = const(0x23)  # §4.6: TEMP[7] ACCEL[3]
_INT_ENABLE = const(0x38)  # §4.15
_INT_STATUS = const(0x3A)  # §4.16: DATA_RDY_INT[0]
_ACCEL_XOUT_H = const(0x3B)  # §4.17
_USER_CTRL = const(0x6A)  # §4.27: FIFO_EN[6] FIFO_RESET[2]
_PWR_MGMT_1 = const(0x6B)  # §4.28: DEVICE_RESET[7] SLEEP[6] CLKSEL[2:0]
_FIFO_COUNTH = const(0x72)  # §4.30
_FIFO_R_W = const(0x74)  # §4.31
_WHO_AM_I = const(0x75)  # §4.32

_DEVICE_RESET = const(0x80)
_CLOCK_OF_GYRO = const(0x01)  # §4.28: better than the internal oscillator
_FIFO_ON = const(0x40)
_FIFO_RESET = const(0x04)
_FIFO_BYTES = const(1024)
_PACKET_BYTES = const(8)  # acceleration, temperature
_RATE_HZ = const(1000)  # §4.2, with the low-pass filter on

# Full scale, §4.5: g → (AFS_SEL, LSB per g)
_RANGES = {2: (0x00, 16384), 4: (0x08, 8192), 8: (0x10, 4096), 16: (0x18, 2048)}
# Low-pass filters, §4.3: bandwidth of the accelerometer in Hz → DLPF_CFG
_FILTERS = {184: 1, 94: 2, 44: 3, 21: 4, 10: 5, 5: 6}


class MPU6050(Chip):
    """One chip.

    Parameters
    ----------
    i2c : machine.I2C
    address : int
        0x68 or 0x69 (AD0)
    rate_hz : float
        the nearest 1000 / n Hz is taken; see `.rate_hz`
    range_g : int
        2, 4, 8 or 16
    int1 : machine.Pin or None
        taken for the contract's sake: there is no watermark to be told of
    watermark : int
        samples of a block, 1 to half the FIFO
    """

    NAME = "mpu6050"
    IDENTITIES: tuple = (0x68,)  # §4.32
    FIFO_SELECT = 0x88  # §4.6: acceleration and temperature
    capacity = _FIFO_BYTES // _PACKET_BYTES

    def __init__(self, i2c, *, address=0x68, rate_hz=100, range_g=4, int1=None, watermark=16) -> None:
        super().__init__(i2c, address, int1)
        self._scale, self.raw_lsb_per_g = self._choose("range", _RANGES, range_g)
        if not 1 <= watermark <= self.capacity // 2:
            raise ValueError(
                "{}: watermark must be 1 to {} samples, not {}".format(
                    self.NAME, self.capacity // 2, watermark
                )
            )
        self._divider = min(255, max(0, int(_RATE_HZ / rate_hz + 0.5) - 1))
        self.rate_hz = _RATE_HZ / (1 + self._divider)
        self.range_g = range_g
        self.watermark = watermark
        # The widest filter below half the rate, so that nothing folds back.
        widths = [width for width in _FILTERS if width <= self.rate_hz / 2] or [5]
        self._filter = _FILTERS[max(widths)]
        self._bytes = bytearray(_PACKET_BYTES * watermark)
        self._packet = array("i", [_PACKET_BYTES, 0, 3, 1])
        self._out_of_step = OSError(self.NAME + ": the FIFO lost its step and was emptied")
        self.identity = self._check_identity(_WHO_AM_I, self.IDENTITIES)
        self._set(_PWR_MGMT_1, _DEVICE_RESET)
        sleep_ms(100)  # §4.28
        self.stop()

    def start(self) -> None:
        """Sample into an empty FIFO."""
        self._set(_PWR_MGMT_1, _CLOCK_OF_GYRO)
        self._set(_SMPLRT_DIV, self._divider)
        self._set_filter(self._filter)
        self._set(_ACCEL_CONFIG, self._scale)
        self._set(_INT_ENABLE, 0)
        self._empty_fifo()
        self._waiting = 0
        self.full = False

    def _set_filter(self, number: int) -> None:
        self._set(_CONFIG, number)

    def _empty_fifo(self) -> None:
        self._set(_FIFO_EN, 0)
        self._set(_USER_CTRL, _FIFO_RESET)  # §4.27: only while FIFO_EN is 0
        self._set(_USER_CTRL, _FIFO_ON)
        self._set(_FIFO_EN, self.FIFO_SELECT)

    def stop(self) -> None:
        """Sleep; the configuration stays."""
        self._set(_PWR_MGMT_1, 0x40 | _CLOCK_OF_GYRO)

    def irq(self, handler) -> bool:
        """False: this chip tells of no watermark."""
        return False

    def level(self) -> int:
        """Samples in the FIFO, by one short transaction; `full` tells whether samples may have been lost.

        Raises OSError if the chip was reset, or if the FIFO lost its step and had to be emptied.
        """
        self._i2c.readfrom_mem_into(self._address, _FIFO_COUNTH, self._pair)
        n_bytes = self._pair[0] << 8 | self._pair[1]
        if n_bytes % _PACKET_BYTES:
            # Read while the chip wrote; or, if it stays so, torn: nobody knows where a sample begins.
            self._i2c.readfrom_mem_into(self._address, _FIFO_COUNTH, self._pair)
            n_bytes = self._pair[0] << 8 | self._pair[1]
            if n_bytes % _PACKET_BYTES:
                self._empty_fifo()
                raise self._out_of_step
        self._waiting = n_bytes // _PACKET_BYTES
        self.full = self._waiting >= self.capacity
        if self.full:
            self.overruns += 1
        elif not n_bytes:
            self._check_running(_USER_CTRL, _FIFO_ON)  # some kinds are awake after power-on
        return self._waiting

    def read_into(self, block, start: int = 0) -> int:
        """Fill `block` (array 'h', x y z a sample) from sample `start` on; 0 if not so many samples wait.

        Nothing is allocated for blocks of `watermark` samples.
        """
        n = len(block) // 3 - start
        if self._waiting < n and self.level() < n:
            return 0
        if _PACKET_BYTES * n > len(self._bytes):
            self._bytes = bytearray(_PACKET_BYTES * n)
        raw = self._bytes
        if _PACKET_BYTES * n < len(raw):
            raw = memoryview(raw)[: _PACKET_BYTES * n]  # type: ignore[assignment]
        self._i2c.readfrom_mem_into(self._address, _FIFO_R_W, raw)
        gather_words(raw, self._packet, block, start, n)
        self._waiting -= n
        return n

    def self_test(self) -> bool:
        """Whether the accelerometer is within 14 % of its factory trim (§4.1). Keep still; stops sampling."""
        trims = self._trims_lsb()
        still = self._mean_8g(0)
        pushed = self._mean_8g(0xE0)
        self.stop()
        for axis in range(3):
            change = pushed[axis] - still[axis]
            if not trims[axis] or not self._is_within(change / trims[axis]):
                return False
        return True

    def _is_within(self, ratio: float) -> bool:
        return 0.86 <= ratio <= 1.14

    def _trims_lsb(self) -> list:
        """What the self-test changed at the factory, in LSB at ±8 g; 0 where it was not written (§4.1)."""
        codes = bytearray(4)
        self._i2c.readfrom_mem_into(self._address, _SELF_TEST_X, codes)
        trims = []
        for axis in range(3):
            code = codes[axis] >> 5 << 2 | codes[3] >> (4 - 2 * axis) & 3
            trims.append(4096 * 0.34 * (0.92 / 0.34) ** ((code - 1) / 30) if code else 0)
        return trims

    def _mean_8g(self, self_test: int) -> list:
        self._set(_PWR_MGMT_1, _CLOCK_OF_GYRO)
        self._set(_SMPLRT_DIV, 4)  # 200 Hz
        self._set_filter(2)
        self._set(_ACCEL_CONFIG, self_test | _RANGES[8][0])
        sleep_ms(100)
        sums = [0, 0, 0]
        sample = bytearray(6)
        for _ in range(8):
            self._get(_INT_STATUS)  # clears it
            for _ in range(50):
                sleep_ms(1)
                if self._get(_INT_STATUS) & 1:
                    break
            else:
                raise OSError(self.NAME + ": no sample within 50 ms")
            self._i2c.readfrom_mem_into(self._address, _ACCEL_XOUT_H, sample)
            for axis in range(3):
                value = sample[2 * axis] << 8 | sample[2 * axis + 1]
                sums[axis] += value - 65536 if value & 0x8000 else value
        return [total / 8 for total in sums]
