"""One recording on its way to a host: blocks of a sampler, as they are or coded, and what did not go out."""

import micropython

from midge_device.wire import message

_U32 = 0xFFFFFFFF


class Stream:
    """Sends what `sampler` takes, from its start on.

    Parameters
    ----------
    send : callable
        send(kind, *fields, tail) → whether it went out whole
    n_samples : int
        so many; 0: until somebody stops it
    coding : int
        message.INT16, or message.ADPCM for one channel of sound

    Attributes
    ----------
    taken, dropped : int
        samples since the start, and those of them that did not go out
    """

    def __init__(self, send, sampler, n_samples: int = 0, coding: int = message.INT16) -> None:
        self.taken = 0
        self.dropped = 0
        self._send = send
        self._sampler = sampler
        self._wanted = n_samples
        self._encode = None
        if coding == message.ADPCM:
            from midge_device import adpcm  # who records motion saves the memory

            self._encode = adpcm.encode
            self._coded = memoryview(bytearray(adpcm.block_bytes(sampler.n)))
            self._coded_bytes = adpcm.block_bytes
            self._index = 0

    @property
    def is_over(self) -> bool:
        """True once all that was wanted has been taken."""
        return 0 < self._wanted <= self.taken

    def send_next(self) -> bool:
        """Send the next block; True if there was one."""
        sampler = self._sampler
        micropython.heap_lock()
        try:
            n = sampler.poll()
        finally:
            micropython.heap_unlock()
        if not n:
            return False
        lost = sampler.gap
        taken = sampler.first + n
        if self._wanted and taken > self._wanted:
            n = max(0, self._wanted - sampler.first)
            lost = min(lost, self._wanted - self.taken)
            taken = self._wanted
        self.dropped += lost
        self.taken = taken
        if n and not self._send_block(n):
            self.dropped += n
        return True

    def _send_block(self, n: int) -> bool:
        sampler = self._sampler
        kind = message.DATA
        if self._encode is None:
            tail = memoryview(sampler.block)[: len(sampler.block) // sampler.n * n]
        else:
            kind = message.CODED
            self._index = self._encode(sampler.block, n, self._index, self._coded)
            tail = self._coded[: self._coded_bytes(n)]
        return self._send(kind, sampler.first, sampler.ticks_us, self.dropped & _U32, n, tail=bytes(tail))

    def end(self) -> None:
        """Tell how many there were."""
        self._send(message.STREAM_END, self.taken & _U32, self.dropped & _U32)
