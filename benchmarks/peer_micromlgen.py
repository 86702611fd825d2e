"""micromlgen: C++ for Arduino."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from program import Program, Variant, Variants, as_type

PACKAGE = "micromlgen"


def variants(estimator: Any, X: Any) -> Variants:
    """What micromlgen can write for the estimator; ImportError if it is not installed."""
    import micromlgen

    def program() -> Program:
        text = micromlgen.port(estimator, classname="Model")
        lines = [
            "#include <Arduino.h>",
            text,
            "static Eloquent::ML::Port::Model model;",
            'extern "C" int32_t peer_predict(const float *features)',
            "{",
            "    return model.predict((float *)features);",
            "}",
            "",
        ]
        return Program({"main.cpp": "\n".join(lines)}, as_type("float32"), f"{PACKAGE} {version(PACKAGE)}")

    yield Variant("micromlgen", program)
