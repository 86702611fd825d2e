"""MIDGE_BLE=virtual: every bleak program of this Python uses the ether, unmodified.

Imported at the start of the interpreter (`midge_ble.pth`), so it may import next to nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

_NAME = "virtual"


def _client_type() -> tuple[type[Any], str]:
    from .client import VirtualClient

    return VirtualClient, _NAME


def _scanner_type() -> tuple[type[Any], str]:
    from .scanner import VirtualScanner

    return VirtualScanner, _NAME


# module of bleak → (the function that chooses the backend, ours)
_CHOICES: dict[str, tuple[str, Callable[[], Any]]] = {
    "bleak.backends.client": ("get_platform_client_backend_type", _client_type),
    "bleak.backends.scanner": ("get_platform_scanner_backend_type", _scanner_type),
}


class _Choosing(Loader):
    """Loads a module of bleak and puts our choice into it."""

    def __init__(self, loader: Loader, name: str) -> None:
        self._loader = loader
        self._name = name

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self._loader.exec_module(module)
        function, ours = _CHOICES[self._name]
        setattr(module, function, ours)


class _Finder(MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in _CHOICES:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _Choosing(spec.loader, fullname)
        return spec


def install() -> None:
    """Choose the ether for the bleak that is imported from now on."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


install()
