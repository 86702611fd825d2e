"""The works of the cost table: data and fitted estimators, the same for midge and for every peer."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

# 301 support vectors, the size that the published figures are for.
_SVC_ROWS = 438


@dataclass(frozen=True)
class Split:
    """70/30, stratified; X is (n_rows, n_features), y whole numbers from 0."""

    X_train: Array
    X_test: Array
    y_train: Array
    y_test: Array


@dataclass(frozen=True)
class Work:
    """One row of the cost table.

    Attributes
    ----------
    must, reach : tuple of float
        instructions on armv6m and armv7emsp that midge has to get down to; empty if none are set
    """

    name: str
    title: str
    data: Callable[[], Split]
    estimator: Callable[[], Any]
    n_train_rows: int | None = None
    must: tuple[float, ...] = ()
    reach: tuple[float, ...] = ()

    def fit(self) -> tuple[Any, Split]:
        """The fitted estimator, and the rows that it was fitted on and is tried with."""
        split = self.data()
        rows = slice(self.n_train_rows)
        split = Split(split.X_train[rows], split.X_test, split.y_train[rows], split.y_test)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # iteration limits: the cost does not depend on them
            return self.estimator().fit(split.X_train, split.y_train), split


def _split(X: Array, y: Array) -> Split:
    from sklearn.model_selection import train_test_split

    return Split(*train_test_split(X, y, test_size=0.3, stratify=y, random_state=1))


@cache
def digits() -> Split:
    """scikit-learn's digits, raw 0…16."""
    from sklearn.datasets import load_digits

    return _split(*load_digits(return_X_y=True))


@cache
def cancer() -> Split:
    """scikit-learn's breast cancer, raw."""
    from sklearn.datasets import load_breast_cancer

    return _split(*load_breast_cancer(return_X_y=True))


@cache
def gesture() -> Split:
    """Six made classes of 24 features, whole numbers in ±32000."""
    from sklearn.datasets import make_classification

    X, y = make_classification(
        3000,
        24,
        n_informative=12,
        n_redundant=6,
        n_classes=6,
        n_clusters_per_class=2,
        class_sep=1.5,
        flip_y=0.01,
        random_state=7,
    )
    return _split(np.round(X / np.abs(X).max() * 32000).astype(np.int16), y)


@cache
def gesture_unit() -> Split:
    """`gesture` as fractions of full scale: nets don't learn from ±32000."""
    split = gesture()
    return Split(split.X_train / 32768.0, split.X_test / 32768.0, split.y_train, split.y_test)


def _forest(n_trees: int, depth: int) -> Any:
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(n_trees, max_depth=depth, random_state=1)


def _boosting() -> Any:
    from sklearn.ensemble import GradientBoostingClassifier

    return GradientBoostingClassifier(n_estimators=20, max_depth=3, random_state=1)


def _mlp(*hidden: int) -> Any:
    from sklearn.neural_network import MLPClassifier

    return MLPClassifier(hidden, max_iter=500, random_state=1)


def _svc(kernel: str, split: Callable[[], Split], n_rows: int | None = None) -> Any:
    from sklearn.svm import SVC

    # 'scale' spelled out: some peers only take a number.
    X = split().X_train[:n_rows]
    return SVC(kernel=kernel, gamma=float(1 / (X.shape[1] * X.var())))


def _linear_svc() -> Any:
    from sklearn.svm import LinearSVC

    return LinearSVC(random_state=1)


def _gaussian_nb() -> Any:
    from sklearn.naive_bayes import GaussianNB

    return GaussianNB()


def _neighbors() -> Any:
    from sklearn.neighbors import KNeighborsClassifier

    return KNeighborsClassifier(5)


_ROWS = (
    Work(
        "forest-10x8", "forest 10 × 8, gesture", gesture, lambda: _forest(10, 8), None, (462, 341), (400, 300)
    ),
    Work(
        *("forest-100x10", "forest 100 × 10, digits", digits, lambda: _forest(100, 10)),
        must=(3720, 2480),
        reach=(3400, 2200),
    ),
    Work(
        *("boosting-20x3", "gradient boosting 20 × 3, digits", digits, _boosting),
        must=(2010, 1360),
        reach=(1800, 1200),
    ),
    Work(
        *("mlp-64-32-10", "MLP 64-32-10, digits", digits, lambda: _mlp(32)),
        must=(7310, 3610),
        reach=(6500, 3200),
    ),
    Work(
        *("mlp-24-16-16-6", "MLP 24-16-16-6, gesture", gesture_unit, lambda: _mlp(16, 16)),
        must=(3120, 1320),
        reach=(2900, 1200),
    ),
    Work(
        *("svc-rbf", "SVC rbf, digits, 301 support vectors", digits),
        lambda: _svc("rbf", digits, _SVC_ROWS),
        n_train_rows=_SVC_ROWS,
        must=(142_000, 49_000),
        reach=(110_000, 40_000),
    ),
    Work(
        *("svc-linear", "SVC linear, cancer", cancer, lambda: _svc("linear", cancer)),
        must=(265, 145),
        reach=(250, 110),
    ),
    Work(
        *("linear-svc", "LinearSVC, digits", digits, _linear_svc),
        must=(4370, 1600),
        reach=(4000, 1000),
    ),
    Work(
        *("gaussian-nb", "GaussianNB, digits", digits, _gaussian_nb),
        must=(9000, 9000),
        reach=(6000, 6000),
    ),
    Work(*("neighbors", "kNN (5), digits", digits, _neighbors), must=(283_000, 151_000)),
)

WORKS: dict[str, Work] = {work.name: work for work in _ROWS}
