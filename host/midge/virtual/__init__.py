"""The virtual board: MicroPython on a pseudo-terminal, emulated sensors, a clock that can stall."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .board import VirtualBoard
    from .registry import find
    from .scene import Scene

__all__ = ["Scene", "VirtualBoard", "find"]

_HOMES = {"VirtualBoard": "board", "Scene": "scene", "find": "registry"}


def __getattr__(name: str) -> Any:
    # Lazy: `import midge.virtual` must work where there are no pseudo-terminals.
    import importlib

    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f".{_HOMES[name]}", __name__), name)
