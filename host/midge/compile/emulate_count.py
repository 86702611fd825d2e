"""Counts the executed instructions and the stack of chosen C functions, from entry to return."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

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


class Progress(Protocol):
    """What the hooks keep up to date: instructions so far, deepest byte of the stack, next return to tell."""

    executed: int
    lowest: int
    returns_to: int


@dataclass
class _Frame:
    """A counted call that still runs."""

    name: str
    returns_to: int
    stack_pointer: int
    executed_before: int
    lowest_before: int


class Counter:
    """Is told when a function of `entries` (address → name) starts, and when one may have returned."""

    def __init__(self, cpu: Cpu, entries: Mapping[int, str], progress: Progress) -> None:
        self.entries = dict(entries)
        self._cpu = cpu
        self._progress = progress
        self._frames: list[_Frame] = []
        self._instructions: dict[str, list[int]] = {}
        self._stack_bytes: dict[str, int] = {}

    def start(self) -> None:
        """Forget what was counted."""
        self._instructions = {name: [] for name in self.entries.values()}
        self._stack_bytes = dict.fromkeys(self.entries.values(), 0)

    def abandon_calls(self) -> None:
        """Forget calls that never returned: an exception went past them."""
        self._frames = []
        self._progress.returns_to = 0

    def on_event(self, address: int) -> None:
        """The code at `address` is about to run."""
        frames, progress = self._frames, self._progress
        stack = self._cpu.stack_pointer()
        # With a lower stack pointer it is a deeper call of the same function that returns.
        while frames and address == frames[-1].returns_to and stack >= frames[-1].stack_pointer:
            self._finish(frames.pop())
        name = self.entries.get(address)
        if name is not None:
            returns_to = self._cpu.return_address()
            frames.append(_Frame(name, returns_to, stack, progress.executed, progress.lowest))
            progress.lowest = stack
        progress.returns_to = frames[-1].returns_to if frames else 0

    def _finish(self, frame: _Frame) -> None:
        progress = self._progress
        self._instructions[frame.name].append(progress.executed - frame.executed_before)
        depth = frame.stack_pointer - progress.lowest
        self._stack_bytes[frame.name] = max(self._stack_bytes[frame.name], depth)
        progress.lowest = min(progress.lowest, frame.lowest_before)

    def measurements(self) -> dict[str, Measurement]:
        """Cost of every function that was called since `start`."""
        return {
            name: Measurement(len(counts), sum(counts) / len(counts), max(counts), self._stack_bytes[name])
            for name, counts in self._instructions.items()
            if counts
        }
