"""What ST's LSM6DSL and LSM6DSOX have in common: control registers, accelerometer, output registers.

Register numbers and bits are the same in both datasheets: LSM6DSL DocID028475 and LSM6DSOX DS12814 (sections
are cited by register name). Not there: gyroscope (its outputs read 0), embedded functions, sensor hub,
filters, low-power modes, timestamps.
"""

from __future__ import annotations

import struct
from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ..motion import Motion
from .series import Sample, Series

INT1_CTRL = 0x0D
WHO_AM_I = 0x0F
CTRL1_XL = 0x10
CTRL3_C = 0x12
CTRL5_C = 0x14
STATUS_REG = 0x1E
OUTX_L_XL = 0x28
OUTZ_H_XL = 0x2D
LAST_REGISTER = 0x7F

SOFTWARE_RESET = 0x01  # CTRL3_C
INCREMENT = 0x04  # CTRL3_C: IF_INC, 1 after power-on
ACTIVE_LOW = 0x20  # CTRL3_C: H_LACTIVE
BLOCK_DATA_UPDATE = 0x40  # CTRL3_C

# Output data rate by ODR_XL[3:0] in mHz, CTRL1_XL; the FIFO's rates have the same numbers.
RATES_MHZ = {
    1: 12_500,
    2: 26_000,
    3: 52_000,
    4: 104_000,
    5: 208_000,
    6: 416_000,
    7: 833_000,
    8: 1_666_000,
    9: 3_332_000,
    10: 6_664_000,
}
# Sensitivity in mg a digit by FS_XL[1:0], CTRL1_XL and the table of mechanical characteristics (LA_So).
MG_A_DIGIT = (0.061, 0.488, 0.122, 0.244)
SELF_TEST_MG = 500  # within the limits of both: 90 to 1700 and 50 to 1700 mg

_SET = struct.Struct("<3h")


class Lsm6(ABC):
    """One chip, from the moment it gets its supply; a kind adds its identity and its FIFO."""

    ADDRESS = 0x6A  # SA0 low
    IDENTITY: int
    RESET_VALUES: ClassVar[dict[int, int]]
    READ_ONLY: frozenset[int]

    def __init__(self, motion: Motion, now_us: int) -> None:
        self._now_us = now_us
        self._pointer = 0
        self._series = Series(motion, self._quantise)
        self._reset()

    def _reset(self) -> None:
        """All registers as after power-on."""
        self._registers = bytearray(LAST_REGISTER + 1)
        self._registers[WHO_AM_I] = self.IDENTITY
        self._registers[CTRL3_C] = INCREMENT
        for register, value in self.RESET_VALUES.items():
            self._registers[register] = value
        self._output: Sample = (0, 0, 0)
        self._latched: Sample | None = None  # block data update: some of the sample was read
        self._is_fresh = False
        self._series.start(self._now_us, 0)
        self._clear_fifo()

    # --- The FIFO, which each kind has in its own way ------------------------------------------------------

    @abstractmethod
    def _clear_fifo(self) -> None:
        """Empty it."""

    @abstractmethod
    def _store(self, sample: Sample) -> None:
        """A conversion is done."""

    @abstractmethod
    def _fifo_written(self, register: int) -> None:
        """One of the control registers was written."""

    @abstractmethod
    def _read_fifo_register(self, register: int) -> int | None:
        """Value of a register that belongs to the FIFO; None for all others."""

    @abstractmethod
    def _next_register(self, register: int) -> int:
        """Where a burst goes on."""

    @abstractmethod
    def _interrupts(self) -> int:
        """The sources that INT1_CTRL can route, at their bits there."""

    @abstractmethod
    def _samples_to_interrupt(self) -> int | None:
        """After how many samples a routed FIFO flag rises by itself."""

    # --- The bus -------------------------------------------------------------------------------------------

    def write(self, data: bytes) -> None:
        """A write transaction: sub-address, then values for it and, if IF_INC is set, the next ones."""
        if not data:
            return
        self._pointer = data[0] & LAST_REGISTER
        for value in data[1:]:
            self._write_register(self._pointer, value)
            self._step()

    def read(self, n_bytes: int) -> bytes:
        """A read transaction from the sub-address last written."""
        result = bytearray()
        for _ in range(n_bytes):
            result.append(self._read_register(self._pointer))
            self._step()
        return bytes(result)

    def _step(self) -> None:
        if self._registers[CTRL3_C] & INCREMENT:
            self._pointer = self._next_register(self._pointer)

    def _write_register(self, register: int, value: int) -> None:
        if register in self.READ_ONLY or register == WHO_AM_I:
            return
        if register == CTRL3_C and value & SOFTWARE_RESET:
            self._reset()  # and the bit clears itself
            return
        before = self._registers[register]
        self._registers[register] = value
        if register == CTRL1_XL and value >> 4 != before >> 4:
            self._series.start(self._now_us, self.rate_mhz())
        if register in (CTRL1_XL, CTRL5_C):
            self._series.forget()
        self._fifo_written(register)

    def _read_register(self, register: int) -> int:
        value = self._read_fifo_register(register)
        if value is not None:
            return value
        if register == STATUS_REG:
            return int(self._is_fresh)  # XLDA
        if OUTX_L_XL <= register <= OUTZ_H_XL:
            return self._read_output(register - OUTX_L_XL)
        return self._registers[register]

    def _read_output(self, offset: int) -> int:
        if self._registers[CTRL3_C] & BLOCK_DATA_UPDATE:
            if self._latched is None:
                self._latched = self._output
            sample = self._latched
        else:
            sample = self._output
        if offset == 5:
            self._is_fresh = False
            self._latched = None
        return _SET.pack(*sample)[offset]

    # --- Measuring -----------------------------------------------------------------------------------------

    def rate_mhz(self) -> int:
        """Output data rate in mHz; 0 in power-down."""
        return RATES_MHZ.get(self._registers[CTRL1_XL] >> 4, 0)

    def _quantise(self, acceleration_g: NDArray[np.float64]) -> NDArray[np.int64]:
        acceleration_mg = acceleration_g * 1000
        self_test = self._registers[CTRL5_C] & 3  # ST_XL: 1 positive, 2 negative
        if self_test in (1, 2):
            acceleration_mg = acceleration_mg + (SELF_TEST_MG if self_test == 1 else -SELF_TEST_MG)
        digits = np.rint(acceleration_mg / MG_A_DIGIT[self._registers[CTRL1_XL] >> 2 & 3])
        return np.asarray(np.clip(digits, -32768, 32767).astype(np.int64))

    def advance(self, now_us: int) -> None:
        """Make all samples up to `now_us`."""
        self._now_us = now_us
        for sample in self._series.due(now_us):
            self._output = sample
            self._is_fresh = True
            self._store(sample)

    # --- Interrupt -----------------------------------------------------------------------------------------

    def interrupt_level(self) -> int:
        """Level of INT1: any source that INT1_CTRL routes there, inverted by H_LACTIVE."""
        active = bool(self._registers[INT1_CTRL] & self._interrupts())
        return int(active) ^ (self._registers[CTRL3_C] >> 5 & 1)

    def next_interrupt_us(self) -> int | None:
        """When INT1 may change by itself."""
        if not self._series.rate_mhz:
            return None
        samples = self._samples_to_interrupt()
        if self._registers[INT1_CTRL] & 1 and not self._is_fresh:
            samples = 1
        return None if samples is None else self._series.instant_us(samples)
