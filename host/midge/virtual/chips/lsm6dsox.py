"""STMicroelectronics LSM6DSOX, at register level on I2C: its FIFO of 512 tagged words.

Written from the datasheet DS12814 (sections are cited by register name). A word is a tag and three 16-bit
numbers, so the FIFO can never be torn. Not there, beyond what `lsm6.py` says: compression, the other tags,
the batch counter.
"""

from __future__ import annotations

import struct
from collections import deque
from typing import ClassVar

from .lsm6 import INT1_CTRL, RATES_MHZ, Lsm6
from .series import Sample

FIFO_CTRL1 = 0x07  # WTM[7:0]
FIFO_CTRL2 = 0x08  # WTM8[0]
FIFO_CTRL3 = 0x09  # BDR_GY[7:4] BDR_XL[3:0]
FIFO_CTRL4 = 0x0A  # FIFO_MODE[2:0]
FIFO_STATUS1 = 0x3A  # DIFF_FIFO[7:0]
FIFO_STATUS2 = 0x3B  # WTM_IA[7] OVR_IA[6] FULL_IA[5] OVR_LATCHED[3] DIFF_FIFO[9:8]
FIFO_DATA_OUT_TAG = 0x78
FIFO_DATA_OUT_X_L = 0x79
FIFO_DATA_OUT_Z_H = 0x7E

WORDS = 512  # 3 kbytes of data
BYPASS, FIFO, CONTINUOUS = 0, 1, 6
TAG_ACCELEROMETER = 0x02

_WORD = struct.Struct("<B3h")


class Lsm6dsox(Lsm6):
    """One chip, from the moment it gets its supply."""

    IDENTITY = 0x6C
    RESET_VALUES: ClassVar = {0x02: 0x3F, 0x18: 0xE0}  # PIN_CTRL, CTRL9_XL
    READ_ONLY = frozenset({0x1A, 0x1B, 0x1C, 0x1D, 0x1E, *range(0x20, 0x3C), *range(0x78, 0x7F)})

    def _clear_fifo(self) -> None:
        self._words: deque[bytes] = deque()
        self._n_batched = 0
        self._n_passed = 0
        self._overrun_latched = False
        self._shown = bytes(_WORD.size)

    def _mode(self) -> int:
        return self._registers[FIFO_CTRL4] & 7

    def _fifo_written(self, register: int) -> None:
        if register == FIFO_CTRL4 and self._mode() == BYPASS:
            self._clear_fifo()

    def _store(self, sample: Sample) -> None:
        batch_mhz = RATES_MHZ.get(self._registers[FIFO_CTRL3] & 15, 0)
        if self._mode() not in (FIFO, CONTINUOUS) or not batch_mhz:
            return
        self._n_passed += 1
        every = max(1, round(self._series.rate_mhz / batch_mhz))
        if self._n_passed % every:
            return
        if len(self._words) == WORDS:
            self._overrun_latched = True
            if self._mode() == FIFO:
                return
            self._words.popleft()
        self._words.append(_WORD.pack(self._tag(), *sample))
        self._n_batched += 1

    def _tag(self) -> int:
        """TAG_SENSOR, TAG_CNT and the parity that makes the number of ones even."""
        tag = TAG_ACCELEROMETER << 3 | (self._n_batched & 3) << 1
        return tag | tag.bit_count() & 1

    def _watermark(self) -> int:
        return self._registers[FIFO_CTRL1] | (self._registers[FIFO_CTRL2] & 1) << 8

    def _flags(self) -> int:
        """FIFO_STATUS2 without the level and the latched bit."""
        stored = len(self._words)
        watermark = self._watermark()
        flags = 0x80 if watermark and stored >= watermark else 0
        flags |= 0x40 if stored == WORDS else 0
        return flags | (0x20 if stored >= WORDS - 1 else 0)

    def _read_fifo_register(self, register: int) -> int | None:
        stored = len(self._words)
        if register == FIFO_STATUS1:
            return stored & 0xFF
        if register == FIFO_STATUS2:
            latched, self._overrun_latched = self._overrun_latched, False
            return self._flags() | (0x08 if latched else 0) | stored >> 8
        if FIFO_DATA_OUT_TAG <= register <= FIFO_DATA_OUT_Z_H:
            offset = register - FIFO_DATA_OUT_TAG
            # An empty FIFO shows tag 0 and the numbers last read.
            word = self._words[0] if self._words else b"\0" + self._shown[1:]
            if register == FIFO_DATA_OUT_Z_H and self._words:
                self._shown = self._words.popleft()
            return word[offset]
        return None

    def _next_register(self, register: int) -> int:
        # FIFO_DATA_OUT_Z_H rounds back to the tag: a burst reads the FIFO out.
        return FIFO_DATA_OUT_TAG if register == FIFO_DATA_OUT_Z_H else (register + 1) & 0x7F

    def _interrupts(self) -> int:
        flags = self._flags()
        # INT1_CTRL: FIFO_FULL[5] FIFO_OVR[4] FIFO_TH[3] DRDY_XL[0]
        fifo = (flags & 0x20) | (0x10 if flags & 0x40 else 0) | (0x08 if flags & 0x80 else 0)
        return fifo | int(self._is_fresh)

    def _samples_to_interrupt(self) -> int | None:
        batch_mhz = RATES_MHZ.get(self._registers[FIFO_CTRL3] & 15, 0)
        if self._mode() == BYPASS or not batch_mhz:
            return None
        routed = self._registers[INT1_CTRL]
        marks = [self._watermark()] * bool(routed & 0x08 and self._watermark())
        marks += [WORDS] * bool(routed & 0x10) + [WORDS - 1] * bool(routed & 0x20)
        missing = [mark - len(self._words) for mark in marks if mark > len(self._words)]
        if not missing:
            return None
        every = max(1, round(self._series.rate_mhz / batch_mhz))
        return min(missing) * every - self._n_passed % every
