"""Estimator → IR → C → module. As a function, `midge.compile(estimator, X)`: see `midge.compiled`."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any


class _CallablePackage(ModuleType):
    """`midge.compile` is both the package of the compiler and the function that users call."""

    def __call__(self, estimator: Any, X: Any, **options: Any) -> Any:
        from ..compiled import compile_estimator

        return compile_estimator(estimator, X, **options)


sys.modules[__name__].__class__ = _CallablePackage
