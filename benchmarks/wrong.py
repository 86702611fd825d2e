"""Answers of the packaged module that differ from scikit-learn's: each family on each data set, emulated."""

from __future__ import annotations

import argparse
import json
import sys
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import works
from sklearn import datasets, ensemble, linear_model, naive_bayes, neighbors, neural_network, svm, tree
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import midge
from midge.compile import reference
from midge.errors import MidgeError

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
}


def rows(data: list[str], families: list[str], target: str, n_rows: int) -> Iterator[dict[str, Any]]:
    """One object a family and data set."""
    for name in data:
        X, X_test, y, y_test = DATA[name]()
        del y_test
        for family in families:
            made: dict[str, Any] = {"data": name, "family": family, "target": target}
            try:
                yield made | _compare(FAMILIES[family]().fit(X, y), X, X_test, target, n_rows)
            except MidgeError as error:
                yield made | {"refused": str(error)}


def _compare(estimator: Any, X: Any, X_test: Any, target: str, n_rows: int) -> dict[str, Any]:
    compiled = midge.compile(estimator, X)
    emulator = midge.build_model(compiled.model, target).emulator()
    made: dict[str, Any] = {"kind": compiled.model.ir.kind, "epsilon": compiled.model.epsilon}
    for which, given in (("training", X), ("test", X_test)):
        chosen = given[np.unique(np.linspace(0, len(given) - 1, n_rows).astype(int))]
        read = compiled.model.quantisation.apply(chosen)
        found = np.array([emulator.classify(row)[0] for row in read])
        differs = compiled.classes[found] != estimator.predict(chosen)
        inside = reference.evaluate(compiled.model.ir, read).margins <= compiled.model.epsilon
        made[which] = {
            "rows": len(chosen),
            "wrong": int(differs.sum()),
            "within_epsilon": int((differs & inside).sum()),
        }
    return made


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", action="append", choices=list(DATA), help="repeatable")
    parser.add_argument("--family", action="append", choices=list(FAMILIES), help="repeatable")
    parser.add_argument("--target", default="armv7emsp")
    parser.add_argument("--rows", type=int, default=100, help="of training and of test each")
    parser.add_argument("--json", action="store_true", help="JSON lines")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    total = 0
    for row in rows(args.data or list(DATA), args.family or list(FAMILIES), args.target, args.rows):
        if args.json:
            print(json.dumps(row), flush=True)
            continue
        said = f"{row['data']:14}{row['family']:14}"
        if "refused" in row:
            print(f"{said}refused: {row['refused']}", flush=True)
            continue
        for which in ("training", "test"):
            part = row[which]
            total += part["wrong"]
            said += f"{which} {part['wrong']:3} of {part['rows']:4} ({part['within_epsilon']} within ε)   "
        print(f"{said}ε = {row['epsilon']:.1e}   {row['kind']}", flush=True)
    if not args.json:
        print(f"wrong in all: {total}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
