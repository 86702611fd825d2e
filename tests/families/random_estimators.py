"""Random estimators on random data, and whether their C says what they say."""

from __future__ import annotations

import argparse
import collections
import time
import traceback
import warnings
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sklearn import (
    covariance,
    ensemble,
    linear_model,
    mixture,
    naive_bayes,
    neighbors,
    neural_network,
    preprocessing,
    svm,
    tree,
)
from sklearn.decomposition import PCA
from sklearn.feature_selection import SelectKBest, VarianceThreshold
from sklearn.pipeline import make_pipeline

import midge
from midge import families
from midge.compile import golden, reference
from midge.compile.neighbors import Neighbors, undecided
from midge.errors import CompileError, ParityError, UnsupportedModel

Rows = Any
# Larger forests are tried as tables only.
MOST_CODE_NODES = 1500
Source = np.random.Generator


@dataclass
class Outcome:
    """What became of one random estimator.

    kind : 'same', 'refused' (with a reason) or 'wrong'
    inside : rows whose margin is inside the declared ε and that differ
    """

    seed: int
    name: str
    kind: str
    text: str = ""
    inside: int = 0
    rows: int = 0
    epsilon: float = 0.0
    near: int = 0
    details: dict[str, Any] = field(default_factory=dict)


# ---- data


def _matrix(source: Source) -> tuple[str, Rows, Rows]:
    """(kind, training rows, other rows)."""
    n_rows = int(source.integers(20, 300))
    n_features = int(source.choice([1, 2, 3, 5, 8, 13, 24, 40, 300], p=[0.08] + [0.12] * 7 + [0.08]))
    kinds = (
        *("digits", "wide", "bits", "extreme", "normal", "tiny", "offset", "mixed", "skewed", "constant"),
        *("grid", "duplicates", "outliers", "single"),
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
    }
    X = made[kind]()
    return kind, X[:n_rows], X[n_rows:]


def _target(source: Source, X: Rows) -> Rows:
    """A real number a row that has something to do with X."""
    values = np.asarray(X, np.float64)
    scale = values.std(axis=0)
    values = (values - values.mean(axis=0)) / np.where(scale > 0, scale, 1.0)
    weights = source.normal(size=values.shape[1])
    noise = source.normal(size=len(values)) * source.choice([0, 0.1, 1])
    return np.asarray(values @ weights + np.sin(values[:, 0] * 2) + noise, np.float64)


def _labels(source: Source, y: Rows) -> Rows:
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
        np.arange(n_classes) * 0.5 - 1.25,
        np.array([f"k{i}" for i in range(n_classes)], object),
        np.array([False, True]) if n_classes == 2 else np.arange(n_classes),
    )[style]
    return names[classes]


# ---- estimators


def _pick(source: Source, *values: Any) -> Any:
    return values[int(source.integers(len(values)))]


def _log(source: Source, low: float, high: float) -> float:
    return float(10 ** source.uniform(low, high))


def _tree_options(source: Source) -> dict[str, Any]:
    return {
        "max_depth": _pick(source, 1, 2, 4, 8, None),
        "min_samples_leaf": _pick(source, 1, 1, 5),
        "random_state": int(source.integers(1000)),
    }


def _classifiers(source: Source) -> dict[str, Any]:
    n_trees = _pick(source, 1, 3, 10, 40)
    seed = int(source.integers(1000))
    return {
        "tree": lambda: tree.DecisionTreeClassifier(
            criterion=_pick(source, "gini", "entropy"), **_tree_options(source)
        ),
        "extra tree": lambda: tree.ExtraTreeClassifier(**_tree_options(source)),
        "forest": lambda: ensemble.RandomForestClassifier(
            n_trees, class_weight=_pick(source, None, "balanced"), **_tree_options(source)
        ),
        "extra trees": lambda: ensemble.ExtraTreesClassifier(n_trees, **_tree_options(source)),
        "boosting": lambda: ensemble.GradientBoostingClassifier(
            n_estimators=_pick(source, 1, 5, 15),
            max_depth=_pick(source, 1, 2, 3, 5),
            learning_rate=_pick(source, 0.1, 0.5, 1.0),
            subsample=_pick(source, 1.0, 0.7),
            init=_pick(source, None, "zero"),
            random_state=seed,
        ),
        "histogram boosting": lambda: ensemble.HistGradientBoostingClassifier(
            max_iter=_pick(source, 1, 5, 12),
            max_leaf_nodes=_pick(source, 3, 8, 31),
            min_samples_leaf=_pick(source, 1, 5, 20),
            max_bins=_pick(source, 8, 255),
            random_state=seed,
        ),
        "logistic": lambda: linear_model.LogisticRegression(
            C=_log(source, -3, 3), solver=_pick(source, "lbfgs", "newton-cg"), max_iter=60
        ),
        "ridge": lambda: linear_model.RidgeClassifier(alpha=_log(source, -3, 3)),
        "linear svc": lambda: svm.LinearSVC(
            C=_log(source, -3, 1), fit_intercept=_pick(source, True, False), random_state=seed, max_iter=200
        ),
        "sgd": lambda: linear_model.SGDClassifier(
            loss=_pick(source, "hinge", "log_loss", "modified_huber", "perceptron", "squared_error"),
            penalty=_pick(source, "l2", "l1"),
            alpha=_log(source, -5, -1),
            random_state=seed,
        ),
        "perceptron": lambda: linear_model.Perceptron(random_state=seed),
        "svc linear": lambda: svm.SVC(
            kernel="linear", C=_log(source, -2, 2), break_ties=_pick(source, False, True), max_iter=2000
        ),
        "svc rbf": lambda: svm.SVC(
            C=_log(source, -2, 2), gamma=_pick(source, "scale", "auto", 0.1), max_iter=2000
        ),
        "svc poly": lambda: svm.SVC(
            kernel="poly", degree=_pick(source, 2, 3), coef0=_pick(source, 0.0, 1.0), max_iter=2000
        ),
        "nu svc": lambda: svm.NuSVC(nu=0.1, max_iter=2000),
        "net": lambda: neural_network.MLPClassifier(
            _pick(source, (4,), (16,), (10, 6), (30,)),
            activation=_pick(source, "relu", "tanh", "logistic", "identity"),
            max_iter=_pick(source, 5, 60),
            random_state=seed,
        ),
        "bayes": lambda: naive_bayes.GaussianNB(var_smoothing=_pick(source, 1e-9, 1e-3)),
        "neighbors": lambda: neighbors.KNeighborsClassifier(
            _pick(source, 1, 3, 5, 10), p=_pick(source, 2, 2, 1)
        ),
        "mixture": lambda: mixture.GaussianMixture(
            _pick(source, 2, 4),
            covariance_type=_pick(source, "full", "tied", "diag", "spherical"),
            reg_covar=1e-4,
            random_state=seed,
        ),
    }


def _regressors(source: Source) -> dict[str, Any]:
    seed = int(source.integers(1000))
    n_trees = _pick(source, 1, 3, 10, 40)
    return {
        "tree regressor": lambda: tree.DecisionTreeRegressor(**_tree_options(source)),
        "extra tree regressor": lambda: tree.ExtraTreeRegressor(**_tree_options(source)),
        "forest regressor": lambda: ensemble.RandomForestRegressor(n_trees, **_tree_options(source)),
        "extra trees regressor": lambda: ensemble.ExtraTreesRegressor(n_trees, **_tree_options(source)),
        "boosting regressor": lambda: ensemble.GradientBoostingRegressor(
            n_estimators=_pick(source, 1, 8, 20),
            loss=_pick(source, "squared_error", "absolute_error", "huber"),
            max_depth=_pick(source, 1, 3),
            init=_pick(source, None, "zero"),
            random_state=seed,
        ),
        "histogram boosting regressor": lambda: ensemble.HistGradientBoostingRegressor(
            max_iter=_pick(source, 1, 12), min_samples_leaf=_pick(source, 2, 20), random_state=seed
        ),
        "least squares": lambda: linear_model.LinearRegression(fit_intercept=_pick(source, True, False)),
        "ridge regressor": lambda: linear_model.Ridge(_log(source, -3, 3)),
        "lasso": lambda: linear_model.Lasso(_log(source, -3, 0)),
        "elastic net": lambda: linear_model.ElasticNet(_log(source, -3, 0)),
        "sgd regressor": lambda: linear_model.SGDRegressor(random_state=seed),
        "linear svr": lambda: svm.LinearSVR(random_state=seed, max_iter=200),
        "svr rbf": lambda: svm.SVR(C=_log(source, -1, 2), max_iter=2000),
        "svr linear": lambda: svm.SVR(kernel="linear", C=_log(source, -1, 1), max_iter=2000),
        "svr poly": lambda: svm.SVR(kernel="poly", degree=2, max_iter=2000),
        "net regressor": lambda: neural_network.MLPRegressor(
            _pick(source, (5,), (12, 6)),
            activation=_pick(source, "relu", "tanh", "logistic"),
            max_iter=40,
            random_state=seed,
        ),
        "neighbors regressor": lambda: neighbors.KNeighborsRegressor(
            _pick(source, 1, 4, 9), p=_pick(source, 2, 1)
        ),
    }


def _detectors(source: Source) -> dict[str, Any]:
    seed = int(source.integers(1000))
    return {
        "one class": lambda: svm.OneClassSVM(
            kernel=_pick(source, "rbf", "rbf", "linear", "poly"), nu=_pick(source, 0.05, 0.3), max_iter=2000
        ),
        "isolation": lambda: ensemble.IsolationForest(
            n_estimators=_pick(source, 1, 5, 30),
            contamination=_pick(source, "auto", 0.1),
            max_features=_pick(source, 1.0, 0.6),
            random_state=seed,
        ),
        "envelope": lambda: covariance.EllipticEnvelope(
            contamination=_pick(source, 0.05, 0.2), random_state=seed
        ),
    }


def _in_front(source: Source, estimator: Any, name: str, n_features: int) -> Any:
    """Perhaps with steps before it."""
    draw = source.random()
    scaler = _pick(
        source,
        preprocessing.StandardScaler(),
        preprocessing.MinMaxScaler(),
        preprocessing.RobustScaler(),
        preprocessing.MaxAbsScaler(),
        preprocessing.StandardScaler(with_mean=False),
    )
    wants_scaling = any(
        word in name for word in ("svc", "svr", "net", "sgd", "logistic", "perceptron", "neighbors")
    )
    if draw < (0.75 if wants_scaling else 0.25):
        steps = [scaler]
        if source.random() < 0.2:
            steps.insert(0, VarianceThreshold())
        if source.random() < 0.15 and n_features > 2 and "regressor" not in name and "isolation" not in name:
            steps.append(SelectKBest(k=min(n_features, 6)))
        elif source.random() < 0.3 and name in ("logistic", "ridge", "linear svc", "net", "least squares"):
            steps.append(PCA(n_components=min(2, n_features), whiten=_pick(source, True, False)))
        return make_pipeline(*steps, estimator)
    return estimator


def draw(seed: int, only: str = "") -> tuple[str, Any, Rows, Rows, Rows]:
    """(name, estimator that is not fitted, X, y, other rows)."""
    source = np.random.default_rng(seed)
    kind, X, other = _matrix(source)
    y = _target(source, X)
    group = int(source.choice(3, p=[0.65, 0.25, 0.1]))
    table = (_classifiers, _regressors, _detectors)[group](source)
    names = sorted(table)
    if only:
        tables = [made(source) for made in (_classifiers, _regressors, _detectors)]
        group, name = next(
            (number, name) for number, made in enumerate(tables) for name in made if name == only
        )
        table = tables[group]
    else:
        name = names[int(source.integers(len(names)))]
    if group == 0:
        y = _labels(source, y)
    elif group == 1:
        y = y * _log(source, -4, 4) + source.choice([0, 0, 1000])
    estimator = _in_front(source, table[name](), name, X.shape[1])
    steps = "".join(f"{type(step).__name__}, " for _, step in getattr(estimator, "steps", [])[:-1])
    return f"{steps}{name} on {kind} {X.shape}", estimator, X, (None if group == 2 else y), other


# ---- the check


def check(seed: int, targets: tuple[str, ...] = (), only: str = "") -> Outcome:
    """Fit, compile and compare one random estimator."""
    name, estimator, X, y, other = draw(seed, only)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            estimator.fit(X) if y is None else estimator.fit(X, y)
        except ValueError as error:
            return Outcome(seed, name, "unfit", str(error)[:100])
        return _compare(seed, name, estimator, X, other, targets)


def _compare(seed: int, name: str, estimator: Any, X: Rows, other: Rows, targets: tuple[str, ...]) -> Outcome:
    source = np.random.default_rng(seed)
    try:
        ir = families.to_ir(estimator)
        # The compiler takes its time with much code.
        n_nodes = sum(len(tree.feature) for tree in getattr(ir, "trees", ()))
        compiled = midge.compile(estimator, X, layout="table" if n_nodes > MOST_CODE_NODES else "auto")
    except (UnsupportedModel, CompileError, ParityError) as error:
        return Outcome(seed, name, "refused", f"{type(error).__name__}: {error}")
    model = compiled.model
    by = model.quantisation
    sets = {"training": X, "other": other}
    if by.kind == "none":
        edge = source.integers(-32768, 32768, (60, X.shape[1]))
        edge[0], edge[1] = -32768, 32767
        sets["any int16"] = edge
    found = Outcome(seed, name, "same", epsilon=model.epsilon)
    problems = []
    allowed = model.epsilon + (0.0 if by.kind == "none" else model.ir.input_epsilon()) + 1e-12
    for which, rows in sets.items():
        given = np.asarray(rows, np.float64)
        read = by.apply(given)
        scores, winners = compiled._host.classify(read)
        expected, expected_winners = golden.expected(model.ir, read)
        if not np.array_equal(scores, expected) or not np.array_equal(winners, expected_winners):
            problems.append(f"{which}: C is not the integer reference")
        true_scores, true_winners = families.answers(estimator, model.ir, given)
        answer = reference.evaluate(model.ir, read)
        differs = winners != true_winners
        inside = answer.margins <= allowed
        # Sums and scales of some kinds are declared for rows like the training rows.
        if by.kind != "none":
            inside |= (np.abs(read.astype(np.int32)) >= 32767).any(axis=1)
        elif which == "any int16" and model.ir.kind in ("kernel", "net", "gaussian", "quadratic"):
            inside[:] = True
        elif isinstance(model.ir, Neighbors) and (model.ir.metric != 1).any():
            inside |= (read < X.min(axis=0)).any(axis=1) | (read > X.max(axis=0)).any(axis=1)
        is_tree = model.ir.kind in ("forest", "additive")
        bad = int((differs & ~inside).sum())
        most = 0
        if is_tree and by.kind != "none":
            # Off the training rows, values between two thresholds' neighbours may land on the other side.
            most = by.collisions if which == "training" else max(2, len(rows) // 20)
        if bad > most:
            problems.append(f"{which}: {bad} of {len(rows)} rows have another answer")
        found.inside += int((differs & inside).sum())
        found.near += int(inside.sum())
        found.rows += len(rows)
        if which == "training" and not len(compiled.classes):
            clear = slice(None)
            if isinstance(model.ir, Neighbors):
                # Which of the equally near ones are taken is anybody's choice.
                clear = ~undecided(model.ir, read.astype(np.float64), 1e-3)
            error = np.abs(scores / 32767 - true_scores)[clear].max(initial=0.0)
            found.details["score_error"] = float(error)
            if error > 2e-3 and not (is_tree and by.collisions):
                problems.append(f"{which}: values are off by {error:.2g} of full scale")
    for target in targets:
        try:
            emulator = midge.build_model(model, target).emulator()
        except Exception as error:
            problems.append(f"{target}: {type(error).__name__}: {error}")
            continue
        read = by.apply(np.asarray(other, np.float64))[:40]
        scores, winners = compiled._host.classify(read)
        for row, row_scores, winner in zip(read, scores, winners, strict=True):
            index, board = emulator.classify(row)
            if index != winner or not np.array_equal(board, row_scores):
                problems.append(f"{target}: the module differs from the C")
                break
    if problems:
        found.kind, found.text = "wrong", "; ".join(problems)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("first", type=int)
    parser.add_argument("last", type=int)
    parser.add_argument("--target", action="append", default=[])
    parser.add_argument("--only", default="")
    parser.add_argument("--debug", action="store_true")
    args = parser.parse_args()
    total: collections.Counter[str] = collections.Counter()
    for seed in range(args.first, args.last):
        start = time.monotonic()
        try:
            outcome = check(seed, tuple(args.target), args.only)
        except Exception as error:
            if args.debug:
                traceback.print_exc()
            outcome = Outcome(seed, draw(seed, args.only)[0], "crash", f"{type(error).__name__}: {error}")
        if args.debug:
            print(f"{seed} {outcome.kind} {outcome.name} {time.monotonic() - start:.1f} s", flush=True)
        total[outcome.kind] += 1
        total["rows"] += outcome.rows
        total["inside"] += outcome.inside
        total["near"] += outcome.near
        if outcome.kind not in ("same", "unfit"):
            print(outcome.seed, outcome.kind, outcome.name, "|", outcome.text, flush=True)
    print(dict(total))


if __name__ == "__main__":
    main()
