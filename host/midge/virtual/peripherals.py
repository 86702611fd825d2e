"""All of the board but its processor: clock, timers, pins, buses and the sensor, moving on together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import chips
from .chips import Chip
from .clock import CALL_US, LEASE_US, Clock, Timers
from .i2c import I2CBus
from .microphone import Microphone
from .motion import Motion
from .pins import Pins
from .runtime.opcodes import I2S_LINE, PIN_LINES, RADIO_LINE

if TYPE_CHECKING:
    from .ble.radio import Radio

SENSOR_PIN = 2
N_BUSES = 2


class Peripherals:
    """The board's hardware; the sensor is on I2C bus 0, its INT1 on pin 2."""

    def __init__(self, clock: Clock, has_sensor: bool = True, chip: str = "lis3dh") -> None:
        self.clock = clock
        self.motion = Motion()
        self.microphone = Microphone()
        self.timers = Timers()
        self.pins = Pins()
        self.buses = [I2CBus() for _ in range(N_BUSES)]
        self.has_sensor = has_sensor
        self._chip = chip
        self._sensor: Chip | None = None
        self._timer_lines = 0
        self.radio: Radio | None = None
        self.power_on()

    def power_on(self) -> None:
        """The supply comes: chips start anew."""
        self.reset()
        self.attach_sensor(self.has_sensor)

    def reset(self) -> None:
        """A reset of the processor: its own peripherals start anew, chips go on."""
        self.pins.release()
        self.timers = Timers()
        self._timer_lines = 0
        self.microphone.close()
        if self.radio is not None:
            self.radio.reset()

    def attach_sensor(self, attached: bool) -> None:
        """Put the sensor on the bus, fresh, or take it off: its address is then not acknowledged."""
        self.has_sensor = attached
        self._sensor = chips.make(self._chip, self.motion, self.clock.now_us()) if attached else None
        self.buses[0].chips = {self._sensor.ADDRESS: self._sensor} if self._sensor else {}
        self.settle()

    def hang_bus(self, hangs: bool) -> None:
        """Hold the data line of the sensor's bus down, or let it go: every transaction then times out."""
        self.buses[0].hangs = hangs

    def next_event_us(self) -> int | None:
        """When the next thing happens that the program waits for, or None."""
        events = [self.timers.next_us(), self.microphone.next_event_us()]
        if self._sensor and self.pins.is_listening(SENSOR_PIN):
            events.append(self._sensor.next_interrupt_us())
        if self.radio is not None:
            events.append(self.radio.next_event_us())
        return min((event for event in events if event is not None), default=None)

    def advance(self, to_us: int) -> None:
        """Let time pass up to `to_us`, event by event."""
        while (event_us := self.next_event_us()) is not None and event_us <= to_us:
            self.clock.advance(event_us)
            self.settle(event_us)
        self.clock.advance(to_us)

    def settle(self, now_us: int | None = None) -> None:
        """Bring chips, timers and pins up to the present."""
        now_us = self.clock.now_us() if now_us is None else now_us
        self._timer_lines |= self.timers.fire(now_us)
        level = 0
        if self._sensor:
            self._sensor.advance(now_us)
            level = self._sensor.interrupt_level()
        self.pins.drive(SENSOR_PIN, level)
        self.microphone.advance(now_us)
        if self.radio is not None:
            self.radio.settle(now_us)

    def spend(self, us: int = 0, limit_us: int | None = None) -> None:
        """Let the time of one call pass, `us` µs longer than an ordinary one, but not beyond `limit_us`."""
        to_us = self.clock.now_us() + CALL_US + us
        self.advance(to_us if limit_us is None else max(self.clock.now_us(), min(to_us, limit_us)))

    def has_lines(self) -> bool:
        """True if an interrupt has fired that was not taken."""
        has_radio_line = self.radio is not None and self.radio.has_line()
        return bool(self.pins.fired or self._timer_lines) or has_radio_line or self.microphone.has_line

    def take_lines(self) -> int:
        """The interrupt lines that fired since the last time."""
        lines = self.pins.fired | self._timer_lines << PIN_LINES
        if self.radio is not None and self.radio.take_line():
            lines |= 1 << RADIO_LINE
        if self.microphone.take_line():
            lines |= 1 << I2S_LINE
        self.pins.fired = self._timer_lines = 0
        return lines

    def horizon_us(self, limit_us: int | None) -> int:
        """How far the program may run by itself: to the next event, and not far."""
        now_us = self.clock.now_us()
        ends = [now_us + LEASE_US, self.next_event_us(), limit_us]
        return max(now_us, min(end for end in ends if end is not None))
