"""Random estimators of every family that midge compiles, from a source of randomness; not fitted yet."""

from __future__ import annotations

from typing import Any

import numpy as np
import random_data
from random_data import Rows, Source
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


def _pick(source: Source, *values: Any) -> Any:
    return values[int(source.integers(len(values)))]


def _log(source: Source, low: float, high: float) -> float:
    return float(10 ** source.uniform(low, high))


def _tree_options(source: Source) -> dict[str, Any]:
    return {
        "max_depth": _pick(source, 1, 2, 4, 8, None),
        "min_samples_leaf": _pick(source, 1, 1, 5),
        "max_leaf_nodes": _pick(source, None, None, 7),
        "max_features": _pick(source, None, "sqrt", 0.5),
        "ccp_alpha": _pick(source, 0.0, 0.0, 0.01),
        "random_state": int(source.integers(1000)),
    }


def _classifiers(source: Source) -> dict[str, Any]:
    n_trees = _pick(source, 1, 3, 10, 40)
    seed = int(source.integers(1000))
    return {
        "tree": lambda: tree.DecisionTreeClassifier(
            criterion=_pick(source, "gini", "entropy", "log_loss"),
            class_weight=_pick(source, None, "balanced"),
            **_tree_options(source),
        ),
        "extra tree": lambda: tree.ExtraTreeClassifier(**_tree_options(source)),
        "forest": lambda: ensemble.RandomForestClassifier(
            n_trees,
            class_weight=_pick(source, None, "balanced", "balanced_subsample"),
            bootstrap=_pick(source, True, False),
            **_tree_options(source),
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
            C=_log(source, -3, 3),
            solver=_pick(source, "lbfgs", "newton-cg", "saga", "newton-cholesky"),
            fit_intercept=_pick(source, True, True, False),
            class_weight=_pick(source, None, "balanced"),
            max_iter=60,
        ),
        "ridge": lambda: linear_model.RidgeClassifier(alpha=_log(source, -3, 3)),
        "linear svc": lambda: svm.LinearSVC(
            C=_log(source, -3, 1),
            loss=_pick(source, "hinge", "squared_hinge"),
            fit_intercept=_pick(source, True, False),
            random_state=seed,
            max_iter=200,
        ),
        "sgd": lambda: linear_model.SGDClassifier(
            loss=_pick(source, "hinge", "log_loss", "modified_huber", "perceptron", "squared_error"),
            penalty=_pick(source, "l2", "l1"),
            alpha=_log(source, -5, -1),
            random_state=seed,
        ),
        "ridge by folds, classes": linear_model.RidgeClassifierCV,
        "perceptron": lambda: linear_model.Perceptron(random_state=seed),
        "svc linear": lambda: svm.SVC(
            kernel="linear", C=_log(source, -2, 2), break_ties=_pick(source, False, True), max_iter=2000
        ),
        "svc rbf": lambda: svm.SVC(
            C=_log(source, -2, 2),
            gamma=_pick(source, "scale", "auto", 0.1),
            class_weight=_pick(source, None, "balanced"),
            decision_function_shape=_pick(source, "ovr", "ovo"),
            max_iter=2000,
        ),
        "svc poly": lambda: svm.SVC(
            kernel="poly", degree=_pick(source, 2, 3), coef0=_pick(source, 0.0, 1.0), max_iter=2000
        ),
        "nu svc": lambda: svm.NuSVC(nu=0.1, max_iter=2000),
        "net": lambda: neural_network.MLPClassifier(
            _pick(source, (4,), (16,), (10, 6), (30,)),
            activation=_pick(source, "relu", "tanh", "logistic", "identity"),
            solver=_pick(source, "adam", "lbfgs", "sgd"),
            alpha=_log(source, -5, 0),
            max_iter=_pick(source, 5, 60),
            random_state=seed,
        ),
        "bayes": lambda: naive_bayes.GaussianNB(var_smoothing=_pick(source, 1e-9, 1e-3, 0.1)),
        "neighbors": lambda: neighbors.KNeighborsClassifier(
            _pick(source, 1, 3, 5, 10),
            p=_pick(source, 2, 2, 1),
            algorithm=_pick(source, "auto", "brute", "kd_tree"),
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
        "ridge by folds": linear_model.RidgeCV,
        "nu svr": lambda: svm.NuSVR(C=_log(source, -1, 2), nu=0.3, max_iter=2000),
        "lasso": lambda: linear_model.Lasso(_log(source, -3, 0)),
        "elastic net": lambda: linear_model.ElasticNet(_log(source, -3, 0)),
        "sgd regressor": lambda: linear_model.SGDRegressor(random_state=seed),
        "linear svr": lambda: svm.LinearSVR(random_state=seed, max_iter=200),
        "svr rbf": lambda: svm.SVR(C=_log(source, -1, 2), max_iter=2000),
        "svr linear": lambda: svm.SVR(kernel="linear", C=_log(source, -1, 1), max_iter=2000),
        "svr poly": lambda: svm.SVR(kernel="poly", degree=2, max_iter=2000),
        "net regressor": lambda: neural_network.MLPRegressor(
            hidden_layer_sizes=_pick(source, (5,), (12, 6)),
            activation=_pick(source, "relu", "tanh", "logistic"),
            max_iter=40,
            random_state=seed,
        ),
        "neighbors regressor": lambda: neighbors.KNeighborsRegressor(
            _pick(source, 1, 4, 9), p=_pick(source, 2, 1)
        ),
    }


# Weights of a logistic regression that scikit-learn's newton-cholesky takes in seconds.
MOST_SQUARED = 3000
_DETECTORS = ("one class", "isolation", "envelope")


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
        is_labelled = name not in (*_DETECTORS, "mixture")
        if source.random() < 0.15 and n_features > 2 and is_labelled:
            steps.append(SelectKBest(k=min(n_features, 6)))
        elif source.random() < 0.3:
            n_components = min(_pick(source, 1, 2, 5, 12), n_features)
            steps.append(PCA(n_components=n_components, whiten=_pick(source, True, False)))
        return make_pipeline(*steps, estimator)
    return estimator


def draw(seed: int, only: str = "") -> tuple[str, Any, Rows, Rows, Rows]:
    """(name, estimator that is not fitted, X, y, other rows)."""
    source = np.random.default_rng(seed)
    kind, X, other = random_data.matrix(source)
    y = random_data.target(source, X)
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
        y = random_data.labels(source, y)
    elif group == 1:
        y = y * _log(source, -4, 4) + source.choice([0, 0, 1000])
    chosen = table[name]()
    if getattr(chosen, "solver", "") == "newton-cholesky" and X.shape[1] * len(np.unique(y)) > MOST_SQUARED:
        # It squares a matrix of all weights: gigabytes and minutes.
        chosen.set_params(solver="lbfgs")
    estimator = _in_front(source, chosen, name, X.shape[1])
    steps = "".join(f"{type(step).__name__}, " for _, step in getattr(estimator, "steps", [])[:-1])
    return f"{steps}{name} on {kind} {X.shape}", estimator, X, (None if group == 2 else y), other
