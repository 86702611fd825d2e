"""Fitted estimators → IR: the only place that knows scikit-learn's insides.

A new family is one file with `to_ir(estimator)` and one row an estimator in `FAMILIES`.
"""

from __future__ import annotations

import importlib
from typing import Any

from ..compile.ir import Node
from ..errors import UnsupportedModel

# class name of the estimator → file here that knows it
FAMILIES = {
    "DecisionTreeClassifier": "forest",
    "ExtraTreeClassifier": "forest",
    "RandomForestClassifier": "forest",
    "ExtraTreesClassifier": "forest",
}


def to_ir(estimator: Any) -> Node:
    """The IR of a fitted estimator; raises UnsupportedModel naming what can't be compiled."""
    for ancestor in type(estimator).__mro__:
        if ancestor.__name__ in FAMILIES and ancestor.__module__.split(".")[0] == "sklearn":
            family = importlib.import_module(f".{FAMILIES[ancestor.__name__]}", __name__)
            node: Node = family.to_ir(estimator)
            return node
    raise UnsupportedModel(
        f"{type(estimator).__name__} can't be compiled yet; midge compiles {', '.join(FAMILIES)}"
    )
