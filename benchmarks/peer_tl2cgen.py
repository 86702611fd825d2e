"""tl2cgen (with treelite): tree ensembles as C on doubles."""

from __future__ import annotations

import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

from program import Program, Variant, Variants, as_type

# More than a compiler takes in minutes.
_LARGEST_BYTES = 3_000_000

PACKAGE = "tl2cgen"

_TREES = ("RandomForestClassifier", "ExtraTreesClassifier", "GradientBoostingClassifier")


def variants(estimator: Any, X: Any) -> Variants:
    """What tl2cgen can write for the estimator; ImportError if it is not installed."""
    if type(estimator).__name__ not in _TREES:
        return
    import tl2cgen
    import treelite

    def program() -> Program:
        model = treelite.sklearn.import_model(estimator)
        with tempfile.TemporaryDirectory() as folder:
            tl2cgen.generate_c_code(model, dirpath=folder, params={}, verbose=False)
            sources = {
                path.name: path.read_text(encoding="utf-8")
                for path in sorted(Path(folder).iterdir())
                if path.suffix in (".c", ".h")
            }
        n_bytes = sum(map(len, sources.values()))
        if n_bytes > _LARGEST_BYTES:
            raise ValueError(f"{n_bytes / 1e6:.1f} MB of C are too large to compile")
        n_classes = len(estimator.classes_)
        sources["entry.c"] = "\n".join(
            [
                '#include "header.h"',
                "int32_t peer_predict(const double *features)",
                "{",
                f"    double scores[{n_classes}] = {{0}};",
                "    int winner = 0;",
                "    predict((union Entry *)features, 1, scores);",
                f"    for (int i = 1; i < {n_classes}; i++)",
                "        if (scores[i] > scores[winner]) winner = i;",
                "    return winner;",
                "}",
                "",
            ]
        )
        return Program(sources, as_type("float64"), f"{PACKAGE} {version(PACKAGE)}")

    yield Variant("tl2cgen", program)
