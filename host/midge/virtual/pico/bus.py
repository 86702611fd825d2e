"""One of our sensor chips on the I2C bus and an interrupt pin of an emulated RP2040."""

from __future__ import annotations

from typing import Any

from ..chips import Chip


class SensorBus:
    """Wires `chip` to I2C `bus` and its INT1 to `pin` of `mcu`, an `rp2040py.rp2040.RP2040`.

    The chip lives on the emulated clock. An alarm of that clock drives the pin, so an edge comes at its very
    instant, whatever the program does.
    """

    def __init__(self, mcu: Any, chip: Chip, bus: int, pin: int) -> None:
        self._chip = chip
        self._clock = mcu.clock
        self._pin = mcu.gpio[pin]
        self._i2c = mcu.i2c[bus]
        self._written: bytearray | None = None  # bytes of the write transaction under way
        self._alarm = mcu.clock.create_alarm(self._settle)
        self._i2c.on_start = self._start
        self._i2c.on_connect = self._connect
        self._i2c.on_write_byte = self._write
        self._i2c.on_read_byte = self._read
        self._i2c.on_stop = self._stop
        self._level = False
        self._pin.set_input_value(False)
        self._settle()

    def _now_us(self) -> int:
        return int(self._clock.nanos // 1000)

    def _settle(self) -> None:
        """Bring chip and pin up to the present, and the alarm to the pin's next change."""
        now_us = self._now_us()
        self._chip.advance(now_us)
        level = bool(self._chip.interrupt_level())
        if level != self._level:
            self._level = level
            self._pin.set_input_value(level)
        next_us = self._chip.next_interrupt_us()
        if next_us is not None:
            self._alarm.schedule(max(1, next_us - now_us) * 1000)

    def _flush(self) -> None:
        written, self._written = self._written, None
        if written:
            self._chip.write(bytes(written))

    def _start(self, _repeated: bool) -> None:
        self._flush()
        self._i2c.complete_start()

    def _connect(self, address: int, mode: int) -> None:
        is_here = address == self._chip.ADDRESS
        if is_here:
            self._settle()
            self._written = None if mode else bytearray()
        self._i2c.complete_connect(is_here)

    def _write(self, value: int) -> None:
        if self._written is not None:
            self._written.append(value)
        self._i2c.complete_write(self._written is not None)

    def _read(self, _acknowledged: bool) -> None:
        self._i2c.complete_read(self._chip.read(1)[0])

    def _stop(self) -> None:
        self._flush()
        self._settle()
        self._i2c.complete_stop()
