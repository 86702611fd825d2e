"""Analog Devices ADXL345 accelerometer, at register level on I2C.

Written from the datasheet Rev. E (its register numbers and section names). Not there: tap, activity and free
fall, sleep, offsets, trigger mode, the second interrupt pin.
"""

from __future__ import annotations

import struct
from collections import deque

import numpy as np
from numpy.typing import NDArray

from ..motion import Motion
from .series import Sample, Series

DEVID = 0x00
BW_RATE = 0x2C
POWER_CTL = 0x2D
INT_ENABLE = 0x2E
INT_MAP = 0x2F
INT_SOURCE = 0x30
DATA_FORMAT = 0x31
DATAX0 = 0x32
DATAZ1 = 0x37
FIFO_CTL = 0x38
FIFO_STATUS = 0x39
LAST_REGISTER = 0x39

RESET_VALUES = {DEVID: 0xE5, BW_RATE: 0x0A, INT_SOURCE: 0x02}
READ_ONLY = {DEVID, INT_SOURCE, *range(DATAX0, DATAZ1 + 1), FIFO_STATUS, *range(0x01, 0x1D), 0x2B}

MEASURE = 0x08  # POWER_CTL
BYPASS, FIFO, STREAM = 0, 1, 2
# 'FIFO_STATUS': 32 sets, and one more waits at the output filter.
LEVELS = 32
ENTRIES = 33
DATA_READY, WATERMARK, OVERRUN = 0x80, 0x02, 0x01

# 'Self-test': what is added, in g, in the middle of the limits of table 15, by table 14 at 3.3 V.
SELF_TEST_G = np.array([1.15 * 1.77, -1.15 * 1.77, 1.85 * 1.47])

_SET = struct.Struct("<3h")


class Adxl345:
    """One chip, from the moment it gets its supply."""

    ADDRESS = 0x53  # ALT ADDRESS low

    def __init__(self, motion: Motion, now_us: int) -> None:
        self._now_us = now_us
        self._registers = bytearray(64)
        for register, value in RESET_VALUES.items():
            self._registers[register] = value
        self._pointer = 0
        self._fifo: deque[Sample] = deque()
        self._output: Sample = (0, 0, 0)
        self._flags = 0  # DATA_READY and OVERRUN
        self._series = Series(motion, self._quantise)

    # --- The bus -------------------------------------------------------------------------------------------

    def write(self, data: bytes) -> None:
        """A write transaction: register, then values for it and the next ones."""
        if not data:
            return
        self._pointer = data[0] & 0x3F
        for value in data[1:]:
            self._write_register(self._pointer, value)
            self._pointer = (self._pointer + 1) & 0x3F

    def read(self, n_bytes: int) -> bytes:
        """A read transaction; any that touches the data registers takes one entry of the FIFO."""
        entry = _SET.pack(*(self._fifo[0] if self._fifo else self._output))
        touched = False
        result = bytearray()
        for _ in range(n_bytes):
            if DATAX0 <= self._pointer <= DATAZ1:
                touched = True
                result.append(entry[self._pointer - DATAX0])
            else:
                result.append(self._read_register(self._pointer))
            self._pointer = (self._pointer + 1) & 0x3F
        if touched:
            if self._fifo:
                self._output = self._fifo.popleft()
            self._flags = DATA_READY if self._fifo else 0
        return bytes(result)

    def _write_register(self, register: int, value: int) -> None:
        if register in READ_ONLY or register > LAST_REGISTER:
            return
        self._registers[register] = value
        if register in (BW_RATE, POWER_CTL):
            rate_mhz = self.rate_mhz()
            if rate_mhz != self._series.rate_mhz:
                self._series.start(self._now_us, rate_mhz)
        if register == DATA_FORMAT:
            self._series.forget()
        if register == FIFO_CTL and self._mode() == BYPASS:
            self._fifo.clear()
            self._flags = 0

    def _read_register(self, register: int) -> int:
        if register == INT_SOURCE:
            return self._source()
        if register == FIFO_STATUS:
            return len(self._fifo)
        return self._registers[register]

    # --- Measuring -----------------------------------------------------------------------------------------

    def rate_mhz(self) -> int:
        """Output data rate in mHz, 'Device bandwidth and output data rates': 3200 Hz halved; 0 in standby."""
        if not self._registers[POWER_CTL] & MEASURE:
            return 0
        return 3_200_000 >> (15 - (self._registers[BW_RATE] & 15))

    def _quantise(self, acceleration_g: NDArray[np.float64]) -> NDArray[np.int64]:
        """'DATA_FORMAT': full resolution keeps 256 LSB a g at every range; else ten bits."""
        control = self._registers[DATA_FORMAT]
        step = 1 << (control & 3)  # of ±2 g
        if control & 0x80:
            acceleration_g = acceleration_g + SELF_TEST_G
        full = bool(control & 0x08)
        digits = np.rint(acceleration_g * (256 if full else 256 / step))
        limit = 512 * step if full else 512
        counts = np.clip(digits, -limit, limit - 1).astype(np.int64)
        if self._registers[BW_RATE] & 15 >= 14 and (full or step == 1):
            counts &= ~1  # 'Data formatting of upper data rates': the LSB is always 0
        if control & 0x04:  # left-justified
            counts <<= 16 - (10 + (control & 3) if full else 10)
        return np.asarray(counts)

    def advance(self, now_us: int) -> None:
        """Make all samples up to `now_us`."""
        self._now_us = now_us
        for sample in self._series.due(now_us):
            self._take(sample)

    def _mode(self) -> int:
        return self._registers[FIFO_CTL] >> 6

    def _take(self, sample: Sample) -> None:
        if self._mode() == BYPASS:
            if self._flags & DATA_READY:
                self._flags |= OVERRUN
            self._output = sample
        else:
            if len(self._fifo) == ENTRIES:
                if self._mode() == FIFO:
                    return
                self._fifo.popleft()
            self._fifo.append(sample)
            if len(self._fifo) >= LEVELS:
                self._flags |= OVERRUN  # 'Overrun': once the FIFO is filled, before anything is lost
        self._flags |= DATA_READY

    # --- Interrupt -----------------------------------------------------------------------------------------

    def _watermark(self) -> int:
        return self._registers[FIFO_CTL] & 31

    def _source(self) -> int:
        """INT_SOURCE: flags are set whether enabled or not; a watermark of 0 in every mode ('FIFO_CTL')."""
        reached = len(self._fifo) >= self._watermark()  # bypass keeps it empty
        return self._flags | (WATERMARK if reached else 0)

    def interrupt_level(self) -> int:
        """Level of INT1: sources that INT_ENABLE lets through and INT_MAP leaves there (INT_INVERT)."""
        routed = self._registers[INT_ENABLE] & ~self._registers[INT_MAP]
        return int(bool(self._source() & routed)) ^ (self._registers[DATA_FORMAT] >> 5 & 1)

    def next_interrupt_us(self) -> int | None:
        """When INT1 may change by itself."""
        routed = self._registers[INT_ENABLE] & ~self._registers[INT_MAP]
        if not self._series.rate_mhz or not routed:
            return None
        if routed & (DATA_READY | OVERRUN) or self._mode() == BYPASS:
            return self._series.instant_us()
        missing = self._watermark() - len(self._fifo)
        return self._series.instant_us(missing) if missing > 0 else None
