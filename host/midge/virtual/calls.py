"""What each call of the board does that never waits: buses, pins, timers, flash."""

from __future__ import annotations

import errno
import struct
from collections.abc import Callable

from . import flash as flash_
from .flash import Flash
from .peripherals import Peripherals
from .process import Request
from .runtime import opcodes

Answer = tuple[int, bytes]
_REGISTER_SHIFT = 8
_WIDTH_SHIFT = 40
HANG_US = 50_000  # machine.I2C's timeout


class Calls:
    """One method a call; each returns (result, payload) and has let its time pass."""

    def __init__(self, peripherals: Peripherals, flash: Flash) -> None:
        self._peripherals = peripherals
        self._flash = flash
        self.table: dict[int, Callable[[Request, int | None], Answer]] = {
            opcodes.TAKE_LINES: self._nothing,
            opcodes.I2C_SETUP: self._i2c_setup,
            opcodes.I2C_WRITE: self._i2c_write,
            opcodes.I2C_READ: self._i2c_read,
            opcodes.I2C_READ_MEM: self._i2c_read_mem,
            opcodes.I2C_WRITE_MEM: self._i2c_write_mem,
            opcodes.I2C_SCAN: self._i2c_scan,
            opcodes.PIN_SETUP: self._pin_setup,
            opcodes.PIN_GET: self._pin_get,
            opcodes.PIN_SET: self._pin_set,
            opcodes.PIN_IRQ: self._pin_irq,
            opcodes.TIMER: self._timer,
            opcodes.I2S_SETUP: self._i2s_setup,
            opcodes.I2S_READ: self._i2s_read,
            opcodes.I2S_WANT: self._i2s_want,
            opcodes.FLASH: self._change_flash,
            opcodes.STATVFS: self._statvfs,
            opcodes.BLE: self._ble,
        }

    def _nothing(self, request: Request, limit_us: int | None) -> Answer:
        return 0, b""

    # --- I2C: the transaction happens when it begins, then its time on the bus passes ----------------------

    def _i2c_setup(self, request: Request, limit_us: int | None) -> Answer:
        self._peripherals.buses[request.a].freq_hz = max(1, request.b)
        return 0, b""

    def _transfer(self, request: Request, limit_us: int | None, out: list[bytes], n_in: int) -> Answer:
        """START, each of `out` after a START, then a read of `n_in` bytes; a NAK is -EIO."""
        bus = self._peripherals.buses[request.a]
        address = request.b & 0x7F
        self._peripherals.settle()
        try:
            for data in out:
                bus.write(address, data)
            payload = bus.read(address, n_in) if n_in else b""
        except LookupError:
            self._peripherals.spend(bus.duration_us(1), limit_us)
            return -errno.EIO, b""
        except TimeoutError:
            self._peripherals.spend(HANG_US, limit_us)
            return -errno.ETIMEDOUT, b""
        # Reading may change the level of the chip's interrupt pin, and the edge may be waited for.
        self._peripherals.settle()
        n_bytes = sum(1 + len(data) for data in out) + (1 + n_in if n_in else 0)
        self._peripherals.spend(bus.duration_us(n_bytes), limit_us)
        return sum(map(len, out)) or n_in, payload

    @staticmethod
    def _register(request: Request) -> bytes:
        width = request.b >> _WIDTH_SHIFT
        return (request.b >> _REGISTER_SHIFT & 0xFFFFFFFF).to_bytes(4, "big")[4 - width :] if width else b""

    def _i2c_write(self, request: Request, limit_us: int | None) -> Answer:
        return self._transfer(request, limit_us, [request.payload], 0)

    def _i2c_read(self, request: Request, limit_us: int | None) -> Answer:
        return self._transfer(request, limit_us, [], request.c)

    def _i2c_read_mem(self, request: Request, limit_us: int | None) -> Answer:
        return self._transfer(request, limit_us, [self._register(request)], request.c)

    def _i2c_write_mem(self, request: Request, limit_us: int | None) -> Answer:
        return self._transfer(request, limit_us, [self._register(request) + request.payload], 0)

    def _i2c_scan(self, request: Request, limit_us: int | None) -> Answer:
        found = self._peripherals.buses[request.a].scan()
        self._peripherals.spend(0x70 * self._peripherals.buses[request.a].duration_us(1), limit_us)
        return len(found), found

    # --- Pins and timers -----------------------------------------------------------------------------------

    def _pin_setup(self, request: Request, limit_us: int | None) -> Answer:
        self._peripherals.pins.setup(request.a, bool(request.b), request.c)
        return 0, b""

    def _pin_get(self, request: Request, limit_us: int | None) -> Answer:
        self._peripherals.spend(0, limit_us)
        self._peripherals.settle()
        return self._peripherals.pins.read(request.a), b""

    def _pin_set(self, request: Request, limit_us: int | None) -> Answer:
        self._peripherals.spend(0, limit_us)
        self._peripherals.pins.write(request.a, request.b)
        return 0, b""

    def _pin_irq(self, request: Request, limit_us: int | None) -> Answer:
        self._peripherals.settle()
        self._peripherals.pins.listen(request.a, request.b)
        return 0, b""

    def _timer(self, request: Request, limit_us: int | None) -> Answer:
        now_us = self._peripherals.clock.now_us()
        self._peripherals.timers.set(request.a, now_us, request.b, bool(request.c))
        return 0, b""

    # --- I2S: chunks come by themselves --------------------------------------------------------------------

    def _i2s_setup(self, request: Request, limit_us: int | None) -> Answer:
        microphone, how = self._peripherals.microphone, request.c
        if request.b <= 0:
            microphone.close()
        else:
            now_us = self._peripherals.clock.now_us()
            microphone.open(now_us, request.b, how & 0xFF, bool(how >> 8 & 1), how >> 16)
        return 0, b""

    def _i2s_read(self, request: Request, limit_us: int | None) -> Answer:
        self._peripherals.spend(0, limit_us)
        self._peripherals.settle()
        data = self._peripherals.microphone.read(request.b)
        return len(data), data

    def _i2s_want(self, request: Request, limit_us: int | None) -> Answer:
        self._peripherals.microphone.want(request.b)
        self._peripherals.settle()
        return 0, b""

    # --- Flash ---------------------------------------------------------------------------------------------

    def _change_flash(self, request: Request, limit_us: int | None) -> Answer:
        result = self._flash.change(request.a, request.b)
        self._peripherals.spend(flash_.WRITE_US, limit_us)
        return result, b""

    def _ble(self, request: Request, limit_us: int | None) -> Answer:
        radio = self._peripherals.radio
        if radio is None:
            return -errno.ENODEV, b""
        result, payload = radio.call(request.a, request.b, request.c, request.payload)
        self._peripherals.spend(0, limit_us)
        return result, payload

    def _statvfs(self, request: Request, limit_us: int | None) -> Answer:
        return 0, struct.pack("=2q", self._flash.total_blocks, self._flash.free_blocks)
