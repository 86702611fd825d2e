"""What a stock MicroPython says of itself, and which of midge's boards it is."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from midge_device import versions

from . import assets, targets
from .errors import DeviceError, TargetMismatch, VersionMismatch
from .mpremote_link import RawRepl

# One expression for each line; what a port lacks is None.
_PROBE = """
import sys, os, gc
{largest_block}
gc.collect()
_i = sys.implementation
_v = os.statvfs('/')
_machine = os.uname()[4] if hasattr(os, 'uname') else getattr(_i, '_machine', '')
_facts = (_i.name, tuple(_i.version)[:3], getattr(_i, '_mpy', 0), _machine,
    getattr(_i, '_build', ''), sys.platform, _v[0] * _v[3], gc.mem_free(), largest_block_bytes())
del _i, _v
"""


@dataclass(frozen=True)
class BoardFacts:
    """Facts of a board with MicroPython on it.

    Attributes
    ----------
    version : tuple of int
        of MicroPython
    mpy : int
        `sys.implementation._mpy`: .mpy version and arch
    machine, build, platform : str
        what the firmware calls the board, its build, its port
    free_flash_bytes, free_ram_bytes, max_alloc_bytes : int
        file system left, heap left, its largest block
    """

    version: tuple[int, ...]
    mpy: int
    machine: str
    build: str
    platform: str
    free_flash_bytes: int
    free_ram_bytes: int
    max_alloc_bytes: int

    @property
    def is_new_enough(self) -> bool:
        """True if midge's device library runs on this MicroPython."""
        return bool(self.version[:2] >= versions.MICROPYTHON_FLOOR)

    @property
    def target(self) -> targets.Target | None:
        """The target to build for; None if the firmware loads no native code, or midge builds none for it."""
        try:
            target = targets.by_arch((self.mpy >> 10) & 15)
        except TargetMismatch:
            return None
        return None if target.missing else target


def probe() -> str:
    """The program that asks for the facts; it measures the heap as the device library does."""
    model = (assets.device_library() / "model.py").read_text(encoding="utf-8")
    for node in ast.parse(model).body:
        if isinstance(node, ast.FunctionDef) and node.name == "largest_block_bytes":
            return _PROBE.replace("{largest_block}", ast.get_source_segment(model, node) or "")
    raise AssertionError("midge_device/model.py has lost largest_block_bytes")


def read_facts(repl: RawRepl) -> BoardFacts:
    """Ask the board. Raises VersionMismatch for too old a MicroPython, DeviceError for none at all."""
    facts = ask_facts(repl)
    if not facts.is_new_enough:
        here, there = (".".join(map(str, it)) for it in (versions.MICROPYTHON_FLOOR, facts.version))
        raise VersionMismatch(
            f"{repl.name} runs MicroPython {there}, midge needs {here}; update its firmware"
        )
    return facts


def ask_facts(repl: RawRepl) -> BoardFacts:
    """Ask the board, however old it is. Raises DeviceError if it runs no MicroPython."""
    repl.run(probe())
    name, version, mpy, machine, build, platform, flash, ram, largest = repl.value("_facts")
    if name != "micropython":
        raise DeviceError(f"{repl.name} runs {name}, not MicroPython; put MicroPython on the board first")
    return BoardFacts(tuple(version), mpy, machine, build, platform, flash, ram, largest)


@dataclass(frozen=True)
class KnownBoard:
    """A board that the device library has a file for.

    `machines` are parts of what its firmware may call it (MACHINES in the file); `constants` are all facts of
    the file, by the names that `midge_device/boards/__init__.py` explains.
    """

    name: str
    path: Path
    machines: tuple[str, ...] = ()
    constants: Mapping[str, Any] = field(default_factory=dict)

    def fits(self, facts: BoardFacts) -> bool:
        """True if the firmware is built for this board, or calls itself so."""
        words = facts.machine.lower().split()
        return (
            facts.build.lower() == self.path.stem
            or any(machine in facts.machine for machine in self.machines)
            or all(word in words for word in self.path.stem.split("_"))
        )


def known_boards() -> dict[str, KnownBoard]:
    """Boards by name, from the constants at the top of `midge_device/boards/*.py` (which are not run)."""
    found = {}
    for path in sorted((assets.device_library() / "boards").glob("*.py")):
        if path.stem == "__init__":
            continue
        constants = _constants(path)
        machines = constants.get("MACHINES", ())
        name = str(constants.get("NAME", path.stem))
        found[name] = KnownBoard(name, path, machines if isinstance(machines, tuple) else (), constants)
    return found


def _constants(path: Path) -> dict[str, Any]:
    """Constants at the top level of a file: literals, and sums and products of integers."""
    found: dict[str, Any] = {}
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            try:
                found[node.targets[0].id] = _constant(node.value)
            except ValueError:
                continue
    return found


def _constant(node: ast.expr) -> Any:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult | ast.Add):
        left, right = _constant(node.left), _constant(node.right)
        return left * right if isinstance(node.op, ast.Mult) else left + right
    return ast.literal_eval(node)


def choose_board(facts: BoardFacts, wanted: str | None) -> KnownBoard:
    """The board `wanted`, or the one whose firmware calls itself so.

    Raises DeviceError with the names to choose from if it can't be told.
    """
    boards = known_boards()
    names = ", ".join(boards)
    if wanted is not None:
        if wanted not in boards:
            raise DeviceError(f"no board {wanted!r}; choose one of {names}")
        return boards[wanted]
    fitting = [board for board in boards.values() if board.fits(facts)]
    if len(fitting) != 1:
        raise DeviceError(
            f"the board can't be told from {facts.machine or facts.platform!r}; say it with --board ({names})"
        )
    return fitting[0]
