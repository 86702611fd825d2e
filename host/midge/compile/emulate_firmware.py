"""The firmware's side of a native module in emulation: mp_fun_table, objects, buffers, exceptions.

Objects are opaque to a module, so here they are numbers that stand for Python's own objects.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import ModelError
from .emulate_cpu import Cpu

_TYPE_BOOL, _TYPE_INT, _TYPE_UINT = 1, 2, 3
_BUFFER_WRITE, _BUFFER_RAISE = 2, 4
_OBJECTS = 0x4000_0000  # never mapped: a module that looks into an object faults
_OBJECT_STEP = 16
# A buffer keeps its host address modulo this, so that a misaligned one is misaligned on the board as well.
_BUFFER_ALIGNMENT = 64


@dataclass(frozen=True)
class NativeFunction:
    """A function object that the module has made: the address of its code."""

    code: int


class BoardBuffers:
    """Python buffers, mirrored in the board's memory for the duration of one call."""

    def __init__(self, cpu: Cpu, start: int, size: int) -> None:
        self._cpu = cpu
        self._start, self._end = start + _BUFFER_ALIGNMENT, start + size
        self._regions: list[tuple[int, int, int, memoryview]] = []  # host address, size, board address, view
        self._next = start

    def open(self, arguments: Iterable[object]) -> None:
        """Copy the contents of every buffer among `arguments` to the board."""
        self._regions, self._next = [], self._start
        views = [view for view in map(_bytes_of, arguments) if view is not None]
        for view in sorted(views, key=lambda view: -view.nbytes):
            host = _host_address(view)
            if self._place(host, view.nbytes) is not None:
                continue
            board = self._next + (host - self._next) % _BUFFER_ALIGNMENT
            if board + view.nbytes + _BUFFER_ALIGNMENT > self._end:
                raise ModelError(f"{view.nbytes} bytes of buffer do not fit into the emulated memory")
            self._cpu.uc.mem_write(board, bytes(view))
            self._regions.append((host, view.nbytes, board, view))
            self._next = board + view.nbytes + _BUFFER_ALIGNMENT

    def close(self) -> None:
        """Copy back what the module wrote."""
        for _, size, board, view in self._regions:
            if not view.readonly and size:
                view[:] = bytes(self._cpu.uc.mem_read(board, size))

    def address(self, buffer: object) -> int:
        """Board address of a buffer that is open."""
        view = _bytes_of(buffer)
        assert view is not None
        place = self._place(_host_address(view), view.nbytes)
        assert place is not None
        return place

    @property
    def ranges(self) -> list[tuple[int, int]]:
        """Board addresses of the open buffers, [start, end)."""
        return [(start, start + n) for _, n, start, _ in self._regions]

    def _place(self, host: int, size: int) -> int | None:
        for start, n, board, _ in self._regions:
            if start <= host and host + size <= start + n:
                return board + host - start
            if host < start + n and start < host + size:
                raise ModelError("buffers that partly overlap can't be emulated: pass one, or two apart")
        return None


def _bytes_of(value: object) -> memoryview | None:
    try:
        return memoryview(value).cast("B")  # type: ignore[arg-type]
    except TypeError:
        return None


def _host_address(view: memoryview) -> int:
    return int(np.frombuffer(view, np.uint8).ctypes.data) if view.nbytes else 0


class Firmware:
    """Answers the calls that a module makes through mp_fun_table.

    Attributes
    ----------
    globals : dict
        what the module has stored under its names
    raised : BaseException or None
        what a function raised; the caller stops the core then
    """

    def __init__(self, cpu: Cpu, qstrs: tuple[str, ...], buffers: BoardBuffers) -> None:
        self.globals: dict[str, Any] = {}
        self.raised: BaseException | None = None
        self.buffers = buffers
        self._cpu = cpu
        self._qstrs = qstrs
        self._objects: list[object] = [None, False, True]
        self.entries: dict[int, Callable[[], object]] = {
            3: self._from_object,
            4: self._to_object,
            5: lambda: 0,  # swap_globals: there is but one dict
            7: self._load_global,
            13: self._store_global,
            26: self._make_function,
            44: self._check_arguments,
            55: self._raise_message,
            57: self._new_string,
            65: self._get_buffer,
        }

    def handle(self, value: object) -> int:
        """The number that stands for a Python object on the board, until `forget`."""
        self._objects.append(value)
        return _OBJECTS + _OBJECT_STEP * (len(self._objects) - 1)

    @property
    def constants(self) -> list[int]:
        """Values of table entries 0, 1, 2: None, False, True."""
        return [_OBJECTS + _OBJECT_STEP * entry for entry in range(3)]

    def forget(self) -> None:
        """Drop all objects but the constants, as nothing of the module keeps them."""
        del self._objects[3:]

    def value(self, handle: int) -> Any:
        """The Python object behind a number; ModelError if the module made the number up."""
        index, rest = divmod(handle - _OBJECTS, _OBJECT_STEP)
        if rest or not 0 <= index < len(self._objects):
            raise ModelError(f"the module uses {handle:#x} as an object, which it never got")
        return self._objects[index]

    def run(self, entry: int) -> None:
        """Answer a call of table entry `entry`; Python exceptions go to `raised`."""
        operation = self.entries.get(entry)
        try:
            if operation is None:
                raise ModelError(
                    f"the module calls entry {entry} of the firmware's table: midge's modules don't"
                )
            result = operation()
        except (ModelError, ValueError, TypeError, OverflowError) as error:
            self.raised = error
            return
        if isinstance(result, int):
            self._cpu.set_result(result % (1 << 8 * self._cpu.word_bytes))

    def _signed(self, index: int) -> int:
        bits = 8 * self._cpu.word_bytes
        value = self._cpu.argument(index)
        return value - (1 << bits) if value >> (bits - 1) else value

    def _from_object(self) -> int:
        value, kind = self.value(self._cpu.argument(0)), self._cpu.argument(1)
        if kind == _TYPE_BOOL:
            return int(bool(value))
        if kind not in (_TYPE_INT, _TYPE_UINT):
            raise ModelError(f"the module converts an object to type {kind}: midge's modules don't")
        if not isinstance(value, int):
            raise TypeError(f"can't convert {type(value).__name__} to int")
        return int(value)

    def _to_object(self) -> int:
        kind = self._cpu.argument(1) & 0xFFFFFFFF
        if kind == _TYPE_INT:
            return self.handle(self._signed(0))
        if kind == _TYPE_UINT:
            return self.handle(self._cpu.argument(0))
        if kind == _TYPE_BOOL:
            return self.constants[2 if self._cpu.argument(0) else 1]
        raise ModelError(f"the module makes an object of type {kind}: midge's modules don't")

    def _load_global(self) -> int:
        name = self._name(self._cpu.argument(0))
        value = self.globals.get(name, getattr(builtins, name, None))
        if value is None:
            raise ModelError(f"the module asks for {name}, which is no builtin")
        return self.handle(value)

    def _store_global(self) -> None:
        self.globals[self._name(self._cpu.argument(0))] = self.value(self._cpu.argument(1))

    def _name(self, qstr: int) -> str:
        if not 0 <= qstr < len(self._qstrs):
            raise ModelError(f"the module uses string {qstr} of {len(self._qstrs)}")
        return self._qstrs[qstr]

    def _make_function(self) -> int:
        record, word_bytes = self._cpu.argument(0), self._cpu.word_bytes
        if bytes(self._cpu.uc.mem_read(record, 3)) != bytes((0, 0, 4)):
            raise ModelError("the module's function record is not one of native code")
        return self.handle(NativeFunction(self._cpu.read_word(record + word_bytes)))

    def _check_arguments(self) -> None:
        given, keywords, signature = (self._cpu.argument(index) for index in range(3))
        minimum, maximum = signature >> 17 & 0x7FFF, signature >> 1 & 0xFFFF
        if keywords and not signature & 1:
            raise TypeError("function doesn't take keyword arguments")
        if minimum == maximum != given:
            raise TypeError(f"function takes {minimum} positional arguments but {given} were given")
        if given < minimum:
            raise TypeError(f"function missing {minimum - given} required positional arguments")
        if given > maximum:
            raise TypeError(f"function expected at most {maximum} arguments, got {given}")

    def _raise_message(self) -> None:
        kind = self.value(self._cpu.argument(0))
        raise kind(self._text(self._cpu.argument(1)))

    def _text(self, address: int) -> str:
        found = bytearray()
        while byte := self._cpu.uc.mem_read(address + len(found), 1)[0]:
            found.append(byte)
        return found.decode()

    def _new_string(self) -> int:
        return self.handle(
            bytes(self._cpu.uc.mem_read(self._cpu.argument(0), self._cpu.argument(1))).decode()
        )

    def _get_buffer(self) -> int:
        value, place, flags = self.value(self._cpu.argument(0)), self._cpu.argument(1), self._cpu.argument(2)
        try:
            view = memoryview(value)
        except TypeError:
            view = None
        if view is None or (flags & _BUFFER_WRITE and view.readonly):
            if flags & _BUFFER_RAISE:
                raise TypeError("object with buffer protocol required")
            return 0
        self._cpu.write_words(place, [self.buffers.address(value), view.nbytes])
        self._cpu.uc.mem_write(place + 2 * self._cpu.word_bytes, ord(view.format[-1]).to_bytes(4, "little"))
        return 1
