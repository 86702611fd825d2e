"""An I2C bus: which chip answers, and how long a transaction takes."""

from __future__ import annotations

from .chips import Chip

BITS_A_BYTE = 9  # eight and the acknowledge
BITS_AROUND = 2  # start and stop


class I2CBus:
    """Chips by address; an address nobody has raises LookupError (the NAK), a hung bus TimeoutError."""

    def __init__(self) -> None:
        self.chips: dict[int, Chip] = {}
        self.freq_hz = 400_000
        self.hangs = False  # somebody holds SDA down

    def write(self, address: int, data: bytes) -> None:
        """START, address + W, `data`, STOP."""
        self._check()
        self.chips[address].write(data)

    def read(self, address: int, n_bytes: int) -> bytes:
        """START, address + R, `n_bytes`, STOP."""
        self._check()
        return self.chips[address].read(n_bytes)

    def _check(self) -> None:
        if self.hangs:
            raise TimeoutError

    def scan(self) -> bytes:
        """Addresses that answer, in order; the reserved ones are not asked."""
        if self.hangs:
            return b""
        return bytes(sorted(address for address in self.chips if 0x08 <= address <= 0x77))

    def duration_us(self, n_bytes: int) -> int:
        """Time on the bus of `n_bytes`, addresses included; rounded up."""
        return -(-(n_bytes * BITS_A_BYTE + BITS_AROUND) * 1_000_000 // self.freq_hz)
