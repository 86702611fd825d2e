"""Counts the executed instructions and the stack of chosen C functions, from entry to return."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from .emulate_cpu import Cpu


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
        deepest byte written below the stack pointer at its entry
    """

    calls: int
    instructions_mean: float
    instructions_max: int
    stack_bytes: int


@dataclass
class _Frame:
    """A counted call that still runs."""

    name: str
    returns_to: int
    stack_pointer: int
    lowest: int
    instructions: int = 0


class Counter:
    """Is told of every block of instructions and every write, and adds up calls of functions.

    `entries`: address → name. Counts nothing until `start`.
    """

    def __init__(self, cpu: Cpu, entries: Mapping[int, str]) -> None:
        self._cpu = cpu
        self._entries = dict(entries)
        self._is_on = False
        self._frames: list[_Frame] = []
        self._instructions: dict[str, list[int]] = {}
        self._stack_bytes: dict[str, int] = {}

    @property
    def names(self) -> Iterable[str]:
        """Names of the functions that are known."""
        return self._entries.values()

    def start(self) -> None:
        """Forget what was counted, and count from now on."""
        self._is_on, self._frames = True, []
        self._instructions = {name: [] for name in self.names}
        self._stack_bytes = dict.fromkeys(self.names, 0)

    def abandon_calls(self) -> None:
        """Forget calls that never returned: an exception went past them."""
        self._frames = []

    def advance(self, address: int, count: int) -> None:
        """`count` instructions in a row are about to run, from `address` on: a block, or one."""
        if not self._is_on:
            return
        frames = self._frames
        while frames and address == frames[-1].returns_to:
            if self._cpu.stack_pointer() < frames[-1].stack_pointer:
                break  # a deeper call of the same function
            self._finish(frames.pop())
        name = self._entries.get(address)
        if name is not None:
            stack = self._cpu.stack_pointer()
            frames.append(_Frame(name, self._cpu.return_address(), stack, stack))
        for frame in frames:
            frame.instructions += count

    def on_write(self, address: int) -> None:
        """A byte of the stack was written."""
        for frame in self._frames:
            frame.lowest = min(frame.lowest, address)

    def _finish(self, frame: _Frame) -> None:
        self._instructions[frame.name].append(frame.instructions)
        depth = frame.stack_pointer - frame.lowest
        self._stack_bytes[frame.name] = max(self._stack_bytes[frame.name], depth)

    def measurements(self) -> dict[str, Measurement]:
        """Cost of every function that was called since `start`."""
        return {
            name: Measurement(len(counts), sum(counts) / len(counts), max(counts), self._stack_bytes[name])
            for name, counts in self._instructions.items()
            if counts
        }
