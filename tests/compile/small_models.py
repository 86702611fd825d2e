"""Small models of every kind of IR, from seeds; and rows for them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from midge.compile.additive import Additive
from midge.compile.gaussian import Gaussian
from midge.compile.ir import Forest, Tree
from midge.compile.kernel import Kernel
from midge.compile.linear import Linear
from midge.compile.neighbors import Neighbors
from midge.compile.net import Layer, Net
from midge.compile.precise import INNER_KINDS, Precise
from midge.compile.projected import FINE_BITS, Projected
from midge.compile.quadratic import Quadratic
from midge.compile.verdict import Verdict


def linear(seed: int, rule: Verdict, n_features: int) -> Linear:
    source = np.random.default_rng(seed)
    zeros = np.zeros(n_features)
    return Linear(
        source.normal(size=(rule.n_values, n_features)), source.normal(size=rule.n_values), rule, zeros, zeros
    )


def kernel(seed: int, function: str, rule: Verdict, n_features: int, n_vectors: int) -> Kernel:
    source = np.random.default_rng(seed)
    groups = rule.n_classes if rule.decide.startswith("duels") else 1
    counts = np.bincount(source.integers(0, groups, n_vectors), minlength=groups).astype(np.int32)
    zeros = np.zeros(n_features)
    return Kernel(
        function,
        0.3 / n_features / 900,
        0.5,
        3 if function == "poly" else 0,
        source.normal(size=(n_vectors, n_features)) * 30,
        source.normal(size=(max(groups - 1, 1), n_vectors)),
        counts,
        source.normal(size=rule.n_values),
        np.ones(n_features),
        np.zeros(n_vectors),
        rule,
        zeros,
        zeros,
    )


def net(seed: int, activation: str, rule: Verdict, sizes: list[int]) -> Net:
    source = np.random.default_rng(seed)
    layers = tuple(
        Layer(
            source.normal(size=(n_out, n_in)) / n_in**0.5 / (30 if number == 0 else 1),
            source.normal(size=n_out),
        )
        for number, (n_in, n_out) in enumerate(zip(sizes, [*sizes[1:], rule.n_values], strict=True))
    )
    return Net(layers, activation, rule, np.zeros(sizes[0]), np.zeros(sizes[0]), np.zeros(len(layers) - 1))


def gaussian(seed: int, n_classes: int, n_features: int) -> Gaussian:
    source = np.random.default_rng(seed)
    return Gaussian(
        source.normal(size=(n_classes, n_features)) * 30,
        source.uniform(100, 2000, (n_classes, n_features)),
        source.normal(size=n_classes) - 40,
        Verdict("highest", "softmax", n_classes),
    )


def quadratic(seed: int, rule: Verdict, n_features: int) -> Quadratic:
    source = np.random.default_rng(seed)
    shape = (rule.n_values, n_features, n_features)
    return Quadratic(
        source.normal(size=shape) / 30, source.normal(size=shape[:2]), source.normal(size=rule.n_values), rule
    )


def neighbors(seed: int, power: int, rule: Verdict, n_features: int) -> Neighbors:
    source = np.random.default_rng(seed)
    points = np.rint(source.normal(size=(50, n_features)) * 30)
    targets = source.normal(size=50) if rule.decide == "value" else source.integers(0, rule.n_classes, 50)
    zeros = np.zeros(n_features)
    return Neighbors(points, targets.astype(float), 3, power, np.ones(n_features), rule, zeros, zeros)


def tree(source: np.random.Generator, n_features: int, n_nodes: int, n_values: int) -> Tree:
    """A tree with nodes in an order where children come after their parents."""
    left, right = np.full(n_nodes, 99, np.int32), np.full(n_nodes, 99, np.int32)
    places = [(left, 0), (right, 0)]
    for node in range(1, n_nodes):
        side, parent = places.pop(int(source.integers(len(places))))
        side[parent] = node
        places += [(left, node), (right, node)]
    for leaf, (side, parent) in enumerate(places):
        side[parent] = ~leaf
    values = (
        source.dirichlet(np.ones(n_values), n_nodes + 1)
        if n_values > 1
        else source.normal(size=(n_nodes + 1, 1))
    )
    feature = source.integers(0, n_features, n_nodes).astype(np.int32)
    return Tree(feature, np.rint(source.normal(size=n_nodes) * 20) + 0.5, left, right, values)


def forest(seed: int, n_classes: int, n_features: int, bits: int = 32) -> Forest:
    source = np.random.default_rng(seed)
    return Forest(
        n_features, n_classes, tuple(tree(source, n_features, 9, n_classes) for _ in range(5)), bits
    )


def additive(seed: int, rule: Verdict, n_features: int) -> Additive:
    source = np.random.default_rng(seed)
    trees = tuple(tree(source, n_features, 7, 1) for _ in range(6))
    adds_to = np.arange(6, dtype=np.int32) % rule.n_values
    return Additive(n_features, trees, adds_to, source.normal(size=rule.n_values), rule)


def projected(seed: int, inner: Any, n_features: int, *, is_fine: bool) -> Projected:
    """Weights of 15 or 30 bits over powers of two, in front of a model that reads about ±100."""
    source = np.random.default_rng(seed)
    bits = source.integers(9, 16, inner.n_features) + FINE_BITS * is_fine
    weights = np.rint(source.uniform(-0.9, 0.9, (inner.n_features, n_features)) * 2.0 ** bits[:, None])
    # The largest of a row says how many bits it has.
    weights[:, 0] = 32767 * 2.0 ** (bits - 15)
    matrix = weights / 2.0 ** bits[:, None]
    slack = np.full(inner.n_features, 0.5)
    return Projected(matrix, np.rint(source.normal(size=inner.n_features) * 9), inner, slack)


def rows(seed: int, n_features: int, n_rows: int = 60) -> Any:
    return (np.random.default_rng(seed).normal(size=(n_rows, n_features)) * 30).astype(np.int16)


# Sums of products: what has an integer form, and float64 on the board where that loses too much.
DOT_PRODUCTS = {
    # Rows of four, two and one; an odd number of features; sums that need 64 bits for extreme rows.
    "linear": linear(1, Verdict("highest", "softmax", 7), 13),
    "linear, sigmoids": linear(2, Verdict("highest", "sigmoid", 3), 8),
    "linear, one value": linear(3, Verdict("sign", "decision", 2), 30),
    "linear, duels": linear(4, Verdict("duels-sum", "votes", 4), 5),
    "linear, number": linear(5, Verdict("value", "value", 0), 3),
    "rbf": kernel(6, "rbf", Verdict("duels", "votes", 3), 5, 40),
    "rbf, two": kernel(7, "rbf", Verdict("duels", "decision", 2), 8, 37),
    "poly": kernel(8, "poly", Verdict("value", "value", 0), 9, 12),
    "gaussian": Gaussian(
        np.random.default_rng(12).normal(size=(3, 7)) * 30,
        np.random.default_rng(13).uniform(1e-4, 2000, (3, 7)),
        np.array([-40.0, -41.0, -39.0]),
        Verdict("highest", "softmax", 3),
    ),
    "net relu": net(9, "relu", Verdict("highest", "softmax", 5), [11, 8, 6]),
    "net tanh": net(10, "tanh", Verdict("sign", "sigmoid", 2), [16, 9]),
    "net logistic": net(11, "logistic", Verdict("value", "value", 0), [4, 3]),
}
MORE = {
    "gaussian, calm": gaussian(20, 4, 6),
    "quadratic": quadratic(21, Verdict("highest", "softmax", 3), 5),
    "quadratic, border": quadratic(22, Verdict("at-least", "decision", 2), 4),
    "poly, duels": kernel(23, "poly", Verdict("duels", "votes", 4), 6, 30),
    "net identity": net(24, "identity", Verdict("highest", "softmax", 3), [5, 4]),
}
PRECISE = {
    f"precise {name}": Precise(model)
    for name, model in {**DOT_PRODUCTS, **MORE}.items()
    if model.kind in INNER_KINDS and model.kind != "quadratic"
}
TREES = {
    "forest": forest(30, 3, 6),
    "forest, narrow": forest(31, 4, 5, 16),
    "boosting": additive(32, Verdict("highest", "softmax", 3), 6),
    "boosting, two": additive(33, Verdict("sign", "sigmoid", 2), 5),
    "trees, number": additive(34, Verdict("value", "value", 0), 4),
}
NEIGHBORS = {
    "neighbours": neighbors(40, 2, Verdict("highest", "share", 3), 5),
    "neighbours, manhattan": neighbors(41, 1, Verdict("highest", "share", 4), 4),
    "neighbours, number": neighbors(42, 2, Verdict("value", "value", 0), 3),
    "weighted": replace(neighbors(43, 2, Verdict("highest", "share", 3), 5), by_distance=True),
    "weighted, manhattan": replace(neighbors(44, 1, Verdict("highest", "share", 4), 4), by_distance=True),
    "weighted, number": replace(neighbors(45, 2, Verdict("value", "value", 0), 3), by_distance=True),
    "weighted, on scales": replace(
        neighbors(46, 2, Verdict("highest", "share", 3), 3),
        by_distance=True,
        metric=np.array([1.0, 0.3, 2.5]),
    ),
}
PROJECTED = {
    "projected forest": projected(50, TREES["forest"], 9, is_fine=False),
    "projected boosting": projected(51, TREES["boosting"], 8, is_fine=True),
    "projected number": projected(52, TREES["trees, number"], 3, is_fine=False),
    "projected rbf": projected(53, DOT_PRODUCTS["rbf"], 7, is_fine=True),
    "projected neighbours": projected(54, NEIGHBORS["neighbours"], 5, is_fine=False),
    "projected manhattan": projected(55, NEIGHBORS["neighbours, manhattan"], 11, is_fine=True),
    "projected precise": projected(56, PRECISE["precise rbf, two"], 9, is_fine=False),
}
ALL: dict[str, Any] = {**DOT_PRODUCTS, **MORE, **PRECISE, **TREES, **NEIGHBORS, **PROJECTED}
