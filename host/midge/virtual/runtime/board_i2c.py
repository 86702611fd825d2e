"""`machine.I2C`: a transaction is one call to the supervisor, straight from and into the caller's buffers."""

# mypy: ignore-errors

import channel


class I2C:
    def __init__(self, id=0, *, scl=None, sda=None, freq=400000, timeout=50000):
        if not 0 <= id <= 1:
            raise ValueError("I2C(%d) doesn't exist" % id)
        self._bus = id
        self.init(freq=freq)

    def __repr__(self):
        return "I2C(%d, freq=%d)" % (self._bus, self._freq_hz)

    def init(self, *, scl=None, sda=None, freq=400000):
        self._freq_hz = freq
        channel.call(channel.I2C_SETUP, self._bus, freq)

    def deinit(self):
        pass

    def scan(self):
        found = bytearray(128)
        n = channel.call(channel.I2C_SCAN, self._bus, 0, 0, None, 0, found, 128)
        return list(found[:n])

    def writeto(self, addr, buf, stop=True):
        return channel.call(channel.I2C_WRITE, self._bus, addr, 0, buf, channel.size(buf))

    def writevto(self, addr, vector, stop=True):
        return self.writeto(addr, b"".join(bytes(part) for part in vector), stop)

    def readfrom_into(self, addr, buf, stop=True):
        n = channel.size(buf)
        channel.call(channel.I2C_READ, self._bus, addr, n, None, 0, buf, n)

    def readfrom(self, addr, nbytes, stop=True):
        buf = bytearray(nbytes)
        self.readfrom_into(addr, buf)
        return bytes(buf)

    def readfrom_mem_into(self, addr, memaddr, buf, *, addrsize=8):
        n = channel.size(buf)
        where = addr | memaddr << 8 | (addrsize // 8) << 40
        channel.call(channel.I2C_READ_MEM, self._bus, where, n, None, 0, buf, n)

    def readfrom_mem(self, addr, memaddr, nbytes, *, addrsize=8):
        buf = bytearray(nbytes)
        self.readfrom_mem_into(addr, memaddr, buf, addrsize=addrsize)
        return bytes(buf)

    def writeto_mem(self, addr, memaddr, buf, *, addrsize=8):
        where = addr | memaddr << 8 | (addrsize // 8) << 40
        channel.call(channel.I2C_WRITE_MEM, self._bus, where, 0, buf, channel.size(buf))


class SoftI2C(I2C):
    """Any two pins reach bus 0: the board has its sensor there."""

    def __init__(self, scl=None, sda=None, *, freq=400000, timeout=50000):
        self._bus = 0
        self.init(freq=freq)

    def __repr__(self):
        return "SoftI2C(freq=%d)" % self._freq_hz
