"""InvenSense MPU-6050, at register level on I2C.

Written from the register map RM-MPU-6000A-00 Rev 4.2 and the product specification PS-MPU-6000A-00 (sections
cited so: RM §4.2). The FIFO stores bytes, 1024 of them, in the order of the registers; one that runs over
drops its oldest bytes, whole sets or not. Not there: gyroscope (its outputs read 0), filters, the 1 kHz of
the accelerometer below faster sample rates, motion detection, auxiliary bus, cycle mode, interrupts as pulses
(only latched ones).
"""

from __future__ import annotations

import struct
from collections import deque

import numpy as np
from numpy.typing import NDArray

from ..motion import Motion
from .series import Sample, Series

SELF_TEST_X = 0x0D
SMPLRT_DIV = 0x19
CONFIG = 0x1A
ACCEL_CONFIG = 0x1C
FIFO_EN = 0x23
INT_PIN_CFG = 0x37
INT_ENABLE = 0x38
INT_STATUS = 0x3A
ACCEL_XOUT_H = 0x3B
GYRO_ZOUT_L = 0x48
USER_CTRL = 0x6A
PWR_MGMT_1 = 0x6B
FIFO_COUNTH = 0x72
FIFO_COUNTL = 0x73
FIFO_R_W = 0x74
WHO_AM_I = 0x75
LAST_REGISTER = 0x75

LSB_PER_G = (16384, 8192, 4096, 2048)  # by AFS_SEL, RM §4.5
FACTORY_TRIM = 15  # 5-bit self-test codes of this chip, RM §4.1; 0 would mean: none

_SENSORS = struct.Struct(">7h")  # accelerometer, temperature, gyroscope


class Mpu6050:
    """One chip, from the moment it gets its supply."""

    ADDRESS = 0x68  # AD0 low
    IDENTITY = 0x68
    AT_POWER_ON = 0x40  # PWR_MGMT_1: asleep
    TEMPERATURE = round((25 - 36.53) * 340)  # at 25 °C, RM §4.18
    FIFO_BYTES = 1024

    def __init__(self, motion: Motion, now_us: int) -> None:
        self._now_us = now_us
        self._pointer = 0
        self._series = Series(motion, self._quantise)
        self._reset()

    def _reset(self) -> None:
        self._registers = bytearray(128)
        self._registers[WHO_AM_I] = self.IDENTITY
        self._registers[PWR_MGMT_1] = self.AT_POWER_ON
        self._put_trim()
        self._fifo: deque[int] = deque()
        self._count = 0
        self._last_read = 0
        self._status = 0
        self._sensors = bytes(_SENSORS.size)
        self._restart()

    def _put_trim(self) -> None:
        """Self-test codes, RM §4.1: three bits beside the gyroscope's, two in SELF_TEST_A."""
        for axis in range(3):
            self._registers[SELF_TEST_X + axis] = FACTORY_TRIM >> 2 << 5
        low = FACTORY_TRIM & 3
        self._registers[SELF_TEST_X + 3] = low << 4 | low << 2 | low

    # --- The bus -------------------------------------------------------------------------------------------

    def write(self, data: bytes) -> None:
        """A write transaction: register, then values for it and the next ones."""
        if not data:
            return
        self._pointer = data[0] & 0x7F
        for value in data[1:]:
            self._write_register(self._pointer, value)
            self._step()

    def read(self, n_bytes: int) -> bytes:
        """A read transaction from the register last written."""
        result = bytearray()
        for _ in range(n_bytes):
            result.append(self._read_register(self._pointer))
            self._step()
        return bytes(result)

    def _step(self) -> None:
        if self._pointer != FIFO_R_W:  # a burst there reads the FIFO, RM §4.31
            self._pointer = (self._pointer + 1) & 0x7F

    def _is_writable(self, register: int) -> bool:
        sensors = ACCEL_XOUT_H - 1 <= register <= GYRO_ZOUT_L + 24
        return not sensors and register not in (FIFO_COUNTH, FIFO_COUNTL, WHO_AM_I) and register > 0x10

    def _write_register(self, register: int, value: int) -> None:
        if not self._is_writable(register):
            return
        if register == PWR_MGMT_1 and value & 0x80:
            self._reset()  # DEVICE_RESET clears itself, RM §4.28
            return
        if register == USER_CTRL:
            # RM §4.27: FIFO_RESET works while FIFO_EN is 0, and clears itself.
            if value & 0x04 and not value & 0x40:
                self._fifo.clear()
            value &= ~0x07
        self._registers[register] = value
        if register in (SMPLRT_DIV, CONFIG, PWR_MGMT_1):
            self._restart()
        if register == ACCEL_CONFIG:
            self._series.forget()

    def _read_register(self, register: int) -> int:
        if ACCEL_XOUT_H <= register <= GYRO_ZOUT_L:
            return self._sensors[register - ACCEL_XOUT_H]
        if register == INT_STATUS:
            status, self._status = self._status, 0  # RM §4.16: cleared by reading
            return status
        if register == FIFO_COUNTH:
            self._count = len(self._fifo)  # RM §4.30: loads both bytes
            return self._count >> 8
        if register == FIFO_COUNTL:
            return self._count & 0xFF
        if register == FIFO_R_W:
            if self._fifo:
                self._last_read = self._fifo.popleft()
            return self._last_read
        return self._registers[register]

    # --- Measuring -----------------------------------------------------------------------------------------

    def rate_mhz(self) -> int:
        """Sample rate in mHz, RM §4.2: 8 kHz without the low-pass filter, else 1 kHz, divided; 0 asleep."""
        if self._registers[PWR_MGMT_1] & 0x40:
            return 0
        whole_mhz = 8_000_000 if self._registers[CONFIG] & 7 in (0, 7) else 1_000_000
        return whole_mhz // (1 + self._registers[SMPLRT_DIV])

    def _restart(self) -> None:
        rate_mhz = self.rate_mhz()
        if rate_mhz != self._series.rate_mhz:
            self._series.start(self._now_us, rate_mhz)

    def _lsb_per_g(self) -> int:
        return LSB_PER_G[self._registers[ACCEL_CONFIG] >> 3 & 3]

    def _self_test_lsb(self) -> float:
        """RM §4.1: what the factory saw, as LSB at ±8 g; this chip still gives that."""
        return float(4096 * 0.34 * (0.92 / 0.34) ** ((FACTORY_TRIM - 1) / 30)) * self._lsb_per_g() / 4096

    def _quantise(self, acceleration_g: NDArray[np.float64]) -> NDArray[np.int64]:
        digits = acceleration_g * self._lsb_per_g()
        tested = [bool(self._registers[ACCEL_CONFIG] >> (7 - axis) & 1) for axis in range(3)]
        digits = digits + np.array(tested) * self._self_test_lsb()
        return np.asarray(np.clip(np.rint(digits), -32768, 32767).astype(np.int64))

    def advance(self, now_us: int) -> None:
        """Make all samples up to `now_us`."""
        self._now_us = now_us
        for sample in self._series.due(now_us):
            self._take(sample)

    def _take(self, sample: Sample) -> None:
        self._sensors = _SENSORS.pack(*sample, self.TEMPERATURE, 0, 0, 0)
        self._status |= 0x01  # DATA_RDY_INT
        if self._registers[USER_CTRL] & 0x40:
            self._store(self._packet())

    def _packet(self) -> bytes:
        """What FIFO_EN (RM §4.6) chooses, in the order of the registers."""
        chosen = self._registers[FIFO_EN]
        packet = self._sensors[0:6] if chosen & 0x08 else b""
        packet += self._sensors[6:8] if chosen & 0x80 else b""
        for axis in range(3):
            packet += self._sensors[8 + 2 * axis : 10 + 2 * axis] if chosen >> (6 - axis) & 1 else b""
        return packet

    def _store(self, packet: bytes) -> None:
        self._fifo.extend(packet)
        if len(self._fifo) > self.FIFO_BYTES:
            self._status |= 0x10  # FIFO_OFLOW_INT; the oldest data are lost, RM §4.31
            while len(self._fifo) > self.FIFO_BYTES:
                self._fifo.popleft()

    # --- Interrupt -----------------------------------------------------------------------------------------

    def interrupt_level(self) -> int:
        """Level of INT, held until INT_STATUS is read (LATCH_INT_EN, RM §4.14), inverted by INT_LEVEL."""
        active = self._status & self._registers[INT_ENABLE] and self._registers[INT_PIN_CFG] & 0x20
        return int(bool(active)) ^ (self._registers[INT_PIN_CFG] >> 7 & 1)

    def next_interrupt_us(self) -> int | None:
        """When INT may change by itself: there is no watermark, so with the next sample."""
        if not self._series.rate_mhz or not self._registers[INT_ENABLE] & 0x11:
            return None
        return self._series.instant_us()
