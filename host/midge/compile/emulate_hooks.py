"""host_watch.c in Python: the same hooks, a tenth as fast, where no compiler makes a library of it."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING

from .emulate_cpu import uclib

if TYPE_CHECKING:
    from .emulate_watch import WatchFields

_UNALIGNED, _OUTSIDE, _RUNAWAY = 1, 2, 3
_WRITE = 17
_CONDITIONAL = 0x8000_0000
_IT_STATE = 0x0600_FC00

_ON_CODE = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_uint64, ctypes.c_uint32, ctypes.c_void_p)
_ON_ACCESS = ctypes.CFUNCTYPE(
    *(None, ctypes.c_void_p, ctypes.c_int, ctypes.c_uint64),
    *(ctypes.c_int, ctypes.c_int64, ctypes.c_void_p),
)


class Hooks:
    """What a library of host_watch.c offers, for one watch."""

    def __init__(self, fields: WatchFields) -> None:
        self._fields = fields
        self.host_on_block = _ON_CODE(self._on_block)
        self.host_on_instruction = _ON_CODE(self._on_instruction)
        self.host_on_access = _ON_ACCESS(self._on_access)

    def _report(self, engine: int, problem: int, address: int, size: int) -> None:
        fields = self._fields
        if fields.problem == 0:
            fields.problem, fields.problem_address, fields.problem_bytes = problem, address, size
        uclib.uc_emu_stop(ctypes.c_void_p(engine))

    def _count(self, engine: int, address: int, count: int) -> None:
        fields = self._fields
        if fields.entries[address - fields.text_start] or address == fields.returns_to:
            fields.on_event(address)
        fields.executed += count
        if fields.executed > fields.limit:
            self._report(engine, _RUNAWAY, address, 0)

    def _on_block(self, engine: int, address: int, size: int, _: int) -> None:
        fields = self._fields
        offset = address - fields.text_start
        if fields.sizes[offset] != size:
            fields.on_unknown_block(address, size)
            if fields.sizes[offset] != size:
                uclib.uc_emu_stop(ctypes.c_void_p(engine))
                return
        count = fields.counts[offset]
        is_conditional = bool(count & _CONDITIONAL)
        fields.is_conditional = is_conditional or bool(fields.was_conditional)
        fields.was_conditional = is_conditional
        self._count(engine, address, count & ~_CONDITIONAL)

    def _on_instruction(self, engine: int, address: int, _size: int, _: int) -> None:
        self._count(engine, address, 1)

    def _clear_it_state(self, engine: int) -> None:
        status = ctypes.c_uint64()
        number = self._fields.status_register
        uclib.uc_reg_read(ctypes.c_void_p(engine), number, ctypes.byref(status))
        if status.value & _IT_STATE:
            status.value &= ~_IT_STATE
            uclib.uc_reg_write(ctypes.c_void_p(engine), number, ctypes.byref(status))

    def _on_access(self, engine: int, kind: int, address: int, size: int, _value: int, _: int) -> None:
        fields = self._fields
        if fields.is_conditional and fields.status_register >= 0:
            self._clear_it_state(engine)
        if address & (min(size, fields.alignment_bytes) - 1):
            self._report(engine, _UNALIGNED, address, size)
        if fields.heap_start <= address < fields.heap_end:
            starts, ends = fields.buffer_starts, fields.buffer_ends
            if not any(starts[i] <= address and address + size <= ends[i] for i in range(fields.n_buffers)):
                self._report(engine, _OUTSIDE, address, size)
        elif kind == _WRITE and fields.stack_start <= address < fields.stack_end and address < fields.lowest:
            fields.lowest = address
