"""`machine.I2S` in receive mode: blocking, with `irq`, and as a stream for asyncio."""

# mypy: ignore-errors

import io
import channel

_POLL = 3
_READABLE = 1
# Of all instances: so large a piece is hard to find again in a heap that was used for a while.
_scratch = bytearray(0)


def _scratch_of(n):
    global _scratch
    if len(_scratch) < n:
        _scratch = bytearray(n)
    return _scratch


class I2S(io.IOBase):
    RX = 0
    TX = 1
    STEREO = 0
    MONO = 1

    def __init__(self, id, **settings):
        if id != 0:
            raise ValueError("I2S(%d) doesn't exist" % id)
        self.init(**settings)

    def init(
        self, *, sck=None, ws=None, sd=None, mck=None, mode=0, bits=32, format=1, rate=16000, ibuf=20000
    ):
        if mode != I2S.RX:
            raise ValueError("this board's I2S only receives")
        if bits not in (16, 32):
            raise ValueError("invalid bits")
        self._handler = None
        self._buffer = None
        self._room = min(ibuf, channel.MAX_PAYLOAD_BYTES)
        self._scratch = _scratch_of(self._room)
        what = bits | (0 if format == I2S.MONO else 1) << 8 | ibuf << 16
        channel.call(channel.I2S_SETUP, 0, rate, what)
        channel.handle(channel.I2S_LINE, self._come, None)

    def deinit(self):
        self._handler = None
        self._buffer = None
        channel.call(channel.I2S_SETUP, 0, 0, 0)
        channel.handle(channel.I2S_LINE, None, None)

    def irq(self, handler):
        self._handler = handler

    def readinto(self, buffer):
        n = channel.size(buffer)
        self._done = 0
        self._n = n
        if self._handler is not None:
            self._buffer = buffer
            self._want()
            return n
        while True:
            self._take(buffer)
            if self._done == n:
                return n
            self._want()
            channel.wait(-1, channel.WAKE_ON_LINE)

    def _want(self):
        channel.call(channel.I2S_WANT, 0, self._n - self._done)

    def _take(self, buffer):
        room = self._room
        most = self._n - self._done
        if most > room:
            most = room
        n = channel.call(channel.I2S_READ, 0, most, 0, None, 0, self._scratch, room)
        if n:
            channel.copy(buffer, self._done, self._scratch, 0, n)
            self._done += n

    def _come(self, _):
        if self._buffer is None or self._handler is None:
            return
        self._take(self._buffer)
        if self._done < self._n:
            self._want()
        else:
            self._buffer = None
            self._handler(self)

    def ioctl(self, request, flags):
        if request == _POLL:
            return flags & _READABLE
        return -1

    @staticmethod
    def shift(*, buf, bits, shift):
        step = bits // 8
        for at in range(0, len(buf), step):
            value = int.from_bytes(buf[at : at + step], "little")
            if value >> (bits - 1):
                value -= 1 << bits
            value = value << shift if shift >= 0 else value >> -shift
            buf[at : at + step] = (value & ((1 << bits) - 1)).to_bytes(step, "little")
