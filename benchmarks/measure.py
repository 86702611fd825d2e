"""Runs a linked program in an emulator over many rows: answers, and instructions from entry to return."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from image import RAM_ADDRESS, Image
from program import ENTRY, PREPARE

from midge.compile.emulate_cpu import HOOK_BLOCK, PROT_ALL, PROT_READ_WRITE, Cpu, EmulatorError
from midge.compile.opcodes import check_bytes
from midge.compile.toolchain import host_library
from midge.errors import ModelError
from midge.targets import Target

_PAGE = 0x1000
_EXIT = 0x0010_0000
_INPUT = 0x3000_0000
_STACK_TOP, _STACK_BYTES = 0x3800_0000, 0x10_0000
# A call that runs longer does not return.
RUNAWAY_BLOCKS = 50_000_000


@dataclass(frozen=True)
class Run:
    """What a program did over some rows.

    Attributes
    ----------
    answers : numpy array
        int64 (n_rows,): what the entry point returned
    instructions : float
        executed instructions a call, mean
    memory : tuple of bytes
        the input of each row afterwards, for programs that work in place
    """

    answers: npt.NDArray[np.int64]
    instructions: float
    memory: tuple[bytes, ...]


def run(image: Image, target: Target, rows: npt.NDArray[Any]) -> Run:
    """Call the program with each row.

    Raises
    ------
    ModelError
        it crashed, or never returned
    LinkError
        it executed an instruction that cores of `target` don't have
    """
    machine = Machine(image, target)
    if PREPARE in image.symbols:
        machine.call(image.symbols[PREPARE], b"\0" * 8)
    machine.start_counting()
    answers, memory = [], []
    for row in rows:
        answer, after = machine.call(image.symbols[ENTRY], np.ascontiguousarray(row).tobytes())
        answers.append(answer)
        memory.append(after)
    return Run(np.array(answers, np.int64), machine.instructions() / len(rows), tuple(memory))


class Machine:
    """A core with a program in its memory.

    RAM is not executable: of pages that could hold code, the emulator looks at every store.
    """

    def __init__(self, image: Image, target: Target) -> None:
        self.image = image
        self._target = target
        self.cpu = Cpu(target)
        self._map(_EXIT, self.cpu.core.return_code)
        self.cpu.uc.mem_map(_STACK_TOP - _STACK_BYTES, _STACK_BYTES, PROT_READ_WRITE)
        self.cpu.uc.mem_map(_INPUT, 0x10_0000, PROT_READ_WRITE)
        for first, last in _page_runs(image.segments):
            rights = PROT_READ_WRITE if first * _PAGE >= RAM_ADDRESS else PROT_ALL
            self.cpu.uc.mem_map(first * _PAGE, (last + 1 - first) * _PAGE, rights)
        for address, data in image.segments:
            self.cpu.uc.mem_write(address, data)
        self._counter = ctypes.create_string_buffer(0)
        self._hook = ctypes.c_size_t()

    def _map(self, address: int, data: bytes) -> None:
        self.cpu.uc.mem_map(address, _PAGE)
        self.cpu.uc.mem_write(address, data)

    def start_counting(self) -> None:
        """Count blocks from now on."""
        library = _counter_library()
        self._counter = ctypes.create_string_buffer(library.counter_bytes())
        unicorn = _unicorn_library()
        unicorn.uc_hook_add(
            self.cpu.uc._uch,
            ctypes.byref(self._hook),
            ctypes.c_int(HOOK_BLOCK),
            library.counter_on_block,
            self._counter,
            ctypes.c_uint64(1),
            ctypes.c_uint64(0),
        )

    def call(self, address: int, argument: bytes) -> tuple[int, bytes]:
        """Call a function with a pointer to `argument`: its result as int32, and the argument afterwards."""
        self.cpu.uc.mem_write(_INPUT, argument)
        is_counting = len(self._counter) > 0
        if is_counting:
            stop = ctypes.cast(_unicorn_library().uc_emu_stop, ctypes.c_void_p)
            _counter_library().counter_start(self._counter, ctypes.c_uint64(RUNAWAY_BLOCKS), stop)
        try:
            result = self.cpu.call(address, (_INPUT,), stack_top=_STACK_TOP - 64, exit_address=_EXIT)
        except EmulatorError as error:
            raise ModelError(f"the program crashed in emulation: {error}") from error
        if is_counting and not _counter_library().counter_left(self._counter):
            raise ModelError("the program does not return")
        result &= 0xFFFFFFFF
        return result - (result >> 31 << 32), bytes(self.cpu.uc.mem_read(_INPUT, len(argument)))

    def instructions(self) -> int:
        """Executed instructions of all calls since `start_counting`."""
        total = 0
        for address, size, runs in self._blocks():
            code = bytes(self.cpu.uc.mem_read(address, size))
            total += runs * check_bytes(code, self._target, start=address)
        return total

    def _blocks(self) -> Iterator[tuple[int, int, int]]:
        found = (ctypes.c_uint64 * 3)()
        slot = _counter_library().counter_next(self._counter, 0, found)
        while slot:
            yield found[0], found[1], found[2]
            slot = _counter_library().counter_next(self._counter, slot, found)


def _page_runs(segments: Sequence[tuple[int, bytes]]) -> list[tuple[int, int]]:
    """First and last page of what lies together: the fewer mappings, the faster the emulator."""
    runs: list[tuple[int, int]] = []
    for address, data in sorted(segments):
        first, last = address // _PAGE, (address + max(1, len(data)) - 1) // _PAGE
        if runs and first <= runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], max(last, runs[-1][1]))
        else:
            runs.append((first, last))
    return runs


@cache
def _counter_library() -> Any:
    text = (Path(__file__).parent / "block_counter.c").read_text(encoding="utf-8")
    library = ctypes.CDLL(str(host_library({"block_counter.c": text})))
    library.counter_left.restype = ctypes.c_uint64
    return library


@cache
def _unicorn_library() -> Any:
    """unicorn's C library, as its Python binding has loaded it: a hook in C needs its handle."""
    from unicorn.unicorn_py3 import unicorn as binding

    return ctypes.CDLL(binding.uclib._name)
