"""m2cgen: as it comes (double), and edited to float as one would by hand."""

from __future__ import annotations

import re
from functools import cache
from importlib.metadata import version
from typing import Any

import numpy as np
from program import Program, Variant, Variants, as_type

# More than a compiler takes in minutes.
_LARGEST_BYTES = 3_000_000

PACKAGE = "m2cgen"


def variants(estimator: Any, X: Any) -> Variants:
    """What m2cgen can write for the estimator; ImportError if it is not installed."""
    import m2cgen

    @cache
    def written() -> str:
        with np.printoptions(legacy="1.25"):  # m2cgen writes numbers with repr
            text: str = m2cgen.export_to_c(estimator)
        return "#include <stdint.h>\n" + text + _entry(estimator, text)

    def program(c_type: str) -> Program:
        text = written()
        if len(text) > _LARGEST_BYTES:
            raise ValueError(f"{len(text) / 1e6:.1f} MB of C are too large to compile")
        origin = f"{PACKAGE} {version(PACKAGE)}"
        if c_type == "float":
            return Program({"main.c": _as_float(text)}, as_type("float32"), origin)
        return Program({"main.c": text}, as_type("float64"), origin)

    yield Variant("m2cgen, double", lambda: program("double"))
    yield Variant("m2cgen, edited to float", lambda: program("float"))


def _entry(estimator: Any, text: str) -> str:
    """The winner, as m2cgen's users find it: the largest score, or the votes of one-vs-one decisions."""
    n_classes = len(estimator.classes_)
    lines = ["int32_t peer_predict(const double *features)", "{"]
    if "double score(double" in text:
        lines += ["    return score((double *)features) > 0;"]
    elif type(estimator).__name__ == "SVC" and n_classes > 2:
        n_pairs = n_classes * (n_classes - 1) // 2
        lines += [
            f"    double decisions[{n_pairs}];",
            f"    int votes[{n_classes}] = {{0}}, pair = 0, winner = 0;",
            "    score((double *)features, decisions);",
            f"    for (int i = 0; i < {n_classes}; i++)",
            f"        for (int j = i + 1; j < {n_classes}; j++)",
            "            votes[decisions[pair++] > 0 ? i : j]++;",
            f"    for (int i = 1; i < {n_classes}; i++)",
            "        if (votes[i] > votes[winner]) winner = i;",
            "    return winner;",
        ]
    else:
        lines += [
            f"    double scores[{n_classes}];",
            "    int winner = 0;",
            "    score((double *)features, scores);",
            f"    for (int i = 1; i < {n_classes}; i++)",
            "        if (scores[i] > scores[winner]) winner = i;",
            "    return winner;",
        ]
    return "\n".join([*lines, "}", ""])


def _as_float(text: str) -> str:
    text = re.sub(r"\bdouble\b", "float", text)
    text = re.sub(r"\b(exp|pow|sqrt|tanh|log)\(", r"\1f(", text)
    return re.sub(r"(?<![\w.])(\d+\.\d*(?:e[+-]?\d+)?|\d+e[+-]?\d+)(?![\w.])", r"\1f", text)
