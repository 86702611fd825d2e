"""What drivers of I2C sensor chips have in common: registers, the interrupt pin, how a reset chip is told."""


def closest(rates, rate_hz: float):
    """The rate of `rates` that is nearest."""
    return min(rates, key=lambda known: abs(known - rate_hz))


class Chip:
    """Registers of one chip.

    Parameters
    ----------
    i2c : machine.I2C
    address : int
    int1 : machine.Pin or None
        where the chip's interrupt pin is wired
    """

    NAME = ""

    def __init__(self, i2c, address: int, int1=None) -> None:
        self._i2c = i2c
        self._address = address
        self._int1 = int1
        self._byte = bytearray(1)
        self._pair = bytearray(2)
        # Made here: level() runs with the heap locked.
        self._was_reset = OSError(self.NAME + ": the chip was reset; its supply may be loose")
        self.full = False
        self.overruns = 0
        self._waiting = 0

    def _get(self, register: int) -> int:
        self._i2c.readfrom_mem_into(self._address, register, self._byte)
        return self._byte[0]

    def _set(self, register: int, value: int) -> None:
        self._byte[0] = value
        self._i2c.writeto_mem(self._address, register, self._byte)

    def _check_identity(self, register: int, identities) -> int:
        """WHO_AM_I, if it is one of `identities`; OSError for another chip."""
        found = self._get(register)
        if found not in identities:
            raise OSError(
                "{}: another chip answers at 0x{:02x} (identity 0x{:02x})".format(
                    self.NAME, self._address, found
                )
            )
        return found

    def _check_running(self, register: int, expected: int) -> None:
        """OSError if a register lost what `start` wrote: the chip was reset and samples no more."""
        if self._get(register) != expected:
            raise self._was_reset

    def _choose(self, what: str, known, wanted):
        """`wanted`, if it is known; ValueError names what is."""
        if wanted not in known:
            raise ValueError(
                "{}: {} must be one of {}, not {}".format(self.NAME, what, sorted(known), wanted)
            )
        return known[wanted]

    def irq(self, handler) -> bool:
        """Call handler(pin) at each rise of the watermark; None ends it. False if INT1 is not wired."""
        if self._int1 is None:
            return False
        self._int1.irq(handler=handler, trigger=self._int1.IRQ_RISING)
        return True
