"""Runs a packaged module as a board would: loads the `.mpy`, calls its functions, counts instructions.

Stricter than the emulator below it: an access must be aligned to its size and lie inside a buffer that was
passed, and every instruction that runs must be one that the target's cores have.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import ModelError
from ..targets import Target, check_accepts
from . import emulate_memory as memory
from . import mpy as mpy_format
from .emulate_count import Measurement
from .emulate_cpu import HOOK_CODE, Cpu, EmulatorError
from .emulate_firmware import BoardBuffers, Firmware, NativeFunction
from .emulate_watch import Watch
from .emulate_xtensa import XtensaCpu, XtensaWatch

__all__ = ["COUNTED", "Emulator", "Measurement"]

Int16Array = npt.NDArray[np.int16]

# The C functions that are counted, by the name of the Python function that calls them.
COUNTED = {
    "init": "midge_frontend_init",
    "push": "midge_frontend_push",
    "features": "midge_frontend_features",
    "classify": "midge_classify",
}


# What runs the code and what watches it, where that is not unicorn.
_MACHINES: dict[str, tuple[Any, Any]] = {"EM_XTENSA": (XtensaCpu, XtensaWatch)}


class Emulator:
    """A board with one imported module.

    Parameters
    ----------
    mpy : bytes
        the file
    target : Target
        of the board: the module's own, or one whose firmware accepts it
    symbols : mapping of str to int, optional
        offsets from `Module.symbols`; only `measure` and `measure_stream` need them
    counted : mapping of str to str, optional
        which C functions to count: name of the measurement → symbol

    Attributes
    ----------
    globals : dict
        what the module has put there: ints and functions

    Raises
    ------
    TargetMismatch, LinkError
        if the firmware would not load the file
    ModelError
        if the module does what no board allows; every call raises it as well
    """

    def __init__(
        self,
        mpy: bytes,
        target: Target,
        symbols: Mapping[str, int] | None = None,
        *,
        counted: Mapping[str, str] = COUNTED,
    ) -> None:
        file = mpy_format.parse(mpy)
        check_accepts(target, file.target)
        self.target = target
        make_cpu, make_watch = _MACHINES.get(target.elf_machine, (Cpu, Watch))
        self._cpu: Cpu = make_cpu(target)
        memory.map_memory(self._cpu)
        self._base = memory.load_module(self._cpu, file, target)
        self._buffers = BoardBuffers(self._cpu, memory.HEAP, memory.HEAP_BYTES)
        self._firmware = Firmware(self._cpu, file.qstrs, self._buffers)
        memory.write_firmware(self._cpu, self._firmware.constants, len(file.qstrs))
        entries = (
            {self._base + symbols[c]: name for name, c in counted.items() if c in symbols} if symbols else {}
        )
        self._watch: Watch = make_watch(self._cpu, target, self._base, len(file.text), entries)
        self._cpu.uc.hook_add(HOOK_CODE, self._on_firmware_call, begin=memory.TRAPS, end=memory.EXIT - 1)
        self._run(self._base, 0)
        self.globals: dict[str, Any] = self._firmware.globals
        self._has_arena = "info" in self.globals and bool(self.info().get("arena"))

    # What a program on the board sees.

    def call(self, name: str, *arguments: object) -> Any:
        """Call a function of the module with Python's ints and buffers: its result, or its exception."""
        function = self.globals.get(name)
        if not isinstance(function, NativeFunction):
            raise AttributeError(f"the module has no function {name!r}")
        self._buffers.open(arguments)
        try:
            handles = [self._firmware.handle(argument) for argument in arguments]
            self._cpu.write_words(memory.ARGUMENTS, handles)
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
        # A net's tensors lie in the state.
        state = (np.zeros(self.state_bytes // 8, np.uint64),) if self._has_arena else ()
        return self.call("classify", _int16(features), scores, *state), scores

    def state(self) -> bytearray:
        """A new, initialised state."""
        state = bytearray(self.state_bytes)
        self.call("init", state)
        return state

    def push(
        self, state: bytearray, block: Sequence[int] | Int16Array, start: int = 0, stop: int | None = None
    ) -> int:
        """Feed samples start..stop of `block`, int16 (n, n_channels) or flat; how many were consumed."""
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

    def start_counting(self) -> None:
        """Count from now on what `measurements` returns; CompileError if there are no symbols to count by."""
        self._watch.start_counting()

    def measurements(self) -> dict[str, Measurement]:
        """Cost of each C function that ran since `start_counting`, by the names in `counted`."""
        return self._watch.measurements()

    def measure(self, features: npt.ArrayLike) -> Measurement:
        """Cost of classifying each row of `features`, int16 (n_rows, n_features); without the module glue."""
        self.start_counting()
        for row in np.atleast_2d(_int16(features)):
            self.classify(row)
        return self.measurements()["classify"]

    def measure_stream(self, samples: npt.ArrayLike, *, block_samples: int = 32) -> dict[str, Measurement]:
        """Cost of 'push' (of `block_samples` at most), 'features' and 'classify' over a stream.

        `samples`: int16, (n, n_channels).
        """
        stream = np.atleast_2d(_int16(samples))
        state = self.state()
        self.start_counting()
        done = 0
        while done < len(stream):
            consumed = self.push(state, stream[done : done + block_samples])
            if consumed <= 0:
                raise ModelError("push consumed nothing: the front end does not advance")
            done += consumed
            if self.ready(state):
                self.classify(self.features(state))
        return self.measurements()

    # Inside.

    def _run(self, address: int, n_args: int) -> int:
        """Call a native function with the arguments that lie in memory; raises what it raised."""
        self._firmware.raised = None
        self._watch.start(self._buffers.ranges)
        arguments = (memory.FUNCTION, n_args, 0, memory.ARGUMENTS)
        try:
            result = self._cpu.call(
                address, arguments, stack_top=memory.STACK_TOP - 64, exit_address=memory.EXIT
            )
        except EmulatorError as error:
            crash = ModelError(f"the module crashed in emulation ({error}): do not run it")
            raise self._watch.problem() or crash from error
        raised = self._watch.problem() or self._firmware.raised
        if raised is not None:
            raise raised
        return result

    def _on_firmware_call(self, uc: Any, address: int, size: int, data: object) -> None:
        try:
            self._firmware.run((address - memory.TRAPS) // memory.TRAP_STEP)
        except BaseException as interrupt:
            # ^C: ctypes would print it and let the core go on with half an answer.
            self._firmware.raised = interrupt
        if self._firmware.raised is not None:
            uc.emu_stop()


def _int16(values: npt.ArrayLike) -> Int16Array:
    """`values` as int16, contiguous; ModelError if one does not fit."""
    array = np.asarray(values)
    if array.dtype != np.int16:
        with np.errstate(invalid="ignore"):
            narrow = array.astype(np.int16)
        if not np.array_equal(narrow, array):
            raise ModelError("a feature or sample does not fit into int16: scale it first")
        array = narrow
    return np.ascontiguousarray(array)
