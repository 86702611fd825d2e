"""Calls from the board to its supervisor, without allocating: they must work while the heap is locked."""

# mypy: ignore-errors

import _thread
import os
import sys
import time
import ffi
import micropython
import uctypes
from array import array
from micropython import const
from opcodes import *

_libc = ffi.open("libc.so.6" if sys.platform == "linux" else "libc.dylib")
_writev = _libc.func("l", "writev", "ipi")
_readv = _libc.func("l", "readv", "ipi")
_exit = _libc.func("v", "_exit", "i")
_memcpy = _libc.func("v", "memcpy", "lll")

_EPIPE = const(32)  # not in `errno`, and the same on Linux and macOS
_EINTR = const(4)

# Typecode 'l' is the machine word; unlike 'q' its elements are read without allocating.
_request = array("l", [0] * HEADER_WORDS)
_reply = array("l", [0] * HEADER_WORDS)
_HEADER_BYTES = HEADER_WORDS * 8
_out = array("L", [uctypes.addressof(_request), _HEADER_BYTES, 0, 0])
_in = array("L", [uctypes.addressof(_reply), _HEADER_BYTES, 0, 0])
_null = open("/dev/null", "wb")
_TICK_US = 2  # what asking for the time costs

_fd = -1
_nudge_fd = -1
_now_us = 0
_horizon_us = 0
_busy = False
_fired = 0
_masked = 0
_handlers = [None] * N_LINES
_sources = [None] * N_LINES
_listening = False
_asked = False  # _take is scheduled


def open_channel(fd, nudge_fd):
    """Use the inherited packet socket `fd`, and `nudge_fd` for the supervisor's wake-up bytes."""
    global _fd, _nudge_fd
    _fd = fd
    _nudge_fd = nudge_fd
    # The board dies with its supervisor, even in a busy loop (Linux: PR_SET_PDEATHSIG, SIGKILL).
    if sys.platform == "linux":
        _libc.func("i", "prctl", "ill")(1, 9, 0)


def size(buffer):
    """Length of any buffer in bytes; `len` counts items, and a memoryview would allocate."""
    return _null.write(buffer)


def copy(to, to_start, source, start, n_bytes):
    """Copy bytes between buffers; the caller has checked the bounds."""
    _memcpy(uctypes.addressof(to) + to_start, uctypes.addressof(source) + start, n_bytes)


def call(op, a=0, b=0, c=0, out=None, out_bytes=0, into=None, into_bytes=0):
    """One call; returns its result. Raises OSError, or KeyboardInterrupt if ^C came meanwhile."""
    global _busy, _now_us, _horizon_us
    _busy = True
    try:
        _request[0] = op
        _request[1] += 1
        _request[2] = _now_us
        _request[3] = a
        _request[4] = b
        _request[5] = c
        _out[2] = uctypes.addressof(out) if out_bytes else 0
        _out[3] = out_bytes
        _in[2] = uctypes.addressof(into) if into_bytes else 0
        _in[3] = into_bytes
        while _writev(_fd, _out, 2) < 0:
            if os.errno() == _EPIPE:
                _exit(0)
        _reply[0] = 0
        # A ^C may have torn an earlier call from its reply: answers to old questions are passed over.
        while _reply[0] != _request[1]:
            if _readv(_fd, _in, 2) == 0:
                _exit(0)
        _now_us = _reply[2]
        _horizon_us = _reply[3]
        result = _reply[1]
        lines = _reply[4]
    finally:
        _busy = False
    if lines:
        deliver(lines)
    if result < 0:
        if result == -_EINTR:
            raise KeyboardInterrupt
        raise OSError(-result)
    return result


def now_us():
    """Board time in µs; asking takes a little of it, so that loops on the clock come to an end."""
    global _now_us
    if _now_us + _TICK_US <= _horizon_us:
        _now_us += _TICK_US
    else:
        call(CLOCK)
    return _now_us


def pass_time(us):
    """Let `us` µs pass if nothing can happen in them; False if the supervisor has to be asked."""
    global _now_us
    if _now_us + us > _horizon_us:
        return False
    _now_us += us
    return True


def wait(deadline_us, wake_on):
    """Wait until `deadline_us` (-1: for ever) or for what `wake_on` says; returns WOKE_BY_… bits."""
    return call(WAIT, deadline_us, wake_on)


def handle(line, handler, source):
    """Call `handler(source)` when interrupt `line` fires; None takes it off."""
    global _listening
    _sources[line] = source
    _handlers[line] = handler
    if handler is not None and not _listening:
        _listening = True
        # Made here: what the thread allocates, some time later, would look like this thread's doing.
        _thread.start_new_thread(_listen, (open(_nudge_fd, "rb"), bytearray(1)))


def deliver(lines):
    """Run the handlers of `lines`, one after the other, never one inside another."""
    global _fired, _masked
    _fired |= lines
    if _masked:
        return
    _masked = 1
    try:
        while _fired:
            line = 0
            while not _fired >> line & 1:
                line += 1
            _fired &= ~(1 << line)
            handler = _handlers[line]
            if handler is not None:
                try:
                    handler(_sources[line])
                except Exception as error:
                    print("Uncaught exception in IRQ callback handler")
                    sys.print_exception(error)
    finally:
        _masked = 0


def mask_lines(masked):
    """Hold interrupts back, or let those held back run; returns the state before."""
    global _masked
    before = _masked
    _masked = masked
    if not masked and _fired:
        deliver(0)
    return before


def _take(_):
    global _asked
    _asked = False
    # In the middle of a call there is nothing to do: its reply brings the lines.
    if not _busy:
        call(TAKE_LINES)


def _listen(nudges, one):
    """Interrupts while the main thread computes: a byte comes, the virtual machine is asked to look."""
    global _asked
    while nudges.readinto(one):
        while not _asked:
            try:
                _asked = True
                micropython.schedule(_take, None)
                break
            except RuntimeError:  # the queue is full of others
                _asked = False
                time.sleep_ms(1)
