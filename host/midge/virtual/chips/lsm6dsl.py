"""STMicroelectronics LSM6DSL (and LSM6DS3TR-C), at register level on I2C: its FIFO of 2048 bare 16-bit words.

Written from the datasheet DocID028475 (sections are cited by register name). The FIFO stores words, not sets:
2048 is no multiple of 3, so one that runs over tears its oldest set, and FIFO_STATUS3 tells which word of the
set comes next. Not there, beyond what `lsm6.py` says: the other data sets, decimation, FIFO at a rate of its
own (it takes every sample).
"""

from __future__ import annotations

from collections import deque
from typing import ClassVar

from .lsm6 import INT1_CTRL, Lsm6
from .series import Sample

FIFO_CTRL1 = 0x06  # FTH[7:0], in words
FIFO_CTRL2 = 0x07  # FTH[10:8]
FIFO_CTRL3 = 0x08  # DEC_FIFO_XL[2:0]: 1 takes every sample
FIFO_CTRL5 = 0x0A  # ODR_FIFO[6:3] FIFO_MODE[2:0]
FIFO_STATUS1 = 0x3A  # DIFF_FIFO[7:0]
FIFO_STATUS2 = 0x3B  # WaterM[7] OVER_RUN[6] FIFO_FULL_SMART[5] FIFO_EMPTY[4] DIFF_FIFO[10:8]
FIFO_STATUS3 = 0x3C  # FIFO_PATTERN[7:0]
FIFO_STATUS4 = 0x3D
FIFO_DATA_OUT_L = 0x3E
FIFO_DATA_OUT_H = 0x3F

BYPASS, FIFO, CONTINUOUS = 0, 1, 6


class Lsm6dsl(Lsm6):
    """One chip, from the moment it gets its supply."""

    IDENTITY = 0x6A
    WORDS = 2048  # 4 kbytes; a power of two: the level has as many bits, the threshold too
    RESET_VALUES: ClassVar = {0x18: 0xE0}  # CTRL9_XL
    READ_ONLY = frozenset({0x1A, 0x1B, 0x1C, 0x1D, 0x1E, *range(0x20, 0x40)})

    def _clear_fifo(self) -> None:
        self._words: deque[tuple[int, int]] = deque()  # value, which of the set
        self._shown = 0

    def _mode(self) -> int:
        return self._registers[FIFO_CTRL5] & 7

    def _takes(self) -> bool:
        runs = self._registers[FIFO_CTRL5] >> 3 & 15 and self._registers[FIFO_CTRL3] & 7 == 1
        return bool(runs) and self._mode() in (FIFO, CONTINUOUS)

    def _fifo_written(self, register: int) -> None:
        if register == FIFO_CTRL5 and self._mode() == BYPASS:
            self._clear_fifo()

    def _store(self, sample: Sample) -> None:
        if not self._takes():
            return
        for axis, value in enumerate(sample):
            if len(self._words) == self.WORDS:
                if self._mode() == FIFO:
                    return
                self._words.popleft()
            self._words.append((value, axis))

    def _watermark(self) -> int:
        return self._registers[FIFO_CTRL1] | (self._registers[FIFO_CTRL2] & self.WORDS - 1 >> 8) << 8

    def _flags(self) -> int:
        """FIFO_STATUS2 without the level."""
        stored = len(self._words)
        watermark = self._watermark()
        flags = 0x80 if watermark and stored >= watermark else 0
        flags |= 0x40 if stored > self.WORDS - 3 else 0
        flags |= 0x20 if stored > self.WORDS - 6 else 0
        return flags | (0 if stored else 0x10)

    def _read_fifo_register(self, register: int) -> int | None:
        stored = len(self._words) & self.WORDS - 1  # eleven bits: a FIFO full to the last word shows 0
        if register == FIFO_STATUS1:
            return stored & 0xFF
        if register == FIFO_STATUS2:
            return self._flags() | stored >> 8
        if register in (FIFO_STATUS3, FIFO_STATUS4):
            return self._words[0][1] if self._words and register == FIFO_STATUS3 else 0
        if register == FIFO_DATA_OUT_L:
            return (self._words[0][0] if self._words else self._shown) & 0xFF
        if register == FIFO_DATA_OUT_H:
            if self._words:
                self._shown = self._words.popleft()[0]
            return self._shown >> 8 & 0xFF
        return None

    def _next_register(self, register: int) -> int:
        # A burst from FIFO_DATA_OUT_L goes to and fro between the two bytes.
        return FIFO_DATA_OUT_L if register == FIFO_DATA_OUT_H else (register + 1) & 0x7F

    def _interrupts(self) -> int:
        flags = self._flags()
        # INT1_CTRL: FULL_FLAG[5] FIFO_OVR[4] FTH[3] DRDY_XL[0]
        fifo = (flags & 0x20) | (0x10 if flags & 0x40 else 0) | (0x08 if flags & 0x80 else 0)
        return fifo | int(self._is_fresh)

    def _samples_to_interrupt(self) -> int | None:
        if not self._takes():
            return None
        routed = self._registers[INT1_CTRL]
        marks = [self._watermark()] * bool(routed & 0x08 and self._watermark())
        marks += [self.WORDS - 2] * bool(routed & 0x10) + [self.WORDS - 5] * bool(routed & 0x20)
        missing = [mark - len(self._words) for mark in marks if mark > len(self._words)]
        return -(-min(missing) // 3) if missing else None
