"""Watches every block of instructions and every access of an emulated module; the hooks themselves are C.

Python takes ten times as long for them as the emulation itself: `emulate_hooks.py`, where no compiler is.
"""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from functools import cache
from typing import Any

from ..errors import CompileError, ModelError, ToolchainMissing
from ..targets import Target
from . import emulate_memory as memory
from . import native_sources, toolchain
from .emulate_count import Counter, Measurement
from .emulate_cpu import HOOK_ACCESS, HOOK_BLOCK, HOOK_CODE, Cpu, uclib
from .emulate_hooks import Hooks
from .opcodes import check_bytes, has_conditional

RUNAWAY_INSTRUCTIONS = 200_000_000

_BUFFERS_MAX = 8
_CONDITIONAL = 0x8000_0000
_PROBLEMS = {
    1: "access of {size} bytes at {address:#x} is not aligned",
    2: "access of {size} bytes at {address:#x} is outside the buffers passed",
    3: "more than {limit} instructions in one call",
}
_ON_UNKNOWN_BLOCK = ctypes.CFUNCTYPE(None, ctypes.c_uint64, ctypes.c_uint32)
_ON_EVENT = ctypes.CFUNCTYPE(None, ctypes.c_uint64)


class WatchFields(ctypes.Structure):
    """`host_watch_t` of firmware/native/host_watch.c, field by field."""

    _fields_ = (
        ("register_read", ctypes.c_void_p),
        ("register_write", ctypes.c_void_p),
        ("emulation_stop", ctypes.c_void_p),
        ("on_unknown_block", _ON_UNKNOWN_BLOCK),
        ("on_event", _ON_EVENT),
        ("sizes", ctypes.POINTER(ctypes.c_uint32)),
        ("counts", ctypes.POINTER(ctypes.c_uint32)),
        ("entries", ctypes.POINTER(ctypes.c_uint8)),
        ("text_start", ctypes.c_uint64),
        ("heap_start", ctypes.c_uint64),
        ("heap_end", ctypes.c_uint64),
        ("stack_start", ctypes.c_uint64),
        ("stack_end", ctypes.c_uint64),
        ("buffer_starts", ctypes.c_uint64 * _BUFFERS_MAX),
        ("buffer_ends", ctypes.c_uint64 * _BUFFERS_MAX),
        ("limit", ctypes.c_uint64),
        ("executed", ctypes.c_uint64),
        ("lowest", ctypes.c_uint64),
        ("returns_to", ctypes.c_uint64),
        ("problem_address", ctypes.c_uint64),
        ("problem", ctypes.c_int32),
        ("problem_bytes", ctypes.c_int32),
        ("n_buffers", ctypes.c_int32),
        ("alignment_bytes", ctypes.c_int32),
        ("status_register", ctypes.c_int32),
        ("is_conditional", ctypes.c_int32),
        ("was_conditional", ctypes.c_int32),
    )


@cache
def _hooks() -> ctypes.CDLL:
    return ctypes.CDLL(str(toolchain.host_library({"host_watch.c": native_sources.read("host_watch.c")})))


class Watch:
    """Checks and counts what runs between `start` and its end.

    Parameters
    ----------
    text_start, text_bytes : int
        where the module is
    entries : mapping of int to str
        address of a function to count → name of its measurement
    """

    def __init__(
        self, cpu: Cpu, target: Target, text_start: int, text_bytes: int, entries: Mapping[int, str]
    ) -> None:
        self._cpu, self._target = cpu, target
        self._refused: ModelError | None = None
        self._sizes = (ctypes.c_uint32 * text_bytes)()
        self._counts = (ctypes.c_uint32 * text_bytes)()
        self._entries = (ctypes.c_uint8 * text_bytes)()
        self.fields = WatchFields(
            register_read=_address(uclib.uc_reg_read),
            register_write=_address(uclib.uc_reg_write),
            emulation_stop=_address(uclib.uc_emu_stop),
            on_unknown_block=_ON_UNKNOWN_BLOCK(self._on_unknown_block),
            on_event=_ON_EVENT(self._on_event),
            sizes=self._sizes,
            counts=self._counts,
            entries=self._entries,
            text_start=text_start,
            heap_start=memory.HEAP,
            heap_end=memory.HEAP + memory.HEAP_BYTES,
            stack_start=memory.STACK_TOP - memory.STACK_BYTES,
            stack_end=memory.STACK_TOP,
            limit=RUNAWAY_INSTRUCTIONS,
            lowest=memory.STACK_TOP,
            alignment_bytes=target.alignment_bytes,
            status_register=cpu.core.status_register,
        )
        self._counter = Counter(cpu, entries, self.fields)
        inside = (text_start, text_start + text_bytes - 1)
        self._hooks = self._find_hooks()
        if target.instruction_set:
            self._hook(HOOK_BLOCK, self._hooks.host_on_block, *inside)
        else:
            self._hook(HOOK_CODE, self._hooks.host_on_instruction, *inside)
        self._hook(HOOK_ACCESS, self._hooks.host_on_access, 1, 0)

    def _find_hooks(self) -> ctypes.CDLL | Hooks:
        try:
            return _hooks()
        except ToolchainMissing:
            return Hooks(self.fields)

    def _hook(self, kind: int, function: Any, begin: int, end: int) -> None:
        handle = ctypes.c_size_t()
        user = ctypes.byref(self.fields)
        status = uclib.uc_hook_add(
            self._cpu.engine,
            ctypes.byref(handle),
            kind,
            ctypes.cast(function, ctypes.c_void_p),
            ctypes.cast(user, ctypes.c_void_p),
            begin,
            end,
        )
        if status:
            raise CompileError(
                f"unicorn refuses a hook (status {status}): pip install --force-reinstall unicorn"
            )

    def start(self, buffers: list[tuple[int, int]]) -> None:
        """A call begins that may use the memory in `buffers`: (start, end) each."""
        if len(buffers) > _BUFFERS_MAX:
            raise ModelError(f"{len(buffers)} buffers in one call: {_BUFFERS_MAX} can be emulated")
        for number, (start, end) in enumerate(buffers):
            self.fields.buffer_starts[number], self.fields.buffer_ends[number] = start, end
        self.fields.n_buffers = len(buffers)
        self.fields.executed = self.fields.problem = 0
        self.fields.is_conditional = self.fields.was_conditional = 0
        self._refused = None
        self._counter.abandon_calls()

    def problem(self) -> ModelError | None:
        """What was wrong since `start`, the first of it."""
        if self._refused is not None or not self.fields.problem:
            return self._refused
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
        for address in self._counter.entries:
            self._entries[address - self.fields.text_start] = 1
        self._counter.start()

    def measurements(self) -> dict[str, Measurement]:
        """Cost of every function that was called since `start_counting`."""
        return self._counter.measurements()

    def _on_event(self, address: int) -> None:
        self._counter.on_event(address)

    def _on_unknown_block(self, address: int, size: int) -> None:
        code = bytes(self._cpu.uc.mem_read(address, size))
        offset = address - self.fields.text_start
        try:
            count = check_bytes(code, self._target, start=offset)
        except CompileError as error:
            self._refused = ModelError(str(error))
            return
        self._sizes[offset] = size
        self._counts[offset] = count | (_CONDITIONAL if has_conditional(code, self._target) else 0)


def _address(function: Any) -> int | None:
    return ctypes.cast(function, ctypes.c_void_p).value
