"""Answers that differ from scikit-learn's: each family on each data set, training and test rows.

All rows are answered by the very C on this machine, and some of them by the packaged module in emulation,
which must give the same bits. Of wrong rows it is told which are near ties, the top two being closer than the
model's declared ε, and how close the worst was as a share of the usual distance.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import numpy as np
import works
from sklearn import (
    covariance,
    datasets,
    ensemble,
    linear_model,
    mixture,
    naive_bayes,
    neighbors,
    neural_network,
    svm,
    tree,
)
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import midge
from midge.compile import agreement, reference
from midge.errors import MidgeError

# What another order of float additions moves.
FLOAT_NOISE = 1e-12
Data = tuple[Any, Any, Any, Any]


def _split(X: Any, y: Any) -> Data:
    return tuple(train_test_split(X, y, test_size=0.3, stratify=y, random_state=1))


def _gesture() -> Data:
    split = works.gesture()
    return split.X_train[:700], split.X_test[:300], split.y_train[:700], split.y_test[:300]


def _made(n_features: int, n_classes: int, extreme: bool = False, constant: bool = False) -> Data:
    source = np.random.default_rng(n_features + n_classes)
    X = np.rint(source.normal(size=(600, n_features)) * 1000)
    if extreme:
        X = source.choice(np.array([-32768.0, -32767, -1, 0, 1, 32766, 32767]), X.shape)
    if constant:
        X[:, ::2] = 7
    rank = np.argsort(np.argsort(X @ source.normal(size=n_features) + source.normal(size=600)))
    return _split(X.astype(np.int16), rank * n_classes // 600)


def _whole_thresholds() -> Data:
    """Even numbers to learn from, so that a tree's thresholds are odd ones; test rows lie on them."""
    X, X_test, y, y_test = _made(4, 3)
    return X // 200 * 2, X_test // 100, y, y_test


DATA: dict[str, Callable[[], Data]] = {
    "digits": lambda: _split(*datasets.load_digits(return_X_y=True)),
    "iris": lambda: _split(*datasets.load_iris(return_X_y=True)),
    "wine": lambda: _split(*datasets.load_wine(return_X_y=True)),
    "cancer": lambda: _split(*datasets.load_breast_cancer(return_X_y=True)),
    "gesture": _gesture,
    "two classes": lambda: _made(6, 2),
    "100 classes": lambda: _made(6, 100),
    "constants": lambda: _made(6, 3, constant=True),
    "1 feature": lambda: _made(1, 3),
    "300 features": lambda: _made(300, 3),
    "extremes": lambda: _made(5, 3, extreme=True),
    "whole thresholds": _whole_thresholds,
}


def _scaled(estimator: Any) -> Any:
    return make_pipeline(StandardScaler(), estimator)


FAMILIES: dict[str, Callable[[], Any]] = {
    "tree": lambda: tree.DecisionTreeClassifier(random_state=1),
    "stump": lambda: tree.DecisionTreeClassifier(max_depth=1, random_state=1),
    "forest": lambda: ensemble.RandomForestClassifier(10, max_depth=8, random_state=1),
    "extra trees": lambda: ensemble.ExtraTreesClassifier(10, max_depth=8, random_state=1),
    "boosting": lambda: ensemble.GradientBoostingClassifier(n_estimators=5, random_state=1),
    "histograms": lambda: ensemble.HistGradientBoostingClassifier(max_iter=5, random_state=1),
    "logistic": lambda: _scaled(linear_model.LogisticRegression()),
    "ridge": linear_model.RidgeClassifier,
    "linear svc": lambda: _scaled(svm.LinearSVC(random_state=1)),
    "sgd": lambda: _scaled(linear_model.SGDClassifier(random_state=1)),
    "svc linear": lambda: _scaled(svm.SVC(kernel="linear")),
    "svc poly": lambda: _scaled(svm.SVC(kernel="poly", degree=2)),
    "svc rbf": lambda: _scaled(svm.SVC()),
    "net": lambda: _scaled(neural_network.MLPClassifier((16,), max_iter=60, random_state=1)),
    "bayes": naive_bayes.GaussianNB,
    "neighbours": lambda: neighbors.KNeighborsClassifier(5),
    "isolation": lambda: ensemble.IsolationForest(n_estimators=20, random_state=1),
    "one class": lambda: _scaled(svm.OneClassSVM(nu=0.1)),
    "envelope": lambda: covariance.EllipticEnvelope(random_state=1),
    "mixture": lambda: mixture.GaussianMixture(3, reg_covar=1e-2, random_state=1),
}


# What they are fitted on has no labels.
WITHOUT_LABELS = ("isolation", "one class", "envelope", "mixture")


def pair(name: str, family: str, target: str, n_emulated: int) -> dict[str, Any]:
    """One object for a family and a data set."""
    warnings.simplefilter("ignore")
    start = time.monotonic()
    X, X_test, y, _ = DATA[name]()
    made: dict[str, Any] = {"data": name, "family": family, "target": target}
    estimator = FAMILIES[family]()
    try:
        with np.errstate(all="ignore"):
            estimator.fit(X) if family in WITHOUT_LABELS else estimator.fit(X, y)
        made |= _compare(estimator, X, X_test, target, n_emulated)
    except ValueError as error:
        made["refused"] = f"scikit-learn: {error}"
    except MidgeError as error:
        made["refused"] = str(error)
    return made | {"seconds": round(time.monotonic() - start, 1)}


def rows(pairs: list[tuple[str, str]], target: str, n_emulated: int, jobs: int) -> Iterator[dict[str, Any]]:
    """One object a pair of data set and family, in their order, as they come."""
    if jobs == 1:
        yield from (pair(name, family, target, n_emulated) for name, family in pairs)
        return
    with ProcessPoolExecutor(jobs) as pool:
        running = [pool.submit(pair, name, family, target, n_emulated) for name, family in pairs]
        for future in running:
            yield future.result()


def _compare(estimator: Any, X: Any, X_test: Any, target: str, n_emulated: int) -> dict[str, Any]:
    compiled = midge.compile(estimator, X)
    emulator = midge.build_model(compiled.model, target).emulator()
    made: dict[str, Any] = {"kind": compiled.model.ir.kind, "epsilon": compiled.model.epsilon}
    made |= {"board": 0, "emulated": 0, "worst": 0.0}
    for which, given in (("training", X), ("test", X_test)):
        read = compiled.model.quantisation.apply(given)
        scores, winners = compiled._host.classify(read)
        # Given int16, some of scikit-learn computes in it, and overflows.
        differs = compiled.classes[winners] != estimator.predict(given.astype(np.float64))
        epsilon = compiled.model.epsilon + FLOAT_NOISE
        if compiled.model.quantisation.kind != "none":
            epsilon += compiled.model.ir.input_epsilon()
        margins = reference.evaluate(compiled.model.ir, read).margins
        inside = margins <= epsilon
        made[which] = {
            "rows": len(given),
            "wrong": int(differs.sum()),
            "within_epsilon": int((differs & inside).sum()),
        }
        worst = float(margins[differs].max(initial=0.0))
        made["worst"] = max(made["worst"], worst / max(float(np.median(margins)), worst, 1e-300))
        chosen = np.unique(np.linspace(0, len(given) - 1, n_emulated).astype(int))
        link = agreement.board_rows(emulator, read[chosen], scores[chosen], winners[chosen])
        made["emulated"] += link.rows
        made["board"] += link.differ
    return made


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", action="append", choices=list(DATA), help="repeatable")
    parser.add_argument("--family", action="append", choices=list(FAMILIES), help="repeatable")
    parser.add_argument("--target", default="armv7emsp")
    parser.add_argument("--emulated", type=int, default=40, help="rows of training and of test each")
    parser.add_argument("--jobs", type=int, default=1, help="pairs at a time")
    parser.add_argument("--skip", type=int, default=0, help="pairs that were done before")
    parser.add_argument("--json", action="store_true", help="JSON lines")
    args = parser.parse_args()
    pairs = [(name, family) for name in args.data or DATA for family in args.family or FAMILIES][args.skip :]
    total: Counter[str] = Counter()
    for number, row in enumerate(rows(pairs, args.target, args.emulated, args.jobs), args.skip + 1):
        row["number"] = number
        total["pairs"] += 1
        if "refused" in row:
            total["refused"] += 1
        else:
            total.update({"board": row["board"], "emulated": row["emulated"]})
            for which in ("training", "test"):
                total.update(row[which])
        print(json.dumps(row) if args.json else _line(row), flush=True)
    if not args.json:
        outside = total["wrong"] - total["within_epsilon"]
        print(
            f"{total['pairs']} pairs, {total['refused']} refused; of {total['rows']} rows {outside} wrong, "
            f"{total['within_epsilon']} near ties decided otherwise; {total['board']} of {total['emulated']} "
            "emulated rows differ from the C"
        )
    return int(total["wrong"] > total["within_epsilon"] or total["board"] > 0)


def _line(row: dict[str, Any]) -> str:
    said = f"{row['number']:3}  {row['data']:17}{row['family']:12}"
    if "refused" in row:
        return f"{said}refused: {row['refused']}"
    for which in ("training", "test"):
        part = row[which]
        said += f"{which} {part['wrong']:2} of {part['rows']:4}"
        said += f" ({part['within_epsilon']} near ties)   " if part["wrong"] else " " * 17
    said += f"board {row['board']} of {row['emulated']}   {row['kind']}, ε = {row['epsilon']:.1e}"
    return f"{said}, worst at {row['worst']:.1%}" if row["worst"] else said


if __name__ == "__main__":
    sys.exit(main())
