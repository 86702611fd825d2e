"""Random rows of features and targets of many kinds, from a source of randomness."""

from __future__ import annotations

from typing import Any

import numpy as np

Rows = Any
Source = np.random.Generator


def matrix(source: Source) -> tuple[str, Rows, Rows]:
    """(kind, training rows, other rows)."""
    n_rows = int(source.integers(20, 300))
    n_features = int(source.choice([1, 2, 3, 5, 8, 13, 24, 40, 300], p=[0.08] + [0.12] * 7 + [0.08]))
    kinds = (
        *("digits", "wide", "bits", "extreme", "normal", "tiny", "offset", "mixed", "skewed", "constant"),
        *("grid", "duplicates", "outliers", "single", "bytes", "small", "truths", "columns", "counts"),
    )
    kind = str(source.choice(kinds))
    shape = (2 * n_rows, n_features)
    blend = np.eye(n_features) + 0.3 * source.normal(size=(n_features, n_features))
    base = source.normal(size=shape) @ blend
    spread = 10 ** source.uniform(-3, 3, n_features)
    made: dict[str, Any] = {
        "digits": lambda: source.integers(0, 17, shape),
        "wide": lambda: np.clip(np.rint(base * 9000), -32768, 32767).astype(np.int16),
        "bits": lambda: source.integers(0, 2, shape),
        "extreme": lambda: source.choice(np.array([-32768, -32767, -1, 0, 1, 32766, 32767]), shape),
        "normal": lambda: base,
        "tiny": lambda: base * 1e-7,
        "offset": lambda: base + 1e5,
        "mixed": lambda: base * spread + spread * source.normal(size=n_features) * 10,
        "skewed": lambda: np.exp(base),
        "constant": lambda: np.where(np.arange(n_features) % 2 == 0, 7.0, np.rint(base * 20)),
        "grid": lambda: np.rint(base * 4) / 4,
        "duplicates": lambda: np.rint(base[source.integers(0, max(n_rows // 5, 2), 2 * n_rows)] * 50),
        "outliers": lambda: base * np.where(source.random(shape) < 0.01, 1e3, 1.0),
        "single": lambda: base.astype(np.float32),
        "bytes": lambda: np.clip(np.rint(base * 60 + 100), 0, 255).astype(np.uint8),
        "small": lambda: np.clip(np.rint(base * 30), -128, 127).astype(np.int8),
        "truths": lambda: base > 0,
        "columns": lambda: np.asfortranarray(base),
        "counts": lambda: source.poisson(np.exp(source.uniform(0, 6, n_features)), shape),
    }
    X = made[kind]()
    return kind, X[:n_rows], X[n_rows:]


def target(source: Source, X: Rows) -> Rows:
    """A real number a row that has something to do with X."""
    values = np.asarray(X, np.float64)
    scale = values.std(axis=0)
    values = (values - values.mean(axis=0)) / np.where(scale > 0, scale, 1.0)
    weights = source.normal(size=values.shape[1])
    noise = source.normal(size=len(values)) * source.choice([0, 0.1, 1])
    return np.asarray(values @ weights + np.sin(values[:, 0] * 2) + noise, np.float64)


def labels(source: Source, y: Rows) -> Rows:
    """Class labels of some type, of ranks of y."""
    n_classes = int(source.choice([2, 2, 2, 3, 4, 6, 10, 100]))
    n_classes = max(2, min(n_classes, len(y) // 2))
    power = source.choice([1.0, 1.0, 2.5])
    rank = np.argsort(np.argsort(y)) / len(y)
    classes = np.minimum((rank**power * n_classes).astype(int), n_classes - 1)
    style = int(source.integers(0, 6))
    names: Any = (
        np.arange(n_classes),
        np.array([f"class {i}" for i in range(n_classes)]),
        np.arange(n_classes) * 7 - 100,
        np.arange(n_classes) * 2.0 - 1.0,
        np.array([f"k{i}" for i in range(n_classes)], object),
        np.array([False, True]) if n_classes == 2 else np.arange(n_classes),
    )[style]
    return names[classes]
