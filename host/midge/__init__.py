"""midge: tiny machine learning for sensors on MicroPython boards."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .build import build as build_model
    from .compiled import CompiledModel
    from .compiled import compile_estimator as compile
    from .model_file import Model
    from .model_file import load as load_model
    from .model_file import save as save_model
    from .nets.tflite import load_tflite

__version__ = "0.1.0"
__all__ = ["CompiledModel", "Model", "build_model", "compile", "load_model", "load_tflite", "save_model"]

# Public name → (module, name there). Nothing is imported before it is used: `import midge` stays light.
_LAZY = {
    "CompiledModel": ("compiled", "CompiledModel"),
    "Model": ("model_file", "Model"),
    "build_model": ("build", "build"),
    "load_model": ("model_file", "load"),
    "load_tflite": ("nets.tflite", "load_tflite"),
    "save_model": ("model_file", "save"),
}


def __getattr__(name: str) -> Any:
    if name == "compile":
        return importlib.import_module(".compile", __name__)
    if name in _LAZY:
        module, member = _LAZY[name]
        return getattr(importlib.import_module(f".{module}", __name__), member)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
