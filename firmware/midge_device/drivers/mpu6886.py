"""InvenSense MPU-6886 (M5Stack boards) on I2C: accelerometer through the FIFO, as the MPU-6050.

Source: datasheet DS-000193 Rev 1.1 (registers by name). Its FIFO packet of the accelerometer always has the
temperature in it, so it is the 8 bytes of `mpu6050.py`.
"""

from micropython import const

from midge_device.drivers.mpu6050 import MPU6050

_SELF_TEST_X_ACCEL = const(0x0D)
_CONFIG = const(0x1A)  # FIFO_MODE[6]: 0 drops the oldest
_ACCEL_CONFIG2 = const(0x1D)  # ACCEL_FCHOICE_B[3] A_DLPF_CFG[2:0]


class MPU6886(MPU6050):
    """One chip; parameters as `mpu6050.MPU6050`."""

    NAME = "mpu6886"
    IDENTITIES: tuple = (0x19,)
    FIFO_SELECT = 0x08  # FIFO_EN: ACCEL_FIFO_EN

    def _set_filter(self, number: int) -> None:
        self._set(_CONFIG, number)
        self._set(_ACCEL_CONFIG2, number)

    def _is_within(self, ratio: float) -> bool:
        return 0.5 < ratio < 1.5

    def _trims_lsb(self) -> list:
        """What the self-test changed at the factory, in LSB at ±8 g.

        SELF_TEST_X_ACCEL: 2620 · 1.01^(code - 1) at ±2 g.
        """
        codes = bytearray(3)
        self._i2c.readfrom_mem_into(self._address, _SELF_TEST_X_ACCEL, codes)
        return [655 * 1.01 ** (code - 1) if code else 0 for code in codes]
