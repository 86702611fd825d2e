"""The toy model of toy_model/: its sources, and the same arithmetic in Python as an oracle."""

from __future__ import annotations

from pathlib import Path

import numpy as np

_FOLDER = Path(__file__).parent / "toy_model"
WINDOW, HOP, N_CHANNELS, N_FEATURES, N_SCORES, STATE_BYTES = 4, 2, 2, 3, 4, 32
TARGETS = ("x64", "armv6m", "armv7m", "armv7emsp", "armv7emdp", "rv32imc")


def sources(*, frontend: bool = True) -> dict[str, str]:
    """Files of the toy model, or of its classifier alone."""
    found = {path.name: path.read_text() for path in sorted(_FOLDER.iterdir())}
    if not frontend:
        config = found["model_config.h"]
        for name, value in (("HAS_FRONTEND", 1), ("N_CHANNELS", 2), ("STATE_BYTES", 32)):
            config = config.replace(f"#define MIDGE_{name} {value}", f"#define MIDGE_{name} 0")
        code = found["model.c"]
        start, end = code.index("enum {"), code.index("static int16_t value_saturate")
        cut = code.index("void midge_frontend_features"), code.index("/* Pointers in constants")
        found = {"model_config.h": config, "model.c": code[:start] + code[end : cut[0]] + code[cut[1] :]}
    return found


def _saturate(value: int) -> int:
    return max(-32768, min(32767, value))


def features(window: np.ndarray) -> list[int]:
    """Features of one window (4, 2)."""
    first, second = (int(total) for total in window.astype(np.int64).sum(axis=0))
    product = int((window[:, 0].astype(np.int64) * window[:, 1]).sum())
    mean = abs(product) // (WINDOW * 7) * (1 if product >= 0 else -1)
    return [_saturate(first), _saturate(second), _saturate(mean)]


def classify(row: list[int]) -> tuple[int, list[int]]:
    """(winner, scores) of one row of features."""
    weights, biases = ((3, -2, 1), (-1, 4, 2)), (77, -1203, 76, 32)
    scores = [
        _saturate(bias + sum(x * w for x, w in zip(row, weights[i % 2], strict=True)))
        for i, bias in enumerate(biases)
    ]
    return scores.index(max(scores)), scores


def with_classify(body: str) -> dict[str, str]:
    """A classifier alone, with another body."""
    found = sources(frontend=False)
    found["model.c"] = (
        '#include "midge_model.h"\n'
        "int32_t midge_classify(const int16_t *features, int16_t *scores)\n"
        f"{{\n    (void)features;\n    (void)scores;\n    {body}\n}}\n"
    )
    return found


def with_assembly(lines: str) -> dict[str, str]:
    """A classifier alone, in Thumb assembly."""
    found = sources(frontend=False)
    del found["model.c"]
    head = """
    .syntax unified
    .thumb
    .section .text.midge_classify, "ax"
    .globl midge_classify
    .hidden midge_classify
    .type midge_classify, %function
    .thumb_func
midge_classify:
"""
    found["model.S"] = head + lines + "    .size midge_classify, . - midge_classify\n"
    return found
