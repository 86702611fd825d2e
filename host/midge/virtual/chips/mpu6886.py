"""InvenSense MPU-6886, at register level on I2C: the MPU-6050's registers with another FIFO packet.

Written from the datasheet DS-000193 Rev 1.1 (sections are cited by register name). Not there, beyond what
`mpu6050.py` says: the watermark, wake on motion.
"""

from __future__ import annotations

from .mpu6050 import CONFIG, FIFO_EN, SELF_TEST_X, Mpu6050

FACTORY_TRIM = 100  # 8-bit self-test codes of this chip, SELF_TEST_X_ACCEL


class Mpu6886(Mpu6050):
    """One chip, from the moment it gets its supply."""

    IDENTITY = 0x19
    AT_POWER_ON = 0x41
    TEMPERATURE = 0  # TEMP_OUT, at 25 °C

    def _put_trim(self) -> None:
        for axis in range(3):
            self._registers[SELF_TEST_X + axis] = FACTORY_TRIM

    def _self_test_lsb(self) -> float:
        return float(2620 * 1.01 ** (FACTORY_TRIM - 1)) * self._lsb_per_g() / 16384

    def _packet(self) -> bytes:
        """FIFO_EN: the accelerometer comes with the temperature, so does the gyroscope; both share one."""
        chosen = self._registers[FIFO_EN]
        start = 0 if chosen & 0x08 else 6
        end = 14 if chosen & 0x10 else 8
        return self._sensors[start:end] if chosen & 0x18 else b""

    def _store(self, packet: bytes) -> None:
        # CONFIG, FIFO_MODE: 1 keeps the oldest
        if self._registers[CONFIG] & 0x40 and len(self._fifo) + len(packet) > self.FIFO_BYTES:
            self._status |= 0x10
            return
        super()._store(packet)
