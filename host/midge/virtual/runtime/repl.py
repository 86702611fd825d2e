"""The prompt: friendly, raw and raw-paste, byte for byte as tools expect them of a board."""

# mypy: ignore-errors

import sys
import channel
import micropython
import streams
from micropython import const

_CTRL_A = const(1)
_CTRL_B = const(2)
_CTRL_C = const(3)
_CTRL_D = const(4)
_CTRL_E = const(5)
_WINDOW_BYTES = const(256)

_out = streams.raw.write
_globals = {}
_is_raw = False


class Reset(Exception):
    """The code that ran asked for a reset, or ^D did."""


def _run(code):
    """Run compiled code as the user's, so that ^C interrupts it; returns its exception or None.

    Raises Reset if the code ends in SystemExit, as all boards do then.
    """
    error = None
    try:
        try:
            channel.call(channel.RUNNING, 1)
            exec(code, _globals)
        finally:
            _stop_running()
    except SystemExit:
        raise Reset
    except BaseException as caught:
        error = caught
    return error


def _stop_running():
    # A ^C may hit between the end of the user's code and the supervisor's hearing of it.
    while True:
        try:
            channel.mask_lines(0)
            # A program that was stopped with the heap locked would leave no way to type anything.
            micropython.heap_lock()
            while micropython.heap_unlock():
                pass
            return channel.call(channel.RUNNING, 0)
        except KeyboardInterrupt:
            pass


def _run_file(path):
    """Run a file if it is there; prints its exception."""
    try:
        with open(path) as file:
            source = file.read()
    except OSError:
        return
    error = _run_source(source, path)
    if error is not None:
        streams.print_exception(error)


def _run_source(source, name, kind="exec"):
    try:
        code = compile(source, name, kind)
    except Exception as error:
        return error
    del source
    return _run(code)


def _text(typed):
    """What was typed as text; what is no UTF-8 becomes a '?', and the compiler will say so."""
    try:
        return str(typed, "utf-8")
    except UnicodeError:
        return "".join(chr(byte) if byte < 128 else "?" for byte in typed)


def _raw_paste(source):
    """As raw mode, with flow control: one byte 0x01 for every window that was taken."""
    _out(b"R\x01")
    _out(bytes((_WINDOW_BYTES & 255, _WINDOW_BYTES >> 8, 1)))
    room = _WINDOW_BYTES
    while True:
        byte = streams.read_byte()
        if byte == _CTRL_D:
            _out(b"\x04")
            return True
        if byte == _CTRL_C:
            _out(b"\x04")
            return False
        source.append(byte)
        room -= 1
        if room == 0:
            _out(b"\x01")
            room = _WINDOW_BYTES


def _run_raw(source):
    """Run a program of raw mode: its output, ^D, its traceback, ^D."""
    try:
        error = _run_source(_text(source), "<stdin>")
    except Reset:
        _out(b"\x04\x04")
        raise
    _out(b"\x04")
    if error is not None:
        streams.print_exception(error)
    _out(b"\x04")


def _raw():
    """Raw mode; returns when the host goes back to the friendly prompt."""
    _out(b"raw REPL; CTRL-B to exit\r\n>")
    source = bytearray()
    while True:
        byte = streams.read_byte()
        if byte == _CTRL_A:
            if source == b"\x05A":
                source = bytearray()
                if _raw_paste(source):
                    _run_raw(source)
                _out(b">")
            else:
                _out(b"raw REPL; CTRL-B to exit\r\n>")
            source = bytearray()
        elif byte == _CTRL_B:
            _out(b"\r\n")
            return
        elif byte == _CTRL_C:
            source = bytearray()
        elif byte == _CTRL_D:
            if not source:
                _out(b"\r\n")
                raise Reset
            _out(b"OK")
            _run_raw(source)
            _out(b">")
            source = bytearray()
        else:
            source.append(byte)


def _friendly(greeting):
    """The prompt for people; returns when the host asks for raw mode."""
    _out(greeting)
    while True:
        _out(b">>> ")
        source = _read_statement()
        if source is None:
            return
        if source.strip():
            error = _run_source(source, "<stdin>", "single")
            if error is not None:
                streams.print_exception(error)


def _read_statement():
    """One statement, over as many lines as it needs; None if raw mode is asked for."""
    source = ""
    while True:
        line, end = _read_line(source)
        if end == _CTRL_A:
            return None
        if end == _CTRL_B:
            _out(b"\r\n")
            _out(_banner())
            return ""
        if end == _CTRL_C:
            _out(b"\r\n")
            return ""
        if end == _CTRL_D:
            _out(b"\r\n")
            raise Reset
        if end == _CTRL_E:
            return _paste()
        _out(b"\r\n")
        source += line + "\n"
        if not _goes_on(source):
            return source
        _out(b"... ")


def _read_line(before):
    """Read and echo a line: (text, the control character that ended it)."""
    line = bytearray()
    while True:
        byte = streams.read_byte()
        if byte in (10, 13):
            return _text(line), byte
        if byte in (8, 127):
            if line:
                # A character of UTF-8 is taken back whole.
                while len(line) > 1 and line[-1] & 0xC0 == 0x80:
                    line = line[:-1]
                line = line[:-1]
                _out(b"\b \b")
        elif byte == 27:
            _skip_escape()
        elif byte == _CTRL_C or (byte in (_CTRL_A, _CTRL_B, _CTRL_D, _CTRL_E) and not line and not before):
            return "", byte
        elif byte == 9:
            line.extend(b"    ")
            _out(b"    ")
        elif byte >= 32:
            line.append(byte)
            _out(bytes((byte,)))


def _skip_escape():
    """Pass over an arrow or function key."""
    if streams.read_byte() in b"[O":
        while not 64 <= streams.read_byte() <= 126:
            pass


def _goes_on(source):
    """True while a statement needs more lines: open brackets or quotes, a block without its blank line."""
    depth = 0
    quote = ""
    at = 0
    while at < len(source):
        char = source[at]
        if quote:
            if char == "\\":
                at += 1
            elif source.startswith(quote, at):
                at += len(quote) - 1
                quote = ""
            elif char == "\n" and len(quote) == 1:
                quote = ""
        elif char in "'\"":
            quote = char * 3 if source.startswith(char * 3, at) else char
            at += len(quote) - 1
        elif char == "#":
            while at + 1 < len(source) and source[at + 1] != "\n":
                at += 1
        elif char in "([{":
            depth += 1
        elif char in ")]}":
            depth -= 1
        at += 1
    if depth > 0 or len(quote) == 3:
        return True
    lines = source.rstrip("\n").split("\n")
    first = lines[0]
    is_block = (
        first.rstrip().endswith(":") or first.startswith("@") or len(lines) > 1 and first.startswith("class ")
    )
    return is_block and not source.endswith("\n\n") or first.rstrip().endswith("\\") and len(lines) == 1


def _paste():
    """Paste mode: everything up to ^D is one program; returns '' after running it."""
    _out(b"\r\npaste mode; Ctrl-C to cancel, Ctrl-D to finish\r\n=== ")
    source = bytearray()
    while True:
        byte = streams.read_byte()
        if byte == _CTRL_C:
            _out(b"\r\n")
            return ""
        if byte == _CTRL_D:
            _out(b"\r\n")
            break
        if byte == 13:
            source.append(10)
            _out(b"\r\n=== ")
        else:
            source.append(byte)
            _out(bytes((byte,)))
    error = _run_source(_text(source), "<stdin>")
    if error is not None:
        streams.print_exception(error)
    return ""


def _banner():
    """The lines that greet a person."""
    version = sys.version.split("; ")[-1]
    return b'%s; midge virtual board with x64\r\nType "help()" for more information.\r\n' % version.encode()


def serve(variables, is_raw):
    """Run boot.py and main.py, then prompt, until the supervisor ends this interpreter."""
    global _globals, _is_raw
    _globals = variables
    _is_raw = is_raw
    try:
        _run_file("/boot.py")
        if not is_raw:
            _run_file("/main.py")
        _prompt()
    except Reset:
        _out(b"MPY: soft reboot\r\n")
        channel.call(channel.RESET, channel.RESET_SOFT_RAW if _is_raw else channel.RESET_SOFT)


def _prompt():
    """Go to and fro between the two modes."""
    global _is_raw
    greeting = _banner()
    while True:
        try:
            if _is_raw:
                _raw()
                greeting = _banner()
            else:
                _friendly(greeting)
            _is_raw = not _is_raw
        except KeyboardInterrupt:
            greeting = b""
