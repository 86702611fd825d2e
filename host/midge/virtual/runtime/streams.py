"""`sys.stdin` and `sys.stdout` as on a board: text with its line ends translated, `.buffer` raw both ways."""

# mypy: ignore-errors

import io
import sys as _sys
import channel
from micropython import const

_native_out = _sys.stdout
_native_print_exception = _sys.print_exception
_CACHE_BYTES = const(512)
_POLL = const(3)

_cache = bytearray(_CACHE_BYTES)
_start = 0
_end = 0


def buffered():
    """Number of bytes that can be read without waiting and without asking the supervisor."""
    return _end - _start


def fill():
    """Fetch what has come, if all before it was read."""
    global _start, _end
    if _start == _end:
        _start = 0
        _end = 0
        _end = channel.call(channel.READ, _CACHE_BYTES, 0, 0, None, 0, _cache, _CACHE_BYTES)


def read_byte():
    """The next byte, waited for."""
    global _start
    while _start == _end:
        if channel.wait(-1, channel.WAKE_ON_INPUT) & channel.WOKE_BY_INPUT:
            fill()
    _start += 1
    return _cache[_start - 1]


def read_into(buffer, n_bytes):
    """Fill `n_bytes` of `buffer`, waiting for them."""
    global _start
    done = 0
    while done < n_bytes:
        if _start == _end:
            if channel.wait(-1, channel.WAKE_ON_INPUT) & channel.WOKE_BY_INPUT:
                fill()
        else:
            n = _end - _start
            if n > n_bytes - done:
                n = n_bytes - done
            channel.copy(buffer, done, _cache, _start, n)
            _start += n
            done += n
    return done


class Console(io.IOBase):
    def ioctl(self, request, flags):
        if request == _POLL:
            if not buffered() and channel.wait(0, channel.WAKE_ON_INPUT) & channel.WOKE_BY_INPUT:
                fill()
            return flags & (4 | (1 if buffered() else 0))
        return -1

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def flush(self):
        pass

    def close(self):
        pass


class Raw(Console):
    def read(self, n=-1):
        if n < 0:
            return self.readline(-1, 4)
        data = bytearray(n)
        read_into(data, n)
        return bytes(data)

    def readinto(self, buffer, n=-1):
        room = channel.size(buffer)
        return read_into(buffer, room if n < 0 or n > room else n)

    def readline(self, n=-1, last=10):
        line = bytearray()
        while n < 0 or len(line) < n:
            line.append(read_byte())
            if line[-1] == last:
                break
        return bytes(line)

    def write(self, data, start=None, n=None):
        if n is None:
            start, n = 0, start
        total = channel.size(data) - start
        if n is None or n > total:
            n = total
        if isinstance(data, str):
            data = data.encode()
        if n <= channel.MAX_PAYLOAD_BYTES and not start:
            channel.call(channel.WRITE, 0, 0, 0, data, n)
            return n
        view = memoryview(data)
        for at in range(start, start + n, channel.MAX_PAYLOAD_BYTES):
            part = view[at : min(at + channel.MAX_PAYLOAD_BYTES, start + n)]
            channel.call(channel.WRITE, 0, 0, 0, part, len(part))
        return n


class Text(Console):
    def __init__(self, raw):
        self.buffer = raw

    def read(self, n=-1):
        return self.buffer.read(n).replace(b"\r", b"\n").decode()

    def readline(self, n=-1):
        return self.buffer.readline(n, 13).replace(b"\r", b"\n").decode()

    def readinto(self, buffer, n=-1):
        done = self.buffer.readinto(buffer, n)
        for i in range(done):
            if buffer[i] == 13:
                buffer[i] = 10
        return done

    def write(self, text):
        # What is printed goes by the native way; the supervisor turns its '\n' into '\r\n'.
        return _native_out.write(text)


raw = Raw()
stdin = stdout = stderr = Text(raw)


def print_exception(error, file=stdout):
    """As `sys.print_exception`, without the frames of this runtime: a board has none there."""
    text = io.StringIO()
    _native_print_exception(error, text)
    for line in text.getvalue().split("\n")[:-1]:
        if not (line.startswith('  File "') and _runtime_folder and line.startswith(_runtime_folder, 8)):
            file.write(line + "\n")


_runtime_folder = ""


def hide_frames(folder):
    """Leave frames of files in `folder` out of tracebacks."""
    global _runtime_folder
    _runtime_folder = folder


def ask(prompt=""):
    """`input`: a line from the console, echoed."""
    print(prompt, end="")
    line = bytearray()
    while True:
        byte = read_byte()
        if byte in (10, 13):
            raw.write(b"\r\n")
            return line.decode()
        line.append(byte)
        raw.write(bytes((byte,)))
