"""InvenSense MPU-6500, at register level on I2C: the MPU-6050's registers, half its FIFO, another self-test.

Written from the register map RM-MPU-6500A-00 Rev 2.1 and the product specification (sections are cited by
name). Not there: what `mpu6050.py` says.
"""

from __future__ import annotations

from .mpu6050 import CONFIG, SELF_TEST_X, Mpu6050

FACTORY_TRIM = 100  # 8-bit self-test codes of this chip, SELF_TEST_X_ACCEL


class Mpu6500(Mpu6050):
    """One chip, from the moment it gets its supply."""

    IDENTITY = 0x70
    AT_POWER_ON = 0x01  # awake
    TEMPERATURE = round(4 * 333.87)  # TEMP_OUT, at 25 °C: 0 is 21 °C
    FIFO_BYTES = 512  # product specification, 'FIFO'

    def _put_trim(self) -> None:
        for axis in range(3):
            self._registers[SELF_TEST_X + axis] = FACTORY_TRIM

    def _self_test_lsb(self) -> float:
        return float(2620 * 1.01 ** (FACTORY_TRIM - 1)) * self._lsb_per_g() / 16384

    def _store(self, packet: bytes) -> None:
        # CONFIG, FIFO_MODE: 1 keeps the oldest
        if self._registers[CONFIG] & 0x40 and len(self._fifo) + len(packet) > self.FIFO_BYTES:
            self._status |= 0x10
            return
        super()._store(packet)
