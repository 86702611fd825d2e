"""STMicroelectronics LIS3DH accelerometer, at register level on I2C.

Written from the datasheet DocID17530 Rev 2 (sections cited so: §8.8). Not there: high-pass filter, click and
6D detection, sleep-to-wake, the second interrupt generator, ADC inputs.
"""

from __future__ import annotations

import struct
from collections import deque

import numpy as np

from ..motion import Motion

# Register map, §7.
OUT_ADC3_L = 0x0C
WHO_AM_I = 0x0F
CTRL_REG0 = 0x1E
TEMP_CFG_REG = 0x1F
CTRL_REG1 = 0x20
CTRL_REG2 = 0x21
CTRL_REG3 = 0x22
CTRL_REG4 = 0x23
CTRL_REG5 = 0x24
CTRL_REG6 = 0x25
REFERENCE = 0x26
STATUS_REG = 0x27
OUT_X_L = 0x28
OUT_Z_H = 0x2D
FIFO_CTRL_REG = 0x2E
FIFO_SRC_REG = 0x2F
INT1_CFG = 0x30
INT1_SRC = 0x31
INT1_THS = 0x32
INT1_DURATION = 0x33
LAST_REGISTER = 0x3F

RESET_VALUES = {WHO_AM_I: 0x33, CTRL_REG0: 0x10, CTRL_REG1: 0x07}
WRITABLE = {
    CTRL_REG0,
    *range(TEMP_CFG_REG, REFERENCE + 1),
    FIFO_CTRL_REG,
    INT1_CFG,
    INT1_THS,
    INT1_DURATION,
} | (set(range(0x34, LAST_REGISTER + 1)) - {0x35, 0x39})

AUTO_INCREMENT = 0x80  # bit 7 of the sub-address, §6.1.1
FIFO_LEVELS = 32
BYPASS, FIFO, STREAM, STREAM_TO_FIFO = range(4)
BOOT_US = 5000
FIFO_STEP = 64  # §3.6: a 10-bit FIFO; of left-justified numbers the lowest six bits are 0

# Output data rate by ODR[3:0] in mHz, §8.8 table 31; the last two depend on LPen.
RATES_MHZ = {1: 1_000, 2: 10_000, 3: 25_000, 4: 50_000, 5: 100_000, 6: 200_000, 7: 400_000}
RATE_8_LOW_POWER_MHZ = 1_600_000  # §8.8: low-power mode only
RATE_9_MHZ = 1_344_000
RATE_9_LOW_POWER_MHZ = 5_376_000

# Sensitivity in mg a digit of the 12-bit high-resolution output, by FS[1:0], §2.1 table 4; a 10-bit digit is
# 4 times as much and an 8-bit digit 16 times, so a left-justified count weighs the same in all modes.
MG_A_DIGIT = (1, 2, 4, 12)
SELF_TEST_MG = 400  # within the 68 to 1440 mg of §2.1 table 4 (17 to 360 digits of 4 mg at ±2 g)

_SET = struct.Struct("<3h")
_AHEAD = 256  # samples made at once: numpy pays for blocks


class Lis3dh:
    """One chip, from the moment it gets its supply."""

    ADDRESS = 0x18  # SA0 low, §6.1.1

    def __init__(self, motion: Motion, now_us: int) -> None:
        self._motion = motion
        self._now_us = now_us
        self._registers = bytearray(LAST_REGISTER + 1)
        for register, value in RESET_VALUES.items():
            self._registers[register] = value
        self._pointer = 0
        self._increments = False
        self._output = [0, 0, 0]
        self._held = [False, False, False]  # block data update: low byte read, high byte not yet
        self._status = 0
        self._fifo: deque[tuple[int, int, int]] = deque()
        self._overrun = False
        self._event_samples = 0  # how long the interrupt generator's condition has held
        self._int1_src = 0
        self._boot_done_us = 0
        self._restart()

    # --- The bus -------------------------------------------------------------------------------------------

    def write(self, data: bytes) -> None:
        """A write transaction: sub-address, then values for it and, auto-incremented, the next ones."""
        if not data:
            return
        self._pointer = data[0] & 0x7F
        self._increments = bool(data[0] & AUTO_INCREMENT)
        for value in data[1:]:
            self._write_register(self._pointer, value)
            self._step()

    def read(self, n_bytes: int) -> bytes:
        """A read transaction from the sub-address last written."""
        result = bytearray()
        while len(result) < n_bytes:
            if self._is_at_whole_set() and n_bytes - len(result) >= _SET.size:
                result += _SET.pack(*self._fifo[0])
                self._pop()
            else:
                result.append(self._read_register(self._pointer))
                self._step()
        return bytes(result)

    def _is_at_whole_set(self) -> bool:
        """True if the next six bytes are the FIFO's oldest set as it stands: bursts are long."""
        at_start = self._pointer == OUT_X_L and self._increments
        return at_start and self._fifo_mode() != BYPASS and bool(self._fifo) and not self._is_big_endian()

    def _step(self) -> None:
        if not self._increments:
            return
        # With the FIFO in use the address rolls over from OUT_Z_H to OUT_X_L: a burst reads it out (§5.1.5).
        if self._pointer == OUT_Z_H and self._fifo_mode() != BYPASS:
            self._pointer = OUT_X_L
        else:
            self._pointer = (self._pointer + 1) & 0x7F

    def _read_register(self, register: int) -> int:
        if OUT_X_L <= register <= OUT_Z_H:
            return self._read_output(register - OUT_X_L)
        if register == STATUS_REG:
            return self._status
        if register == FIFO_SRC_REG:
            return self._fifo_source()
        if register == INT1_SRC:
            source, self._int1_src = self._int1_src, 0  # reading clears a latched event, §8.22
            return source
        if register == CTRL_REG5 and self._now_us >= self._boot_done_us:
            self._registers[CTRL_REG5] &= 0x7F
        return self._registers[register] if register <= LAST_REGISTER else 0

    def _write_register(self, register: int, value: int) -> None:
        if register not in WRITABLE:
            return
        rate_before_mhz = self.rate_mhz()
        self._registers[register] = value
        if register == CTRL_REG5 and value & 0x80:
            self._boot_done_us = self._now_us + BOOT_US
        if register in (CTRL_REG1, CTRL_REG4):
            self._ahead.clear()
            if self.rate_mhz() != rate_before_mhz:
                self._restart()
        if register in (FIFO_CTRL_REG, CTRL_REG5) and self._fifo_mode() == BYPASS:
            # Bypass is what empties the FIFO, §5.1.1.
            self._fifo.clear()
            self._overrun = False

    # --- Measuring -----------------------------------------------------------------------------------------

    def rate_mhz(self) -> int:
        """Output data rate in mHz; 0 in power-down or for a rate that the mode doesn't have."""
        odr = self._registers[CTRL_REG1] >> 4
        if odr == 8:
            return RATE_8_LOW_POWER_MHZ if self._is_low_power() else 0
        if odr == 9:
            return RATE_9_LOW_POWER_MHZ if self._is_low_power() else RATE_9_MHZ
        return RATES_MHZ.get(odr, 0)

    def _is_low_power(self) -> bool:
        return bool(self._registers[CTRL_REG1] & 0x08)

    def _restart(self) -> None:
        """Begin a new series of samples: the first comes one period after the start."""
        self._ahead: deque[tuple[int, int, int]] = deque()
        self._ahead_version = -1
        self._started_us = self._now_us
        self._n_made = 0
        self._raw_offset = 0

    def _instant_us(self, number: int) -> int:
        """Board time of sample `number`, counted from 1; exact to the µs however long the series."""
        return self._started_us + number * 1_000_000_000 // self.rate_mhz()

    def advance(self, now_us: int) -> None:
        """Make all samples up to `now_us`."""
        self._now_us = now_us
        if self.rate_mhz() == 0:
            return
        while self._instant_us(self._n_made + 1) <= now_us:
            if not self._ahead or self._ahead_version != self._motion.version:
                self._make_ahead()
            self._n_made += 1
            self._take(self._ahead.popleft())

    def _make_ahead(self) -> None:
        """The next samples as they stand in the output registers (§3.2.1 and the sensitivities of §2.1)."""
        motion = self._motion
        if self._ahead_version != motion.version:
            self._ahead_version = motion.version
            self._raw_offset = self._n_made
        if motion.is_raw:
            counts = motion.raw_counts(self._n_made - self._raw_offset, _AHEAD).astype(np.int64)
        else:
            numbers = np.arange(self._n_made + 1, self._n_made + 1 + _AHEAD)
            times_us = self._started_us + numbers * 1_000_000_000 // self.rate_mhz()
            counts = self._quantise(motion.acceleration_g(times_us) * 1000)
        enabled = [bool(self._registers[CTRL_REG1] >> axis & 1) for axis in range(3)]
        counts[:, [not on for on in enabled]] = 0
        self._ahead = deque(map(tuple, counts.tolist()))

    def _quantise(self, acceleration_mg: np.ndarray) -> np.ndarray:
        control = self._registers[CTRL_REG4]
        bits = 8 if self._is_low_power() else 12 if control & 0x08 else 10
        self_test = control >> 1 & 3
        if self_test in (1, 2):
            acceleration_mg = acceleration_mg + (SELF_TEST_MG if self_test == 1 else -SELF_TEST_MG)
        mg_a_digit = MG_A_DIGIT[control >> 4 & 3] << (12 - bits)
        digits = np.rint(acceleration_mg / mg_a_digit)
        limit = 1 << (bits - 1)
        return np.clip(digits, -limit, limit - 1).astype(np.int64) << (16 - bits)

    def _take(self, sample: tuple[int, int, int]) -> None:
        """A conversion is done: into the FIFO or the output registers, with their flags (§8.15)."""
        mode = self._fifo_mode()
        # Stream-to-FIFO is FIFO mode as long as the event holds, §5.1.4; latched, until INT1_SRC is read.
        stops_when_full = mode == FIFO or (mode == STREAM_TO_FIFO and self._int1_src & 0x40)
        self._watch(sample)
        if mode != BYPASS:
            if len(self._fifo) == FIFO_LEVELS:
                if stops_when_full:
                    return
                self._fifo.popleft()
            if not self._motion.is_raw:
                x, y, z = sample
                sample = (x & -FIFO_STEP, y & -FIFO_STEP, z & -FIFO_STEP)
            self._fifo.append(sample)
            self._overrun = len(self._fifo) == FIFO_LEVELS
            self._status |= 0x0F
            return
        overwritten = 0
        for axis in range(3):
            if not self._registers[CTRL_REG1] >> axis & 1:
                continue
            if self._status >> axis & 1:
                overwritten |= 1 << axis
            self._status |= 1 << axis
            if not self._held[axis]:
                self._output[axis] = sample[axis]
        if overwritten:
            self._status |= overwritten << 4 | 0x80
        self._status |= 0x08

    def _read_output(self, offset: int) -> int:
        axis, is_high = divmod(offset, 2)
        if self._fifo_mode() != BYPASS:
            sample = self._fifo[0] if self._fifo else (self._output[0], self._output[1], self._output[2])
            value = sample[axis]
            if offset == 5 and self._fifo:
                self._pop()
        else:
            value = self._output[axis]
            if is_high:
                self._held[axis] = False
                self._status &= ~(0x11 << axis)
                if not self._status & 0x07:
                    self._status = 0
            elif self._registers[CTRL_REG4] & 0x80:
                self._held[axis] = True
        if self._is_big_endian():
            is_high ^= 1
        return value >> 8 & 0xFF if is_high else value & 0xFF

    def _is_big_endian(self) -> bool:
        """The BLE bit."""
        return bool(self._registers[CTRL_REG4] & 0x40)

    # --- FIFO and interrupts -------------------------------------------------------------------------------

    def _fifo_mode(self) -> int:
        if not self._registers[CTRL_REG5] & 0x40:
            return BYPASS
        return self._registers[FIFO_CTRL_REG] >> 6

    def _pop(self) -> None:
        """The oldest set was read, its last byte too; with no set left it will be read again."""
        self._output = list(self._fifo.popleft())
        self._overrun = False
        if not self._fifo:
            self._status = 0

    def _watermark(self) -> int:
        """Number of sets at which WTM shows: one above the threshold, §5.1.3."""
        return (self._registers[FIFO_CTRL_REG] & 0x1F) + 1

    def _fifo_source(self) -> int:
        stored = len(self._fifo)
        watermark = 0x80 if stored >= self._watermark() and self._fifo_mode() != BYPASS else 0
        return watermark | (0x40 if self._overrun else 0) | (0 if stored else 0x20) | min(stored, 31)

    def _watch(self, sample: tuple[int, int, int]) -> None:
        """Interrupt generator 1 (§8.21 to §8.24): thresholds on each axis, OR or AND, for a time."""
        config = self._registers[INT1_CFG]
        if not config & 0x3F:
            self._event_samples = 0
            return
        mg = MG_A_DIGIT[self._registers[CTRL_REG4] >> 4 & 3]
        # A threshold digit is 16, 32, 62 or 186 mg; here as a left-justified count.
        threshold_mg = (self._registers[INT1_THS] & 0x7F) * (16, 32, 62, 186)[
            self._registers[CTRL_REG4] >> 4 & 3
        ]
        threshold = threshold_mg * 16 // mg
        happening = 0
        for axis in range(3):
            happening |= (2 if abs(sample[axis]) > threshold else 1) << (2 * axis)
        happening &= config & 0x3F
        met = happening == config & 0x3F if config & 0x80 else bool(happening)
        self._event_samples = self._event_samples + 1 if met else 0
        if met and self._event_samples > (self._registers[INT1_DURATION] & 0x7F):
            self._int1_src = 0x40 | happening
        elif not self._registers[CTRL_REG5] & 0x08:
            self._int1_src = 0  # not latched

    def interrupt_level(self) -> int:
        """Level of INT1: any source that CTRL_REG3 routes there, inverted by INT_POLARITY (§8.10, §8.13)."""
        routed = self._registers[CTRL_REG3]
        source = self._fifo_source()
        active = (
            (routed & 0x10 and self._status & 0x08 and self._fifo_mode() == BYPASS)
            or (routed & 0x04 and source & 0x80)
            or (routed & 0x02 and source & 0x40)
            or (routed & 0x40 and self._int1_src & 0x40)
        )
        return int(bool(active)) ^ (self._registers[CTRL_REG6] >> 1 & 1)

    def next_interrupt_us(self) -> int | None:
        """When INT1 may change by itself: the sample that fills the FIFO up to its mark, or the next one."""
        routed = self._registers[CTRL_REG3]
        if self.rate_mhz() == 0 or not routed & 0x56:
            return None
        if routed & 0x40:
            return self._instant_us(self._n_made + 1)
        needed = []
        if routed & 0x10 and self._fifo_mode() == BYPASS and not self._status & 0x08:
            needed.append(1)
        if self._fifo_mode() != BYPASS:
            stored = len(self._fifo)
            marks = [self._watermark()] * bool(routed & 0x04) + [FIFO_LEVELS] * bool(routed & 0x02)
            needed += [mark - stored for mark in marks if mark > stored]
        return self._instant_us(self._n_made + min(needed)) if needed else None
