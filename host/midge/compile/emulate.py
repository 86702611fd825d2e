"""Runs a packaged module as a board would: loads the `.mpy`, calls its functions, counts, and tolerates nothing.

Stricter than the emulator below it: an access must be aligned to its size and lie inside the buffer that was
passed, and every instruction that runs must be one that the target's cores have.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import unicorn

from ..errors import CompileError, ModelError, TargetMismatch
from ..targets import Target, check_accepts
from . import mpy as mpy_format
from .emulate_cpu import Cpu
from .emulate_firmware import TABLE_ENTRIES, BoardBuffers, Firmware, NativeFunction
from .opcodes import check_bytes

Int16Array = npt.NDArray[np.int16]

_PAGE = 0x1000
_TRAPS, _TRAP_STEP = 0x0010_0000, 16
_EXIT = _TRAPS + _TRAP_STEP * TABLE_ENTRIES
_TABLE = 0x0011_0000
_OBJECTS = 0x0012_0000  # context, function object, arguments, string table
_MODULE = 0x2000_0000
_HEAP, _HEAP_BYTES = 0x3000_0000, 0x40_0000
_STACK_TOP, _STACK_BYTES = 0x3800_0000, 0x1_0000
_RUNAWAY_INSTRUCTIONS = 200_000_000

# The C functions that are counted, by the name of the Python function that calls them.
COUNTED = {
    "init": "midge_frontend_init",
    "push": "midge_frontend_push",
    "features": "midge_frontend_features",
    "classify": "midge_classify",
}


@dataclass(frozen=True)
class Measurement:
    """Cost of one C function, entry to return, over some calls.

    Attributes
    ----------
    calls : int
        how often it ran
    instructions_mean, instructions_max : float, int
        executed instructions a call
    stack_bytes : int
        deepest stack below its entry
    """

    calls: int
    instructions_mean: float
    instructions_max: int
    stack_bytes: int


@dataclass
class _Count:
    """A counted function: its finished calls, and the calls that still run (return address, stack pointer)."""

    instructions: list[int] = field(default_factory=list)
    stack_bytes: int = 0

    def measurement(self) -> Measurement:
        if not self.instructions:
            return Measurement(0, 0.0, 0, 0)
        mean = sum(self.instructions) / len(self.instructions)
        return Measurement(len(self.instructions), mean, max(self.instructions), self.stack_bytes)


@dataclass
class _Frame:
    name: str
    returns_to: int
    stack_pointer: int
    instructions: int = 0
    lowest: int = 0


class Emulator:
    """A board with one imported module.

    Parameters
    ----------
    mpy : bytes
        the file
    target : Target
        of the board: the module's own, or one whose firmware accepts it
    symbols : mapping of str to int, optional
        offsets from `Module.symbols`; needed for `measure` only

    Raises
    ------
    TargetMismatch, LinkError
        if the firmware would not load the file
    ModelError
        if the module does what no board allows; also from every call
    """

    def __init__(self, mpy: bytes, target: Target, symbols: Mapping[str, int] | None = None) -> None:
        self.target = target
        self._file = mpy_format.parse(mpy)
        check_accepts(target, self._file.target)
        if not target.elf_machine:
            raise TargetMismatch(f"no emulation for {target.name}")
        self._cpu = Cpu(target)
        self._is_checked = bool(target.instruction_set)
        self._blocks: dict[tuple[int, int], int] = {}
        self._executed = 0
        self._counts: dict[str, _Count] = {}
        self._counted_at: dict[int, str] = {}
        self._frames: list[_Frame] = []
        self._fault: ModelError | None = None
        self._map_memory()
        self._base = self._load(self._file)
        if symbols:
            self._counted_at = {
                self._base + symbols[c_name]: name for name, c_name in COUNTED.items() if c_name in symbols
            }
        self._buffers = BoardBuffers(self._cpu, _HEAP, _HEAP_BYTES)
        self._firmware = Firmware(self._cpu, self._file.qstrs, self._buffers)
        self._write_table()
        self._add_hooks()
        self._run(self._base, 0)
        self.globals: dict[str, Any] = self._firmware.globals

    # What a program on the board sees.

    def call(self, name: str, *arguments: object) -> Any:
        """Call a function of the module with Python's ints, strings and buffers; its result, or its exception."""
        function = self.globals.get(name)
        if not isinstance(function, NativeFunction):
            raise AttributeError(f"the module has no function {name!r}")
        self._buffers.open(list(arguments))
        try:
            handles = [self._firmware.handle(argument) for argument in arguments]
            self._cpu.write_words(_OBJECTS + 0x800, handles)
            return self._firmware.value(self._run(function.code & ~self._cpu.core.address_bit, len(handles)))
        finally:
            self._buffers.close()
            self._firmware.forget()

    @property
    def n_features(self) -> int:
        """N_FEATURES of the module."""
        return int(self.globals["N_FEATURES"])

    @property
    def n_scores(self) -> int:
        """N_SCORES of the module."""
        return int(self.globals["N_SCORES"])

    @property
    def state_bytes(self) -> int:
        """STATE_BYTES of the module."""
        return int(self.globals["STATE_BYTES"])

    def info(self) -> dict[str, Any]:
        """What info() says, parsed."""
        found: dict[str, Any] = json.loads(self.call("info"))
        return found

    def classify(self, features: Sequence[int] | Int16Array) -> tuple[int, Int16Array]:
        """(index of the winner, scores) of one row of features."""
        scores = np.zeros(self.n_scores, np.int16)
        return self.call("classify", _int16(features), scores), scores

    def state(self) -> bytearray:
        """A new, initialised state."""
        state = bytearray(self.state_bytes)
        self.call("init", state)
        return state

    def push(
        self, state: bytearray, block: Sequence[int] | Int16Array, start: int = 0, stop: int | None = None
    ) -> int:
        """Feed samples start..stop of `block` (int16, whole samples in a row); how many samples were consumed."""
        bounds = (start,) if stop is None else (start, stop)
        return int(self.call("push", state, _int16(block), *bounds))

    def ready(self, state: bytearray) -> bool:
        """True on a hop boundary with a full window."""
        return bool(self.call("ready", state))

    def features(self, state: bytearray) -> Int16Array:
        """Features of the window in `state`."""
        found = np.zeros(self.n_features, np.int16)
        self.call("features", state, found)
        return found

    def predict(self, state: bytearray) -> tuple[int, Int16Array]:
        """(index of the winner, scores) of the window in `state`."""
        scores = np.zeros(self.n_scores, np.int16)
        return self.call("predict", state, scores), scores

    # What only an emulator can tell.

    def measure(self, features: npt.ArrayLike) -> Measurement:
        """Cost of classifying each row of `features` (n_rows, n_features), int16; without the module glue."""
        self._start_counting()
        for row in np.atleast_2d(_int16(features)):
            self.classify(row)
        return self._counts["classify"].measurement()

    def measure_stream(self, samples: npt.ArrayLike, *, block_samples: int = 32) -> dict[str, Measurement]:
        """Cost of `push` (a call takes `block_samples` at most), `features` and `classify` over a stream.

        `samples`: int16, (n, n_channels).
        """
        stream = np.atleast_2d(_int16(samples))
        state = self.state()
        self._start_counting()
        done = 0
        while done < len(stream):
            done += self.push(state, stream[done : done + block_samples])
            if self.ready(state):
                self.classify(self.features(state))
        return {name: count.measurement() for name, count in self._counts.items() if count.instructions}

    # Inside.

    def _start_counting(self) -> None:
        if not self._counted_at:
            raise CompileError(
                "instructions can't be counted without symbols: pass Module.symbols to Emulator"
            )
        self._counts = {name: _Count() for name in self._counted_at.values()}

    def _map_memory(self) -> None:
        uc = self._cpu.uc
        for start, size in ((_TRAPS, _PAGE), (_TABLE, _PAGE), (_OBJECTS, 0x1_0000), (_HEAP, _HEAP_BYTES)):
            uc.mem_map(start, size)
        uc.mem_map(_STACK_TOP - _STACK_BYTES, _STACK_BYTES)
        for entry in range(TABLE_ENTRIES + 1):
            uc.mem_write(_TRAPS + _TRAP_STEP * entry, self._cpu.core.return_code)

    def _load(self, file: mpy_format.MpyFile) -> int:
        """Place the module in memory as the firmware's loader does; the address of its text."""
        word_bytes = self.target.word_bytes
        # No board promises more than a word of alignment; the unix port gives whole pages.
        text = _MODULE + (word_bytes if word_bytes == 4 else 0)
        rodata = text + len(file.text) + word_bytes
        bss = rodata + len(file.rodata) + word_bytes
        size = bss + file.bss_bytes - _MODULE
        self._cpu.uc.mem_map(_MODULE, -(-size // _PAGE) * _PAGE)
        self._cpu.uc.mem_write(text, file.text)
        self._cpu.uc.mem_write(rodata, file.rodata)
        addresses = {
            mpy_format.TEXT: text,
            mpy_format.RODATA: rodata,
            mpy_format.BSS: bss,
            mpy_format.QSTR_TABLE: _OBJECTS + 0x1000,
            mpy_format.OBJECT_TABLE: 0,
            mpy_format.FUN_TABLE: _TABLE,
        }
        for relocation in file.relocations:
            added = addresses.get(relocation.destination)
            if added is None:
                added = self._table_word(relocation.destination - mpy_format.FUN_TABLE_ENTRY)
            start = (rodata if relocation.in_rodata else text) + relocation.index * word_bytes
            for address in range(start, start + relocation.count * word_bytes, word_bytes):
                word = (self._cpu.read_word(address) + added) % (1 << 8 * word_bytes)
                self._cpu.write_words(address, [word])
        return text

    def _table_word(self, entry: int) -> int:
        return (_TRAPS + _TRAP_STEP * entry) | self._cpu.core.address_bit

    def _write_table(self) -> None:
        constants = [self._firmware.constant(entry) for entry in range(3)]
        functions = [self._table_word(entry) for entry in range(3, TABLE_ENTRIES)]
        self._cpu.write_words(_TABLE, constants + functions)
        context, function, strings = _OBJECTS, _OBJECTS + 0x100, _OBJECTS + 0x1000
        self._cpu.write_words(context, [0, 0, strings, 0])
        self._cpu.write_words(function, [0, context, 0, 0])
        numbers = b"".join(number.to_bytes(2, "little") for number in range(len(self._file.qstrs)))
        self._cpu.uc.mem_write(strings, numbers)

    def _add_hooks(self) -> None:
        uc = self._cpu.uc
        end = _MODULE + len(self._file.text) + self.target.word_bytes
        uc.hook_add(unicorn.UC_HOOK_CODE, self._on_firmware_call, begin=_TRAPS, end=_EXIT - 1)
        if self._is_checked:
            uc.hook_add(unicorn.UC_HOOK_BLOCK, self._on_block, begin=_MODULE, end=end)
        else:
            uc.hook_add(unicorn.UC_HOOK_CODE, self._on_instruction, begin=_MODULE, end=end)
        uc.hook_add(unicorn.UC_HOOK_MEM_READ | unicorn.UC_HOOK_MEM_WRITE, self._on_access)

    def _run(self, address: int, n_args: int) -> int:
        """Call a native function with the arguments that lie in memory; raises what it raised."""
        self._fault = self._firmware.raised = None
        self._frames, self._executed = [], 0
        arguments = (_OBJECTS + 0x100, n_args, 0, _OBJECTS + 0x800)
        try:
            result = self._cpu.call(address, arguments, stack_top=_STACK_TOP - 64, exit_address=_EXIT)
        except unicorn.UcError as error:
            raise self._fault or ModelError(
                f"the module crashed in emulation: {error}; do not run it"
            ) from error
        raised = self._fault or self._firmware.raised
        if raised is not None:
            raise raised
        return result

    def _stop(self, problem: str) -> None:
        if self._fault is None:
            self._fault = ModelError(f"{problem}; do not run this module")
        self._cpu.uc.emu_stop()

    def _on_firmware_call(self, uc: unicorn.Uc, address: int, size: int, data: object) -> None:
        self._firmware.run((address - _TRAPS) // _TRAP_STEP)
        if self._firmware.raised is not None:
            uc.emu_stop()

    def _on_block(self, uc: unicorn.Uc, address: int, size: int, data: object) -> None:
        count = self._blocks.get((address, size))
        if count is None:
            try:
                code = bytes(uc.mem_read(address, size))
                count = check_bytes(code, self.target, start=address - self._base)
            except CompileError as error:
                self._stop(str(error))
                return
            self._blocks[address, size] = count
        self._advance(address, count)

    def _on_instruction(self, uc: unicorn.Uc, address: int, size: int, data: object) -> None:
        self._advance(address, 1)

    def _advance(self, address: int, count: int) -> None:
        """`count` instructions from `address` on are about to run."""
        self._executed += count
        if self._executed > _RUNAWAY_INSTRUCTIONS:
            self._stop(f"more than {_RUNAWAY_INSTRUCTIONS} instructions in one call")
        if not self._counts:
            return
        frames = self._frames
        while (
            frames
            and address == frames[-1].returns_to
            and self._cpu.stack_pointer() >= frames[-1].stack_pointer
        ):
            frame = frames.pop()
            self._counts[frame.name].instructions.append(frame.instructions)
            depth = frame.stack_pointer - frame.lowest
            self._counts[frame.name].stack_bytes = max(self._counts[frame.name].stack_bytes, depth)
        name = self._counted_at.get(address)
        if name is not None:
            stack = self._cpu.stack_pointer()
            frames.append(_Frame(name, self._cpu.return_address(), stack, lowest=stack))
        for frame in frames:
            frame.instructions += count

    def _on_access(
        self, uc: unicorn.Uc, access: int, address: int, size: int, value: int, data: object
    ) -> None:
        self._cpu.core.mend(uc)
        needed = min(size, self.target.alignment_bytes)
        if address % needed:
            self._stop(f"access of {size} bytes at {address:#x} is not aligned")
        if _HEAP <= address < _HEAP + _HEAP_BYTES and not self._buffers.is_inside(address, size):
            self._stop(f"access of {size} bytes at {address:#x} is outside the buffers passed")
        if (
            self._frames
            and _STACK_TOP - _STACK_BYTES <= address < _STACK_TOP
            and access == unicorn.UC_MEM_WRITE
        ):
            for frame in self._frames:
                frame.lowest = min(frame.lowest, address)


def _int16(values: npt.ArrayLike) -> Int16Array:
    """`values` as int16, contiguous; ModelError if one does not fit."""
    array = np.asarray(values)
    if array.dtype != np.int16:
        narrow = array.astype(np.int16)
        if not np.array_equal(narrow, array):
            raise ModelError("a feature or sample does not fit into int16: scale it first")
        array = narrow
    return np.ascontiguousarray(array)
