"""everywhereml: C++ for Arduino, from its own subclasses of scikit-learn's tree classifiers."""

from __future__ import annotations

import re
from importlib.metadata import version
from typing import Any

from program import Program, Variant, Variants, as_type

PACKAGE = "everywhereml"


def variants(estimator: Any, X: Any) -> Variants:
    """What everywhereml can write for the estimator; ImportError if it is not installed."""
    kind = type(estimator).__name__
    if kind == "RandomForestClassifier":
        from everywhereml.sklearn.ensemble import RandomForestClassifier as Wrapper
    elif kind == "DecisionTreeClassifier":
        from everywhereml.sklearn.tree import DecisionTreeClassifier as Wrapper
    else:
        return

    def program() -> Program:
        from everywhereml.data.Dataset import Dataset

        wrapper = Wrapper()
        wrapper.__dict__.update(estimator.__dict__)
        wrapper.dataset = Dataset.from_XY(X[: len(estimator.classes_)], estimator.classes_)
        text = wrapper.to_arduino(class_name="Model", instance_name="model")
        text = re.sub(r"UUID\d+", "MODEL_H", text)  # its include guard is a memory address
        lines = [
            "#include <Arduino.h>",
            text,
            'extern "C" int32_t peer_predict(const float *features)',
            "{",
            "    return model.predict((float *)features);",
            "}",
            "",
        ]
        return Program({"main.cpp": "\n".join(lines)}, as_type("float32"), f"{PACKAGE} {version(PACKAGE)}")

    yield Variant("everywhereml", program)
