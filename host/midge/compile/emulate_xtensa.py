"""Xtensa for the emulator: unicorn has none, so firmware/native/host_xtensa.c runs the code.

`XtensaCpu` and `XtensaWatch` stand in for `Cpu` and `Watch`.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from types import SimpleNamespace
from typing import Any

from ..errors import CompileError, ModelError
from ..targets import Target
from . import emulate_memory as memory
from . import native_sources, toolchain
from .emulate_count import Counter, Measurement

_REGISTERS, _REGIONS, _BUFFERS, _STOPS = 16384, 16, 8, 32
# host_xtensa.c
_WORDS_ONLY, _READ_ONLY, _BUFFERS_ONLY, _STACK = 1, 2, 4, 8
_FLAGS = {
    memory.HEAP: _BUFFERS_ONLY,
    memory.STACK_TOP - memory.STACK_BYTES: _STACK,
}
_PROBLEMS = {
    1: "access of {size} bytes at {address:#x} is not aligned",
    2: "access of {size} bytes at {address:#x} is outside the memory that the module may use",
    3: "more than {limit} instructions in one call",
    4: "the instruction at {address:#x} is not one that every ESP32 has, or divides by 0",
    5: "calls and returns do not match at {address:#x}",
}
_LIMIT_INSTRUCTIONS = 200_000_000
# As CALL8 does it: a caller's a8 is the called function's a0.
_CALL8 = 2
_ADDRESS_BITS = 0x3FFF_FFFF


class _Region(ctypes.Structure):
    _fields_ = (
        ("start", ctypes.c_uint32),
        ("end", ctypes.c_uint32),
        ("flags", ctypes.c_uint32),
        ("memory", ctypes.c_void_p),
    )


class _Core(ctypes.Structure):
    """`xtensa_core` of host_xtensa.c, field by field."""

    _fields_ = (
        ("executed", ctypes.c_uint64),
        ("limit", ctypes.c_uint64),
        ("pc", ctypes.c_uint32),
        ("shift", ctypes.c_uint32),
        ("increment", ctypes.c_uint32),
        ("base", ctypes.c_uint32),
        ("lowest", ctypes.c_uint32),
        ("traps_start", ctypes.c_uint32),
        ("traps_end", ctypes.c_uint32),
        ("problem", ctypes.c_uint32),
        ("problem_address", ctypes.c_uint32),
        ("problem_bytes", ctypes.c_uint32),
        ("n_regions", ctypes.c_uint32),
        ("n_buffers", ctypes.c_uint32),
        ("n_stops", ctypes.c_uint32),
        ("stops", ctypes.c_uint32 * _STOPS),
        ("buffer_starts", ctypes.c_uint32 * _BUFFERS),
        ("buffer_ends", ctypes.c_uint32 * _BUFFERS),
        ("registers", ctypes.c_uint32 * _REGISTERS),
        ("regions", _Region * _REGIONS),
    )
    # Not the C's: where the innermost counted function returns to.
    returns_to: int = 0


@cache
def _library() -> ctypes.CDLL:
    sources = {"host_xtensa.c": native_sources.read("host_xtensa.c")}
    library = ctypes.CDLL(str(toolchain.host_library(sources)))
    if library.host_xtensa_bytes() != ctypes.sizeof(_Core):
        raise CompileError("host_xtensa.c belongs to another midge: install it again")
    return library


class XtensaCpu:
    """A core with memory: what `Cpu` and unicorn's engine offer, as far as the emulator uses it."""

    core = SimpleNamespace(address_bit=0, return_code=b"\0\0\0")
    word_bytes = 4

    def __init__(self, target: Target) -> None:
        self.fields = _Core(limit=_LIMIT_INSTRUCTIONS, lowest=memory.STACK_TOP)
        self.uc = self
        self._run = _library().host_xtensa_run
        self._blocks: list[tuple[int, int, Any]] = []  # start, size, buffer
        self._on_trap: Callable[..., object] = lambda *_: None
        self._is_stopped = False
        self.on_stop: Callable[[int], object] = lambda _: None
        # The first region is the code; `XtensaWatch` says where it is.
        self.fields.n_regions = 1

    # Of unicorn's engine.

    def mem_map(self, start: int, size: int) -> None:
        """Memory at `start`; the module may write to the heap's open buffers and the stack."""
        block = (ctypes.c_uint8 * size)()
        self._blocks.append((start, size, block))
        flags = _FLAGS.get(start, _READ_ONLY)
        self.add_region(start, size, flags, ctypes.addressof(block))

    def add_region(self, start: int, size: int, flags: int, address: int, *, index: int = -1) -> None:
        """Let the module use memory of the host."""
        place = self.fields.n_regions if index < 0 else index
        self.fields.regions[place] = _Region(start, start + size, flags, address)
        self.fields.n_regions = max(self.fields.n_regions, place + 1)

    def host_address(self, address: int, size: int) -> int:
        """Where the host has the byte at `address`; ModelError if there is none."""
        for start, n, block in self._blocks:
            if start <= address and address + size <= start + n:
                return ctypes.addressof(block) + address - start
        raise ModelError(f"the module hands out {address:#x}, where no memory is: do not run it")

    def mem_write(self, address: int, data: bytes) -> None:
        """Write bytes."""
        ctypes.memmove(self.host_address(address, len(data)), data, len(data))

    def mem_read(self, address: int, size: int) -> bytes:
        """Read bytes."""
        return ctypes.string_at(self.host_address(address, size), size)

    def hook_add(self, kind: int, callback: Callable[..., object], *, begin: int, end: int) -> None:
        """Call `callback` where the code comes to an address of begin…end."""
        self.fields.traps_start, self.fields.traps_end = begin, end + 1
        self._on_trap = callback

    def emu_stop(self) -> None:
        """Leave `call` as soon as may be."""
        self._is_stopped = True

    # Of Cpu.

    def _register(self, number: int) -> int:
        return int(self.fields.base) + number

    def argument(self, index: int) -> int:
        """Value of an argument at the entry of a function."""
        return int(self.fields.registers[self._register(4 * self.fields.increment + 2 + index)])

    def set_result(self, value: int) -> None:
        """Set what the function that is about to return returns."""
        self.fields.registers[self._register(4 * self.fields.increment + 2)] = value

    def stack_pointer(self) -> int:
        """The stack pointer, of the caller at the entry of a function."""
        return int(self.fields.registers[self._register(1)])

    def return_address(self) -> int:
        """At the entry of a function: where it returns to."""
        return int(self.fields.registers[self._register(4 * self.fields.increment)]) & _ADDRESS_BITS

    def read_word(self, address: int) -> int:
        """A word of memory."""
        return int.from_bytes(self.mem_read(address, 4), "little")

    def write_words(self, address: int, words: Sequence[int]) -> None:
        """Consecutive words of memory."""
        self.mem_write(address, b"".join(word.to_bytes(4, "little") for word in words))

    def call(self, address: int, arguments: Sequence[int], *, stack_top: int, exit_address: int) -> int:
        """Run the function at `address` until it returns to `exit_address`; its result."""
        fields = self.fields
        fields.base, fields.increment, fields.pc = 0, _CALL8, address
        fields.registers[1] = stack_top
        fields.registers[4 * _CALL8] = _CALL8 << 30 | exit_address
        for index, value in enumerate(arguments):
            fields.registers[4 * _CALL8 + 2 + index] = value
        self._is_stopped = False
        self.on_stop(address)
        while True:
            self._run(ctypes.byref(fields))
            if fields.problem or fields.pc == exit_address:
                break
            if fields.traps_start <= fields.pc < fields.traps_end:
                self._on_trap(self, fields.pc, 4, None)
                if self._is_stopped:
                    break
                fields.pc = self.return_address()
            # A return from the firmware may be a stop as well.
            self.on_stop(fields.pc)
        return int(fields.registers[4 * _CALL8 + 2])


class XtensaWatch:
    """Checks and counts what runs; arguments as those of `Watch`."""

    def __init__(
        self,
        cpu: XtensaCpu,
        target: Target,
        text_start: int,
        text_bytes: int,
        entries: Mapping[int, str],
    ) -> None:
        self._cpu, self.fields = cpu, cpu.fields
        self._counter = Counter(cpu, entries, self.fields)  # type: ignore[arg-type]
        self._is_counting = False
        flags = _WORDS_ONLY | _READ_ONLY
        cpu.add_region(text_start, text_bytes, flags, cpu.host_address(text_start, text_bytes), index=0)
        cpu.on_stop = self._on_stop
        self._set_stops()

    def _set_stops(self) -> None:
        entries = [*self._counter.entries] if self._is_counting else []
        stops = [memory.EXIT, *entries, *([self.fields.returns_to] if self.fields.returns_to else [])]
        self.fields.stops[: len(stops)] = stops
        self.fields.n_stops = len(stops)

    def _on_stop(self, address: int) -> None:
        if self._is_counting and (address in self._counter.entries or address == self.fields.returns_to):
            self._counter.on_event(address)
            self._set_stops()

    def start(self, buffers: list[tuple[int, int]]) -> None:
        """A call begins that may use the memory in `buffers`: (start, end) each."""
        if len(buffers) > _BUFFERS:
            raise ModelError(f"{len(buffers)} buffers in one call: {_BUFFERS} can be emulated")
        for number, (start, end) in enumerate(buffers):
            self.fields.buffer_starts[number], self.fields.buffer_ends[number] = start, end
        self.fields.n_buffers = len(buffers)
        self.fields.executed = self.fields.problem = 0
        self._counter.abandon_calls()
        self._set_stops()

    def problem(self) -> ModelError | None:
        """What was wrong since `start`, the first of it."""
        if not self.fields.problem:
            return None
        text = _PROBLEMS[self.fields.problem].format(
            size=self.fields.problem_bytes, address=self.fields.problem_address, limit=self.fields.limit
        )
        return ModelError(f"{text}: do not run this module")

    def start_counting(self) -> None:
        """Count from now on; CompileError if no function is known to count."""
        if not self._counter.entries:
            raise CompileError(
                "instructions can't be counted without symbols: pass Module.symbols to Emulator"
            )
        self._is_counting = True
        self._counter.start()
        self._set_stops()

    def measurements(self) -> dict[str, Measurement]:
        """Cost of every function that was called since `start_counting`."""
        return self._counter.measurements()
