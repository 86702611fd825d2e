"""Nets with time in them: trained with PyTorch (`midge[nets]`), or imported from TensorFlow Lite."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .blocks import Block
    from .classifier import ConvClassifier
    from .tflite import load_tflite

__all__ = ["Block", "ConvClassifier", "load_tflite"]

_LAZY = {"Block": "blocks", "ConvClassifier": "classifier", "load_tflite": "tflite"}


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(importlib.import_module(f".{_LAZY[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
