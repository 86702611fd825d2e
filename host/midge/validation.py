"""Honest figures: folds that hold whole groups out, and choices that are made inside the training groups."""

from __future__ import annotations

import itertools
import warnings as python_warnings
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from . import learners
from .dataset import Dataset
from .recipe import Train

Int16 = npt.NDArray[np.int16]
Labels = npt.NDArray[np.int64]
Keys = npt.NDArray[np.str_]
# (family, parameters) → what such a model costs, in whatever unit.
Price = Callable[[str, Mapping[str, float]], float]

# A choice is made by two folds of at most so many rows: enough to tell families apart, and soon done.
CHOICE_FOLDS = 2
CHOICE_ROWS = 3000
# What is less accurate by no more than this is as good, and the cheapest of those is taken.
NEARLY = 0.01
# Trees of the fit that ranks features.
RANKING_TREES = 30
_RECORDING = "recording "


@dataclass(frozen=True)
class Rows:
    """Examples: `X` int16 (n, n_features), `y` int (n,), `keys` (n,): what is held out together."""

    X: Int16
    y: Labels
    keys: Keys

    def __len__(self) -> int:
        return len(self.y)

    def where(self, mask: npt.NDArray[Any]) -> Rows:
        return Rows(self.X[mask], self.y[mask], self.keys[mask])

    def __add__(self, other: Rows) -> Rows:
        return Rows(
            np.concatenate([self.X, other.X]),
            np.concatenate([self.y, other.y]),
            np.concatenate([self.keys, other.keys]),
        )


@dataclass(frozen=True)
class Choice:
    """A family with its parameters, and how it came to be chosen: candidate → accuracy, if any were tried."""

    family: str
    params: Mapping[str, float]
    tried: Mapping[str, float]


@dataclass(frozen=True)
class Fitted:
    """An estimator, and which columns it reads."""

    estimator: Any
    columns: npt.NDArray[np.intp]
    choice: Choice

    def predict(self, X: Int16) -> Labels:
        return np.asarray(self.estimator.predict(X[:, self.columns]), np.int64)


def fold_keys(data: Dataset, warnings: list[str]) -> list[str]:
    """What is held out together, for each recording: its group, or itself if there is nothing better."""
    of_label: dict[str, set[str]] = {}
    for number, item in enumerate(data.recordings):
        of_label.setdefault(item.label, set()).add(item.group or f"{_RECORDING}{number}")
    is_shared = any(len(groups) > 1 for groups in of_label.values())
    by_group = len(data.groups) > 1 and is_shared
    if len(data.groups) > 1 and not is_shared:
        warnings.append(
            "each label is of one group only, so nobody can tell labels from groups: validated by recording, "
            "which flatters; record each label of two people or machines"
        )
    elif not by_group:
        there = f"all recordings are of {data.groups[0]}" if data.groups else "no recording has a group"
        warnings.append(
            f"{there}: validated by recording, which flatters; record other people or machines with --group"
        )
    elif not all(item.group for item in data.recordings):
        warnings.append(
            "some recordings have no group and count as one each; set it with midge record --group"
        )
    first: dict[bytes, int] = {}
    # Copies are held out together, or a model would be asked what it was told.
    same = [first.setdefault(item.samples.tobytes(), number) for number, item in enumerate(data.recordings)]
    copies = sum(number != one for number, one in enumerate(same))
    if copies:
        warnings.append(f"{copies} recordings are copies of others; find them with: midge data check")
    return [
        item.group if by_group and item.group else f"{_RECORDING}{one}"
        for item, one in zip(data.recordings, same, strict=True)
    ]


def held_out(keys: Keys) -> str:
    """What `fold_keys` hold together: "group" or "recording"."""
    return "recording" if all(str(key).startswith(_RECORDING) for key in np.unique(keys)) else "group"


def folds(
    labels: Labels, keys: Keys, n_folds: int, seed: int, warnings: list[str]
) -> list[npt.NDArray[np.bool_]]:
    """Masks of the rows to hold out, whole groups together; two labels or more are left to learn from."""
    from sklearn.model_selection import StratifiedGroupKFold

    n_folds = min(n_folds, len(np.unique(keys)))
    if n_folds < 2:
        warnings.append("one recording only: nothing to validate on; record more takes")
        return []
    splitter = StratifiedGroupKFold(n_folds, shuffle=True, random_state=seed)
    masks = []
    with python_warnings.catch_warnings():
        # A label with fewer windows than folds is told by per_class.
        python_warnings.simplefilter("ignore", UserWarning)
        for _, members in splitter.split(labels, labels, keys):
            mask = np.zeros(len(labels), bool)
            mask[members] = True
            if mask.any() and len(np.unique(labels[~mask])) > 1:
                masks.append(mask)
    if len(masks) < n_folds:
        warnings.append(
            f"{n_folds - len(masks)} of {n_folds} folds left out: without them one label is left to learn; "
            "record every label in several takes or groups"
        )
    return masks


def candidates(train: Train) -> list[tuple[str, dict[str, float]]]:
    """Families and parameters among which the recipe leaves the choice; the first is the usual one."""
    if train.family == "auto":
        found = []
        for family in learners.AUTO:
            learner = learners.LEARNERS[family]
            if family in train.offered:
                found.append((family, dict(train.offered[family])))
            else:
                found += [(family, {**learner.defaults(), **values}) for values in learner.grid]
        return found
    if not train.search:
        return [(train.family, dict(train.params))]
    grid = learners.LEARNERS[train.family].grid
    return [(train.family, {**train.params, **values}) for values in grid]


def name_of(family: str, params: Mapping[str, float]) -> str:
    """A candidate in words: its family and what differs from the usual."""
    usual = learners.LEARNERS[family].defaults()
    other = [f"{key} {value:g}" for key, value in params.items() if value != usual[key]]
    return " ".join([family, *other])


def choose(
    train: Train,
    rows: Rows,
    seed: int,
    families: Collection[str] = tuple(learners.LEARNERS),
    price: Price | None = None,
) -> Choice:
    """The cheapest of the candidates that are as good as the best, or nearly, on groups held out of the rows.

    Only of `families`. Of equals, or without a `price`, the first.
    """
    there = [one for one in candidates(train) if one[0] in families]
    if len(there) == 1:
        return Choice(*there[0], {})
    few = _thinned(rows, CHOICE_ROWS, seed)
    masks = folds(few.y, few.keys, CHOICE_FOLDS, seed, [])
    if not masks:
        return Choice(*there[0], {})
    scores: dict[str, list[float]] = {name_of(*one): [] for one in there}
    for mask, (family, params) in itertools.product(masks, there):
        learning = few.where(~mask)
        if len(np.unique(learning.y)) < 2:
            continue
        # A committee is as good as its kind of member; one will do to choose.
        tried = {**params, **({"members": 1} if "members" in params else {})}
        found = fit(family, tried, learning, seed).predict(few.X[mask])
        scores[name_of(family, params)].append(balanced(few.y[mask], found))
    means = {name: float(np.mean(values)) if values else 0.0 for name, values in scores.items()}
    bar = max(means.values()) - NEARLY
    good = [one for one in there if means[name_of(*one)] >= bar]
    best = good[0] if price is None or len(good) == 1 else min(good, key=lambda one: price(*one))
    return Choice(*best, {name: round(value, 4) for name, value in means.items()})


def balanced(truth: Labels, answer: Labels) -> float:
    """Mean of accuracy and mean recall: neither rare labels nor the usual ones alone decide."""
    recall = [np.mean(answer[truth == label] == label) for label in np.unique(truth)]
    return float((np.mean(truth == answer) + np.mean(recall)) / 2)


def _thinned(rows: Rows, most: int, seed: int) -> Rows:
    if len(rows) <= most:
        return rows
    kept = np.random.default_rng(seed).choice(len(rows), most, replace=False)
    return rows.where(np.sort(kept))


def fit(
    family: str, params: Mapping[str, float], rows: Rows, seed: int, choice: Choice | None = None
) -> Fitted:
    """An estimator fitted on its best features: a first forest on all of them ranks them."""
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    learner = learners.LEARNERS[family]
    columns = np.arange(rows.X.shape[1])
    most = int(params.get("features", 0))
    if 0 < most < rows.X.shape[1]:
        columns = _best(family, params, rows, seed, most)
    # On a busy machine the threads of a matrix product wait for each other longer than they work.
    with threadpool_limits(1, user_api="blas"):
        estimator = learner.fit(np.ascontiguousarray(rows.X[:, columns]), rows.y, params, seed)
    return Fitted(estimator, columns, choice or Choice(family, dict(params), {}))


def _best(family: str, params: Mapping[str, float], rows: Rows, seed: int, most: int) -> npt.NDArray[np.intp]:
    """The columns that remove most impurity from a forest."""
    forest = learners.LEARNERS["forest"]
    ranking_params = params if family == "forest" else {**forest.defaults(), "trees": RANKING_TREES}
    ranking = forest.fit(rows.X, rows.y, ranking_params, seed).feature_importances_
    # The stable sort breaks ties by the recipe's order.
    return np.asarray(np.sort(np.argsort(-ranking, kind="stable")[:most]))


def learning_curve(
    train: Train, rows: Rows, more: Rows, choice: Choice, seed: int, repeats: int = 2
) -> Sequence[tuple[int, float]]:
    """Accuracy on groups that were not seen, by the number of groups learnt from; empty for fewer than 3."""
    groups = np.unique(rows.keys)
    if len(groups) < 3:
        return []
    rng = np.random.default_rng(seed)
    sizes = sorted({*np.unique(np.linspace(1, len(groups) - 1, 5).round().astype(int)).tolist()})
    found: dict[int, list[float]] = {size: [] for size in sizes}
    params = {**choice.params, **({"members": 1} if "members" in choice.params else {})}
    for size in sizes:
        for _ in range(repeats):
            order = rng.permutation(groups)
            known, held_out = order[:size], order[size:]
            learning = _thinned(rows.where(np.isin(rows.keys, known)), CHOICE_ROWS, seed)
            if more:
                learning = learning + _thinned(more.where(np.isin(more.keys, known)), CHOICE_ROWS, seed)
            if len(np.unique(learning.y)) < 2:
                continue
            asked = _thinned(rows.where(np.isin(rows.keys, held_out)), CHOICE_ROWS, seed)
            answer = fit(choice.family, params, learning, seed).predict(asked.X)
            found[size].append(float(np.mean(answer == asked.y)))
    return [(size, round(float(np.mean(values)), 4)) for size, values in found.items() if values]
